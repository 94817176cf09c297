/*
 * ModifyReplicationGroup. Settings change at once, in the group and in every member; another
 * version or size does, too, or waits for the maintenance window; another primary comes by an
 * operation. What cannot be changed is refused, unless the request names the value that the group
 * has.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/changes.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/encryption.h"
#include "controlplane/ops/group_mode.h"
#include "controlplane/ops/group_modify.h"
#include "controlplane/ops/logs.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/ops/reach.h"
#include "controlplane/ops/resizing.h"
#include "controlplane/ops/siting.h"
#include "controlplane/ops/wire_groups.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

typedef struct err (*change_fn)(struct call *c, const struct ec_modify_replication_group_in *in,
                                struct group_facts *f);

#define NOUN "replication group"

/* Nobody has cache security groups any more. NodeGroupId is a member that the hosted service does
 * not look at, either. */
static struct err check_security_group_names(struct call *c,
                                             const struct ec_modify_replication_group_in *in,
                                             struct group_facts *f)
{
    (void)f;
    return member_security_group_names(c, &in->cache_security_group_names);
}

/* --- version and size: at once, or parked --- */

static struct err change_version_and_type(struct call *c,
                                          const struct ec_modify_replication_group_in *in,
                                          struct group_facts *f)
{
    const struct change_request asked = {
        .noun = NOUN,
        .engine = in->engine,
        .engine_version = in->engine_version,
        .node_type = in->cache_node_type,
        .parameter_group = in->cache_parameter_group_name,
        .is_immediate = in->apply_immediately.value,
        .may_change_engine = true,
        .is_clustered = f->group.mode != CLUSTER_MODE_DISABLED,
    };
    struct cluster *cl = &f->group.common;
    struct parked parked;

    parked_parse(c->arena, cl->parked, &parked);
    TRY(changes_take(c, &asked, cl, &parked));
    if (*parked.engine && !in->remove_user_groups.value && in->user_group_ids_to_remove.count == 0)
        TRY(access_check_engine(c, f->group.entry.user_group, parked.engine,
                                parked.engine_version));
    cl->parked = asked.is_immediate ? "" : parked_text(c->arena, &parked);
    if (!asked.is_immediate)
        return OK;
    changes_apply(&parked, cl);
    return OK;
}

/* --- settings --- */

static struct err change_description(struct call *c,
                                     const struct ec_modify_replication_group_in *in,
                                     struct group_facts *f)
{
    if (!in->replication_group_description)
        return OK;
    if (strlen(in->replication_group_description) > DESCRIPTION_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "ReplicationGroupDescription must not be longer than %d characters.",
                     DESCRIPTION_MAX);
    f->group.description = in->replication_group_description;
    return OK;
}

static struct err change_settings(struct call *c, const struct ec_modify_replication_group_in *in,
                                  struct group_facts *f)
{
    struct cluster *cl = &f->group.common;

    if (in->preferred_maintenance_window || in->snapshot_window)
        TRY(member_windows(c, in->preferred_maintenance_window, in->snapshot_window, cl));
    TRY(member_snapshot_retention(c, in->snapshot_retention_limit, &cl->snapshot_retention));
    if (in->notification_topic_arn || in->notification_topic_status)
        TRY(member_topic(c, in->notification_topic_arn, in->notification_topic_status, cl));
    if (in->auto_minor_version_upgrade.has)
        cl->auto_minor_upgrade = in->auto_minor_version_upgrade.value;
    return reach_change(c, in->ip_discovery, &cl->reach);
}

/* A provider names "<group>-001" for a group in cluster mode, too, which has no such member. */
static struct err change_snapshotting(struct call *c,
                                      const struct ec_modify_replication_group_in *in,
                                      struct group_facts *f)
{
    if (!member_has_text(in->snapshotting_cluster_id))
        return OK;
    const char *name = name_fold(c->arena, in->snapshotting_cluster_id);
    if (f->group.mode == CLUSTER_MODE_ENABLED)
        return OK;
    if (!group_facts_member(f, name))
        return fault(c, FAULT_CACHE_CLUSTER_NOT_FOUND, "CacheCluster not found: %s", name);
    f->group.snapshotting_cluster = name;
    return OK;
}

