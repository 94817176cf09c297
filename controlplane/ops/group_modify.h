/* Changes of a replication group, for the calls that make them; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GROUP_MODIFY_H
#define LARDER_CONTROLPLANE_OPS_GROUP_MODIFY_H

#include "contract/elasticache.h"
#include "controlplane/ops/call.h"

/* What ModifyReplicationGroup does, with its faults, also for what members of global datastores
 * cannot change by themselves. */
must_use struct err group_modify(struct call *c, const struct ec_modify_replication_group_in *in,
                                 struct ec_modify_replication_group_out *out);

#endif
