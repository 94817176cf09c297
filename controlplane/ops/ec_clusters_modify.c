/*
 * ModifyCacheCluster. Settings and the AUTH token change at once; version, size and the number of
 * nodes of a memcached cluster change by an operation, or wait for the maintenance window. What
 * cannot be changed is refused, unless the request names the value it has.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/scaling.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/changes.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/logs.h"
#include "controlplane/ops/member_clusters.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/ops/reach.h"
#include "controlplane/ops/wire.h"
#include "controlplane/store/store.h"

#include <string.h>

static bool is_memcached(const struct cluster_facts *f)
{
    return strcmp(f->cluster.engine, "memcached") == 0;
}

/* --- what cannot change --- */

static const struct member_rule not_memcached[] = {
    {"SnapshotRetentionLimit",    "0" },
    {"SnapshotWindow",            NULL},
    {"LogDeliveryConfigurations", NULL},
    {"AuthToken",                 NULL},
    {"AuthTokenUpdateStrategy",   NULL},
};

static const struct member_rule only_memcached[] = {
    {"AZMode",               "single-az"},
    {"CacheNodeIdsToRemove", NULL       },
    {"NewAvailabilityZones", NULL       },
    {"ScaleConfig",          NULL       },
};

static struct err check_members(struct call *c, const struct ec_modify_cache_cluster_in *in,
                                const struct cluster_facts *f)
{
    if (is_memcached(f))
        TRY(members_refuse(c, "ModifyCacheCluster", in, not_memcached, countof(not_memcached),
                           WHY_NOT_MEMCACHED));
    else
        TRY(members_refuse(c, "ModifyCacheCluster", in, only_memcached, countof(only_memcached),
                           "The parameter %s is only supported for memcached clusters."));
    return member_security_group_names(c, &in->cache_security_group_names);
}

/* --- what changes at once --- */

/* The engines are told at once; what takes effect at a start waits for a reboot. */
static struct err change_parameter_group(struct call *c, const char *name, struct cluster *cl)
{
    const struct engine_version *v = engine_version_reported(cl->engine, cl->engine_version);
    struct parameter_facts from, to;

    TRY(parameters_find(c, cl->parameter_group, &from));
    TRY(member_parameter_group(c, name, v, node_type_find(cl->node_type), cl));
    if (strcmp(from.group.name, cl->parameter_group) == 0)
        return OK;
    TRY(parameters_find(c, cl->parameter_group, &to));
    TRY(parameters_check_swap(c, &from, &to));
    struct event event = event_of_cluster(c->arena, cl, c->now_ms, EVENT_CLUSTER_PARAMETER_GROUP,
                                          cl->parameter_group, NULL);
    TRY(store_event_add(c->tx, &event));
    store_touch_cluster(c->tx, cl->id);
    return OK;
}

static struct err change_groups(struct call *c, const struct ec_modify_cache_cluster_in *in,
                                struct cluster *cl)
{
    struct parked parked;

    parked_parse(c->arena, cl->parked, &parked);
    if (member_has_text(in->cache_parameter_group_name) && !changes_family(cl, &parked))
        TRY(change_parameter_group(c, in->cache_parameter_group_name, cl));
    if (!in->security_group_ids.has)
        return OK;
    struct siting siting;
    TRY(siting_change(c, cl->subnet_group, cl->security_groups, &in->security_group_ids, &siting));
    cl->security_groups = siting.security_groups;
    return OK;
}

static struct err change_settings(struct call *c, const struct ec_modify_cache_cluster_in *in,
                                  struct cluster *cl)
{
    if (in->preferred_maintenance_window || in->snapshot_window)
        TRY(member_windows(c, in->preferred_maintenance_window, in->snapshot_window, cl));
    TRY(member_snapshot_retention(c, in->snapshot_retention_limit, &cl->snapshot_retention));
    TRY(member_topic(c, in->notification_topic_arn, in->notification_topic_status, cl));
    if (in->auto_minor_version_upgrade.has)
        cl->auto_minor_upgrade = in->auto_minor_version_upgrade.value;
    TRY(reach_change(c, in->ip_discovery, &cl->reach));
    return change_groups(c, in, cl);
}

