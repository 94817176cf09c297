/*
 * CreateCacheCluster. A plan is filled in by one check after another, each for some members of the
 * request; only when all have passed, and there is room, anything is written.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/encryption.h"
#include "controlplane/ops/logs.h"
#include "controlplane/ops/member_clusters.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/reach.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/wire.h"
#include "controlplane/store/store.h"

#include <string.h>
#include <strings.h>

struct plan {
    struct cluster cluster;
    const struct engine_version *version;
    const struct node_type *type;
    size_t node_count;
    const char **zones; /* of each node; "" leaves it to placement */
    struct siting siting;
    struct tag *tags;
    size_t tag_count;
    struct restore restore;
};

typedef struct err (*plan_fn)(struct call *c, const struct ec_create_cache_cluster_in *in,
                              struct plan *p);

static bool is_memcached(const struct plan *p)
{
    return strcmp(p->cluster.engine, "memcached") == 0;
}

/* --- what some clusters, or all, cannot have --- */

static const struct member_rule not_memcached[] = {
    {"SnapshotRetentionLimit",    "0" },
    {"SnapshotWindow",            NULL},
    {"SnapshotName",              NULL},
    {"SnapshotArns",              NULL},
    {"LogDeliveryConfigurations", NULL},
    {"AuthToken",                 NULL},
};

static struct err plan_members(struct call *c, const struct ec_create_cache_cluster_in *in,
                               struct plan *p)
{
    if (!is_memcached(p))
        return OK;
    return members_refuse(c, "CreateCacheCluster", in, not_memcached, countof(not_memcached),
                          WHY_NOT_MEMCACHED);
}

/* Hosts are no outposts: whatever is named does not exist. */
static struct err plan_outposts(struct call *c, const struct ec_create_cache_cluster_in *in,
                                struct plan *p)
{
    const struct ec_preferred_outpost_arn_list *list = &in->preferred_outpost_arns;
    const char *arn = list->count > 0 && list->items[0] ? list->items[0] : "";

    (void)p;
    if (member_has_text(in->preferred_outpost_arn))
        arn = in->preferred_outpost_arn;
    if (*arn)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The outpost %s does not exist.", arn);
    if (member_has_text(in->outpost_mode))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "OutpostMode needs PreferredOutpostArn or PreferredOutpostArns.");
    return OK;
}

/* --- name, engine, type --- */

static struct err plan_name(struct call *c, const struct ec_create_cache_cluster_in *in,
                            struct plan *p)
{
    TRY(name_check(c->arena, "CacheClusterIdentifier", in->cache_cluster_id, CLUSTER_NAME_MAX));
    p->cluster.name = name_fold(c->arena, in->cache_cluster_id);
    return OK;
}

static struct err plan_engine(struct call *c, const struct ec_create_cache_cluster_in *in,
                              struct plan *p)
{
    TRY(member_need(c, "Engine", in->engine));
    const char *engine = name_fold(c->arena, in->engine);

    if (!engine_is_known(engine))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid engine: %s. It must be memcached or redis.", in->engine);
    if (strcmp(engine, "valkey") == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "CreateCacheCluster does not take the engine valkey. Create a replication "
                     "group instead.");
    const char *version = in->engine_version ? in->engine_version : "";
    return driver_choose(c, &in->tags, engine, version, &p->version, &p->cluster);
}

static struct err plan_type(struct call *c, const struct ec_create_cache_cluster_in *in,
                            struct plan *p)
{
    TRY(member_need(c, "CacheNodeType", in->cache_node_type));
    TRY(node_type_choose(c->arena, in->cache_node_type, p->version, &p->type));
    if (strcmp(p->type->family, "r6gd") == 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "The cache node type %s needs data tiering, which only replication groups "
                     "have.",
                     p->type->name);
    p->cluster.node_type = p->type->name;
    return OK;
}

static struct err plan_encryption(struct call *c, const struct ec_create_cache_cluster_in *in,
                                  struct plan *p)
{
    return encryption_choose(c, in->transit_encryption_enabled, NULL, p->version, &p->cluster.tls);
}

static struct err plan_nodes(struct call *c, const struct ec_create_cache_cluster_in *in,
                             struct plan *p)
{
    int64_t count = in->num_cache_nodes.has ? in->num_cache_nodes.value : 1;

