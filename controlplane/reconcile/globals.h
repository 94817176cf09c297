/* Members of global datastores: whom they follow, and how the roles of regions change; private to
 * reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GLOBALS_H
#define LARDER_CONTROLPLANE_RECONCILE_GLOBALS_H

#include "controlplane/reconcile/group_steps.h"

/* It runs, and its host still reports; not so for NULL. */
bool globals_is_reachable(const struct view *m);

/* Has each shard of a secondary follow the primary's shard of the same number. */
void globals_follow(struct group_view *g, struct decisions *d);

/* Has the other members looked at, where what was decided, or what is seen, is of interest there.
 */
void globals_wake(struct group_view *g, struct decisions *d);

/* LEAD: a secondary becomes the primary; YIELD: the primary becomes a secondary; LEAVE: a secondary
 * stands alone. The first two go on beside each other. */
extern const struct step global_lead_steps[5], global_yield_steps[4], global_leave_steps[2];

/* It did not come about: everything is as before. */
void globals_give_up(struct group_view *g, struct decisions *d);

#endif
