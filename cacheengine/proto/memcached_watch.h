/*
 * watch: lines of what happens for those who asked for them (memcached_watch.c). Whoever does
 * something that is watched says so; while nobody watches that is one test.
 */
#ifndef LARDER_PROTO_MEMCACHED_WATCH_H
#define LARDER_PROTO_MEMCACHED_WATCH_H

#include "cacheengine/proto/memcached.h"

/* Something was stored, or was to be. */
struct mc_stored_event {
    struct str key;
    const char *status, *command; /* memcached's words */
    size_t size;                  /* of the value */
    int64_t deadline_ms;
};

void mc_watch_fetch_slow(struct cmd_call *c, struct key k);
void mc_watch_store_slow(struct cmd_call *c, const struct mc_stored_event *what);

/* An item is about to be looked for. */
static inline void mc_watch_fetch(struct cmd_call *c, struct key k)
{
    if (__builtin_expect(mc_state(c)->watchers.kinds & MC_FETCHERS, 0))
        mc_watch_fetch_slow(c, k);
}

/* Has the engine tell of clients that come and go. */
void mc_watch_init(struct engine *e);

/* It watches no more. */
void mc_watch_forget(struct mc_state *s, const struct client *client);

void mc_run_watch(struct cmd_call *c);

#endif
