/* A group's members come and go one by one as cache clusters, while cluster mode is off. */
#include "controlplane/ops/member_clusters.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/place.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/wire.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

/* --- create --- */

/* A replica has all else from its group. */
static const struct member_rule inherited[] = {
    {"AZMode",                     NULL},
    {"PreferredAvailabilityZones", NULL},
    {"NumCacheNodes",              "1" },
    {"CacheNodeType",              NULL},
    {"Engine",                     NULL},
    {"EngineVersion",              NULL},
    {"CacheParameterGroupName",    NULL},
    {"CacheSubnetGroupName",       NULL},
    {"CacheSecurityGroupNames",    NULL},
    {"SecurityGroupIds",           NULL},
    {"SnapshotArns",               NULL},
    {"SnapshotName",               NULL},
    {"PreferredMaintenanceWindow", NULL},
    {"Port",                       NULL},
    {"NotificationTopicArn",       NULL},
    {"SnapshotRetentionLimit",     NULL},
    {"SnapshotWindow",             NULL},
    {"AuthToken",                  NULL},
    {"OutpostMode",                NULL},
    {"PreferredOutpostArn",        NULL},
    {"PreferredOutpostArns",       NULL},
    {"LogDeliveryConfigurations",  NULL},
    {"TransitEncryptionEnabled",   NULL},
    {"NetworkType",                NULL},
    {"IpDiscovery",                NULL},
};

static struct err check_group(struct call *c, const struct group_facts *f)
{
    if (!group_status_may_change(f->status))
        return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                     "Replication group must be in available state to modify.");
    if (f->group.mode != CLUSTER_MODE_DISABLED)
        return COMBINATION("Replicas of a replication group with cluster mode enabled are added "
                           "with IncreaseReplicaCount.");
    if (group_facts_count(f, &f->shards[0]) > REPLICAS_MAX)
        return fault(c, FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED,
                     "Cluster node quota exceeded. Each cluster can have at most %d nodes in this "
                     "region.",
                     1 + REPLICAS_MAX);
    return capacity_check_region(c, 1);
}

static struct err claim_room(struct call *c, const struct group_facts *f, const char **zone)
{
    const struct cluster *common = &f->group.common;
    int64_t key = place_key(0, f->shards[0].id);
    struct capacity capacity;
    struct siting siting;
    struct claim claim = {
        .keys = &key,
        .type = node_type_find(common->node_type),
        .port = common->port,
        .network = common->reach.network,
        .program = cluster_program(c->arena, common),
        .is_cross_az = true,
        .zones = zone,
        .count = 1,
    };

    check(claim.type != NULL);
    TRY(siting_change(c, common->subnet_group, common->security_groups, NULL, &siting));
    TRY(capacity_open(c, &siting, &capacity));
    for (size_t i = 0; i < f->member_count; i++)
        capacity_take_member(&capacity, key, &f->members[i].nodes);
    if (**zone)
        TRY(capacity_check_zone(c, &capacity, *zone));
    return capacity_claim(c, &capacity, &claim);
}

/* The group's tags, and over them those of the request. */
static struct err put_tags(struct call *c, const struct ec_create_cache_cluster_in *in,
                           const char *name)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    const char *arn = arn_make(c->arena, c->caller->region, c->caller->account, "cluster", name);
    struct tag *old;
    size_t old_count;

    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(store_tag_list(c->tx, arn, &old, &old_count));
    TRY(tags_check_quota(old, old_count, tags, in->tags.count));
    return tagging_put(c, arn, tags, in->tags.count);
}

struct err member_cluster_create(struct call *c, const struct ec_create_cache_cluster_in *in,
                                 struct ec_create_cache_cluster_out *out)
{
    const char *zone =
        member_has_text(in->preferred_availability_zone) ? in->preferred_availability_zone : "";
    struct group_facts group;
    struct cluster_facts facts;

