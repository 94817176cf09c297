/* ModifyReplicationGroupShardConfiguration. */
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/resharding.h"
#include "controlplane/ops/wire_groups.h"

struct err ec_modify_replication_group_shard_configuration(
    struct call *c, const struct ec_modify_replication_group_shard_configuration_in *in,
    struct ec_modify_replication_group_shard_configuration_out *out)
{
    const struct resharding asked = {
        .count = in->node_group_count.value,
        .zones = &in->resharding_configuration,
        .to_remove = &in->node_groups_to_remove,
        .to_retain = &in->node_groups_to_retain,
    };
    struct group_facts facts;

    TRY(group_facts_for_change(c, in->replication_group_id, &facts));
    TRY(global_refuse_member(c, &facts, "node groups are changed for all members at once"));
    if (!in->apply_immediately.value)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "ApplyImmediately must be true: the number of node groups cannot be changed "
                     "later.");
    TRY(resharding_begin(c, &facts, &asked));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