static struct err change_parameters(struct call *c, const struct ec_modify_replication_group_in *in,
                                    struct group_facts *f)
{
    struct cluster *cl = &f->group.common, changed = *cl;
    bool is_cluster = false, was_cluster = f->group.mode != CLUSTER_MODE_DISABLED;
    struct parameter_facts from, to;
    struct parked parked;

    parked_parse(c->arena, cl->parked, &parked);
    if (!member_has_text(in->cache_parameter_group_name) || changes_family(cl, &parked))
        return OK; /* one of another family comes with the version that waits */
    TRY(member_group_parameter_group(c, in->cache_parameter_group_name,
                                     engine_version_reported(cl->engine, cl->engine_version),
                                     node_type_find(cl->node_type), false, &changed, &is_cluster));
    if (is_cluster != was_cluster)
        return COMBINATION("The parameter group %s turns cluster mode %s, and the replication "
                           "group has it %s.",
                           changed.parameter_group, is_cluster ? "on" : "off",
                           was_cluster ? "on" : "off");
    TRY(parameters_find(c, cl->parameter_group, &from));
    TRY(parameters_find(c, changed.parameter_group, &to));
    TRY(parameters_check_swap(c, &from, &to));
    cl->parameter_group = changed.parameter_group;
    return OK;
}

static struct err change_security_groups(struct call *c,
                                         const struct ec_modify_replication_group_in *in,
                                         struct group_facts *f)
{
    struct cluster *cl = &f->group.common;
    struct siting siting;

    if (!in->security_group_ids.has)
        return OK;
    TRY(siting_change(c, cl->subnet_group, cl->security_groups, &in->security_group_ids, &siting));
    cl->security_groups = siting.security_groups;
    return OK;
}

static struct err change_encryption(struct call *c, const struct ec_modify_replication_group_in *in,
                                    struct group_facts *f)
{
    struct cluster *cl = &f->group.common;
    enum tls_mode mode;

    TRY(encryption_change(c, in->transit_encryption_enabled, in->transit_encryption_mode,
                          engine_version_reported(cl->engine, cl->engine_version), cl->tls, &mode));
    if (mode != cl->tls && !in->apply_immediately.value)
        return COMBINATION("In-transit encryption can only be changed with ApplyImmediately.");
    if (mode != cl->tls)
        TRY(driver_refuse(c, cl->driver, "changes of in-transit encryption"));
    cl->tls = mode;
    return OK;
}

static struct err change_logs(struct call *c, const struct ec_modify_replication_group_in *in,
                              struct group_facts *f)
{
    const struct cluster *cl = &f->group.common;

    if (in->log_delivery_configurations.count == 0)
        return OK;
    if (!in->apply_immediately.value)
        return err_make(FAULT_INVALID_PARAMETER_COMBINATION, WHY_LOGS_AT_ONCE);
    TRY(driver_refuse(c, cl->driver, "log delivery"));
    TRY(logs_check(c, engine_version_reported(cl->engine, cl->engine_version),
                   &in->log_delivery_configurations));
    return logs_record(c, 0, f->group.id, f->member_count ? f->members[0].logs : NULL,
                       &in->log_delivery_configurations);
}

/* --- failover and zones --- */

/* Whether every shard has members in more than one zone. */
static bool is_spread(const struct group_facts *f)
{
    for (size_t i = 0; i < f->member_count; i++) {
        const struct cluster_facts *m = &f->members[i];
        bool is_alone = m->cluster.is_wanted && m->nodes.count > 0;
        for (size_t k = 0; k < f->member_count && is_alone; k++) {
            const struct cluster_facts *o = &f->members[k];
            if (o->cluster.is_wanted && o->cluster.shard_id == m->cluster.shard_id &&
                o->nodes.count > 0)
                is_alone = strcmp(o->nodes.items[0].host_zone, m->nodes.items[0].host_zone) == 0;
        }
        if (is_alone)
            return false;
    }
    return true;
}

