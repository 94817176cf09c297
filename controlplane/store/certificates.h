/* Certificates of nodes and the authority behind them. */
#ifndef LARDER_CONTROLPLANE_STORE_CERTIFICATES_H
#define LARDER_CONTROLPLANE_STORE_CERTIFICATES_H

#include "controlplane/store/store.h"

/* ERR_NOT_FOUND before there is one. */
must_use struct err store_authority_get(struct store_tx *tx, struct authority *out);
must_use struct err store_authority_put(struct store_tx *tx, const struct authority *authority);

/* Gives a node its certificate, or another one: `revision` is counted here. Raises the generation
 * of the node's host. (writer: reconcile) */
must_use struct err store_certificate_put(struct store_tx *tx, int64_t node_id,
                                          const struct node_certificate *certificate);

/* Of each node that has one, among those of the clusters, without keys; ordered by node. */
must_use struct err store_certificate_list(struct store_tx *tx, int64_t cluster_id,
                                           struct node_certificate **out, size_t *out_count);

#endif
