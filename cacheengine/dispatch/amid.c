/* Looking around amid a command. The one idea: what has come of the owner is run like any call,
 * with a guard up that puts off all that could tear what the command is doing. */
#include "cacheengine/dispatch/amid.h"

#include "base/clock.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/pubsub.h"

void amid_look_slow(struct engine *e, const struct client *occupied)
{
    struct pubsub_turn turn;

    e->looked_ticks = engine_ticks();
    /* What runs keeps its time for deadlines of keys; a lease knows the clock alone. */
    keyspace_set_passed(&e->keyspace, clock_boot_ms(&clock_system));
    if (e->authority.is_leased)
        authority_look_slow(e);
    if (!e->host || !e->host->serve_owner || e->loading.is_on)
        return;
    pubsub_turn_begin(e, NULL, &turn);
    guard_set(e, GUARD_BUSY, true);
    e->host->serve_owner(e, occupied);
    guard_set(e, GUARD_BUSY, false);
    pubsub_turn_end(e, NULL, &turn);
}

void amid_end_slow(struct engine *e)
{
    e->owner_waits = false;
    for (struct client *c = e->oldest; c; c = c->newer) {
        if (!c->is_admin || !c->is_postponed || c->is_killed)
            continue;
        c->is_postponed = false;
        c->host->resume(c);
    }
}
