/* The steps of moving data into a group from a server outside; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_MIGRATION_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_MIGRATION_STEPS_H

#include "controlplane/reconcile/group_steps.h"

extern const struct step migration_test_steps[2], migration_steps[4], migration_complete_steps[3];

/* It did not come about: nobody is followed any more. */
void migration_give_up(struct group_view *g, struct decisions *d);

#endif
