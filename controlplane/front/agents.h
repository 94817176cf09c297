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
    const void *again; /* what the last call gave in its hold, while the poll was held */
};

/* What polls of FollowNames wait for; those of Sync wait for the key of their host. */
#define AGENTS_NAMES_KEY 0

/* How a poll is held back. */
struct agents_hold {
    int64_t wait_ms; /* how long at most; 0: it is answered */
    uint64_t key;    /* what it waits for, see store_host_key */
    const void *again;
};

/* `token` NULL: only callers on this machine. `vault` NULL: there are no snapshots. `dns` NULL:
 * copies of the zone are told nothing. All borrowed. */
struct agents *agents_new(struct fleet *fleet, struct api *api, struct vault *vault,
                          struct dns *dns, const char *token);
void agents_free(struct agents *g);

/* True for paths below /agent/. */
bool agents_own_path(struct str path);

/*
 * Answers a message. When the poll is to be held back, `out` is untouched, and what the hold has to
 * be looked at again (in `a`, which must then live on) goes into the next call for the same
 * request.
 */
void agents_handle(struct agents *g, struct arena *a, const struct agents_call *call,
                   struct api_response *out, struct agents_hold *out_hold);

#endif
