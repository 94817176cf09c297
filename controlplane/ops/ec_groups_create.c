/*
 * CreateReplicationGroup. A plan is filled in by one check after another, each for some members of
 * the request; only when all have passed, and there is room for every node, anything is written.
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
#include "controlplane/ops/global_join.h"
#include "controlplane/ops/group_plan.h"
#include "controlplane/ops/logs.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/reach.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/wire_groups.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

typedef struct err (*plan_fn)(struct call *c, const struct ec_create_replication_group_in *in,
                              struct group_plan *p);

/* --- what cannot be obeyed yet --- */

static const struct member_rule unserved[] = {
    {"DataTieringEnabled", "false"},
};

static struct err plan_unserved(struct call *c, const struct ec_create_replication_group_in *in,
                                struct group_plan *p)
{
    (void)p;
    return members_refuse(c, "CreateReplicationGroup", in, unserved, countof(unserved),
                          WHY_NOT_SERVED);
}

/* --- name, description --- */

static struct err plan_name(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    TRY(name_check(c->arena, "ReplicationGroupIdentifier", in->replication_group_id,
                   GROUP_NAME_MAX));
    TRY(member_need(c, "ReplicationGroupDescription", in->replication_group_description));
    if (strlen(in->replication_group_description) > DESCRIPTION_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "ReplicationGroupDescription must not be longer than %d characters.",
                     DESCRIPTION_MAX);
    p->group.name = name_fold(c->arena, in->replication_group_id);
    p->group.description = in->replication_group_description;
    p->group.common.name = p->group.name;
    return OK;
}

/* --- an existing cluster as the primary --- */

/* What is given must be what the cluster has. */
static struct err check_same(struct call *c, const char *member, const char *given,
                             const char *current)
{
    if (!member_has_text(given) || strcmp(name_fold(c->arena, given), current) == 0)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                 "%s %s cannot be used with PrimaryClusterId: the cluster has %s.", member, given,
                 current);
}

static struct err check_primary(struct call *c, const struct cluster_facts *f)
{
    if (!cluster_status_may_change(f->status))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in available state.", f->cluster.name);
    if (f->cluster.group_id)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is already part of a replication group.", f->cluster.name);
    if (!engine_is_redis_like(f->cluster.engine))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Cache cluster %s has the engine %s, which has no replication groups.",
                     f->cluster.name, f->cluster.engine);
    return OK;
}

static struct err plan_primary(struct call *c, const struct ec_create_replication_group_in *in,
                               struct group_plan *p)
{
    struct cluster_facts *f = arena_new(c->arena, struct cluster_facts);

    if (!member_has_text(in->primary_cluster_id))
        return OK;
    TRY(facts_find(c, in->primary_cluster_id, f));
    TRY(check_primary(c, f));
    TRY(check_same(c, "Engine", in->engine, f->cluster.engine));
    TRY(check_same(c, "CacheNodeType", in->cache_node_type, f->cluster.node_type));
    if (in->port.has && in->port.value != f->cluster.port)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Port cannot be used with PrimaryClusterId: the cluster has port %d.",
                     f->cluster.port);
    if (in->num_node_groups.has || in->node_group_configuration.count > 0 ||
        in->replicas_per_node_group.has)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "PrimaryClusterId cannot be used with NumNodeGroups, ReplicasPerNodeGroup or "
                     "NodeGroupConfiguration.");
    p->adopted = f;
    p->group.common = f->cluster;
    return OK;
}

/* --- engine, type, port --- */

static struct err adopt_engine(struct call *c, const struct ec_create_replication_group_in *in,
                               struct group_plan *p)
{
    const struct cluster *common = &p->group.common;
    const struct engine_version *asked;

    TRY(driver_same(c, &in->tags, common->driver));
    p->version = engine_version_reported(common->engine, common->engine_version);
    check(p->version != NULL);
    if (!member_has_text(in->engine_version))
        return OK;
    TRY(engine_version_choose(c->arena, common->engine, in->engine_version, &asked));
    if (asked != p->version)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "EngineVersion %s cannot be used with PrimaryClusterId: the cluster has %s.",
                     in->engine_version, common->engine_version);
    return OK;
}

