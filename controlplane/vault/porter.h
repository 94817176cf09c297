/* The thread that carries snapshots' files: to buckets, from buckets, and away. */
#ifndef LARDER_CONTROLPLANE_VAULT_PORTER_H
#define LARDER_CONTROLPLANE_VAULT_PORTER_H

#include "base/err.h"
#include "controlplane/model/buckets.h"

struct clock;
struct porter;
struct store;
struct vault;

struct porter_conf {
    struct store *store; /* borrowed, as is what follows */
    struct vault *vault;
    const struct buckets *buckets;
    const struct clock *clock;
};

must_use struct err porter_start(const struct porter_conf *conf, struct porter **out);
void porter_stop(struct porter *p);

#endif