static struct err tell(struct call *c, const struct group_facts *f, enum event_kind kind)
{
    struct event event = event_of_group(c->arena, &f->group, c->now_ms, kind, f->group.name, NULL);

    return store_event_add(c->tx, &event);
}

static struct err change_failover(struct call *c, const struct ec_modify_replication_group_in *in,
                                  struct group_facts *f)
{
    bool is_on = in->automatic_failover_enabled.value;

    if (!in->automatic_failover_enabled.has || is_on == f->group.has_failover)
        return OK;
    if (!is_on && f->group.mode != CLUSTER_MODE_DISABLED)
        return COMBINATION("Turning off automatic failover for replication group with cluster mode "
                           "enabled is not supported.");
    if (is_on && group_facts_fewest(f) < 2)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Must have at least 1 replica when cluster mode is disabled with auto "
                     "failover enabled.");
    f->group.has_failover = is_on;
    return tell(c, f, is_on ? EVENT_FAILOVER_ON : EVENT_FAILOVER_OFF);
}

static struct err change_multi_az(struct call *c, const struct ec_modify_replication_group_in *in,
                                  struct group_facts *f)
{
    bool was_on = f->group.is_multi_az;

    if (in->multi_az_enabled.has)
        f->group.is_multi_az = in->multi_az_enabled.value;
    if (!f->group.is_multi_az)
        return OK;
    if (!f->group.has_failover)
        return COMBINATION("MultiAZEnabled needs AutomaticFailoverEnabled.");
    if (!was_on && group_facts_fewest(f) < 2)
        return COMBINATION("MultiAZEnabled needs at least one replica in each node group.");
    if (!was_on && !is_spread(f))
        return COMBINATION("MultiAZEnabled needs replicas in other availability zones than the "
                           "primary's.");
    return OK;
}

/* --- what acknowledged writes outlive --- */

static struct err change_durability(struct call *c, const struct ec_modify_replication_group_in *in,
                                    struct group_facts *f)
{
    if (member_has_text(in->durability))
        TRY(durability_read(c, in->durability, &f->group.durability));
    return durability_check(c, &f->group, group_facts_fewest(f), f->global != NULL);
}

/* The order of the rows is the order in which mistakes are told. */
static const change_fn changes[] = {
    check_security_group_names,
    change_version_and_type,
    change_description,
    change_settings,
    change_snapshotting,
    change_parameters,
    change_security_groups,
    change_encryption,
    change_failover,
    change_multi_az,
    change_durability,
    change_logs,
};

/* --- another primary --- */

/* `*out` is NULL when nothing is to be switched. */
static struct err check_primary(struct call *c, const struct ec_modify_replication_group_in *in,
                                const struct group_facts *f, const struct cluster_facts **out)
{
    *out = NULL;
    if (!member_has_text(in->primary_cluster_id))
        return OK;
    const char *name = name_fold(c->arena, in->primary_cluster_id);
    const struct cluster_facts *m = group_facts_member(f, name);
    if (f->group.mode != CLUSTER_MODE_DISABLED)
        return COMBINATION("PrimaryClusterId cannot be used with cluster mode enabled.");
    if (!m)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The cache cluster %s is not a member of the replication group %s.", name,
                     f->group.name);
    if (group_facts_is_primary(f, m))
        return OK;
    if (f->group.has_failover)
        return COMBINATION("PrimaryClusterId cannot be changed while automatic failover is "
                           "enabled.");
    *out = m;
    return OK;
}

/* --- who may enter --- */

/* `*out_pending` is NULL when nothing changes. */
static struct err change_entry(struct call *c, const struct ec_modify_replication_group_in *in,
                               struct group_facts *f, const char **out_pending)
{
    const struct access_cache cache = {
        .replication_group_id = f->group.id,
        .engine = f->group.common.engine,
        .engine_version = f->group.common.engine_version,
        .has_tls = group_has_tls(&f->group),
    };
    const struct access_request asked = {
        .add = in->user_group_ids_to_add.items,
        .add_count = in->user_group_ids_to_add.count,
        .remove = in->user_group_ids_to_remove.items,
        .remove_count = in->user_group_ids_to_remove.count,
        .removes_all = in->remove_user_groups.value,
        .token = in->auth_token,
        .strategy = in->auth_token_update_strategy,
    };