static struct err change_logs(struct call *c, const struct ec_modify_cache_cluster_in *in,
                              const struct cluster_facts *f)
{
    const struct cluster *cl = &f->cluster;

    if (in->log_delivery_configurations.count == 0)
        return OK;
    if (!in->apply_immediately.value)
        return err_make(FAULT_INVALID_PARAMETER_COMBINATION, WHY_LOGS_AT_ONCE);
    TRY(driver_refuse(c, cl->driver, "log delivery"));
    TRY(logs_check(c, engine_version_reported(cl->engine, cl->engine_version),
                   &in->log_delivery_configurations));
    return logs_record(c, cl->id, 0, f->logs, &in->log_delivery_configurations);
}

/* Users come and go with replication groups alone: what a cluster has of one that it left, a token
 * that is set takes the place of. */
static struct err change_entry(struct call *c, const struct ec_modify_cache_cluster_in *in,
                               struct cluster *cl, bool *out_is_changed)
{
    const struct access_cache cache = {
        .cluster_id = cl->id,
        .engine = cl->engine,
        .engine_version = cl->engine_version,
        .has_tls = cl->tls == TLS_REQUIRED,
    };
    const struct access_request asked = {
        .removes_all =
            in->auth_token_update_strategy && strcmp(in->auth_token_update_strategy, "SET") == 0,
        .token = in->auth_token,
        .strategy = in->auth_token_update_strategy,
    };
    struct cluster changed;
    const char *pending;

    TRY(access_change(c, &cache, &asked, &pending));
    TRY(store_cluster_get(c->tx, cl->id, &changed));
    cl->entry = changed.entry;
    *out_is_changed = pending != NULL;
    return OK;
}

/* --- zones of a memcached cluster --- */

/* Where a node is, or will be. */
static const char *node_zone(const struct node *n)
{
    return *n->host_zone ? n->host_zone : n->zone;
}

/* The zone that all nodes share; NULL when there is none. */
static const char *common_zone(const struct cluster_facts *f)
{
    const char *zone = NULL;

    for (size_t i = 0; i < f->nodes.count; i++) {
        const struct node *n = &f->nodes.items[i];
        if (!n->is_wanted)
            continue;
        if (zone && strcmp(node_zone(n), zone) != 0)
            return NULL;
        zone = node_zone(n);
    }
    return zone;
}

/* Nodes stay where they are; only what is added later follows the new mode. */
static struct err change_az_mode(struct call *c, const char *mode, struct cluster_facts *f,
                                 int64_t node_count)
{
    const char *zone = common_zone(f);

    if (!mode || !is_memcached(f))
        return OK;
    if (strcmp(mode, "cross-az") == 0 && node_count < 2)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "AZMode cross-az needs more than one cache node.");
    if (strcmp(mode, "single-az") == 0 && !zone)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "AZMode single-az cannot be used: the cluster has cache nodes in different "
                     "availability zones.");
    f->cluster.az_mode = strcmp(mode, "cross-az") == 0 ? "cross-az" : "single-az";
    f->cluster.preferred_zone = strcmp(mode, "cross-az") == 0 ? "Multiple" : zone;
    return OK;
}

/* --- more nodes --- */

/* The zones of the new nodes: as asked for; else open, or the one zone of a single-az cluster. */
static struct err new_zones(struct call *c, const struct ec_modify_cache_cluster_in *in,
                            struct cluster_facts *f, const char **zones, size_t count)
{
    const struct ec_preferred_availability_zone_list *list = &in->new_availability_zones;
    bool is_cross = strcmp(f->cluster.az_mode, "cross-az") == 0;
    const char *zone = common_zone(f);

    if (list->count > 0 && list->count != count)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "The number of NewAvailabilityZones (%zu) must be the number of cache nodes "
                     "to add (%zu).",
                     list->count, count);
    for (size_t i = 0; i < count; i++) {
        zones[i] = is_cross || !zone ? "" : zone;
        if (list->count == 0)
            continue;
        zones[i] = list->items[i] ? list->items[i] : "";
        if (!is_cross && zone && strcmp(zones[i], zone) != 0)
            return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                         "The cluster is in the single availability zone %s. Use AZMode cross-az "
                         "to add cache nodes in others.",
                         zone);
    }
    return OK;
}

