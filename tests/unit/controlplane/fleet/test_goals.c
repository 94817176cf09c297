#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/goals.h"
#include "controlplane/store/certificates.h"
#include "controlplane/store/parameters.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/sources.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(goals);

/* What a version of settings says of other things than parameters. */
static const char *behind_parameters(const char *version)
{
    return strchr(version, '.');
}

static const char *parameter_of(const struct agent_node_goal *g, const char *name)
{
    for (size_t i = 0; i < g->parameters.count; i++)
        if (strcmp(g->parameters.items[i].name, name) == 0)
            return g->parameters.items[i].value;
    return NULL;
}

static struct agent_node_goal goal_for(const char *engine)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = fixture_cluster(&f, "c1", engine);
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.host_id = h.id,
                             .address = "127.77.0.1",
                             .second_address = "fd00::1",
                             .port = c.port,
                             .state = NODE_STOPPED,
                             .boot_count = 3};
    struct agent_node_goal_list list = {0};

    must(store_goal_set(f.tx, n.id, &goal));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &list));
    cr_assert(list.has);
    cr_assert_eq(list.count, 1);
    return list.items[0];
}

Test(goals, a_redis_node_carries_what_its_driver_needs)
{
    struct agent_node_goal g = goal_for("redis");
    cr_assert_str_eq(g.state, "stopped");
    cr_assert_str_eq(g.cluster, "c1");
    cr_assert_str_eq(g.cache_node_id, "0001");
    cr_assert_str_eq(g.engine, "redis");
    cr_assert_str_eq(g.engine_version, "7.1.0");
    cr_assert_str_eq(g.address, "127.77.0.1");
    cr_assert_str_eq(g.second_address, "fd00::1");
    cr_assert_eq(g.port.value, 6379);
    cr_assert_eq(g.boot_count.value, 3);
    cr_assert_str_eq(parameter_of(&g, "maxmemory-policy"), "volatile-lru");
    cr_assert_str_eq(parameter_of(&g, "maxclients"), "20000");
}

Test(goals, a_node_of_an_owner_has_the_room_and_the_limits_that_he_says)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct serverless_cache owner = {.account = h.id,
                                     .region = "us-east-1",
                                     .name = "one",
                                     .description = "",
                                     .engine = "redis",
                                     .engine_version = "7.1.0",
                                     .security_groups = "",
                                     .subnets = "",
                                     .snapshot_time = ""};
    struct cluster c = fixture_cluster(&f, "other", "redis");
    struct node_goal goal = {.host_id = h.id,
                             .address = "127.77.0.1",
                             .port = 6379,
                             .state = NODE_RUNNING,
                             .memory_bytes = 5 << 20};
    struct agent_node_goal_list list = {0};
    bool is_used;

    must(store_serverless_insert(f.tx, &owner));
    c.name = "serverless.one";
    c.owner = (struct owner){owner.id, owner.name};
    c.allotment = (struct allotment){1 << 20, 8 << 20, 3000};
    must(store_cluster_insert(f.tx, &c));
    struct node n = fixture_node(&f, c.id, "0001");
    must(store_goal_set(f.tx, n.id, &goal));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &list));
    cr_assert_eq(list.items[0].maxmemory_bytes.value, 4 << 20);
    cr_assert_eq(list.items[0].work_per_second.value, 3000);
    cr_assert_eq(list.items[0].reader_port.value, 6380);
    cr_assert(list.items[0].is_serverless.value);
    cr_assert(list.items[0].watches_memory.value);
    cr_assert_not_null(strstr(list.items[0].settings_version, ".d4194304"));
    must(store_address_is_used(f.tx, goal.address, 6380, &is_used));
    cr_assert(is_used, "the port for readers is, too");

    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};
    struct snapshot_part_list parts;
    struct snapshot s;
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
    must(store_part_list(f.tx, &s.id, 1, &parts));
    must(store_seed_insert(f.tx, n.id, parts.items[0].id, ""));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &list));
    cr_assert_eq(list.items[0].maxmemory_bytes.value, 8 << 20,
                 "as much as may be, until it loaded");
    cr_assert_not_null(strstr(list.items[0].settings_version, ".d8388608"));
}

Test(goals, a_memcached_node_gets_its_cache_memory)
{
    struct agent_node_goal g = goal_for("memcached");
    cr_assert_str_eq(g.engine, "memcached");
    cr_assert_gt(g.maxmemory_bytes.value, 256LL << 20);
    cr_assert_str_eq(parameter_of(&g, "max_item_size"), "1048576");
    for (size_t i = 0; i < g.parameters.count; i++)
        cr_assert(g.parameters.items[i].is_static.value);
}

