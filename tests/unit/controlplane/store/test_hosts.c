#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(hosts);

Test(hosts, a_name_belongs_to_one_host_of_a_region)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);

    h.incarnation = "second";
    must(store_host_put(f.tx, &h));
    h.id = "another";
    cr_assert(err_is(store_host_put(f.tx, &h), ERR_EXISTS));
    h.region = "eu-west-1";
    must(store_host_put(f.tx, &h));
}

Test(hosts, blocks_of_both_families_are_kept)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000), found;

    must(store_host_get(f.tx, h.id, &found));
    cr_assert_str_eq(found.pool6, "");
    h.pool6 = "fd00::/64";
    must(store_host_put(f.tx, &h));
    must(store_host_get(f.tx, h.id, &found));
    cr_assert_str_eq(found.pool6, "fd00::/64");
}

Test(hosts, placed_nodes_count_as_used)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node_goal goal = {.host_id = h.id,
                             .address = "127.77.0.1",
                             .port = 1,
                             .state = NODE_RUNNING,
                             .memory_bytes = 300};
    struct host found;

    must(store_goal_set(f.tx, fixture_node(&f, c.id, "0001").id, &goal));
    goal.port = 2;
    must(store_goal_set(f.tx, fixture_node(&f, c.id, "0002").id, &goal));
    must(store_host_get(f.tx, h.id, &found));
    cr_assert_eq(found.used_bytes, 600);
    cr_assert_eq(found.node_count, 2);
    cr_assert_str_eq(found.pool, "127.77.0.0/18");
    cr_assert(err_is(store_host_get(f.tx, "nobody", &found), ERR_NOT_FOUND));
}

Test(hosts, what_is_used_follows_nodes_that_grow_move_and_go)
{
    struct host a = fixture_host(&f, "a", "us-east-1a", "127.77.0.0/18", 1000), found;
    struct host b = fixture_host(&f, "b", "us-east-1a", "127.77.64.0/18", 1000);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    int64_t node_id = fixture_node(&f, c.id, "0001").id;
    struct node_goal goal = {
        .host_id = a.id, .address = "127.77.0.1", .port = 1, .memory_bytes = 300, .vcpus = 2};

    must(store_goal_set(f.tx, node_id, &goal));
    goal.memory_bytes = 400;
    goal.vcpus = 4;
    must(store_goal_set(f.tx, node_id, &goal));
    must(store_host_get(f.tx, a.id, &found));
    cr_expect_eq(found.used_bytes, 400);
    cr_expect_eq(found.used_vcpus, 4);
    goal.host_id = b.id;
    must(store_goal_set(f.tx, node_id, &goal));
    must(store_host_get(f.tx, a.id, &found));
    cr_expect_eq(found.used_bytes, 0);
    cr_expect_eq(found.used_vcpus, 0);
    cr_expect_eq(found.node_count, 0);
    must(store_host_put(f.tx, &b));
    must(store_host_get(f.tx, b.id, &found));
    cr_expect_eq(found.used_bytes, 400, "a host that enrols anew keeps what it has");
    cr_expect_eq(found.used_vcpus, 4);
    cr_expect_eq(found.node_count, 1);
    must(store_cluster_remove(f.tx, c.id, "arn"));
    must(store_host_get(f.tx, b.id, &found));
    cr_expect_eq(found.used_bytes, 0, "with its cluster");
    cr_expect_eq(found.used_vcpus, 0);
    cr_expect_eq(found.node_count, 0);
}

Test(hosts, lists_are_by_region_zone_and_name)
{
    struct host_list hosts;

    fixture_host(&f, "z", "us-east-1a", "127.77.0.0/18", 1);
    fixture_host(&f, "y", "us-east-1b", "127.77.64.0/18", 1);
    fixture_host(&f, "a", "us-east-1b", "127.77.128.0/18", 1);
    must(store_host_list(f.tx, "us-east-1", &hosts));
    cr_assert_eq(hosts.count, 3);
    cr_assert_str_eq(hosts.items[0].name, "z");
    cr_assert_str_eq(hosts.items[1].name, "a");
    must(store_host_list(f.tx, "eu-west-1", &hosts));
    cr_assert_eq(hosts.count, 0);
    must(store_host_list(f.tx, "", &hosts));
    cr_assert_eq(hosts.count, 3);
}

