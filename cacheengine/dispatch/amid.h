/*
 * Amid a command that takes long (a script, a transaction): the owner's orders do not wait for its
 * end. Whoever runs such a command frames it, and looks around between its steps:
 *
 *     amid_begin(e);
 *     for each step {
 *         amid_look(e, client);
 *         ... text = e->guards ? guard_order_refusal(call) : NULL; else the step runs ...
 *     }
 *     amid_end(e);
 *
 * Orders that touch no data (LARDER.FENCE, LARDER.LEASE, LARDER.STATE) are obeyed there: a step
 * that writes after a fence is refused. All else that the owner sends stays in its place and runs
 * when the command has ended.
 */
#ifndef LARDER_DISPATCH_AMID_H
#define LARDER_DISPATCH_AMID_H

#include "cacheengine/dispatch/engine.h"

static inline void amid_begin(struct engine *e)
{
    e->looked_ticks = engine_ticks();
}

void amid_look_slow(struct engine *e, const struct client *occupied);

/* Looks at the clock of the lease and for the owner, about every millisecond. */
static inline void amid_look(struct engine *e, const struct client *occupied)
{
    if (__builtin_expect(engine_ticks() - e->looked_ticks > e->ticks_per_ms, 0))
        amid_look_slow(e, occupied);
}

void amid_end_slow(struct engine *e);

/* Lets those of the owner's calls go on that had to wait. */
static inline void amid_end(struct engine *e)
{
    if (__builtin_expect(e->owner_waits, 0))
        amid_end_slow(e);
}

#endif
