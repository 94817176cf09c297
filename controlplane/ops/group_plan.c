/*
 * How a request says what a group looks like: by the number of clusters, or by shards and replicas,
 * or shard by shard. All become the same: a list of shards, and a list of seats.
 */
#include "controlplane/ops/group_plan.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/slots.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/members.h"

#include <stdlib.h>
#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)
#define VALUE(...)       fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

/* --- cluster mode --- */

static bool is_word(const char *given, const char *word)
{
    return given && strcmp(given, word) == 0;
}

/* What the parameter group turns on, and what the request says, must be one. */
static struct err check_mode(struct call *c, const struct ec_create_replication_group_in *in,
                             bool is_cluster)
{
    int64_t shards = in->num_node_groups.has ? in->num_node_groups.value : 1;

    if (is_cluster && is_word(in->cluster_mode, "disabled"))
        return COMBINATION("ClusterMode disabled cannot be used with a parameter group that turns "
                           "cluster mode on.");
    if (!is_cluster && in->cluster_mode && !is_word(in->cluster_mode, "disabled"))
        return COMBINATION("ClusterMode %s needs a parameter group that turns cluster mode on.",
                           in->cluster_mode);
    if (!is_cluster && (shards > 1 || in->node_group_configuration.count > 1))
        return COMBINATION("More than one node group needs a parameter group with cluster-enabled "
                           "set to yes.");
    return OK;
}

struct err group_plan_mode(struct call *c, const struct ec_create_replication_group_in *in,
                           struct group_plan *p)
{
    bool has_shards = in->num_node_groups.value > 1 || in->node_group_configuration.count > 1;
    bool wants_cluster =
        is_word(in->cluster_mode, "enabled") || is_word(in->cluster_mode, "compatible") ||
        ((has_shards || p->restore.snapshot.mode == CLUSTER_MODE_ENABLED) && !in->cluster_mode);
    const char *name = member_has_text(in->cache_parameter_group_name)
                           ? in->cache_parameter_group_name
                       : p->adopted ? p->group.common.parameter_group
                                    : NULL;
    bool is_cluster = false;

    TRY(member_group_parameter_group(c, name, p->version, p->type, wants_cluster, &p->group.common,
                                     &is_cluster));
    TRY(check_mode(c, in, is_cluster));
    if (is_cluster && p->adopted)
        return COMBINATION("A replication group with cluster mode enabled cannot be created from "
                           "an existing cluster.");
    if (is_word(in->cluster_mode, "compatible"))
        p->group.mode = CLUSTER_MODE_COMPATIBLE;
    else
        p->group.mode = is_cluster ? CLUSTER_MODE_ENABLED : CLUSTER_MODE_DISABLED;
    if (p->group.mode == CLUSTER_MODE_COMPATIBLE && has_shards)
        return COMBINATION("ClusterMode compatible needs exactly one node group.");
    return OK;
}

/* --- how many --- */

struct counts {
    size_t shards;
    size_t members; /* of each shard, as far as it does not say itself */
};

/* As many as a snapshot of a group in cluster mode has. */
static int64_t restored_shards(const struct group_plan *p)
{
    bool has_shards =
        p->restore.snapshot.mode == CLUSTER_MODE_ENABLED && p->restore.parts.count > 0;

    return has_shards && p->group.mode == CLUSTER_MODE_ENABLED ? (int64_t)p->restore.parts.count
                                                               : 1;
}

