/* What the wall clock's jumps do to times that are waited for: nothing. */
#ifndef LARDER_CONTROLPLANE_STORE_WALL_CLOCK_H
#define LARDER_CONTROLPLANE_STORE_WALL_CLOCK_H

#include "base/err.h"

struct arena;
struct clock;
struct store;
struct store_tx;

/* Smaller ones are left as they are: a clock that is brought into line slowly makes many of them.
 */
#define WALL_JUMP_LEAST_MS 1000

/* After a start operations have so long at least: what their hosts did meanwhile is heard first. */
#define WALL_GRACE_MS 5000

/*
 * From now on each write transaction asks whether the wall clock was set since the last one, and if
 * so first moves along all that is kept and waited for: deadlines of running operations, what was
 * noticed when. A jump while nobody ran is known where the machine was not started anew meanwhile
 * (`boot_id`); else no operation is given more time than it had in all. `clock` is borrowed. To be
 * called once, before others use the store.
 */
must_use struct err store_watch_clock(struct store *s, struct arena *a, const struct clock *clock,
                                      const char *boot_id);

#endif