Test(hosts, silence_and_counts_are_told)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node_saw saw = {.host_id = h.id,
                           .state = NODE_FAILED,
                           .last_exit = "",
                           .why = "port taken",
                           .applied_settings = "",
                           .role = ""};
    struct store_counts counts;
    bool is_changed;

    must(store_saw_set(f.tx, fixture_node(&f, c.id, "0001").id, &saw, &is_changed));
    fixture_node(&f, c.id, "0002");
    must(store_host_silence(f.tx, h.id, true, 1000));
    must(store_count(f.tx, &counts));
    cr_assert_eq(counts.hosts, 1);
    cr_assert_eq(counts.silent_hosts, 1);
    cr_assert_eq(counts.clusters, 1);
    cr_assert_eq(counts.nodes[NODE_FAILED], 1);
    cr_assert_eq(counts.nodes[NODE_ABSENT], 1);
}

Test(hosts, regions_that_are_mostly_silent_are_named)
{
    struct host a = fixture_host(&f, "a", "us-east-1a", "127.77.0.0/18", 1);
    struct host b = fixture_host(&f, "b", "us-east-1b", "127.77.64.0/18", 1);
    struct host far = fixture_host(&f, "far", "us-east-1c", "127.77.128.0/18", 1);
    const char **regions;
    size_t count;

    must(store_silent_regions(f.tx, &regions, &count));
    cr_assert_eq(count, 0);
    must(store_host_silence(f.tx, a.id, true, 1000));
    must(store_silent_regions(f.tx, &regions, &count));
    cr_assert_eq(count, 0, "a third of them");
    must(store_host_silence(f.tx, b.id, true, 1000));
    must(store_silent_regions(f.tx, &regions, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(regions[0], "us-east-1");
    far.region = "eu-west-1";
    must(store_host_put(f.tx, &far));
    must(store_host_silence(f.tx, b.id, false, 1000));
    must(store_silent_regions(f.tx, &regions, &count));
    cr_assert_eq(count, 0, "half of one, none of the other");
}

Test(hosts, another_version_tells_of_each_change_and_of_nothing_else)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);
    uint64_t before = store_hosts_version(f.store);

    fixture_commit(&f);
    uint64_t enrolled = store_hosts_version(f.store);
    cr_expect_neq(enrolled, before);
    fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "c1", "redis");
    fixture_commit(&f);
    cr_expect_eq(store_hosts_version(f.store), enrolled);
    fixture_begin(&f, STORE_NOTE);
    must(store_host_silence(f.tx, h.id, true, 1000));
    fixture_commit(&f);
    cr_expect_neq(store_hosts_version(f.store), enrolled);
    fixture_begin(&f, STORE_WRITE);
}

Test(hosts, by_id_come_those_of_the_region)
{
    struct host b = fixture_host(&f, "b", "us-east-1a", "127.77.0.0/18", 1);
    struct host a = fixture_host(&f, "a", "us-east-1b", "127.77.64.0/18", 1);
    struct host_list hosts;

    must(store_host_list_by_id(f.tx, "us-east-1", &hosts));
    cr_assert_eq(hosts.count, 2);
    cr_expect_str_eq(hosts.items[0].id, a.id);
    cr_expect_str_eq(hosts.items[1].id, b.id);
    must(store_host_list_by_id(f.tx, "eu-west-1", &hosts));
    cr_expect_eq(hosts.count, 0);
}

Test(hosts, those_whose_goals_change_are_told_once_and_no_others)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node_goal goal = {
        .host_id = h.id, .address = "127.77.0.1", .port = 1, .state = NODE_RUNNING};
    int64_t node_id = fixture_node(&f, c.id, "0001").id;
    uint64_t *keys;
    size_t count;
    bool is_all;

    must(store_goal_set(f.tx, node_id, &goal));
    must(store_goal_set(f.tx, node_id, &goal));
    store_take_told(f.store, &f.arena, &keys, &count, &is_all);
    cr_expect_eq(count, 0, "it is not committed");
    fixture_commit(&f);
    store_take_told(f.store, &f.arena, &keys, &count, &is_all);
    cr_assert_eq(count, 1);
    cr_expect_eq(keys[0], store_host_key(h.id));
    cr_expect_not(is_all);
    store_take_told(f.store, &f.arena, &keys, &count, &is_all);
    cr_expect_eq(count, 0);
    fixture_begin(&f, STORE_WRITE);
}

Test(hosts, clusters_of_a_host_are_touched_before_all_others)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);
    struct cluster here = fixture_cluster(&f, "c1", "redis");
    struct node_goal goal = {
        .host_id = h.id, .address = "127.77.0.1", .port = 1, .state = NODE_RUNNING};
    int64_t *ids;
    size_t count;
    bool is_all;

    fixture_cluster(&f, "c2", "redis");
    must(store_goal_set(f.tx, fixture_node(&f, here.id, "0001").id, &goal));
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    must(store_touch_host(f.tx, h.id));
    store_touch_all(f.tx);
    fixture_commit(&f);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert_eq(count, 1);
    cr_expect_eq(ids[0], here.id);
    cr_expect(is_all);
    fixture_begin(&f, STORE_WRITE);
}
