/* Another number of shards, or other shares of the slots, for all handlers that ask for them;
 * private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_RESHARDING_H
#define LARDER_CONTROLPLANE_OPS_RESHARDING_H

#include "contract/elasticache.h"
#include "controlplane/ops/group_facts.h"

/* What a request says; NULL or an empty list: nothing. */
struct resharding {
    int64_t count;                                         /* of shards afterwards */
    const struct ec_resharding_configuration_list *zones;  /* of new shards' members */
    const struct ec_node_groups_to_remove_list *to_remove; /* ids: "0003" or "3" */
    const struct ec_node_groups_to_retain_list *to_retain;
    const char *subnets; /* ids, where the group has no group of subnets */
    /* For a secondary of a global datastore: the number of the first new shard, as the primary
     * gives it. 0: the group decides, and its slots are dealt anew. */
    int64_t next_shard;
};

/*
 * Checks all of it, records the shards and members to be and which slots are to move, and begins
 * the operation; `f` is then as the answer shows it. The group was found by group_facts_for_change.
 * A number of shards that the group has already balances their slots. A secondary gets new shards
 * alone: its slots, and which shards go, follow the primary's.
 *
 * FAULT_INVALID_PARAMETER_VALUE, FAULT_INVALID_PARAMETER_COMBINATION,
 * FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED,
 * FAULT_NODE_QUOTA_FOR_CUSTOMER_EXCEEDED, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY.
 */
must_use struct err resharding_begin(struct call *c, struct group_facts *f,
                                     const struct resharding *in);

#endif
