/* Members of hosts that do not come back are made anew elsewhere: private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_RELOCATE_H
#define LARDER_CONTROLPLANE_RECONCILE_RELOCATE_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

void relocate_members(struct group_view *g, struct decisions *d);

#endif
