/* What nodes of a group are told of each other; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_TOPOLOGY_H
#define LARDER_CONTROLPLANE_RECONCILE_TOPOLOGY_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Tells all nodes of the topology as it is now, where that is news. */
void topology_tell(struct group_view *g, struct decisions *d);

#endif