static struct err read_counts(struct call *c, const struct ec_create_replication_group_in *in,
                              const struct group_plan *p, struct counts *out)
{
    size_t described = in->node_group_configuration.count;
    int64_t shards = in->num_node_groups.has ? in->num_node_groups.value
                     : described > 0         ? (int64_t)described
                                             : restored_shards(p);
    int64_t replicas = in->replicas_per_node_group.has ? in->replicas_per_node_group.value : 0;
    int64_t clusters = in->num_cache_clusters.has ? in->num_cache_clusters.value : 1 + replicas;

    if (in->num_cache_clusters.has && (in->num_node_groups.has || in->replicas_per_node_group.has))
        return COMBINATION("NumCacheClusters cannot be used together with NumNodeGroups or "
                           "ReplicasPerNodeGroup.");
    if (in->num_cache_clusters.has && described > 0)
        return COMBINATION("NumCacheClusters cannot be used together with NodeGroupConfiguration.");
    if (in->num_cache_clusters.has && (clusters < 1 || clusters > 1 + REPLICAS_MAX))
        return VALUE("Invalid value %lld for NumCacheClusters. It must be between 1 and %d.",
                     (long long)clusters, 1 + REPLICAS_MAX);
    if (replicas < 0 || replicas > REPLICAS_MAX)
        return VALUE("Invalid value %lld for ReplicasPerNodeGroup. It must be between 0 and %d.",
                     (long long)replicas, REPLICAS_MAX);
    if (shards < 1)
        return VALUE("Invalid value %lld for NumNodeGroups. It must be at least 1.",
                     (long long)shards);
    if (shards > quota(c, shards_per_group))
        return fault(c, FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED,
                     "A replication group can have at most %d node groups.",
                     quota(c, shards_per_group));
    if (described > 0 && (int64_t)described != shards)
        return VALUE("The number of elements of NodeGroupConfiguration (%zu) must be NumNodeGroups "
                     "(%lld).",
                     described, (long long)shards);
    (void)p;
    *out = (struct counts){(size_t)shards, (size_t)clusters};
    return OK;
}

/* --- one shard --- */

/* "1" and "0001" are the same. */
static const char *shard_number(struct call *c, const char *given, size_t index)
{
    if (!member_has_text(given))
        return arena_printf(c->arena, "%04zu", index + 1);
    return arena_printf(c->arena, "%04d", (int)strtol(given, NULL, 10));
}

static struct err describe_shard(struct call *c, const struct ec_node_group_configuration *in,
                                 struct group_plan *p, size_t index, size_t *members)
{
    size_t zones = in->replica_availability_zones.count;

    if (in->primary_outpost_arn || in->replica_outpost_arns.count > 0)
        return COMBINATION("Outposts are not supported by this version.");
    if (in->replica_count.has &&
        (in->replica_count.value < 0 || in->replica_count.value > REPLICAS_MAX))
        return VALUE("Invalid value %lld for ReplicaCount. It must be between 0 and %d.",
                     (long long)in->replica_count.value, REPLICAS_MAX);
    if (in->replica_count.has)
        *members = 1 + (size_t)in->replica_count.value;
    else if (zones > 0)
        *members = 1 + zones;
    if (zones > 0 && zones + 1 != *members)
        return VALUE("ReplicaCount (%zu) must be the number of ReplicaAvailabilityZones (%zu).",
                     *members - 1, zones);
    p->shards[index].number = shard_number(c, in->node_group_id, index);
    for (size_t i = 0; i < index; i++)
        if (strcmp(p->shards[i].number, p->shards[index].number) == 0)
            return VALUE("NodeGroupConfiguration names the node group %s twice.",
                         p->shards[index].number);
    return OK;
}

static const char *described_zone(const struct ec_node_group_configuration *in, size_t member)
{
    const char *zone = "";

    if (in && member == 0)
        zone = in->primary_availability_zone;
    else if (in && in->replica_availability_zones.count >= member)
        zone = in->replica_availability_zones.items[member - 1];
    return zone ? zone : "";
}

static struct err add_shard(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p, size_t index, size_t members)
{
    const struct ec_node_group_configuration *described =
        in->node_group_configuration.count > 0 ? &in->node_group_configuration.items[index] : NULL;
    long long number;

    p->shards[index] = (struct shard){.number = shard_number(c, NULL, index), .slots = ""};
    if (described)
        TRY(describe_shard(c, described, p, index, &members));
    number = strtoll(p->shards[index].number, NULL, 10);
    if (number < 1)
        return VALUE("0000 is not a valid NodeGroupId.");
    if (p->group.mode != CLUSTER_MODE_ENABLED && number != 1)
        return VALUE("With cluster mode disabled the only node group is 0001.");
    if (number >= p->group.next_shard)
        p->group.next_shard = number + 1;
    for (size_t i = 0; i < members; i++)
        p->seats[p->seat_count++] = (struct seat){index, described_zone(described, i)};
    return OK;
}

