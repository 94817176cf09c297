/*
 * What has an order: each kind of operation as a table of steps. A step looks and decides; it never
 * waits itself. The number of the current step is stored, so that another process can go on from
 * it.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_STEPS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/failpoint.h"

enum step_result {
    STEP_DONE,
    STEP_WAIT, /* for a report; at the operation's deadline waiting becomes failing */
};

struct step {
    const char *name;
    enum step_result (*run)(struct view *v, struct decisions *d);
};

/* The names of all steps of all operations. */
void steps_name(struct arena *a, struct failpoint_names *out);

/* Takes the view's running operation as far as it goes. */
void steps_run(struct view *v, struct decisions *d);

#endif
