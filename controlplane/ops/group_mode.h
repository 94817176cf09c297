/* ClusterMode of ModifyReplicationGroup: disabled, compatible, enabled, one step at a time; private
 * to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GROUP_MODE_H
#define LARDER_CONTROLPLANE_OPS_GROUP_MODE_H

#include "contract/elasticache.h"
#include "controlplane/ops/group_facts.h"

/* Whether the request names another mode than the group has. */
bool group_mode_is_asked(const struct ec_modify_replication_group_in *in,
                         const struct group_facts *f);

/* Checks the way and what it needs, records the parameter group and begins the operation; `f` is
 * then as the answer shows it. FAULT_INVALID_PARAMETER_COMBINATION and those of parameter groups.
 */
must_use struct err group_mode_change(struct call *c,
                                      const struct ec_modify_replication_group_in *in,
                                      struct group_facts *f);

/* A group on its way from one mode to the other is not modified in anything else:
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err group_mode_check_others(struct call *c,
                                            const struct ec_modify_replication_group_in *in,
                                            const struct group_facts *f);

#endif