/* --- slots --- */

static struct err described_slots(struct call *c, const struct ec_create_replication_group_in *in,
                                  struct group_plan *p)
{
    struct slot_map all = {0};

    for (size_t i = 0; i < p->shard_count; i++) {
        const char *text = in->node_group_configuration.items[i].slots;
        struct slot_map own = {0};
        if (!member_has_text(text) || !slots_add(&own, text))
            return VALUE("The Slots of node group %s are not valid: %s. They are numbers and "
                         "ranges from 0 to 16383 with commas between.",
                         p->shards[i].number, text ? text : "");
        if (!slots_add(&all, text))
            return VALUE("NodeGroupConfiguration gives a slot of node group %s to another one, "
                         "too.",
                         p->shards[i].number);
        p->shards[i].slots = slots_text(c->arena, &own);
    }
    if (slots_count(&all) != SLOTS_ALL)
        return VALUE("The Slots of NodeGroupConfiguration must cover all slots from 0 to 16383.");
    return OK;
}

static struct err deal_slots(struct call *c, const struct ec_create_replication_group_in *in,
                             struct group_plan *p)
{
    size_t described = 0;

    for (size_t i = 0; i < in->node_group_configuration.count; i++)
        described += member_has_text(in->node_group_configuration.items[i].slots);
    if (described > 0 && p->group.mode != CLUSTER_MODE_ENABLED)
        return COMBINATION("Slots can only be given with cluster mode enabled.");
    if (described > 0)
        return described_slots(c, in, p);
    for (size_t i = 0; i < p->shard_count; i++)
        p->shards[i].slots = slots_even(c->arena, i, p->shard_count);
    return OK;
}

/* --- zones of a group with one shard --- */

static struct err deal_zones(struct call *c, const struct ec_create_replication_group_in *in,
                             struct group_plan *p)
{
    const struct ec_availability_zones_list *zones = &in->preferred_cache_cluster_a_zs;

    if (zones->count == 0)
        return OK;
    if (in->node_group_configuration.count > 0 || p->shard_count > 1)
        return COMBINATION("PreferredCacheClusterAZs can only be used with one node group that "
                           "NodeGroupConfiguration does not describe.");
    if (zones->count != p->seat_count)
        return COMBINATION("The number of PreferredCacheClusterAZs (%zu) must be the number of "
                           "cache clusters (%zu).",
                           zones->count, p->seat_count);
    for (size_t i = 0; i < p->seat_count; i++)
        p->seats[i].zone = zones->items[i] ? zones->items[i] : "";
    return OK;
}

/* The adopted cluster stays where it is. */
static struct err seat_adopted(struct call *c, struct group_plan *p)
{
    const struct node *n =
        p->adopted && p->adopted->nodes.count > 0 ? &p->adopted->nodes.items[0] : NULL;

    if (!p->adopted)
        return OK;
    if (!n)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in available state.", p->adopted->cluster.name);
    if (*p->seats[0].zone && strcmp(p->seats[0].zone, n->host_zone) != 0)
        return COMBINATION("The primary cluster %s is in %s.", p->adopted->cluster.name,
                           n->host_zone);
    p->seats[0].zone = n->host_zone;
    return OK;
}

struct err group_plan_shards(struct call *c, const struct ec_create_replication_group_in *in,
                             struct group_plan *p)
{
    struct counts counts = {0};

    TRY(read_counts(c, in, p, &counts));
    p->shards = arena_array(c->arena, counts.shards, sizeof(*p->shards));
    p->seats = arena_array(c->arena, counts.shards * (1 + REPLICAS_MAX), sizeof(*p->seats));
    p->shard_count = counts.shards;
    p->group.next_shard = 1;
    for (size_t i = 0; i < counts.shards; i++)
        TRY(add_shard(c, in, p, i, counts.members));
    if ((int64_t)p->seat_count > quota(c, nodes_per_group))
        return fault(c, FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED,
                     "Cluster node quota exceeded. Each cluster can have at most %d nodes in this "
                     "region.",
                     quota(c, nodes_per_group));
    TRY(deal_slots(c, in, p));
    TRY(deal_zones(c, in, p));
    return seat_adopted(c, p);
}