static struct err plan_engine(struct call *c, const struct ec_create_replication_group_in *in,
                              struct group_plan *p)
{
    const char *version = in->engine_version ? in->engine_version : "";

    if (p->adopted)
        return adopt_engine(c, in, p);
    const char *engine = member_has_text(in->engine) ? name_fold(c->arena, in->engine)
                         : p->restore.snapshot.id    ? p->restore.snapshot.source.engine
                                                     : "redis";
    if (!engine_is_redis_like(engine))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid engine: %s. It must be redis or valkey.", in->engine);
    return driver_choose(c, &in->tags, engine, version, &p->version, &p->group.common);
}

static struct err plan_type(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    if (p->adopted) {
        p->type = node_type_find(p->group.common.node_type);
        check(p->type != NULL);
        return OK;
    }
    TRY(member_need(c, "CacheNodeType", in->cache_node_type));
    TRY(node_type_choose(c->arena, in->cache_node_type, p->version, &p->type));
    if (strcmp(p->type->family, "r6gd") == 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "The cache node type %s needs DataTieringEnabled, which is not supported by "
                     "this version.",
                     p->type->name);
    p->group.common.node_type = p->type->name;
    return OK;
}

static struct err plan_port(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    struct cluster *common = &p->group.common;
    int64_t port = in->port.has ? in->port.value : engine_default_port(common->engine);

    if (p->adopted)
        return OK;
    if (port < PORT_MIN || port > PORT_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for Port. It must be between %d and %d.", (long long)port,
                     PORT_MIN, PORT_MAX);
    common->port = (int)port;
    return OK;
}

/* --- windows, groups, tags, flags --- */

static struct err plan_windows(struct call *c, const struct ec_create_replication_group_in *in,
                               struct group_plan *p)
{
    struct cluster *common = &p->group.common;

    TRY(member_windows(c, in->preferred_maintenance_window, in->snapshot_window, common));
    TRY(member_snapshot_retention(c, in->snapshot_retention_limit, &common->snapshot_retention));
    if (in->auto_minor_version_upgrade.has)
        common->auto_minor_upgrade = in->auto_minor_version_upgrade.value;
    else if (!p->adopted)
        common->auto_minor_upgrade = true;
    if (in->notification_topic_arn)
        TRY(member_topic(c, in->notification_topic_arn, NULL, common));
    return OK;
}

static struct err plan_siting(struct call *c, const struct ec_create_replication_group_in *in,
                              struct group_plan *p)
{
    struct cluster *common = &p->group.common;

    TRY(member_security_group_names(c, &in->cache_security_group_names));
    if (p->adopted) {
        TRY(check_same(c, "CacheSubnetGroupName", in->cache_subnet_group_name,
                       common->subnet_group));
        TRY(siting_change(c, common->subnet_group, common->security_groups,
                          in->security_group_ids.count > 0 ? &in->security_group_ids : NULL,
                          &p->siting));
    } else {
        TRY(siting_choose(c, in->cache_subnet_group_name, &in->security_group_ids, &p->siting));
    }
    common->subnet_group = p->siting.subnet_group;
    common->security_groups = p->siting.security_groups;
    return p->adopted ? reach_same(c, in->network_type, in->ip_discovery, &common->reach)
                      : reach_choose(c, in->network_type, in->ip_discovery, p->version, p->type,
                                     &p->siting, &common->reach);
}

static struct err plan_encryption(struct call *c, const struct ec_create_replication_group_in *in,
                                  struct group_plan *p)
{
    bool is_by_default =
        strcmp(p->group.common.engine, "valkey") == 0 && driver_is_bundled(p->group.common.driver);

    p->group.is_encrypted_at_rest =
        in->at_rest_encryption_enabled.has ? in->at_rest_encryption_enabled.value : is_by_default;
    if (member_has_text(in->kms_key_id) && !p->group.is_encrypted_at_rest)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "KmsKeyId needs AtRestEncryptionEnabled.");
    p->group.kms_key = member_has_text(in->kms_key_id) ? in->kms_key_id : "";
    p->group.common.data_key = p->group.is_encrypted_at_rest ? data_key_new(c->arena) : "";
    if (p->adopted)
        return encryption_change(c, in->transit_encryption_enabled, in->transit_encryption_mode,
                                 p->version, p->adopted->cluster.tls, &p->group.common.tls);
    return encryption_choose(c, in->transit_encryption_enabled, in->transit_encryption_mode,
                             p->version, &p->group.common.tls);
}

