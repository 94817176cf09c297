/* Messages of agents: who may send them, and their way to the fleet and back. */
#ifndef LARDER_CONTROLPLANE_FRONT_AGENTS_H
#define LARDER_CONTROLPLANE_FRONT_AGENTS_H

#include "base/str.h"
#include "controlplane/api/api.h"

#include <stdbool.h>
#include <stdint.h>

struct agents;
struct arena;
struct dns;
struct fleet;
struct vault;

struct agents_call {
    const struct api_request *request;
    bool is_local;     /* from this machine */
    bool may_wait;     /* a poll may be held back */
    const void *again; /* what the last call gave in out_again, while the poll was held */
};

/* `token` NULL: only callers on this machine. `vault` NULL: there are no snapshots. `dns` NULL:
 * copies of the zone are told nothing. All borrowed. */
struct agents *agents_new(struct fleet *fleet, struct api *api, struct vault *vault,
                          struct dns *dns, const char *token);
void agents_free(struct agents *g);

/* True for paths below /agent/. */
bool agents_own_path(struct str path);

/*
 * Answers a message. When the poll is to be held back, `*out_wait_ms` is how long at most, `out` is
 * untouched, and `*out_again` (in `a`, which must then live on) goes into the next call for the
 * same request. Else `*out_wait_ms` is 0.
 */
void agents_handle(struct agents *g, struct arena *a, const struct agents_call *call,
                   struct api_response *out, int64_t *out_wait_ms, const void **out_again);

#endif