    if (count < 1)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for NumCacheNodes. It must be at least 1.",
                     (long long)count);
    if (count > 1 && !is_memcached(p))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Cannot create a Redis cluster with a NumCacheNodes parameter greater than "
                     "1.");
    TRY(capacity_check_cluster(c, count));
    p->node_count = (size_t)count;
    return OK;
}

static struct err plan_port(struct call *c, const struct ec_create_cache_cluster_in *in,
                            struct plan *p)
{
    int64_t port = in->port.has ? in->port.value : engine_default_port(p->cluster.engine);

    if (port < PORT_MIN || port > PORT_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for Port. It must be between %d and %d.", (long long)port,
                     PORT_MIN, PORT_MAX);
    p->cluster.port = (int)port;
    return OK;
}

/* --- zones --- */

static struct err zone_list(struct call *c, const struct ec_create_cache_cluster_in *in,
                            struct plan *p)
{
    const struct ec_preferred_availability_zone_list *list = &in->preferred_availability_zones;

    if (list->count == 0)
        return OK;
    if (member_has_text(in->preferred_availability_zone))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "PreferredAvailabilityZone and PreferredAvailabilityZones cannot be used "
                     "together.");
    if (list->count != p->node_count)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "The number of PreferredAvailabilityZones (%zu) must be the number of cache "
                     "nodes (%zu).",
                     list->count, p->node_count);
    for (size_t i = 0; i < list->count; i++)
        p->zones[i] = list->items[i] ? list->items[i] : "";
    return OK;
}

static bool zones_differ(const struct plan *p)
{
    for (size_t i = 1; i < p->node_count; i++)
        if (strcmp(p->zones[i], p->zones[0]) != 0)
            return true;
    return false;
}

/* Which combinations of AZMode, engine, number of nodes and zones make sense. */
static struct err check_az_mode(const struct ec_create_cache_cluster_in *in, const struct plan *p)
{
    bool is_cross = in->az_mode && strcmp(in->az_mode, "cross-az") == 0;
    bool has_zones = in->preferred_availability_zones.count > 0;
    const char *why = NULL;

    if (is_cross && !is_memcached(p))
        why = "AZMode cross-az is only supported for memcached clusters.";
    else if (is_cross && p->node_count < 2)
        why = "AZMode cross-az needs more than one cache node.";
    else if (is_cross && member_has_text(in->preferred_availability_zone))
        why = "AZMode cross-az cannot be used with a single PreferredAvailabilityZone.";
    else if (is_cross && has_zones && !zones_differ(p))
        why = "AZMode cross-az needs PreferredAvailabilityZones in more than one zone.";
    else if (in->az_mode && !is_cross && zones_differ(p))
        why = "AZMode single-az cannot be used with different PreferredAvailabilityZones.";
    return why ? err_make(FAULT_INVALID_PARAMETER_COMBINATION, why) : OK;
}

static struct err plan_zones(struct call *c, const struct ec_create_cache_cluster_in *in,
                             struct plan *p)
{
    const char *zone =
        member_has_text(in->preferred_availability_zone) ? in->preferred_availability_zone : "";

    p->zones = arena_array(c->arena, p->node_count, sizeof(*p->zones));
    for (size_t i = 0; i < p->node_count; i++)
        p->zones[i] = zone;
    TRY(zone_list(c, in, p));
    TRY(check_az_mode(in, p));

    bool is_cross = zones_differ(p) || (in->az_mode && strcmp(in->az_mode, "cross-az") == 0);
    p->cluster.az_mode = is_cross ? "cross-az" : "single-az";
    p->cluster.preferred_zone = is_cross ? "Multiple" : p->zones[0];
    return OK;
}

/* --- windows, groups --- */

static struct err plan_windows(struct call *c, const struct ec_create_cache_cluster_in *in,
                               struct plan *p)
{
    TRY(member_windows(c, in->preferred_maintenance_window, in->snapshot_window, &p->cluster));
    TRY(member_snapshot_retention(c, in->snapshot_retention_limit, &p->cluster.snapshot_retention));
    p->cluster.auto_minor_upgrade =
        in->auto_minor_version_upgrade.has ? in->auto_minor_version_upgrade.value : true;
    return member_topic(c, in->notification_topic_arn, NULL, &p->cluster);
}

