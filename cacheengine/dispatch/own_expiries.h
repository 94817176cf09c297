/*
 * Keys that a writable replica (replica-read-only no) gave a deadline by itself. A replica leaves
 * it to its primary to remove what has expired; but of these keys the primary may know nothing, and
 * without this they would stay for ever, hidden.
 *
 * Their names are noted when clients' commands have run, and looked at by the regular work: those
 * whose time is up go, those that have no deadline any more are forgotten. Where client and primary
 * write to the same key there is no right answer; as with Redis, the deadline that is there counts.
 */
#ifndef LARDER_DISPATCH_OWN_EXPIRIES_H
#define LARDER_DISPATCH_OWN_EXPIRIES_H

#include "cacheengine/dispatch/engine.h"

/* Begins and ends as role and settings are now. */
void own_expiries_apply(struct engine *e);

/* Forgets all names: the data is another's. */
void own_expiries_forget(struct engine *e);

/* Removes some of those whose time is up; with the regular work. */
void own_expiries_tick_slow(struct engine *e);

static inline void own_expiries_tick(struct engine *e)
{
    if (e->own_expiries)
        own_expiries_tick_slow(e);
}

/* How many names are noted. */
uint64_t own_expiries_count(const struct engine *e);

void own_expiries_fini(struct engine *e);

#endif