Test(goals, values_of_a_group_reach_the_nodes_that_use_it_under_another_version_of_settings)
{
    struct agent_node_goal before = goal_for("redis"), after;
    struct agent_node_goal_list list = {0};
    struct parameter_group group = {.account = "000000000000",
                                    .region = "us-east-1",
                                    .name = "mine",
                                    .family = "redis7",
                                    .description = "d"};
    struct cluster c;

    must(store_parameter_group_insert(f.tx, &group));
    must(store_parameter_value_put(f.tx, group.id, "maxmemory-policy", "allkeys-lru"));
    must(store_parameter_value_put(f.tx, group.id, "reserved-memory-percent", "50"));
    must(store_cluster_find(f.tx, "000000000000", "us-east-1", "c1", &c));
    c.parameter_group = "mine";
    must(store_cluster_update(f.tx, &c));
    must(goals_of_host(f.tx, "id-of-h1", SINCE_EVER, &list));
    after = list.items[0];
    cr_assert_str_eq(parameter_of(&after, "maxmemory-policy"), "allkeys-lru");
    cr_assert_eq(after.maxmemory_bytes.value, 268435456);
    cr_assert_str_neq(after.settings_version, before.settings_version);

    must(store_parameter_group_revise(f.tx, &group));
    must(goals_of_host(f.tx, "id-of-h1", SINCE_EVER, &list));
    cr_assert_str_neq(list.items[0].settings_version, after.settings_version);
}

Test(goals, a_host_without_nodes_has_an_empty_list)
{
    struct agent_node_goal_list list = {0};
    must(goals_of_host(f.tx, "nobody", SINCE_EVER, &list));
    cr_assert(list.has);
    cr_assert_eq(list.count, 0);
}

/* --- members of replication groups --- */

static struct replication_group group;
static struct shard shard;
static struct host host;

static bool is_clustered = true; /* what member makes */

static struct cluster member(const char *name, const char *address)
{
    struct cluster c = fixture_cluster(&f, name, "redis");

    c.group_id = group.id;
    c.shard_id = shard.id;
    must(store_cluster_update(f.tx, &c));
    struct node n = {.cluster_id = c.id,
                     .number = "0001",
                     .zone = "",
                     .engine_id = name, /* any word will do */
                     .is_wanted = true};
    must(store_node_insert(f.tx, &n));
    struct node_goal goal = {
        .host_id = host.id, .address = address, .port = 6379, .is_clustered = is_clustered};
    must(store_goal_set(f.tx, n.id, &goal));
    return c;
}

static void begin_group(void)
{
    group = fixture_group(&f, "rg");
    shard = fixture_shard(&f, group.id, "0001");
    host = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
}

static struct agent_node_goal *all_goals(void)
{
    struct agent_node_goal_list list = {0};

    must(goals_of_host(f.tx, host.id, SINCE_EVER, &list));
    return list.items;
}

Test(goals, a_primary_that_has_replicas_is_not_started_again_by_itself)
{
    begin_group();
    struct cluster one = member("rg-001", "127.77.0.1");
    shard.goal = (struct shard_goal){.term = 4, .primary_id = one.id};
    must(store_shard_goal_set(f.tx, &shard));
    struct agent_node_goal *g = all_goals();
    cr_assert(g[0].role->is_primary.value);
    cr_assert_eq(g[0].role->term.value, 4);
    cr_assert(g[0].restarts_after_exit.value);
    cr_assert_str_eq(behind_parameters(g[0].settings_version), ".u0.r4.t0");
    cr_assert_null(g[0].topology);

    member("rg-002", "127.77.0.2");
    g = all_goals();
    cr_assert_not(g[0].restarts_after_exit.value);
    cr_assert(g[1].restarts_after_exit.value);
    cr_assert_not(g[1].role->is_primary.value);
    cr_assert_str_eq(g[1].role->primary_address, "127.77.0.1");
    cr_assert_eq(g[1].role->primary_port.value, 6379);
    cr_assert_str_eq(g[1].role->user, "u");
    cr_assert_str_eq(g[1].role->password, "p");
}

