#include "world.h"

#include "controlplane/model/catalog.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/place.h"
#include "controlplane/model/updates.h"
#include "controlplane/store/serverless.h"

#include <criterion/criterion.h>

#include <string.h>

struct world world;

static const char *const regions[] = {"us-east-1"};

#define GIB ((int64_t)1 << 30)

void world_open(void)
{
    fixture_open(&world.f);
    clock_manual_init(&world.clock, WORLD_NOW_MS, 1000);
    world.conf = (struct ops_conf){
        .regions = regions,
        .region_count = 1,
        .default_account = "000000000000",
        .dns_zone = "cache.larder.internal",
        .endpoint_mode = ENDPOINT_ADDRESS,
        .is_network_open = true,
        .clock = &world.clock.clock,
        .update_days = UPDATE_DAYS_BY_SEVERITY,
    };
    world.ops = ops_new(world.f.store, &world.conf);
    world.caller = (struct caller){"000000000000", "us-east-1", "AKID", "id"};
    fixture_begin(&world.f, STORE_WRITE);
    fixture_host(&world.f, "h1", "us-east-1a", "127.1.1.0/24", 4 * GIB);
    fixture_host(&world.f, "h2", "us-east-1b", "127.1.2.0/24", 4 * GIB);
    fixture_host(&world.f, "h3", "us-east-1c", "127.1.3.0/24", 4 * GIB);
    fixture_commit(&world.f);
}

void world_close(void)
{
    ops_free(world.ops);
    fixture_close(&world.f);
}

/* Faults that every operation may answer with. */
static bool is_generic(int code)
{
    return code == FAULT_INVALID_PARAMETER_VALUE || code == FAULT_INVALID_PARAMETER_COMBINATION ||
           code == FAULT_MISSING_PARAMETER;
}

static bool is_listed(const struct op_desc *op, int code)
{
    for (const int *f = op->faults; f && *f; f++)
        if (*f == code)
            return true;
    return is_generic(code);
}

struct err world_run(const struct service_desc *service, const char *name, const void *in,
                     void *out)
{
    const struct op_desc *op = service_op(service, name);

    cr_assert_not_null(op);
    store_rollback(&world.f.tx);
    struct err e = ops_run(world.ops, &world.f.arena, &world.caller, service, op, in, out);
    if (err_failed(e)) {
        cr_assert(is_listed(op, e.code), "%s answered %d (%s)", name, e.code, e.why);
        cr_assert_not_null(e.why);
    }
    return e;
}

void expect(struct err e, int code, const char *why)
{
    cr_assert_eq(e.code, code, "got %d: %s", e.code, e.why ? e.why : "");
    if (why)
        cr_assert_str_eq(e.why, why);
}

/* --- instead of a reconciler --- */

/* Where the others of a shard stand. */
static void take_shard(struct place *p, const struct unplaced_node *n)
{
    struct cluster c, *members;
    struct node_list nodes;
    size_t count;

    must(store_cluster_get(world.f.tx, n->cluster_id, &c));
    must(store_group_members(world.f.tx, &c.group_id, 1, &members, &count));
    for (size_t i = 0; i < count; i++) {
        must(store_node_list(world.f.tx, members[i].id, &nodes));
        if (members[i].shard_id == n->shard_id && nodes.count > 0 && nodes.items[0].goal.has)
            place_take_node(p, place_key(0, n->shard_id), nodes.items[0].goal.host_id);
    }
}

static void place_all(void)
{
    struct host_list hosts;
    struct unplaced_node *waiting;
    size_t count;

    must(store_host_list(world.f.tx, "us-east-1", &hosts));
    must(store_node_unplaced(world.f.tx, "us-east-1", &waiting, &count));
    for (size_t i = 0; i < count; i++) {
        struct place *p = place_new(&world.f.arena, &hosts);
        struct node_list nodes;
        must(store_node_list(world.f.tx, waiting[i].cluster_id, &nodes));
        for (size_t k = 0; k < nodes.count; k++)
            if (nodes.items[k].goal.has)
                place_take_node(p, waiting[i].cluster_id, nodes.items[k].goal.host_id);
        if (waiting[i].shard_id)
            take_shard(p, &waiting[i]);
        struct place_request r = {
            .cluster_id = place_key(waiting[i].cluster_id, waiting[i].shard_id),
            .keeps_apart = waiting[i].shard_id != 0,
            .node_id = waiting[i].node_id,
            .zone = waiting[i].zone,
            .memory_bytes = cluster_host_bytes(&(struct cluster){
                .node_type = waiting[i].node_type, .allotment = waiting[i].allotment}),
            .port = waiting[i].port,
            .is_cross_az = waiting[i].is_cross_az,
            .program = cluster_program(
                &world.f.arena, &(struct cluster){.engine = waiting[i].engine,
                                                  .engine_version = waiting[i].engine_version,
                                                  .driver = waiting[i].driver}),
        };
        struct place_choice choice;
        cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
        struct node_goal goal = {.has = true,
                                 .host_id = choice.host_id,
                                 .address = choice.address,
                                 .port = r.port,
                                 .state = NODE_RUNNING,
                                 .boot_count = 1,
                                 .memory_bytes = r.memory_bytes};
        must(store_goal_set(world.f.tx, waiting[i].node_id, &goal));
        must(store_host_list(world.f.tx, "us-east-1", &hosts));
    }
}

