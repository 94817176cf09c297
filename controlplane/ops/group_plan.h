/* A replication group that is to be made: how many shards and members, which slots, which zones;
 * private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GROUP_PLAN_H
#define LARDER_CONTROLPLANE_OPS_GROUP_PLAN_H

#include "contract/elasticache.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/group.h"
#include "controlplane/ops/facts.h"
#include "controlplane/ops/siting.h"
#include "controlplane/ops/snapshots.h"

/* A member to be, in the order of their numbers: of each shard the primary first. */
struct seat {
    size_t shard;
    const char *zone; /* "" leaves it to placement */
};

struct group_plan {
    struct replication_group group;
    const struct engine_version *version;
    const struct node_type *type;
    struct cluster_facts *adopted; /* the cluster that becomes the primary; NULL for none */
    struct siting siting;
    struct shard *shards;
    size_t shard_count;
    struct seat *seats;
    size_t seat_count;
    struct tag *tags;
    size_t tag_count;
    struct restore restore;
};

/* Cluster mode, by ClusterMode, the parameter group and the number of shards. */
must_use struct err group_plan_mode(struct call *c, const struct ec_create_replication_group_in *in,
                                    struct group_plan *p);

/* Shards with their slots, and the seats of members with their zones. */
must_use struct err group_plan_shards(struct call *c,
                                      const struct ec_create_replication_group_in *in,
                                      struct group_plan *p);

/* Automatic failover and Multi-AZ. */
must_use struct err group_plan_flags(struct call *c,
                                     const struct ec_create_replication_group_in *in,
                                     struct group_plan *p);

/* That the zones exist, and that there is room for all at once. */
must_use struct err group_plan_claim(struct call *c, struct group_plan *p);

#endif
