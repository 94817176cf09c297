/* Another cluster mode of a running group: engines have it from their start, so one after the other
 * is started anew, the primary as a replica. Pure; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_CLUSTER_MODE_H
#define LARDER_CONTROLPLANE_RECONCILE_CLUSTER_MODE_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Whether any node is to run in cluster mode: only then there is a topology. */
bool cluster_mode_is_anywhere(const struct group_view *g);

/* Starts the next replica anew, once the one before does all that it should; true when all replicas
 * have the mode that the operation wants. */
bool cluster_mode_roll(struct group_view *g, struct decisions *d);

/* Chooses a replica that is to be the primary, and notes it in the operation's data; false while
 * none is ready. True, too, when the primary has the mode already. */
bool cluster_mode_choose(struct group_view *g, struct decisions *d);

/* The group has the mode now, and says so. */
void cluster_mode_take(struct group_view *g, struct decisions *d);

/* It took too long: where the primary has the new mode it is the group's, else all is as it was. */
void cluster_mode_give_up(struct group_view *g, struct decisions *d);

/* What giving up has left: replicas that have another mode than their group. */
void cluster_mode_mend(struct group_view *g, struct decisions *d);

#endif