    TRY(access_change(c, &cache, &asked, out_pending));
    return store_group_get(c->tx, f->group.id, &f->group);
}

/* --- all of it --- */

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

/* --- members of global datastores --- */

static const struct member_rule of_all_members[] = {
    {"CacheNodeType",            NULL},
    {"Engine",                   NULL},
    {"EngineVersion",            NULL},
    {"CacheParameterGroupName",  NULL},
    {"AutomaticFailoverEnabled", NULL},
    {"ClusterMode",              NULL},
    {"TransitEncryptionEnabled", NULL},
    {"TransitEncryptionMode",    NULL},
};

struct err ec_modify_replication_group(struct call *c,
                                       const struct ec_modify_replication_group_in *in,
                                       struct ec_modify_replication_group_out *out)
{
    struct group_facts facts;

    TRY(group_facts_find(c, in->replication_group_id, &facts));
    if (facts.global)
        TRY(members_refuse(c, "ModifyReplicationGroup", in, of_all_members, countof(of_all_members),
                           "%s of a member of a global replication group can only be changed for "
                           "all members, by ModifyGlobalReplicationGroup."));
    return group_modify(c, in, out);
}

struct err group_modify(struct call *c, const struct ec_modify_replication_group_in *in,
                        struct ec_modify_replication_group_out *out)
{
    const struct cluster_facts *primary;
    const char *pending, *moves = "";
    struct resizing resizing = {0};
    struct group_facts facts;

    TRY(group_facts_for_change(c, in->replication_group_id, &facts));
    if (group_mode_is_asked(in, &facts)) {
        TRY(group_mode_change(c, in, &facts));
        out->replication_group = wire_group_new(c, &facts);
        return OK;
    }
    TRY(group_mode_check_others(c, in, &facts));
    const struct cluster before = facts.group.common;
    const enum durability durability = facts.group.durability;
    for (size_t i = 0; i < countof(changes); i++)
        TRY(changes[i](c, in, &facts));
    TRY(check_primary(c, in, &facts, &primary));
    const struct cluster *after = &facts.group.common;
    bool is_resized = strcmp(before.node_type, after->node_type) != 0;
    bool is_rebuilt = is_resized || before.tls != after->tls;
    bool is_upgraded = strcmp(before.engine, after->engine) != 0 ||
                       strcmp(before.engine_version, after->engine_version) != 0;
    if (primary && durability != facts.group.durability)
        return COMBINATION("PrimaryClusterId cannot be changed together with Durability.");
    if (primary && (is_rebuilt || is_upgraded))
        return COMBINATION("PrimaryClusterId cannot be changed together with EngineVersion, "
                           "CacheNodeType or in-transit encryption.");
    bool is_other = durability != facts.group.durability;
    if (is_resized)
        TRY(resizing_plan(c, &facts, &resizing));
    if (resizing.count > 0 && is_upgraded)
        return COMBINATION("EngineVersion cannot be changed together with CacheNodeType while the "
                           "host of a cache node has no room for a larger one.");
    if (resizing.count > 0)
        TRY(resizing_begin(c, &facts, &resizing, &moves));
    TRY(record(c, &facts));
    if (is_other)
        TRY(durability_retag(c, &facts));
    TRY(change_entry(c, in, &facts, &pending));
    const char *shown =
        group_pending_text(c->arena, pending ? pending : "", primary ? primary->cluster.name : NULL,
                           before.tls, facts.group.common.tls);
    if (primary)
        TRY(membership_switch(c, &facts, primary, shown));
    else if (is_upgraded)
        TRY(group_facts_operate_openly(c, &facts, GROUP_ROLL, "", shown));
    else if (resizing.count > 0)
        TRY(group_facts_operate_openly(c, &facts, GROUP_SCALE, moves, shown));
    else if (is_rebuilt || is_other || pending)
        TRY(group_facts_operate_openly(c, &facts, GROUP_MODIFY, "", shown));
    else
        TRY(group_facts_refresh(c, &facts));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