Test(goals, a_fenced_primary_keeps_its_term_while_the_new_one_waits_for_its_offset)
{
    begin_group();
    struct cluster one = member("rg-001", "127.77.0.1");
    struct cluster two = member("rg-002", "127.77.0.2");
    shard.goal = (struct shard_goal){.term = 5,
                                     .primary_id = two.id,
                                     .fenced_id = one.id,
                                     .fence_term = 4,
                                     .after_offset = 99,
                                     .life = 2,
                                     .fence_life = 3};
    must(store_shard_goal_set(f.tx, &shard));
    struct agent_node_goal *g = all_goals();
    cr_assert(g[0].role->is_fenced.value && g[0].role->is_primary.value);
    cr_assert_eq(g[0].role->term.value, 4);
    cr_assert_eq(g[0].role->life.value, 3);
    cr_assert_not(g[0].role->after_offset.has);
    cr_assert_str_eq(behind_parameters(g[0].settings_version), ".u0.r4f.t0");
    cr_assert(g[1].role->is_primary.value);
    cr_assert_not(g[1].role->is_fenced.value);
    cr_assert_eq(g[1].role->after_offset.value, 99);
    cr_assert_eq(g[1].role->life.value, 2);
    cr_assert_str_eq(behind_parameters(g[1].settings_version), ".u0.r5.t0");
}

Test(goals, who_is_to_yield_is_told_to_whom_and_what_to_say_when_that_one_is_too_slow)
{
    begin_group();
    struct cluster one = member("rg-001", "127.77.0.1");
    struct cluster two = member("rg-002", "127.77.0.2");
    shard.goal = (struct shard_goal){.term = 4,
                                     .primary_id = one.id,
                                     .fenced_id = one.id,
                                     .fence_term = 4,
                                     .yields_to = two.id,
                                     .yields = 7};
    must(store_shard_goal_set(f.tx, &shard));
    struct agent_node_goal *g = all_goals();
    const struct agent_yield *yield = g[0].role->yield;
    cr_assert_not_null(yield);
    cr_assert_eq(yield->number.value, 7);
    cr_assert_eq(yield->ms.value, 500);
    cr_assert_str_eq(yield->address, "127.77.0.2");
    cr_assert_eq(yield->port.value, g[1].port.value);
    cr_assert_str_eq(behind_parameters(g[0].settings_version), ".u0.r4f.t0.y7");
    cr_assert_str_eq(behind_parameters(yield->declined_version), ".u0.r4.t0.y7x");
    cr_assert_null(g[1].role->yield);
}

Test(goals, endpoints_addresses_go_with_the_roles)
{
    begin_group();
    struct cluster one = member("rg-001", "127.77.0.1");
    struct cluster two = member("rg-002", "127.77.0.2");
    shard.goal = (struct shard_goal){.term = 5, .primary_id = two.id};
    must(store_shard_goal_set(f.tx, &shard));
    cr_assert_not(all_goals()[1].role->endpoints.has);
    shard.endpoints = (struct shard_endpoints){"127.0.9.1", "127.0.9.2", one.id, 2};
    must(store_shard_goal_set(f.tx, &shard));
    struct agent_node_goal *g = all_goals();
    cr_assert_eq(g[0].role->endpoints.count, 1);
    cr_assert_str_eq(g[0].role->endpoints.items[0], "127.0.9.2");
    cr_assert_str_eq(behind_parameters(g[0].settings_version), ".u0.r5.t0.e10");
    cr_assert_str_eq(g[1].role->endpoints.items[0], "127.0.9.1");
    cr_assert_str_eq(behind_parameters(g[1].settings_version), ".u0.r5.t0.e1");
}

Test(goals, all_who_follow_another_region_wait_for_an_offset)
{
    begin_group();
    struct cluster one = member("rg-001", "127.77.0.1");
    member("rg-002", "127.77.0.2");
    struct shard_source source = {"127.9.9.9", 6379, "u", "p"};
    shard.goal = (struct shard_goal){.term = 5, .primary_id = one.id, .after_offset = 99};
    must(store_source_set(f.tx, shard.id, &source));
    must(store_shard_goal_set(f.tx, &shard));
    struct agent_node_goal *g = all_goals();
    cr_assert_not(g[0].role->is_primary.value);
    cr_assert_str_eq(g[0].role->primary_address, "127.9.9.9");
    cr_assert_eq(g[0].role->after_offset.value, 99);
    cr_assert_eq(g[1].role->after_offset.value, 99);
    cr_assert_str_eq(g[1].role->primary_address, "127.77.0.1");
}

Test(goals, a_node_that_is_not_in_cluster_mode_yet_hears_nothing_of_it)
{
    begin_group();
    is_clustered = false;
    struct cluster one = member("rg-001", "127.77.0.1");
    shard.goal = (struct shard_goal){.term = 1, .primary_id = one.id};
    must(store_shard_goal_set(f.tx, &shard));
    must(store_topology_set(f.tx, group.id,
                            &(struct topology){.epoch = 3, .words = "SHARD s 0-16383"}));
    const struct agent_node_goal *g = all_goals();
    cr_assert_null(g->topology);
    cr_assert_str_eq(behind_parameters(g->settings_version), ".u0.r1.t0");
}