static struct err plan_groups(struct call *c, const struct ec_create_cache_cluster_in *in,
                              struct plan *p)
{
    TRY(member_parameter_group(c, in->cache_parameter_group_name, p->version, p->type,
                               &p->cluster));
    TRY(member_security_group_names(c, &in->cache_security_group_names));
    TRY(siting_choose(c, in->cache_subnet_group_name, &in->security_group_ids, &p->siting));
    p->cluster.subnet_group = p->siting.subnet_group;
    p->cluster.security_groups = p->siting.security_groups;
    return reach_choose(c, in->network_type, in->ip_discovery, p->version, p->type, &p->siting,
                        &p->cluster.reach);
}

/* --- who may enter --- */

static struct access_cache entry_of(const struct plan *p)
{
    return (struct access_cache){.cluster_id = p->cluster.id,
                                 .engine = p->cluster.engine,
                                 .engine_version = p->cluster.engine_version,
                                 .has_tls = p->cluster.tls == TLS_REQUIRED,
                                 .is_new = true};
}

static struct err plan_entry(struct call *c, const struct ec_create_cache_cluster_in *in,
                             struct plan *p)
{
    const struct access_cache cache = entry_of(p);
    const struct access_request asked = {.token = in->auth_token};

    return access_check(c, &cache, &asked);
}

/* The cluster as it is read back: with who may enter. */
static struct err record_entry(struct call *c, const struct ec_create_cache_cluster_in *in,
                               struct plan *p)
{
    const struct access_cache cache = entry_of(p);
    const struct access_request asked = {.token = in->auth_token};
    const char *pending;

    TRY(access_change(c, &cache, &asked, &pending));
    return store_cluster_get(c->tx, p->cluster.id, &p->cluster);
}

/* --- tags --- */

static struct err plan_tags(struct call *c, const struct ec_create_cache_cluster_in *in,
                            struct plan *p)
{
    p->tags = tagging_from_wire(c, &in->tags);
    p->tag_count = in->tags.count;
    TRY(tags_check(c->arena, p->tags, p->tag_count));
    return tags_check_quota(NULL, 0, p->tags, p->tag_count);
}

/* --- the data of a snapshot --- */

static struct err plan_restore(struct call *c, const struct ec_create_cache_cluster_in *in,
                               struct plan *p)
{
    const struct restore_wish wish = {.snapshot_name = in->snapshot_name,
                                      .arns = &in->snapshot_arns};

    TRY(restore_read(c, &wish, &p->restore));
    if (p->restore.parts.count > 1)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "A cache cluster begins with one RDB file, not with %zu.",
                     p->restore.parts.count);
    TRY(restore_check(c, &p->restore, p->version, p->type->maxmemory_bytes, 1, false));
    return restore_tags(c, &p->restore, &p->tags, &p->tag_count);
}

static struct err plan_logs(struct call *c, const struct ec_create_cache_cluster_in *in,
                            struct plan *p)
{
    return logs_check(c, p->version, &in->log_delivery_configurations);
}

/* --- what drivers have not --- */

static struct err plan_driver(struct call *c, const struct ec_create_cache_cluster_in *in,
                              struct plan *p)
{
    if (in->log_delivery_configurations.count > 0)
        TRY(driver_refuse(c, p->cluster.driver, "log delivery"));
    if (is_memcached(p) && p->cluster.tls != TLS_OFF)
        TRY(driver_refuse(c, p->cluster.driver, "in-transit encryption"));
    if (member_has_text(in->auth_token) &&
        version_compare(p->cluster.engine_version, DRIVER_VERSION_USERS) < 0)
        TRY(driver_refuse(c, p->cluster.driver, "tokens before version " DRIVER_VERSION_USERS));
    driver_settle_tags(p->cluster.driver, p->tags, &p->tag_count);
    TRY(durability_refuse_tag(c, &in->tags));
    durability_settle_tags(DURABILITY_ASYNC, p->tags, &p->tag_count);
    return OK;
}

/* --- against what is there --- */

