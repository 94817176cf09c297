/* Endpoint names follow placed nodes; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_NAMES_H
#define LARDER_CONTROLPLANE_RECONCILE_NAMES_H

#include "controlplane/reconcile/view.h"

struct dns;

/* Publishes the names of a cluster's placed nodes, and with `is_removed` unpublishes all of them.
 * `before` is how the nodes stood before the pass. Failures are logged: the next pass says the same
 * again. */
void names_publish(struct dns *dns, struct arena *a, const struct view *v,
                   const struct node_list *before, bool is_removed);

#endif
