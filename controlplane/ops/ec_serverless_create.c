/*
 * CreateServerlessCache. A plan is filled in by one check after another; only when all have passed,
 * and there is room for what is to be there at least, anything is written. Behind a cache of redis
 * or valkey stands a replication group in cluster mode, each shard with a replica in another zone;
 * behind one of memcached, which does not replicate, one node.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/slots.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/reach.h"
#include "controlplane/ops/serverless_members.h"
#include "controlplane/ops/siting.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/wire_serverless.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

#define MEMBERS_OF_SHARD 2

/* Room and work are allotted; for all else nodes are of this type. */
#define TYPE_OF_NODES "cache.r7g.large"

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

struct plan {
    struct serverless_cache cache;
    struct cluster common; /* what nodes have in common */
    const struct engine_version *version;
    struct siting siting;
    struct restore restore;
    struct tag *tags;
    size_t tag_count;
    size_t shards; /* 1 for memcached, whose node stands alone */
    size_t members;
    const char **zones; /* of each node, shard by shard */
};

typedef struct err (*plan_fn)(struct call *c, const struct ec_create_serverless_cache_in *in,
                              struct plan *p);

static bool is_memcached(const struct plan *p)
{
    return strcmp(p->cache.engine, "memcached") == 0;
}

/* --- name, engine, limits --- */

static struct err plan_name(struct call *c, const struct ec_create_serverless_cache_in *in,
                            struct plan *p)
{
    TRY(name_check(c->arena, "ServerlessCacheName", in->serverless_cache_name,
                   SERVERLESS_NAME_MAX));
    TRY(serverless_check_description(c, in->description));
    p->cache.name = name_fold(c->arena, in->serverless_cache_name);
    p->cache.description = in->description ? in->description : "";
    return OK;
}

static struct err plan_engine(struct call *c, const struct ec_create_serverless_cache_in *in,
                              struct plan *p)
{
    TRY(member_need(c, "Engine", in->engine));
    const char *engine = name_fold(c->arena, in->engine);
    if (!engine_is_known(engine))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid engine: %s. It must be redis, valkey or memcached.", in->engine);
    TRY(driver_same(c, &in->tags, DRIVER_BUNDLED));
    TRY(durability_refuse_tag(c, &in->tags));
    TRY(serverless_choose_version(c, engine, in->major_engine_version, &p->version));
    p->cache.engine = p->version->engine;
    p->cache.engine_version = p->version->reported;
    return OK;
}

static struct err plan_limits(struct call *c, const struct ec_create_serverless_cache_in *in,
                              struct plan *p)
{
    TRY(serverless_read_limits(c, in->cache_usage_limits, &p->cache.limits));
    p->shards = is_memcached(p) ? 1 : (size_t)serverless_shards(&p->cache.limits);
    p->members = is_memcached(p) ? 1 : MEMBERS_OF_SHARD;
    return OK;
}

/* --- snapshots --- */

static struct err plan_snapshots(struct call *c, const struct ec_create_serverless_cache_in *in,
                                 struct plan *p)
{
    if (in->daily_snapshot_time)
        TRY(serverless_check_time(c, in->daily_snapshot_time));
    p->cache.snapshot_time = in->daily_snapshot_time ? in->daily_snapshot_time : "";
    p->cache.kms_key = member_has_text(in->kms_key_id) ? in->kms_key_id : "";
    return member_snapshot_retention(c, in->snapshot_retention_limit, &p->cache.snapshot_retention);
}

/* As many shards as were in it, so that each finds room; memcached takes all into one node. */
static struct err plan_restore(struct call *c, const struct ec_create_serverless_cache_in *in,
                               struct plan *p)
{
    TRY(restore_read_arns(c, &in->snapshot_arns_to_restore, &p->restore));
    if (!p->restore.has)
        return OK;
    if (!is_memcached(p))
        p->shards = serverless_shards_of_parts(p->shards, p->restore.parts.count);
    return restore_check(c, &p->restore, p->version,
                         serverless_allotment(&p->cache.limits, (int64_t)p->shards).most_bytes,
                         p->shards, true);
}

/* --- where --- */

static struct err plan_siting(struct call *c, const struct ec_create_serverless_cache_in *in,
                              struct plan *p)
{
    TRY(siting_choose_subnets(c, in->subnet_ids.items, in->subnet_ids.count,
                              &in->security_group_ids, &p->siting, &p->cache.subnets));
    if (in->subnet_ids.count > 0 && p->siting.zone_count < 2)
        return COMBINATION("SubnetIds must be in at least two availability zones.");
    p->cache.security_groups = p->siting.security_groups;
    return OK;
}

/* What all nodes have; the time of the snapshot is chosen by chance where none is given. */
static struct err plan_common(struct call *c, const struct ec_create_serverless_cache_in *in,
                              struct plan *p)
{
    const struct node_type *type = node_type_find(TYPE_OF_NODES);
    bool is_cluster = false;

