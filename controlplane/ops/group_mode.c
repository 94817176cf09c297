/* Ways and needs as tables; what changes at once is the parameter group alone. */
#include "controlplane/ops/group_mode.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)
#define DEFAULT_SUFFIX   ".cluster.on"

static const struct {
    enum cluster_mode from, to;
} ways[] = {
    {CLUSTER_MODE_DISABLED,   CLUSTER_MODE_COMPATIBLE},
    {CLUSTER_MODE_COMPATIBLE, CLUSTER_MODE_ENABLED   },
    {CLUSTER_MODE_COMPATIBLE, CLUSTER_MODE_DISABLED  },
};

/* What may not come together with another mode. */
static const struct member_rule others[] = {
    {"ReplicationGroupDescription", NULL},
    {"PrimaryClusterId",            NULL},
    {"SnapshottingClusterId",       NULL},
    {"AutomaticFailoverEnabled",    NULL},
    {"MultiAZEnabled",              NULL},
    {"SecurityGroupIds",            NULL},
    {"PreferredMaintenanceWindow",  NULL},
    {"NotificationTopicArn",        NULL},
    {"NotificationTopicStatus",     NULL},
    {"Engine",                      NULL},
    {"EngineVersion",               NULL},
    {"AutoMinorVersionUpgrade",     NULL},
    {"SnapshotRetentionLimit",      NULL},
    {"SnapshotWindow",              NULL},
    {"CacheNodeType",               NULL},
    {"AuthToken",                   NULL},
    {"UserGroupIdsToAdd",           NULL},
    {"UserGroupIdsToRemove",        NULL},
    {"RemoveUserGroups",            NULL},
    {"LogDeliveryConfigurations",   NULL},
    {"IpDiscovery",                 NULL},
    {"TransitEncryptionEnabled",    NULL},
    {"TransitEncryptionMode",       NULL},
    {"Durability",                  NULL},
};

bool group_mode_is_asked(const struct ec_modify_replication_group_in *in,
                         const struct group_facts *f)
{
    return member_has_text(in->cluster_mode) &&
           strcmp(in->cluster_mode, cluster_mode_name(f->group.mode)) != 0;
}

struct err group_mode_check_others(struct call *c, const struct ec_modify_replication_group_in *in,
                                   const struct group_facts *f)
{
    if (f->group.mode != CLUSTER_MODE_COMPATIBLE)
        return OK;
    return members_refuse(c, "ModifyReplicationGroup", in, others, countof(others),
                          "The parameter %s cannot be modified while ClusterMode is compatible.");
}

static struct err check_way(struct call *c, const struct group_facts *f, enum cluster_mode to)
{
    for (size_t i = 0; i < countof(ways); i++)
        if (ways[i].from == f->group.mode && ways[i].to == to)
            return OK;
    return COMBINATION("ClusterMode cannot be changed from %s to %s.",
                       cluster_mode_name(f->group.mode), cluster_mode_name(to));
}

static struct err check_needs(struct call *c, const struct ec_modify_replication_group_in *in,
                              const struct group_facts *f)
{
    const struct cluster *cl = &f->group.common;

    TRY(members_refuse(c, "ModifyReplicationGroup", in, others, countof(others),
                       "The parameter %s cannot be modified together with ClusterMode."));
    TRY(driver_refuse(c, cl->driver, "cluster mode"));
    if (!in->apply_immediately.value)
        return COMBINATION("ClusterMode can only be changed with ApplyImmediately.");
    if (strcmp(cl->engine, "redis") == 0 && version_compare(cl->engine_version, "7.0") < 0)
        return COMBINATION("ClusterMode can only be changed with Redis 7.0 and later; the "
                           "replication group has %s.",
                           cl->engine_version);
    if (f->group.mode == CLUSTER_MODE_DISABLED && !f->group.has_failover)
        return COMBINATION("ClusterMode can only be changed with automatic failover enabled.");
    if (group_facts_count(f, &f->shards[0]) < 2)
        return COMBINATION("ClusterMode can only be changed with at least one replica.");
    return OK;
}

/* A default group is exchanged for its counterpart, one of the owner's own must be named. */
static struct err choose_name(struct call *c, const struct ec_modify_replication_group_in *in,
                              const char *current, bool is_clustered, const char **out)
{
    struct str name = str_of(current);

    *out = in->cache_parameter_group_name;
    if (member_has_text(*out))
        return OK;
    if (!str_starts(name, "default."))
        return COMBINATION(
            "CacheParameterGroupName is needed: the parameter group %s does not turn "
            "cluster mode %s.",
            current, is_clustered ? "on" : "off");
    if (is_clustered)
        *out = arena_printf(c->arena, "%s" DEFAULT_SUFFIX, current);
    else
        *out = str_dup(c->arena, (struct str){name.ptr, name.len - strlen(DEFAULT_SUFFIX)});
    return OK;
}

static struct err change_parameters(struct call *c, const struct ec_modify_replication_group_in *in,
                                    struct group_facts *f, enum cluster_mode to)
{
    struct cluster *cl = &f->group.common, changed = *cl;
    bool wants_cluster = to != CLUSTER_MODE_DISABLED, is_cluster;
    bool was_cluster = f->group.mode != CLUSTER_MODE_DISABLED;
    struct parameter_facts before, after;
    const char *name;

    if (was_cluster == wants_cluster && !member_has_text(in->cache_parameter_group_name))
        return OK;
    TRY(choose_name(c, in, cl->parameter_group, wants_cluster, &name));
    TRY(member_group_parameter_group(c, name,
                                     engine_version_reported(cl->engine, cl->engine_version),
                                     node_type_find(cl->node_type), false, &changed, &is_cluster));
    if (is_cluster != wants_cluster)
        return COMBINATION(
            "The parameter group %s turns cluster mode %s, and with ClusterMode %s it "
            "must be %s.",
            changed.parameter_group, is_cluster ? "on" : "off", cluster_mode_name(to),
            wants_cluster ? "on" : "off");
    TRY(parameters_find(c, cl->parameter_group, &before));
    TRY(parameters_find(c, changed.parameter_group, &after));
    if (was_cluster == wants_cluster) /* else engines are started anew, and take all on */
        TRY(parameters_check_swap(c, &before, &after));
    cl->parameter_group = changed.parameter_group;
    return OK;
}

static struct err record(struct call *c, struct group_facts *f)
{
    TRY(store_group_update(c->tx, &f->group));
    for (size_t i = 0; i < f->member_count; i++) {
        struct cluster *cl = &f->members[i].cluster;
        membership_take_common(cl, &f->group.common);
        TRY(store_cluster_update(c->tx, cl));
        store_touch_cluster(c->tx, cl->id);
    }
    return OK;
}

struct err group_mode_change(struct call *c, const struct ec_modify_replication_group_in *in,
                             struct group_facts *f)
{
    const char *before = f->group.common.parameter_group;
    enum cluster_mode to;

    check(cluster_mode_parse(in->cluster_mode, &to)); /* the spec has no others */
    TRY(check_way(c, f, to));
    TRY(check_needs(c, in, f));
    TRY(change_parameters(c, in, f, to));
    TRY(record(c, f));
    return group_facts_operate(
        c, f, GROUP_MODE, arena_printf(c->arena, "0 0 0 %s %s", cluster_mode_name(to), before));
}