static struct err claim_room(struct call *c, struct cluster_facts *f, const char **zones,
                             size_t count)
{
    struct capacity capacity;
    struct siting siting;
    struct claim claim = {
        .cluster_id = f->cluster.id,
        .type = node_type_find(f->cluster.node_type),
        .port = f->cluster.port,
        .network = f->cluster.reach.network,
        .program = cluster_program(c->arena, &f->cluster),
        .is_cross_az = strcmp(f->cluster.az_mode, "cross-az") == 0,
        .zones = zones,
        .count = count,
    };

    check(claim.type != NULL);
    TRY(siting_change(c, f->cluster.subnet_group, f->cluster.security_groups, NULL, &siting));
    TRY(capacity_open(c, &siting, &capacity));
    capacity_take_nodes(&capacity, &f->nodes);
    for (size_t i = 0; i < count; i++)
        if (*zones[i])
            TRY(capacity_check_zone(c, &capacity, zones[i]));
    return capacity_claim(c, &capacity, &claim);
}

static struct err add_nodes(struct call *c, const struct ec_modify_cache_cluster_in *in,
                            struct cluster_facts *f, int64_t target, int64_t current, bool is_now)
{
    size_t count = (size_t)(target - current);

    if (in->cache_node_ids_to_remove.count > 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "CacheNodeIdsToRemove cannot be used when the number of cache nodes grows.");
    TRY(capacity_check_cluster(c, target));
    TRY(capacity_check_region(c, target - current));
    const char **zones = arena_array(c->arena, count, sizeof(*zones));
    TRY(new_zones(c, in, f, zones, count));
    if (!is_now)
        return OK; /* room is what there is then */
    TRY(claim_room(c, f, zones, count));

    for (size_t i = 0; i < count; i++) {
        struct node n = {
            .cluster_id = f->cluster.id,
            .number = arena_printf(c->arena, "%04lld", (long long)f->cluster.next_node++),
            .zone = zones[i],
            .is_wanted = true,
            .boot_count = 1,
            .created_ms = c->now_ms,
        };
        TRY(store_node_insert(c->tx, &n));
    }
    struct event event =
        event_of_cluster(c->arena, &f->cluster, c->now_ms, EVENT_NODES_INCREASING, NULL, NULL);
    return store_event_add(c->tx, &event);
}

/* --- fewer nodes --- */

static struct err remove_node(struct call *c, const struct cluster_facts *f,
                              const struct ec_cache_node_ids_list *ids, size_t at, bool is_now)
{
    const char *number = ids->items[at] ? ids->items[at] : "";
    const struct node *n = facts_node(f, number);

    if (!n)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The cache cluster %s has no cache node %s.",
                     f->cluster.name, number);
    for (size_t i = 0; i < at; i++)
        if (strcmp(ids->items[i], number) == 0)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "CacheNodeIdsToRemove names the cache node %s twice.", number);
    return is_now ? store_node_want(c->tx, n->id, false) : OK;
}

static struct err remove_nodes(struct call *c, const struct ec_modify_cache_cluster_in *in,
                               struct cluster_facts *f, int64_t target, int64_t current,
                               bool is_now)
{
    const struct ec_cache_node_ids_list *ids = &in->cache_node_ids_to_remove;

    if (in->new_availability_zones.count > 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "NewAvailabilityZones cannot be used when the number of cache nodes "
                     "shrinks.");
    if ((int64_t)ids->count != current - target)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "CacheNodeIdsToRemove must name exactly the %lld cache nodes to remove, but "
                     "names %zu.",
                     (long long)(current - target), ids->count);
    for (size_t i = 0; i < ids->count; i++)
        TRY(remove_node(c, f, ids, i, is_now));
    return OK;
}

/* --- the number of nodes --- */

static struct err check_node_count(struct call *c, const struct cluster_facts *f, int64_t target)
{
    if (target < 1)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for NumCacheNodes. It must be at least 1.",
                     (long long)target);
    if (!is_memcached(f))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The number of cache nodes of a Redis cluster cannot be changed.");
    return OK;
}

