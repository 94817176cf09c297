#include "controlplane/store/access.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/users.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(groups);

Test(groups, every_column_survives_the_round_trip)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct replication_group found;

    g.name = "keyed"; /* keys come with a group and stay */
    g.common.data_key = "00ff";
    g.kms_key = "alias/ours";
    g.common.reach.network = NETWORK_DUAL_STACK;
    g.common.driver = "redis";
    must(store_group_insert(f.tx, &g));
    g.common.reach.discovery = FAMILY_IPV6;
    g.description = "other";
    g.mode = CLUSTER_MODE_ENABLED;
    g.has_failover = g.is_multi_az = g.is_encrypted_at_rest = true;
    g.snapshotting_cluster = "rg-002";
    g.next_shard = 3;
    g.common.node_type = "cache.t4g.small";
    g.common.engine_version = "7.0.7";
    g.common.port = 7000;
    g.common.security_groups = "sg-1,sg-2";
    g.common.snapshot_window = "03:00-04:00";
    g.common.snapshot_retention = 7;
    g.common.auto_minor_upgrade = false;
    g.common.notification_topic = "arn:topic";
    g.common.notification_status = "active";
    g.is_wanted = false;
    must(store_group_update(f.tx, &g));
    must(store_group_find(f.tx, "000000000000", "us-east-1", "keyed", &found));
    cr_assert_eq(found.id, g.id);
    cr_assert_str_eq(found.description, "other");
    cr_assert_eq(found.mode, CLUSTER_MODE_ENABLED);
    cr_assert(found.has_failover && found.is_multi_az && found.is_encrypted_at_rest);
    cr_assert_str_eq(found.common.data_key, "00ff");
    cr_assert_str_eq(found.kms_key, "alias/ours");
    cr_assert_str_eq(found.common.driver, "redis");
    cr_assert_eq(found.common.reach.network, NETWORK_DUAL_STACK);
    cr_assert_eq(found.common.reach.discovery, FAMILY_IPV6);
    cr_assert_str_eq(found.user, "u");
    cr_assert_str_eq(found.password, "p");
    cr_assert_str_eq(found.snapshotting_cluster, "rg-002");
    cr_assert_eq(found.next_shard, 3);
    cr_assert_str_eq(found.common.engine, "redis");
    cr_assert_str_eq(found.common.engine_version, "7.0.7");
    cr_assert_str_eq(found.common.node_type, "cache.t4g.small");
    cr_assert_eq(found.common.port, 7000);
    cr_assert_str_eq(found.common.parameter_group, "default.redis7");
    cr_assert_str_eq(found.common.subnet_group, "default");
    cr_assert_str_eq(found.common.security_groups, "sg-1,sg-2");
    cr_assert_str_eq(found.common.maintenance_window, "sun:05:00-sun:06:00");
    cr_assert_str_eq(found.common.snapshot_window, "03:00-04:00");
    cr_assert_eq(found.common.snapshot_retention, 7);
    cr_assert_not(found.common.auto_minor_upgrade);
    cr_assert_str_eq(found.common.notification_topic, "arn:topic");
    cr_assert_str_eq(found.common.notification_status, "active");
    cr_assert_not(found.is_wanted);
    cr_assert_eq(found.created_ms, 1000);
}