    TRY(name_check(c->arena, "CacheClusterIdentifier", in->cache_cluster_id, CLUSTER_NAME_MAX));
    TRY(group_facts_find(c, in->replication_group_id, &group));
    TRY(members_refuse(c, "CreateCacheCluster", in, inherited, countof(inherited),
                       "The parameter %s cannot be used together with ReplicationGroupId."));
    TRY(check_group(c, &group));
    TRY(driver_same(c, &in->tags, group.group.common.driver));
    TRY(claim_room(c, &group, &zone));

    struct newcomer n = {&group.shards[0], zone, name_fold(c->arena, in->cache_cluster_id)};
    struct err e = membership_add_tagged(c, &group.group, &n);
    if (err_is(e, ERR_EXISTS))
        return fault(c, FAULT_CACHE_CLUSTER_ALREADY_EXISTS, "CacheCluster already exists: %s",
                     n.name);
    TRY(e);
    TRY(put_tags(c, in, n.name));
    TRY(group_facts_operate(c, &group, GROUP_REPLICAS, ""));
    TRY(facts_find(c, n.name, &facts));
    out->cache_cluster = wire_cluster_new(c, &facts);
    return OK;
}

/* --- delete --- */

static struct err check_replica(struct call *c, const struct group_facts *f,
                                const struct cluster_facts *m)
{
    size_t count = 0;

    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].id == m->cluster.shard_id)
            count = group_facts_count(f, &f->shards[i]);
    if (f->group.mode != CLUSTER_MODE_DISABLED)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is part of a replication group with cluster mode enabled, "
                     "and cannot be deleted by itself.",
                     m->cluster.name);
    if (count <= 1)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cannot delete the cache cluster since it is the only member of a replication "
                     "group. Delete the replication group instead.");
    if (group_facts_is_primary(f, m))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is serving as primary for replication group %s and cannot "
                     "be deleted.",
                     m->cluster.name, f->group.name);
    if (count <= 2 && f->group.has_failover)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cannot delete the cache cluster because it is the only read replica for "
                     "replication group %s which has autofailover enabled or pending.",
                     f->group.name);
    if (count <= 2)
        return durability_refuse_lone(c, f->group.durability);
    return OK;
}

struct err member_cluster_delete(struct call *c, const struct cluster_facts *m,
                                 const struct ec_delete_cache_cluster_in *in,
                                 struct ec_delete_cache_cluster_out *out)
{
    struct group_facts group;
    struct cluster_facts facts = *m;

    TRY(group_facts_find(c, m->group->name, &group));
    if (!group_status_may_change(group.status) || !cluster_status_may_delete(m->status))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in a valid state to be deleted.", m->cluster.name);
    TRY(check_replica(c, &group, m));
    if (member_has_text(in->final_snapshot_identifier))
        return fault(c, FAULT_SNAPSHOT_FEATURE_NOT_SUPPORTED,
                     "A final snapshot cannot be taken of a read replica.");
    TRY(membership_let_go(c, &facts));
    TRY(group_facts_operate(c, &group, GROUP_REPLICAS, ""));
    TRY(facts_refresh(c, &facts));
    out->cache_cluster = wire_cluster_new(c, &facts);
    return OK;
}

/* --- the rest --- */

struct err member_cluster_refuse_modify(struct call *c, const struct cluster_facts *f)
{
    if (!f->group)
        return OK;
    return COMBINATION("Cache cluster %s is part of the replication group %s. Use "
                       "ModifyReplicationGroup instead.",
                       f->cluster.name, f->group->name);
}

struct err member_cluster_refuse_reboot(struct call *c, const struct cluster_facts *f)
{
    if (!f->group || f->group->mode == CLUSTER_MODE_DISABLED)
        return OK;
    return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                 "Cache cluster %s is part of a replication group with cluster mode enabled, and "
                 "cannot be rebooted.",
                 f->cluster.name);
}
