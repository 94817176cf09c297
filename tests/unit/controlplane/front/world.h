/* A store, handlers, interface and fleet of a test's own, in a folder that goes with it. */
#ifndef LARDER_TESTS_FRONT_WORLD_H
#define LARDER_TESTS_FRONT_WORLD_H

#include "base/arena.h"
#include "controlplane/front/front.h"
#include "controlplane/ops/ops.h"

struct world {
    struct arena arena;
    char dir[64];
    struct store *store;
    struct ops_conf ops_conf;
    struct ops *ops;
    struct api *api;
    struct fleet *fleet;
};

void world_open(struct world *w);
void world_close(struct world *w);

/* The front's configuration over it, on a free port. */
struct front_conf world_front_conf(const struct world *w);

#endif