Test(goals, a_primary_follows_the_source_of_its_shard_and_its_replicas_follow_it)
{
    struct shard_source source = {
        .address = "10.0.0.1", .port = 7000, .user = "other", .password = "outer"};

    begin_group();
    struct cluster first = member("rg-001", "127.77.0.1");
    member("rg-002", "127.77.0.2");
    shard.goal = (struct shard_goal){.term = 3, .primary_id = first.id};
    must(store_shard_goal_set(f.tx, &shard));
    must(store_source_set(f.tx, shard.id, &source));
    struct agent_node_goal *g = all_goals();
    cr_assert_not(g[0].role->is_primary.value);
    cr_assert(g[0].role->is_outside.value);
    cr_assert_str_eq(g[0].role->primary_address, "10.0.0.1");
    cr_assert_eq(g[0].role->primary_port.value, 7000);
    cr_assert_str_eq(g[0].role->outside_user, "other");
    cr_assert_str_eq(g[0].role->user, "u");
    cr_assert_not(g[1].role->is_outside.value);
    cr_assert_str_eq(g[1].role->primary_address, "127.77.0.1");
}

Test(goals, in_cluster_mode_each_node_hears_who_it_is_and_who_the_others_are)
{
    begin_group();
    struct cluster one = member("rg-0001-001", "127.77.0.1");
    shard.goal = (struct shard_goal){.term = 1, .primary_id = one.id};
    must(store_shard_goal_set(f.tx, &shard));
    must(store_topology_set(f.tx, group.id,
                            &(struct topology){.epoch = 3, .words = "SHARD s 0-16383"}));
    const struct agent_node_goal *g = all_goals();
    cr_assert_str_eq(behind_parameters(g->settings_version), ".u0.r1.t3o");
    cr_assert(g->topology->opens_replicas.value);
    group.mode = CLUSTER_MODE_ENABLED;
    must(store_group_update(f.tx, &group));
    g = all_goals();
    cr_assert_str_eq(behind_parameters(g->settings_version), ".u0.r1.t3");
    cr_assert_not(g->topology->opens_replicas.value);
    cr_assert_eq(g->topology->epoch.value, 3);
    cr_assert_eq(g->topology->group_id.value, group.id, "the words of all come with it");
    cr_assert_eq(g->topology->words.count, 1);
    cr_assert_str_eq(g->topology->words.items[0], "rg-0001-001");
}

Test(goals, data_is_kept_under_the_key_of_a_group_that_is_encrypted_at_rest)
{
    begin_group();
    struct cluster one = member("rg-001", "127.77.0.1");
    shard.goal = (struct shard_goal){.term = 1, .primary_id = one.id};
    must(store_shard_goal_set(f.tx, &shard));
    cr_assert(all_goals()->keeps_data.value);
    cr_assert_null(all_goals()->seal);
    one.data_key = "00ff";
    must(store_cluster_update(f.tx, &one));
    cr_assert(all_goals()->keeps_data.value);
    cr_assert_str_eq(all_goals()->seal->data_key, "00ff");
}

Test(goals, a_node_outside_of_groups_has_no_role)
{
    struct agent_node_goal g = goal_for("redis");

    cr_assert_null(g.role);
    cr_assert_null(g.topology);
    cr_assert(g.restarts_after_exit.value);
    cr_assert_str_eq(behind_parameters(g.settings_version), ".u0.r0.t0");
}

Test(goals, a_node_that_is_to_encrypt_does_not_run_without_its_certificate)
{
    struct authority authority = {"root", "root's key", 1};
    struct node_certificate certificate = {
        .names = "c1", .certificate = "cert", .private_key = "key"};
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {
        .host_id = h.id, .address = "127.77.0.1", .port = c.port, .state = NODE_RUNNING};
    struct agent_node_goal_list list = {0};

    c.tls = TLS_PREFERRED;
    must(store_cluster_update(f.tx, &c));
    must(store_authority_put(f.tx, &authority));
    must(store_goal_set(f.tx, n.id, &goal));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &list));
    cr_assert_str_eq(list.items[0].state, "stopped");
    cr_assert_null(list.items[0].tls);
    must(store_certificate_put(f.tx, n.id, &certificate));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &list));
    cr_assert_str_eq(list.items[0].state, "running");
    cr_assert_str_eq(list.items[0].tls->mode, "preferred");
    cr_assert_str_eq(list.items[0].tls->certificate, "cert");
    cr_assert_str_eq(list.items[0].tls->private_key, "key");
    cr_assert_str_eq(list.items[0].tls->authority, "root");
    cr_assert_str_eq(behind_parameters(list.items[0].settings_version), ".u0.r0.t0.m1.c1");
}