/* Does or only checks it: nothing of a change that waits is written before its time. */
static struct err change_node_count(struct call *c, const struct ec_modify_cache_cluster_in *in,
                                    struct cluster_facts *f, bool is_now)
{
    int64_t current = facts_node_count(f);
    int64_t target = in->num_cache_nodes.has ? in->num_cache_nodes.value : current;

    if (target == current) {
        if (in->cache_node_ids_to_remove.count == 0 && in->new_availability_zones.count == 0)
            return OK;
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "CacheNodeIdsToRemove and NewAvailabilityZones need another NumCacheNodes "
                     "than the current one.");
    }
    TRY(check_node_count(c, f, target));
    return target > current ? add_nodes(c, in, f, target, current, is_now)
                            : remove_nodes(c, in, f, target, current, is_now);
}

/* --- another type of the nodes of a memcached cluster --- */

/* How the change of type that is asked for, or waits, is to go. */
static struct err take_scaling(struct call *c, const struct ec_modify_cache_cluster_in *in,
                               const struct cluster_facts *f, struct parked *p)
{
    const struct ec_scale_config *asked = in->scale_config;

    if (!*p->node_type || !is_memcached(f)) {
        p->scale_percent = p->scale_minutes = 0;
        return asked && !member_has_text(in->cache_node_type)
                   ? fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                           "ScaleConfig must be given together with CacheNodeType.")
                   : OK;
    }
    if (asked && asked->scale_percentage.has)
        p->scale_percent = asked->scale_percentage.value;
    else if (p->scale_percent == 0)
        p->scale_percent = SCALE_PERCENT_DEFAULT;
    if (asked && asked->scale_interval_minutes.has)
        p->scale_minutes = asked->scale_interval_minutes.value;
    else if (p->scale_minutes == 0)
        p->scale_minutes = SCALE_MINUTES_DEFAULT;
    return scaling_check(c->arena, p->scale_percent, p->scale_minutes);
}

/* The nodes that are there keep the type that they have until their turn comes. */
static struct err begin_scaling(struct call *c, const struct parked *p,
                                const struct cluster_facts *f, const char **out_data)
{
    const struct scaling scaling = {
        .percent = p->scale_percent,
        .minutes = p->scale_minutes,
        .type_before = f->cluster.node_type,
        .restarting = "",
    };

    *out_data = scaling_text(c->arena, facts_node_count(f), &scaling);
    return store_node_keep_type(c->tx, f->cluster.id, f->cluster.node_type);
}

/* --- what waits --- */

static const char *joined(struct arena *a, const char *const *items, size_t count)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i ? "," : "", items[i] ? items[i] : "");
    return str_dup(a, buf_str(&text));
}

static size_t split(struct arena *a, const char *text, const char ***out)
{
    size_t most = strlen(text) + 1, count = 0;

    *out = arena_array(a, most, sizeof(**out));
    for (struct str rest = str_of(text); rest.len > 0;)
        (*out)[count++] = str_dup(a, str_cut(&rest, ','));
    return count;
}

/* What was asked for takes the place of what waits; the present number takes it back. */
static void park_node_count(struct call *c, const struct ec_modify_cache_cluster_in *in,
                            const struct cluster_facts *f, struct parked *p)
{
    if (!in->num_cache_nodes.has)
        return;
    bool is_back = in->num_cache_nodes.value == facts_node_count(f);
    p->node_count = is_back ? 0 : in->num_cache_nodes.value;
    p->removals =
        joined(c->arena, in->cache_node_ids_to_remove.items, in->cache_node_ids_to_remove.count);
    p->zones = joined(c->arena, in->new_availability_zones.items, in->new_availability_zones.count);
}

/* The request with what waits in the place of what it does not say. */
static void unpark_node_count(struct call *c, const struct parked *p,
                              struct ec_modify_cache_cluster_in *in)
{
    if (in->num_cache_nodes.has || p->node_count == 0)
        return;
    in->num_cache_nodes = INT_OF(p->node_count);
    in->cache_node_ids_to_remove.count =
        split(c->arena, p->removals, &in->cache_node_ids_to_remove.items);
    in->new_availability_zones.count = split(c->arena, p->zones, &in->new_availability_zones.items);
}

