/* What members have alike is not asked for: the request is completed from the primary, and then
 * goes the way of all. */
#include "controlplane/ops/global_join.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/global_parameters.h"
#include "controlplane/ops/members.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

static const struct member_rule inherited[] = {
    {"Engine",                      NULL},
    {"EngineVersion",               NULL},
    {"CacheNodeType",               NULL},
    {"CacheParameterGroupName",     NULL},
    {"AtRestEncryptionEnabled",     NULL},
    {"TransitEncryptionEnabled",    NULL},
    {"TransitEncryptionMode",       NULL},
    {"NumNodeGroups",               NULL},
    {"ClusterMode",                 NULL},
    {"AutomaticFailoverEnabled",    NULL},
    {"PrimaryClusterId",            NULL},
    {"SnapshotArns",                NULL},
    {"SnapshotName",                NULL},
    {"ServerlessCacheSnapshotName", NULL},
};

#define WHY "%s cannot be used with GlobalReplicationGroupId."

/* Groups of parameters are of one region: it gets its own. */
static struct err inherit_parameters(struct call *c, const struct replication_group *primary,
                                     struct ec_create_replication_group_in *out)
{
    struct caller who;
    struct call there = global_call_in(c, primary->region, &who);
    const char *member = name_fold(c->arena, out->replication_group_id);
    struct parameter_facts facts;

    TRY(parameters_find(&there, primary->common.parameter_group, &facts));
    return global_parameters_copy(c, member, &facts, &out->cache_parameter_group_name);
}

static struct err check_place(struct call *c, const struct global_facts *f)
{
    if (f->count > GLOBAL_SECONDARIES_MAX)
        return fault(c, FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE,
                     "Global replication group %s has %d secondary replication groups already.",
                     f->datastore.name, GLOBAL_SECONDARIES_MAX);
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->members[i].region, c->caller->region) == 0)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "Global replication group %s has a replication group in %s already.",
                         f->datastore.name, c->caller->region);
    return OK;
}

/* The same shards with the same slots; how many replicas, and where, the request may say. */
static struct err inherit_shards(struct call *c, const struct group_facts *primary,
                                 const struct ec_create_replication_group_in *in,
                                 struct ec_create_replication_group_in *out)
{
    int64_t replicas = in->replicas_per_node_group.has ? in->replicas_per_node_group.value
                       : in->num_cache_clusters.has    ? in->num_cache_clusters.value - 1
                                                       : 0;
    struct ec_node_group_configuration *shards =
        arena_array(c->arena, primary->shard_count, sizeof(*shards));
    size_t count = 0;

    if (in->node_group_configuration.count > 0)
        return COMBINATION(WHY, "NodeGroupConfiguration");
    if (primary->group.mode != CLUSTER_MODE_ENABLED)
        return OK;
    for (size_t i = 0; i < primary->shard_count; i++)
        if (primary->shards[i].is_wanted)
            shards[count++] = (struct ec_node_group_configuration){
                .node_group_id = primary->shards[i].number,
                .slots = primary->shards[i].slots,
                .replica_count = INT_OF(replicas),
            };
    out->node_group_configuration.has = true;
    out->node_group_configuration.items = shards;
    out->node_group_configuration.count = count;
    out->num_node_groups = INT_OF((int64_t)count);
    out->num_cache_clusters = (struct opt_int){0};
    return OK;
}

static void inherit_settings(const struct replication_group *primary,
                             struct ec_create_replication_group_in *out)
{
    bool has_replicas = out->num_cache_clusters.value > 1 || out->replicas_per_node_group.value > 0;

    out->engine = primary->common.engine;
    out->engine_version =
        engine_version_reported(primary->common.engine, primary->common.engine_version)->version;
    out->cache_node_type = primary->common.node_type;
    out->cluster_mode = cluster_mode_name(primary->mode);
    out->at_rest_encryption_enabled = BOOL_OF(primary->is_encrypted_at_rest);
    out->transit_encryption_enabled = BOOL_OF(primary->common.tls != TLS_OFF);
    if (primary->common.tls != TLS_OFF)
        out->transit_encryption_mode = tls_mode_name(primary->common.tls);
    out->automatic_failover_enabled =
        BOOL_OF(primary->mode != CLUSTER_MODE_DISABLED || (primary->has_failover && has_replicas));
    if (!out->port.has)
        out->port = INT_OF(primary->common.port);
}

struct err global_join(struct call *c, const struct ec_create_replication_group_in *in,
                       struct ec_create_replication_group_in *out, int64_t *out_datastore)
{
    struct global_facts facts;

    *out = *in;
    *out_datastore = 0;
    if (!member_has_text(in->global_replication_group_id))
        return OK;
    TRY(global_facts_for_change(c, in->global_replication_group_id, &facts));
    TRY(members_refuse(c, "CreateReplicationGroup", in, inherited, countof(inherited), WHY));
    if (in->network_type && strcmp(in->network_type, "ipv6") == 0)
        return COMBINATION("NetworkType ipv6 cannot be used with GlobalReplicationGroupId.");
    TRY(check_place(c, &facts));
    const struct group_facts *primary = global_facts_primary(&facts);
    TRY(inherit_shards(c, primary, in, out));
    inherit_settings(&primary->group, out);
    TRY(inherit_parameters(c, &primary->group, out));
    *out_datastore = facts.datastore.id;
    return OK;
}