/* --- who may enter --- */

static struct access_cache entry_of(const struct group_plan *p)
{
    return (struct access_cache){.replication_group_id = p->group.id,
                                 .engine = p->version->engine,
                                 .engine_version = p->version->reported,
                                 .has_tls = group_has_tls(&p->group),
                                 .is_new = true};
}

static struct access_request entry_asked(const struct ec_create_replication_group_in *in)
{
    return (struct access_request){.add = in->user_group_ids.items,
                                   .add_count = in->user_group_ids.count,
                                   .token = in->auth_token};
}

static struct err plan_entry(struct call *c, const struct ec_create_replication_group_in *in,
                             struct group_plan *p)
{
    struct access_cache cache = entry_of(p);
    struct access_request asked = entry_asked(in);

    return access_check(c, &cache, &asked);
}

/* The group as it is read back: with who may enter. */
static struct err record_entry(struct call *c, const struct ec_create_replication_group_in *in,
                               struct group_plan *p)
{
    struct access_cache cache = entry_of(p);
    struct access_request asked = entry_asked(in);
    const char *pending;

    TRY(access_change(c, &cache, &asked, &pending));
    return store_group_get(c->tx, p->group.id, &p->group);
}

/* An adopted cluster's tags are those of the group, unless the request brings some. */
static struct err plan_tags(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    p->tags = tagging_from_wire(c, &in->tags);
    p->tag_count = in->tags.count;
    TRY(tags_check(c->arena, p->tags, p->tag_count));
    TRY(tags_check_quota(NULL, 0, p->tags, p->tag_count));
    if (!p->adopted || p->tag_count > 0)
        return OK;
    const struct cluster *cl = &p->adopted->cluster;
    return store_tag_list(c->tx, arn_make(c->arena, cl->region, cl->account, "cluster", cl->name),
                          &p->tags, &p->tag_count);
}

/* --- the data of a snapshot --- */

/* Nobody knows which slots files of a bucket are of: the request says which it wants where. */
static struct err check_arns(struct call *c, const struct ec_create_replication_group_in *in,
                             const struct group_plan *p)
{
    if (in->snapshot_arns.count <= 1 && p->shard_count == 1)
        return OK;
    if (p->group.mode == CLUSTER_MODE_DISABLED)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "More than one SnapshotArn needs cluster mode enabled.");
    for (size_t i = 0; i < in->node_group_configuration.count; i++)
        if (member_has_text(in->node_group_configuration.items[i].slots))
            return OK;
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                 "SnapshotArns for more than one node group need NodeGroupConfiguration with "
                 "Slots.");
}

static struct err plan_source(struct call *c, const struct ec_create_replication_group_in *in,
                              struct group_plan *p)
{
    const struct restore_wish wish = {.snapshot_name = in->snapshot_name,
                                      .serverless_name = in->serverless_cache_snapshot_name,
                                      .arns = &in->snapshot_arns};

    return restore_read(c, &wish, &p->restore);
}

/* Shards and their slots come from the request; one that says nothing of them gets as many as the
 * snapshot has, with slots split evenly. */
static struct err plan_restore(struct call *c, const struct ec_create_replication_group_in *in,
                               struct group_plan *p)
{
    if (!p->restore.has)
        return OK;
    if (p->adopted)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "SnapshotName and SnapshotArns cannot be used with PrimaryClusterId.");
    if (in->snapshot_arns.count > 0)
        TRY(check_arns(c, in, p));
    TRY(restore_check(c, &p->restore, p->version, p->type->maxmemory_bytes, p->shard_count,
                      p->group.mode == CLUSTER_MODE_ENABLED));
    return restore_tags(c, &p->restore, &p->tags, &p->tag_count);
}