    check(type != NULL);
    p->common = (struct cluster){
        .account = p->cache.account,
        .region = p->cache.region,
        .name = serverless_behind_name(c->arena, p->cache.name),
        .engine = p->cache.engine,
        .engine_version = p->cache.engine_version,
        .node_type = type->name,
        .port = engine_default_port(p->cache.engine),
        .az_mode = "single-az",
        .preferred_zone = "",
        .subnet_group = "",
        .security_groups = p->cache.security_groups,
        .maintenance_window = "",
        .snapshot_window = "",
        .snapshot_retention = p->cache.snapshot_retention,
        .auto_minor_upgrade = true,
        .notification_topic = "",
        .notification_status = "",
        .tls = TLS_REQUIRED,
        .data_key = is_memcached(p) ? "" : data_key_new(c->arena),
        .allotment = serverless_allotment(&p->cache.limits, (int64_t)p->shards),
        .next_node = 2,
        .configuration_version = 1,
        .is_wanted = true,
        .created_ms = c->now_ms,
    };
    TRY(reach_choose(c, in->network_type, NULL, p->version, type, &p->siting, &p->common.reach));
    TRY(member_group_parameter_group(c, NULL, p->version, type, !is_memcached(p), &p->common,
                                     &is_cluster));
    return serverless_set_window(c, &p->cache, &p->common);
}

/* --- who may enter --- */

static struct access_request entry_asked(const char *const *user_group)
{
    return (struct access_request){.add = user_group,
                                   .add_count = member_has_text(*user_group) ? 1 : 0};
}

static struct err plan_entry(struct call *c, const struct ec_create_serverless_cache_in *in,
                             struct plan *p)
{
    const struct access_cache cache = {.engine = p->version->engine,
                                       .engine_version = p->version->reported,
                                       .has_tls = true,
                                       .is_new = true};
    const struct access_request asked = entry_asked(&in->user_group_id);

    if (is_memcached(p) && member_has_text(in->user_group_id))
        return COMBINATION(WHY_NOT_MEMCACHED, "UserGroupId");
    return access_check(c, &cache, &asked);
}

static struct err plan_tags(struct call *c, const struct ec_create_serverless_cache_in *in,
                            struct plan *p)
{
    p->tags = tagging_from_wire(c, &in->tags);
    p->tag_count = in->tags.count;
    TRY(tags_check(c->arena, p->tags, p->tag_count));
    TRY(tags_check_quota(NULL, 0, p->tags, p->tag_count));
    return restore_tags(c, &p->restore, &p->tags, &p->tag_count);
}

/* --- against what is there --- */

static struct err plan_is_new(struct call *c, const struct ec_create_serverless_cache_in *in,
                              struct plan *p)
{
    struct serverless_cache other;
    int64_t count = 0;

    (void)in;
    struct err e =
        store_serverless_find(c->tx, p->cache.account, p->cache.region, p->cache.name, &other);
    if (!err_failed(e))
        return fault(c, FAULT_SERVERLESS_CACHE_ALREADY_EXISTS,
                     "Serverless cache %s already exists.", p->cache.name);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(store_serverless_count(c->tx, p->cache.account, p->cache.region, &count));
    if (count >= quota(c, serverless_per_region))
        return fault(c, FAULT_SERVERLESS_CACHE_QUOTA_FOR_CUSTOMER_EXCEEDED,
                     "You can have at most %d serverless caches in this region.",
                     quota(c, serverless_per_region));
    return OK;
}

/* Shards have no ids yet: any numbers will do that nothing on the board has. */
static struct err plan_room(struct call *c, const struct ec_create_serverless_cache_in *in,
                            struct plan *p)
{
    size_t count = p->shards * p->members;
    int64_t *keys = arena_array(c->arena, count, sizeof(*keys));
    struct capacity capacity;

    (void)in;
    p->zones = arena_array(c->arena, count, sizeof(*p->zones));
    for (size_t i = 0; i < count; i++) {
        keys[i] = INT64_MIN + (int64_t)(i / p->members);
        p->zones[i] = "";
    }
    TRY(capacity_open(c, &p->siting, &capacity));
    struct claim claim = {
        .keys = keys,
        .type = node_type_find(TYPE_OF_NODES),
        .memory_bytes = allotment_host_bytes(p->common.allotment.least_bytes),
        .is_allotted = true,
        .port = p->common.port,
        .second_port = p->common.port + 1,
        .network = p->common.reach.network,
        .is_cross_az = true,
        .zones = p->zones,
        .count = count,
    };
    struct err e = capacity_claim(c, &capacity, &claim);
    if (err_is(e, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY))
        return COMBINATION("There is no capacity for the limits of the serverless cache: %s",
                           e.why);
    return e;
}