/* --- flags --- */

/* The shard with the fewest members. */
static size_t fewest_members(const struct group_plan *p)
{
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < p->shard_count; i++) {
        size_t count = 0;
        for (size_t k = 0; k < p->seat_count; k++)
            count += p->seats[k].shard == i;
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

/* Whether all seats of some shard were asked for in one zone. */
static bool is_in_one_zone(const struct group_plan *p)
{
    for (size_t i = 0; i < p->seat_count; i++) {
        bool is_alone = *p->seats[i].zone != '\0';
        for (size_t k = 0; k < p->seat_count && is_alone; k++)
            is_alone = p->seats[k].shard != p->seats[i].shard ||
                       strcmp(p->seats[k].zone, p->seats[i].zone) == 0;
        if (is_alone)
            return true;
    }
    return false;
}

static struct err plan_failover(struct call *c, const struct ec_create_replication_group_in *in,
                                struct group_plan *p)
{
    bool is_cluster = p->group.mode == CLUSTER_MODE_ENABLED;

    if (is_cluster && in->automatic_failover_enabled.has && !in->automatic_failover_enabled.value)
        return COMBINATION("Redis with cluster mode enabled cannot be created with auto failover "
                           "turned off.");
    p->group.has_failover = is_cluster || in->automatic_failover_enabled.value;
    if (p->group.has_failover && !is_cluster && fewest_members(p) < 2)
        return COMBINATION("When using automatic failover, there must be at least 2 cache clusters "
                           "in the replication group.");
    if (p->group.mode == CLUSTER_MODE_COMPATIBLE && !p->group.has_failover)
        return COMBINATION("ClusterMode compatible needs automatic failover.");
    return OK;
}

struct err group_plan_flags(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    TRY(plan_failover(c, in, p));
    p->group.is_multi_az = in->multi_az_enabled.value;
    if (!p->group.is_multi_az)
        return OK;
    if (!p->group.has_failover)
        return COMBINATION("MultiAZEnabled needs AutomaticFailoverEnabled.");
    if (fewest_members(p) < 2)
        return COMBINATION("MultiAZEnabled needs at least one replica in each node group.");
    if (is_in_one_zone(p))
        return COMBINATION("MultiAZEnabled needs replicas in other availability zones than the "
                           "primary's.");
    return OK;
}

/* --- room --- */

/* Shards have no ids yet: any numbers will do that nothing on the board has. */
static int64_t key_of(size_t shard)
{
    return INT64_MIN + (int64_t)shard;
}

struct err group_plan_claim(struct call *c, struct group_plan *p)
{
    size_t first = p->adopted ? 1 : 0, count = p->seat_count - first;
    const char **zones = arena_array(c->arena, count, sizeof(*zones));
    int64_t *keys = arena_array(c->arena, count, sizeof(*keys));
    struct capacity capacity;

    TRY(capacity_open(c, &p->siting, &capacity));
    if (p->adopted)
        capacity_take_member(&capacity, key_of(0), &p->adopted->nodes);
    for (size_t i = 0; i < count; i++) {
        zones[i] = p->seats[first + i].zone;
        keys[i] = key_of(p->seats[first + i].shard);
        if (*zones[i])
            TRY(capacity_check_zone(c, &capacity, zones[i]));
    }
    struct claim claim = {
        .keys = keys,
        .is_multi_az = p->group.is_multi_az && !p->adopted,
        .type = p->type,
        .port = p->group.common.port,
        .network = p->group.common.reach.network,
        .program = cluster_program(c->arena, &p->group.common),
        .is_cross_az = true,
        .zones = zones,
        .count = count,
    };
    if (count > 0)
        TRY(capacity_claim(c, &capacity, &claim));
    for (size_t i = 0; i < count; i++)
        p->seats[first + i].zone = zones[i];
    return OK;
}