/* Of each shard the first member begins with what there is of its slots; the others follow it. */
static struct err seed(struct call *c, const struct group_plan *p)
{
    for (size_t i = 0; i < p->shard_count && p->restore.has; i++) {
        const struct shard *s = &p->shards[i];
        int64_t node_id;
        TRY(store_node_first_of_shard(c->tx, s->id, &node_id));
        TRY(restore_seed(c, &p->restore, node_id,
                         p->group.mode == CLUSTER_MODE_ENABLED ? s->slots : ""));
    }
    return OK;
}

/* --- what drivers have not --- */

#define VERSION_TLS "6.2"

static struct err check_driver_version(struct call *c,
                                       const struct ec_create_replication_group_in *in,
                                       const struct cluster *common)
{
    bool has_users = in->user_group_ids.count > 0 || member_has_text(in->auth_token);

    if (has_users && version_compare(common->engine_version, DRIVER_VERSION_USERS) < 0)
        TRY(driver_refuse(c, common->driver,
                          "users and tokens before version " DRIVER_VERSION_USERS));
    if (common->tls != TLS_OFF && version_compare(common->engine_version, VERSION_TLS) < 0)
        TRY(driver_refuse(c, common->driver, "encryption before version " VERSION_TLS));
    return OK;
}

static struct err plan_driver(struct call *c, const struct ec_create_replication_group_in *in,
                              struct group_plan *p)
{
    const struct cluster *common = &p->group.common;

    if (p->group.mode != CLUSTER_MODE_DISABLED)
        TRY(driver_refuse(c, common->driver, "cluster mode"));
    if (common->tls == TLS_PREFERRED)
        TRY(driver_refuse(c, common->driver, "TransitEncryptionMode preferred"));
    if (p->group.is_encrypted_at_rest)
        TRY(driver_refuse(c, common->driver, "encryption at rest"));
    if (in->log_delivery_configurations.count > 0)
        TRY(driver_refuse(c, common->driver, "log delivery"));
    if (p->restore.parts.count > 1)
        TRY(driver_refuse(c, common->driver, "snapshots of more than one node group"));
    if (member_has_text(in->global_replication_group_id))
        TRY(driver_refuse(c, common->driver, "global datastores"));
    TRY(check_driver_version(c, in, common));
    driver_settle_tags(driver_name(common->driver), p->tags, &p->tag_count);
    return OK;
}

/* --- what acknowledged writes outlive --- */

