/* What has an order for a whole group: each kind of operation as a table of steps, like steps.h;
 * private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GROUP_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_GROUP_STEPS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Takes the group's running operation as far as it goes. */
void group_steps_run(struct group_view *g, struct decisions *d);

#endif