/* Who may enter changes at once, whatever waits. Nodes begin with the version that the cluster has:
 * only those that are there are restarted. */
static struct err change_now(struct call *c, const struct ec_modify_cache_cluster_in *in,
                             const struct parked *p, bool is_entry_changed, struct cluster_facts *f)
{
    struct ec_modify_cache_cluster_in merged = *in;
    const char *word = *p->engine_version ? " " ROLL_WORD
                       : *p->node_type    ? " " SIZE_WORD
                       : is_entry_changed ? " " ENTRY_WORD
                                          : "";
    const char *data = arena_printf(c->arena, "%d%s", facts_node_count(f), word);

    if (*p->node_type && is_memcached(f))
        TRY(begin_scaling(c, p, f, &data));
    unpark_node_count(c, p, &merged);
    bool is_resized =
        merged.num_cache_nodes.has && merged.num_cache_nodes.value != facts_node_count(f);
    if (*p->node_type)
        TRY(changes_claim_growth(c, f, 1, &f->cluster, p->node_type));
    changes_apply(p, &f->cluster);
    TRY(change_node_count(c, &merged, f, true));
    f->cluster.parked = "";
    TRY(store_cluster_update(c->tx, &f->cluster));
    return is_resized || *word ? facts_operate(c, f, OPERATION_MODIFY, data) : OK;
}

static struct err change_later(struct call *c, const struct ec_modify_cache_cluster_in *in,
                               struct parked *p, bool is_entry_changed, struct cluster_facts *f)
{
    TRY(change_node_count(c, in, f, false));
    park_node_count(c, in, f, p);
    f->cluster.parked = parked_text(c->arena, p);
    if (*f->cluster.parked)
        store_touch_cluster(c->tx, f->cluster.id); /* its window may be another one */
    TRY(store_cluster_update(c->tx, &f->cluster));
    if (!is_entry_changed)
        return OK;
    return facts_operate(c, f, OPERATION_MODIFY,
                         arena_printf(c->arena, "%d " ENTRY_WORD, facts_node_count(f)));
}

static struct err change_all(struct call *c, const struct ec_modify_cache_cluster_in *in,
                             struct cluster_facts *f)
{
    const struct change_request asked = {
        .noun = "cluster",
        .engine = in->engine,
        .engine_version = in->engine_version,
        .node_type = in->cache_node_type,
        .parameter_group = in->cache_parameter_group_name,
        .is_immediate = in->apply_immediately.value,
    };
    struct parked parked;
    bool is_entry_changed;

    parked_parse(c->arena, f->cluster.parked, &parked);
    TRY(changes_take(c, &asked, &f->cluster, &parked));
    TRY(take_scaling(c, in, f, &parked));
    f->cluster.parked = parked_text(c->arena, &parked);
    TRY(change_settings(c, in, &f->cluster));
    TRY(change_logs(c, in, f));
    int64_t target = in->num_cache_nodes.has ? in->num_cache_nodes.value
                     : parked.node_count > 0 ? parked.node_count
                                             : facts_node_count(f);
    TRY(change_az_mode(c, in->az_mode, f, target));
    TRY(change_entry(c, in, &f->cluster, &is_entry_changed));
    return asked.is_immediate ? change_now(c, in, &parked, is_entry_changed, f)
                              : change_later(c, in, &parked, is_entry_changed, f);
}

struct err ec_modify_cache_cluster(struct call *c, const struct ec_modify_cache_cluster_in *in,
                                   struct ec_modify_cache_cluster_out *out)
{
    struct cluster_facts facts;

    TRY(facts_find(c, in->cache_cluster_id, &facts));
    if (!cluster_status_may_change(facts.status))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in available state to be modified.",
                     facts.cluster.name);
    TRY(member_cluster_refuse_modify(c, &facts));
    TRY(check_members(c, in, &facts));
    TRY(change_all(c, in, &facts));
    TRY(facts_refresh(c, &facts));
    out->cache_cluster = wire_cluster_new(c, &facts);
    return OK;
}