static size_t fewest_members(const struct group_plan *p)
{
    size_t fewest = SIZE_MAX;

    for (size_t shard = 0; shard < p->shard_count; shard++) {
        size_t count = 0;
        for (size_t i = 0; i < p->seat_count; i++)
            count += p->seats[i].shard == shard;
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

static struct err plan_durability(struct call *c, const struct ec_create_replication_group_in *in,
                                  struct group_plan *p)
{
    TRY(durability_choose(c, in->durability, &in->tags, &p->group.durability));
    TRY(durability_check(c, &p->group, fewest_members(p),
                         member_has_text(in->global_replication_group_id)));
    durability_settle_tags(p->group.durability, p->tags, &p->tag_count);
    return OK;
}

/* --- against what is there --- */

static struct err plan_is_new(struct call *c, const struct ec_create_replication_group_in *in,
                              struct group_plan *p)
{
    struct replication_group other;

    (void)in;
    struct err e =
        store_group_find(c->tx, c->caller->account, c->caller->region, p->group.name, &other);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    return fault(c, FAULT_REPLICATION_GROUP_ALREADY_EXISTS, "Replication group %s already exists.",
                 p->group.name);
}

static struct err plan_room(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    (void)in;
    TRY(capacity_check_region(c, (int64_t)(p->seat_count - (p->adopted ? 1 : 0))));
    return group_plan_claim(c, p);
}

static struct err plan_logs(struct call *c, const struct ec_create_replication_group_in *in,
                            struct group_plan *p)
{
    return logs_check(c, p->version, &in->log_delivery_configurations);
}

/* The order of the rows is the order in which mistakes are told. */
static const plan_fn checks[] = {
    plan_name,    plan_unserved, plan_source,     plan_primary,      plan_engine,
    plan_type,    plan_port,     group_plan_mode, group_plan_shards, group_plan_flags,
    plan_windows, plan_siting,   plan_encryption, plan_entry,        plan_tags,
    plan_restore, plan_logs,     plan_driver,     plan_durability,   plan_is_new,
    plan_room,
};

/* --- recording --- */

static struct err record_shards(struct call *c, struct group_plan *p)
{
    for (size_t i = 0; i < p->shard_count; i++) {
        p->shards[i].group_id = p->group.id;
        p->shards[i].engine_id = group_secret_new(c->arena);
        p->shards[i].next_member = 1;
        p->shards[i].is_wanted = true;
        TRY(store_shard_insert(c->tx, &p->shards[i]));
    }
    return OK;
}

/* The cluster keeps its name and its data; who may enter it enters the group, and the group's logs
 * go where its own went. */
static struct err adopt(struct call *c, struct group_plan *p)
{
    struct cluster *cl = &p->adopted->cluster;
    const struct node *n = &p->adopted->nodes.items[0];

    membership_take_common(cl, &p->group.common);
    cl->group_id = p->group.id;
    cl->shard_id = p->shards[0].id;
    cl->az_mode = "cross-az";
    cl->preferred_zone = n->host_zone;
    TRY(store_cluster_update(c->tx, cl));
    TRY(store_access_to_group(c->tx, cl->id, p->group.id));
    TRY(store_log_delivery_to_group(c->tx, cl->id, p->group.id));
    TRY(store_node_identify(c->tx, n->id, group_secret_new(c->arena)));
    return tagging_put(c, arn_make(c->arena, cl->region, cl->account, "cluster", cl->name), p->tags,
                       p->tag_count);
}

static struct err record_members(struct call *c, struct group_plan *p)
{
    for (size_t i = 0; i < p->seat_count; i++) {
        struct newcomer n = {&p->shards[p->seats[i].shard], p->seats[i].zone, NULL};
        if (i == 0 && p->adopted)
            TRY(adopt(c, p));
        else
            TRY(membership_add(c, &p->group, &n, p->tags, p->tag_count));
    }
    return OK;
}

static struct err record(struct call *c, const struct ec_create_replication_group_in *in,
                         struct group_plan *p)
{
    struct replication_group *g = &p->group;

    TRY(store_group_insert(c->tx, g));
    TRY(record_shards(c, p));
    TRY(record_members(c, p));
    TRY(restore_record(c, &p->restore));
    TRY(seed(c, p));
    TRY(record_entry(c, in, p));
    TRY(logs_record(c, 0, g->id, NULL, &in->log_delivery_configurations));
    return tagging_put(c, arn_make(c->arena, g->region, g->account, "replicationgroup", g->name),
                       p->tags, p->tag_count);
}

struct err ec_create_replication_group(struct call *c,
                                       const struct ec_create_replication_group_in *in,
                                       struct ec_create_replication_group_out *out)
{
    const char *account = c->caller->account, *region = c->caller->region;
    struct group_plan plan = {
        .group = {.account = account,
                  .region = region,
                  .snapshotting_cluster = "",
                  .user = "larder-replica",
                  .password = group_secret_new(c->arena),
                  .common = {.account = account,
                             .region = region,
                             .maintenance_window = "",
                             .snapshot_window = "",
                             .notification_topic = "",
                             .notification_status = ""},
                  .entry = {.user_group = ""},
                  .is_wanted = true,
                  .created_ms = c->now_ms},
    };

    struct ec_create_replication_group_in whole;
    int64_t datastore_id;

    TRY(global_join(c, in, &whole, &datastore_id));
    for (size_t i = 0; i < countof(checks); i++)
        TRY(checks[i](c, &whole, &plan));
    TRY(record(c, &whole, &plan));
    if (datastore_id)
        TRY(store_global_member_set(c->tx, datastore_id, plan.group.id, GLOBAL_SECONDARY));

    struct group_facts facts = {.group = plan.group};
    TRY(group_facts_operate(c, &facts, GROUP_CREATE, plan.restore.has ? OPERATION_RESTORES : ""));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
