/* Endpoint names follow placed nodes; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_NAMES_H
#define LARDER_CONTROLPLANE_RECONCILE_NAMES_H

#include "controlplane/reconcile/group_view.h"

struct dns;

/* Publishes the names of a cluster's placed nodes, or unpublishes all of them when it is removed.
 * `before` is how the nodes stood before the pass. Failures are logged: the next pass says the same
 * again. */
void names_publish(struct dns *dns, struct arena *a, const struct view *v,
                   const struct node_list *before);

/* Publishes the names of a group: of the primary once it says that it is one, of the replicas that
 * follow it, of all nodes of a cluster; or unpublishes them, when the group is gone. Where it has
 * encryption in transit it has names of both forms: clients that know the plain ones go on. */
void names_publish_group(struct dns *dns, struct arena *a, const struct group_view *g);

#endif
