/* What clients of memcached clusters are told of the nodes follows placed nodes, like names;
 * private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_DISCOVERY_H
#define LARDER_CONTROLPLANE_RECONCILE_DISCOVERY_H

#include "controlplane/reconcile/view.h"

/* Looks at a cluster of any kind. Nodes are told of by their names in `dns_zone`, or by their
 * addresses where that is NULL. `*out_changed` becomes true when hosts are to hear of it. */
must_use struct err discovery_look(struct store_tx *tx, const char *dns_zone, const struct view *v,
                                   bool *out_changed);

#endif