static struct err plan_is_new(struct call *c, const struct ec_create_cache_cluster_in *in,
                              struct plan *p)
{
    struct cluster other;

    (void)in;
    struct err e =
        store_cluster_find(c->tx, p->cluster.account, p->cluster.region, p->cluster.name, &other);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    return fault(c, FAULT_CACHE_CLUSTER_ALREADY_EXISTS, "CacheCluster already exists: %s",
                 p->cluster.name);
}

static struct err plan_quota(struct call *c, const struct ec_create_cache_cluster_in *in,
                             struct plan *p)
{
    (void)in;
    return capacity_check_region(c, (int64_t)p->node_count);
}

static struct err plan_capacity(struct call *c, const struct ec_create_cache_cluster_in *in,
                                struct plan *p)
{
    struct capacity capacity;
    struct claim claim = {
        .type = p->type,
        .port = p->cluster.port,
        .network = p->cluster.reach.network,
        .program = cluster_program(c->arena, &p->cluster),
        .is_cross_az = strcmp(p->cluster.az_mode, "cross-az") == 0,
        .zones = p->zones,
        .count = p->node_count,
    };

    (void)in;
    TRY(capacity_open(c, &p->siting, &capacity));
    for (size_t i = 0; i < p->node_count; i++)
        if (*p->zones[i])
            TRY(capacity_check_zone(c, &capacity, p->zones[i]));
    TRY(capacity_claim(c, &capacity, &claim));
    if (*p->cluster.preferred_zone == '\0')
        p->cluster.preferred_zone = p->zones[0];
    return OK;
}

/* The order of the rows is the order in which mistakes are told. */
static const plan_fn checks[] = {
    plan_name,   plan_engine, plan_type,    plan_encryption, plan_nodes,
    plan_port,   plan_zones,  plan_members, plan_outposts,   plan_windows,
    plan_groups, plan_entry,  plan_tags,    plan_restore,    plan_logs,
    plan_driver, plan_is_new, plan_quota,   plan_capacity,
};

/* --- recording --- */

static struct err record_nodes(struct call *c, const struct plan *p)
{
    for (size_t i = 0; i < p->node_count; i++) {
        struct node n = {
            .cluster_id = p->cluster.id,
            .number = arena_printf(c->arena, "%04zu", i + 1), /* next_node goes on from there */
            .zone = p->zones[i],
            .is_wanted = true,
            .boot_count = 1,
            .created_ms = c->now_ms,
        };
        TRY(store_node_insert(c->tx, &n));
        TRY(restore_seed(c, &p->restore, n.id, ""));
    }
    return OK;
}

static struct err record(struct call *c, const struct ec_create_cache_cluster_in *in,
                         struct plan *p)
{
    TRY(restore_record(c, &p->restore));
    p->cluster.next_node = (int64_t)p->node_count + 1;
    TRY(store_cluster_insert(c->tx, &p->cluster));
    TRY(record_nodes(c, p));
    TRY(record_entry(c, in, p));
    TRY(logs_record(c, p->cluster.id, 0, NULL, &in->log_delivery_configurations));
    return tagging_put(
        c, arn_make(c->arena, p->cluster.region, p->cluster.account, "cluster", p->cluster.name),
        p->tags, p->tag_count);
}

struct err ec_create_cache_cluster(struct call *c, const struct ec_create_cache_cluster_in *in,
                                   struct ec_create_cache_cluster_out *out)
{
    struct plan plan = {
        .cluster = {.account = c->caller->account,
                    .region = c->caller->region,
                    .maintenance_window = "",
                    .snapshot_window = "",
                    .notification_topic = "",
                    .notification_status = "",
                    .configuration_version = 1,
                    .is_wanted = true,
                    .created_ms = c->now_ms},
    };

    if (member_has_text(in->replication_group_id))
        return member_cluster_create(c, in, out);
    for (size_t i = 0; i < countof(checks); i++)
        TRY(checks[i](c, in, &plan));
    TRY(record(c, in, &plan));

    struct cluster_facts facts = {.cluster = plan.cluster};
    TRY(facts_operate(c, &facts, OPERATION_CREATE, plan.restore.has ? OPERATION_RESTORES : ""));
    out->cache_cluster = wire_cluster_new(c, &facts);
    return OK;
}