Test(groups, lists_are_paged_by_name_and_found_by_id)
{
    int64_t ids[] = {fixture_group(&f, "b").id, fixture_group(&f, "a").id};
    struct replication_group *page;
    size_t count;

    fixture_group(&f, "c");
    must(store_group_list(f.tx, "000000000000", "us-east-1", "", 2, &page, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(page[0].name, "a");
    must(store_group_list(f.tx, "000000000000", "us-east-1", "b", 2, &page, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(page[0].name, "c");
    must(store_group_list_of(f.tx, ids, 2, &page, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(page[0].name, "b");
    must(store_group_list(f.tx, "111111111111", "us-east-1", "", 2, &page, &count));
    cr_assert_eq(count, 0);
}

Test(groups, a_name_is_taken_once)
{
    struct replication_group g = fixture_group(&f, "rg");

    cr_assert(err_is(store_group_insert(f.tx, &g), ERR_EXISTS));
    g.region = "eu-west-1";
    must(store_group_insert(f.tx, &g));
    must(store_group_get(f.tx, g.id, &g));
    cr_assert_str_eq(g.region, "eu-west-1");
}

Test(groups, members_are_clusters_that_name_it)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    struct cluster *members;
    size_t count;

    fixture_cluster(&f, "alone", "redis");
    c.group_id = g.id;
    c.shard_id = s.id;
    must(store_cluster_update(f.tx, &c));
    must(store_group_members(f.tx, &g.id, 1, &members, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(members[0].name, "rg-001");
    cr_assert_eq(members[0].group_id, g.id);
    cr_assert_eq(members[0].shard_id, s.id);
    c.group_id = c.shard_id = 0;
    must(store_cluster_update(f.tx, &c));
    must(store_group_members(f.tx, &g.id, 1, &members, &count));
    cr_assert_eq(count, 0);
}

Test(groups, removing_one_takes_all_that_belongs_to_it)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    struct group_operation o = {.kind = GROUP_CREATE, .group_id = g.id, .data = "", .why = ""};
    struct shard_list shards;
    struct topology topology;
    struct tag *tags;
    size_t count;

    s.goal = (struct shard_goal){.has = true, .term = 1, .primary_id = 1};
    must(store_shard_goal_set(f.tx, &s));
    must(store_topology_set(f.tx, g.id, &(struct topology){.epoch = 4, .words = "SHARD"}));
    must(store_group_operation_insert(f.tx, &o));
    must(store_tag_put(f.tx, g.account, g.region, "arn:rg", "k", "v"));
    must(store_group_remove(f.tx, g.id, "arn:rg"));
    cr_assert(err_is(store_group_get(f.tx, g.id, &g), ERR_NOT_FOUND));
    must(store_shard_list(f.tx, &g.id, 1, &shards));
    cr_assert_eq(shards.count, 0);
    must(store_topology_get(f.tx, g.id, &topology));
    cr_assert_eq(topology.epoch, 0);
    cr_assert(err_is(store_group_operation_running(f.tx, g.id, &o), ERR_NOT_FOUND));
    must(store_tag_list(f.tx, "arn:rg", &tags, &count));
    cr_assert_eq(count, 0);
}

Test(groups, a_topology_is_replaced_and_its_hosts_hear_of_it)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.1.1.0/24", 1);
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    struct topology topology;
    int64_t before, after;

    c.group_id = g.id;
    c.shard_id = s.id;
    must(store_cluster_update(f.tx, &c));
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.has = true, .host_id = h.id, .address = "127.1.1.1", .port = 6379};
    must(store_goal_set(f.tx, n.id, &goal));
    must(store_host_generation(f.tx, h.id, &before));
    must(store_topology_set(f.tx, g.id, &(struct topology){.epoch = 1, .words = "one"}));
    must(store_topology_set(f.tx, g.id, &(struct topology){.epoch = 2, .words = "two"}));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before + 2);
    must(store_topology_set(f.tx, g.id,
                            &(struct topology){3, "three", .told_ms = 700, .due_ms = 1000}));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before + 2, "they are told later");
    must(store_topology_get(f.tx, g.id, &topology));
    cr_assert_eq(topology.epoch, 3);
    cr_assert_str_eq(topology.words, "three");
    cr_assert_eq(topology.told_ms, 700);
    cr_assert_eq(topology.due_ms, 1000);
    s.goal = (struct shard_goal){.has = true, .term = 1, .primary_id = c.id};
    must(store_shard_goal_set(f.tx, &s));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before + 3);
}

Test(groups, who_may_enter_is_read_along)
{
    struct replication_group g = fixture_group(&f, "rg"), found;
    struct user_group team = {.account = "000000000000",
                              .region = "us-east-1",
                              .name = "team",
                              .engine = "redis",
                              .revision = 9,
                              .is_wanted = true};
    struct cache_access x = {
        .replication_group_id = g.id, .token = {"aa", false, 77},
             .revision = 4
    };

    must(store_group_get(f.tx, g.id, &found));
    cr_assert_str_eq(found.entry.user_group, "");
    cr_assert_not(found.entry.has_token);
    cr_assert_eq(found.entry.revision, 0);
    must(store_access_put(f.tx, &x));
    must(store_group_get(f.tx, g.id, &found));
    cr_assert(found.entry.has_token);
    cr_assert_eq(found.entry.token_modified_ms, 77);
    cr_assert_eq(found.entry.revision, 4);
    must(store_user_group_insert(f.tx, &team));
    x.user_group_id = team.id;
    x.token.digests = "";
    must(store_access_put(f.tx, &x));
    must(store_group_get(f.tx, g.id, &found));
    cr_assert_str_eq(found.entry.user_group, "team");
    cr_assert_not(found.entry.has_token);
    cr_assert_eq(found.entry.revision, 9);
}