/* The order of the rows is the order in which mistakes are told. */
static const plan_fn checks[] = {
    plan_name,   plan_engine, plan_limits, plan_snapshots, plan_restore, plan_siting,
    plan_common, plan_entry,  plan_tags,   plan_is_new,    plan_room,
};

/* --- recording --- */

static struct err record_shard(struct call *c, const struct replication_group *g,
                               const struct plan *p, size_t index)
{
    struct shard s = {
        .group_id = g->id,
        .number = arena_printf(c->arena, "%04zu", index + 1),
        .engine_id = group_secret_new(c->arena),
        .slots = slots_even(c->arena, index, p->shards),
        .next_member = 1,
        .is_wanted = true,
    };

    TRY(store_shard_insert(c->tx, &s));
    for (size_t i = 0; i < p->members; i++) {
        struct newcomer n = {&s, p->zones[index * p->members + i], NULL};
        TRY(membership_add(c, g, &n, NULL, 0));
    }
    if (!p->restore.has)
        return OK;
    int64_t node_id;
    TRY(store_node_first_of_shard(c->tx, s.id, &node_id));
    return restore_seed(c, &p->restore, node_id, s.slots);
}

static struct err record_entry(struct call *c, const struct ec_create_serverless_cache_in *in,
                               struct replication_group *g)
{
    const struct access_cache cache = {.replication_group_id = g->id,
                                       .engine = g->common.engine,
                                       .engine_version = g->common.engine_version,
                                       .has_tls = true,
                                       .is_new = true};
    const struct access_request asked = entry_asked(&in->user_group_id);
    const char *pending;

    TRY(access_change(c, &cache, &asked, &pending));
    return store_group_get(c->tx, g->id, g);
}

static struct err record_group(struct call *c, const struct ec_create_serverless_cache_in *in,
                               struct plan *p)
{
    struct group_facts facts = {
        .group = {.account = p->cache.account,
                  .region = p->cache.region,
                  .name = p->common.name,
                  .description = "",
                  .mode = CLUSTER_MODE_ENABLED,
                  .has_failover = true,
                  .is_multi_az = p->siting.zone_count > 1,
                  .is_encrypted_at_rest = true,
                  .kms_key = p->cache.kms_key,
                  .user = "larder-replica",
                  .password = group_secret_new(c->arena),
                  .snapshotting_cluster = "",
                  .next_shard = (int64_t)p->shards + 1,
                  .common = p->common,
                  .entry = {.user_group = ""},
                  .is_wanted = true,
                  .created_ms = c->now_ms},
    };

    TRY(restore_record(c, &p->restore));
    TRY(store_group_insert(c->tx, &facts.group));
    for (size_t i = 0; i < p->shards; i++)
        TRY(record_shard(c, &facts.group, p, i));
    TRY(record_entry(c, in, &facts.group));
    return group_facts_operate(c, &facts, GROUP_CREATE, p->restore.has ? OPERATION_RESTORES : "");
}

static struct err record_cluster(struct call *c, struct plan *p)
{
    struct cluster_facts facts = {.cluster = p->common};

    TRY(restore_record(c, &p->restore));
    TRY(store_cluster_insert(c->tx, &facts.cluster));
    struct node node = {
        .cluster_id = facts.cluster.id,
        .number = "0001",
        .zone = p->zones[0],
        .engine_id = "",
        .is_wanted = true,
        .boot_count = 1,
        .created_ms = c->now_ms,
    };
    TRY(store_node_insert(c->tx, &node));
    if (p->restore.has)
        TRY(restore_seed(c, &p->restore, node.id, ""));
    return facts_operate(c, &facts, OPERATION_CREATE, p->restore.has ? OPERATION_RESTORES : "");
}

static struct err record(struct call *c, const struct ec_create_serverless_cache_in *in,
                         struct plan *p)
{
    struct serverless_cache *s = &p->cache;

    TRY(store_serverless_insert(c->tx, s));
    p->common.owner = (struct owner){s->id, s->name};
    TRY(is_memcached(p) ? record_cluster(c, p) : record_group(c, in, p));
    return tagging_put(c, arn_make(c->arena, s->region, s->account, "serverlesscache", s->name),
                       p->tags, p->tag_count);
}

struct err ec_create_serverless_cache(struct call *c,
                                      const struct ec_create_serverless_cache_in *in,
                                      struct ec_create_serverless_cache_out *out)
{
    struct plan plan = {
        .cache = {
                  .account = c->caller->account, .region = c->caller->region, .created_ms = c->now_ms}
    };
    struct serverless_facts facts;

    for (size_t i = 0; i < countof(checks); i++)
        TRY(checks[i](c, in, &plan));
    TRY(record(c, in, &plan));
    TRY(serverless_facts_find(c, plan.cache.name, &facts));
    out->serverless_cache = wire_serverless_new(c, &facts);
    return OK;
}