static void settle_nodes(int64_t cluster_id)
{
    struct node_list nodes;

    must(store_node_list(world.f.tx, cluster_id, &nodes));
    for (size_t i = 0; i < nodes.count; i++) {
        const struct node *n = &nodes.items[i];
        bool is_changed;
        struct node_saw saw = {.has = true,
                               .host_id = n->goal.host_id,
                               .state = NODE_RUNNING,
                               .boot_count = n->boot_count,
                               .last_exit = "",
                               .applied_settings = "",
                               .role = "",
                               .is_link_up = true,
                               .why = ""};
        if (n->is_wanted)
            must(store_saw_set(world.f.tx, n->id, &saw, &is_changed));
        else
            must(store_node_remove(world.f.tx, n->id));
    }
}

static void settle_cluster(int64_t cluster_id)
{
    struct cluster c;
    struct operation o;

    must(store_cluster_get(world.f.tx, cluster_id, &c));
    settle_nodes(cluster_id);
    if (!c.is_wanted) {
        must(
            store_cluster_remove(world.f.tx, cluster_id,
                                 arn_make(&world.f.arena, c.region, c.account, "cluster", c.name)));
        return;
    }
    if (err_failed(store_operation_running(world.f.tx, cluster_id, &o)))
        return;
    o.state = OPERATION_DONE;
    must(store_operation_update(world.f.tx, &o));
}

/* The member with the lowest id becomes the primary of a shard that has none. */
static void settle_shard(struct shard *s)
{
    struct cluster *members;
    size_t count;

    must(store_group_members(world.f.tx, &s->group_id, 1, &members, &count));
    for (size_t i = 0; i < count; i++)
        if (members[i].shard_id == s->id && members[i].is_wanted &&
            (!s->goal.primary_id || members[i].id < s->goal.primary_id))
            s->goal.primary_id = members[i].id;
    s->goal.term = 1;
    must(store_shard_goal_set(world.f.tx, s));
}

static void settle_switch(struct shard_list *shards, const char *data)
{
    struct str rest = str_of(data);
    int64_t shard_id, from, to;

    cr_assert(str_to_i64(str_cut(&rest, ' '), &shard_id) &&
              str_to_i64(str_cut(&rest, ' '), &from) && str_to_i64(rest, &to));
    for (size_t i = 0; i < shards->count; i++)
        if (shards->items[i].id == shard_id) {
            cr_assert_eq(shards->items[i].goal.primary_id, from);
            shards->items[i].goal.primary_id = to;
            shards->items[i].goal.term++;
            must(store_shard_goal_set(world.f.tx, &shards->items[i]));
        }
}

/* A kept primary stands alone. */
static void settle_gone_group(struct replication_group *g)
{
    struct cluster *members;
    size_t count;

    must(store_group_members(world.f.tx, &g->id, 1, &members, &count));
    for (size_t i = 0; i < count; i++) {
        members[i].group_id = members[i].shard_id = 0;
        must(store_cluster_update(world.f.tx, &members[i]));
    }
    must(store_group_remove(
        world.f.tx, g->id,
        arn_make(&world.f.arena, g->region, g->account, "replicationgroup", g->name)));
}

