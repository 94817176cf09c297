/* Logs of clusters and replication groups that are sent on. */
#ifndef LARDER_CONTROLPLANE_STORE_LOG_DELIVERY_H
#define LARDER_CONTROLPLANE_STORE_LOG_DELIVERY_H

#include "controlplane/model/log_delivery.h"
#include "controlplane/store/store.h"

/* Takes the place of what its owner had for that log, with a new revision; raises the generation of
 * the hosts concerned. (writer: ops) */
must_use struct err store_log_delivery_put(struct store_tx *tx, const struct log_delivery *d);

/* Those of the clusters themselves and of the groups, in order of owners and types; ids as
 * query_id_list has them need not be in order. */
must_use struct err store_log_delivery_list(struct store_tx *tx, const int64_t *cluster_ids,
                                            size_t cluster_count, const int64_t *group_ids,
                                            size_t group_count, struct log_delivery_list *out);

/* Those that nodes of a host have, with the cluster of each in `cluster_id`, those of groups too.
 */
must_use struct err store_log_delivery_of_host(struct store_tx *tx, const char *host_id,
                                               struct log_delivery_list *out);

/* What a node could not send on. */
struct log_error {
    int64_t cluster_id, node_id;
    const char *log_type, *why;
};

struct log_error_list {
    struct log_error *items;
    size_t count;
};

/* Replaces the node's errors. (writer: fleet) */
must_use struct err store_log_errors_set(struct store_tx *tx, int64_t node_id,
                                         const struct log_error *errors, size_t count);
must_use struct err store_log_errors_of(struct store_tx *tx, const int64_t *cluster_ids,
                                        size_t count, struct log_error_list *out);

/* What is said of a cluster is said of the group that it becomes the first member of; or of a
 * group, of its last member. */
must_use struct err store_log_delivery_to_group(struct store_tx *tx, int64_t cluster_id,
                                                int64_t group_id);
must_use struct err store_log_delivery_to_cluster(struct store_tx *tx, int64_t group_id,
                                                  int64_t cluster_id);

#endif
