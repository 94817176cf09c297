/* What has an order for a whole group: each kind of operation as a table of steps, like steps.h;
 * private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GROUP_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_GROUP_STEPS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/failpoint.h"
#include "controlplane/reconcile/group_view.h"

/* AGAIN: from the first step on. OVER: what follows is not needed. */
enum step_result { STEP_DONE, STEP_WAIT, STEP_FAILED, STEP_AGAIN, STEP_OVER };

/* One that fails may say why in the operation. */
struct step {
    const char *name;
    enum step_result (*run)(struct group_view *g, struct decisions *d);
};

/* The names of all steps of all operations. */
void group_steps_name(struct arena *a, struct failpoint_names *out);

/* Takes the group's running operation as far as it goes. */
void group_steps_run(struct group_view *g, struct decisions *d);

#endif