static void settle_group(struct replication_group *g)
{
    struct shard_list shards;
    struct group_operation o;

    if (!g->is_wanted) {
        settle_gone_group(g);
        return;
    }
    must(store_shard_list(world.f.tx, &g->id, 1, &shards));
    for (size_t i = 0; i < shards.count; i++)
        if (!shards.items[i].goal.has)
            settle_shard(&shards.items[i]);
    if (err_failed(store_group_operation_running(world.f.tx, g->id, &o)))
        return;
    if (o.kind == GROUP_SWITCH)
        settle_switch(&shards, o.data);
    o.state = OPERATION_DONE;
    must(store_group_operation_update(world.f.tx, &o));
}

static void settle_owned_groups(void)
{
    struct serverless_cache *owners;
    struct replication_group *groups;
    size_t owner_count, count;

    must(store_serverless_list(world.f.tx, "000000000000", "us-east-1", "", 1000, &owners,
                               &owner_count));
    for (size_t i = 0; i < owner_count; i++) {
        must(store_group_list_owned(world.f.tx, &owners[i].id, 1, &groups, &count));
        if (count > 0)
            settle_group(&groups[0]);
    }
}

static void settle_groups(void)
{
    struct replication_group *groups;
    size_t count;

    must(store_group_list(world.f.tx, "000000000000", "us-east-1", "", 1000, &groups, &count));
    for (size_t i = 0; i < count; i++)
        settle_group(&groups[i]);
    settle_owned_groups();
}

void world_settle(void)
{
    int64_t *ids;
    size_t count;

    fixture_begin(&world.f, STORE_WRITE);
    place_all();
    must(store_cluster_ids(world.f.tx, &ids, &count));
    for (size_t i = 0; i < count; i++)
        settle_cluster(ids[i]);
    settle_groups();
    fixture_commit(&world.f);
    clock_manual_advance(&world.clock, 1000);
}

void world_fail(const char *name)
{
    struct cluster c;
    struct operation o;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", name, &c));
    must(store_operation_running(world.f.tx, c.id, &o));
    o.state = OPERATION_FAILED;
    must(store_operation_update(world.f.tx, &o));
    fixture_commit(&world.f);
}

/* --- short forms --- */

void world_redis(const char *name)
{
    struct ec_create_cache_cluster_in in = {
        .cache_cluster_id = name, .engine = "redis", .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
}

void world_memcached(const char *name, int nodes)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = "memcached",
                                            .cache_node_type = "cache.t4g.micro",
                                            .num_cache_nodes = INT_OF(nodes)};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
}

struct ec_cache_cluster *world_describe(const char *name)
{
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = name,
                                               .show_cache_node_info = BOOL_OF(true)};
    struct ec_describe_cache_clusters_out out;

    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_eq(out.cache_clusters.count, 1);
    return out.cache_clusters.items;
}

struct ec_replication_group *world_group(const char *name, int members)
{
    struct ec_create_replication_group_in in = {.replication_group_id = name,
                                                .replication_group_description = "d",
                                                .engine = "redis",
                                                .cache_node_type = "cache.t4g.micro",
                                                .num_cache_clusters = INT_OF(members),
                                                .automatic_failover_enabled = BOOL_OF(members > 1)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    return world_describe_group(name);
}

struct ec_replication_group *world_describe_group(const char *name)
{
    struct ec_describe_replication_groups_in in = {.replication_group_id = name};
    struct ec_describe_replication_groups_out out;

    must(run_ec_describe_replication_groups(&in, &out));
    cr_assert_eq(out.replication_groups.count, 1);
    return out.replication_groups.items;
}

struct ec_serverless_cache *world_serverless(const char *name, const char *engine)
{
    const struct ec_create_serverless_cache_in in = {.serverless_cache_name = name,
                                                     .engine = engine};
    struct ec_create_serverless_cache_out out;

    must(run_ec_create_serverless_cache(&in, &out));
    cr_assert_str_eq(out.serverless_cache->status, "creating");
    world_settle();
    return out.serverless_cache;
}

struct ec_serverless_cache *world_describe_serverless(const char *name)
{
    const struct ec_describe_serverless_caches_in in = {.serverless_cache_name = name};
    struct ec_describe_serverless_caches_out out;

    must(run_ec_describe_serverless_caches(&in, &out));
    cr_assert_eq(out.serverless_caches.count, 1);
    return &out.serverless_caches.items[0];
}

struct call world_call(void)
{
    fixture_begin(&world.f, STORE_WRITE);
    return (struct call){
        .arena = &world.f.arena,
        .tx = world.f.tx,
        .caller = &world.caller,
        .conf = &world.conf,
        .now_ms = world.clock.now_wall_ms,
    };
}
