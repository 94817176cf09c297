/* What clients of memcached clusters are told of the nodes. */
#ifndef LARDER_CONTROLPLANE_STORE_DISCOVERY_H
#define LARDER_CONTROLPLANE_STORE_DISCOVERY_H

#include "controlplane/store/store.h"

/* Keeps the nodes ("host|ip|port host|ip|port"). Where they are others than before the cluster's
 * configuration_version grows, the generations of its hosts do, too, and `*out_changed` becomes
 * true. (writer: reconcile) */
must_use struct err store_discovery_set(struct store_tx *tx, int64_t cluster_id, const char *nodes,
                                        bool *out_changed);

#endif
