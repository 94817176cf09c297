/* What nodes of a group are told of each other; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_TOPOLOGY_H
#define LARDER_CONTROLPLANE_RECONCILE_TOPOLOGY_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

#define TOPOLOGY_JOIN_MS 400

/*
 * Tells nodes of the topology as it is now, where that is news. Who is a member of a shard whose
 * roles changed hears of it with his role. All others hear at once of another primary, or that
 * slots are elsewhere, if they were told nothing for TOPOLOGY_JOIN_MS; what comes within that time
 * is told together. How nodes are is told with what comes next, or after that time. While the group
 * has an operation everything is told at once: its steps wait until all know.
 */
void topology_tell(struct group_view *g, struct decisions *d);

/* Tells all nodes now, news or not. */
void topology_tell_all(struct group_view *g, struct decisions *d);

#endif
