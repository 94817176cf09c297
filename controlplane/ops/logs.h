/* LogDeliveryConfigurations of clusters and replication groups; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_LOGS_H
#define LARDER_CONTROLPLANE_OPS_LOGS_H

#include "contract/elasticache.h"
#include "controlplane/ops/facts.h"
#include "controlplane/store/log_delivery.h"

#define WHY_LOGS_AT_ONCE "Log delivery can only be changed with ApplyImmediately."

/* What facts have of logs: for many clusters together. */
struct log_facts {
    struct log_delivery_list deliveries;
    struct log_error_list errors;
};

/* Reads them for clusters, by two queries at most. */
must_use struct err log_facts_load(struct call *c, const struct cluster_facts *list, size_t count,
                                   const struct log_facts **out);

/* Checks a request's list: nothing is recorded. */
must_use struct err logs_check(struct call *c, const struct engine_version *v,
                               const struct ec_log_delivery_configuration_request_list *in);

/* Records a list that was checked, for a cluster or a group (the other id is 0), over `now`. */
must_use struct err logs_record(struct call *c, int64_t cluster_id, int64_t group_id,
                                const struct log_facts *now,
                                const struct ec_log_delivery_configuration_request_list *in);

/* What a cluster or a group has, and what of it is on its way, told from the nodes of `clusters`.
 */
void logs_to_wire(struct call *c, int64_t cluster_id, int64_t group_id,
                  const struct log_facts *logs, const struct cluster_facts *clusters, size_t count,
                  struct ec_log_delivery_configuration_list *out,
                  struct ec_pending_log_delivery_configuration_list *pending);

/* Whether any log of the group is to be delivered. */
bool logs_of_group_enabled(const struct log_facts *logs, int64_t group_id);

#endif
