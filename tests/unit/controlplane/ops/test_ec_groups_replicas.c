#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(replicas, .init = world_open, .fini = world_close, .timeout = 60);

#define NOW   .apply_immediately = BOOL_OF(true)
#define VALUE FAULT_INVALID_PARAMETER_VALUE

static struct ec_replication_group *increase(struct ec_increase_replica_count_in in)
{
    struct ec_increase_replica_count_out out;

    in.replication_group_id = "rg";
    must(run_ec_increase_replica_count(&in, &out));
    return out.replication_group;
}

static struct ec_replication_group *decrease(struct ec_decrease_replica_count_in in)
{
    struct ec_decrease_replica_count_out out;

    in.replication_group_id = "rg";
    must(run_ec_decrease_replica_count(&in, &out));
    return out.replication_group;
}

static void sharded(void)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .cache_node_type = "cache.t4g.micro",
                                                .num_node_groups = INT_OF(2),
                                                .replicas_per_node_group = INT_OF(1)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
}

/* --- more --- */

Test(replicas, a_new_one_is_a_member_at_once_and_inherits_all)
{
    struct ec_tag tag = {"team", "blue"};
    struct ec_add_tags_to_resource_in add = {
        .resource_name = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:rg",
        .tags = {true, 1, &tag}
    };
    struct ec_add_tags_to_resource_out added;
    struct ec_list_tags_for_resource_in list = {
        .resource_name = "arn:aws:elasticache:us-east-1:000000000000:cluster:rg-003"};
    struct ec_list_tags_for_resource_out tags;

    world_group("rg", 2);
    must(run_ec_add_tags_to_resource(&add, &added));
    struct ec_replication_group *g =
        increase((struct ec_increase_replica_count_in){NOW, .new_replica_count = INT_OF(2)});
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_eq(g->member_clusters.count, 3);
    cr_assert_str_eq(g->member_clusters.items[2], "rg-003");
    cr_assert_str_eq(world_describe("rg-003")->cache_cluster_status, "creating");
    cr_assert_str_eq(world_describe("rg-001")->cache_cluster_status, "modifying");
    world_settle();
    struct ec_cache_cluster *m = world_describe("rg-003");
    cr_assert_str_eq(m->cache_cluster_status, "available");
    cr_assert_str_eq(m->cache_node_type, "cache.t4g.micro");
    cr_assert_str_eq(m->preferred_availability_zone, "us-east-1c");
    must(run_ec_list_tags_for_resource(&list, &tags));
    cr_assert_eq(tags.tag_list.count, 1);
}

Test(replicas, shards_grow_alike_or_one_by_one)
{
    struct ec_configure_shard one = {.node_group_id = "2", .new_replica_count = INT_OF(3)};

    sharded();
    struct ec_replication_group *g =
        increase((struct ec_increase_replica_count_in){NOW, .new_replica_count = INT_OF(2)});
    cr_assert_eq(g->member_clusters.count, 6);
    world_settle();
    g = increase((struct ec_increase_replica_count_in){
        NOW, .replica_configuration = {true, 1, &one}
    });
    cr_assert_eq(g->node_groups.items[0].node_group_members.count, 3);
    cr_assert_eq(g->node_groups.items[1].node_group_members.count, 4);
    cr_assert_str_eq(g->node_groups.items[1].node_group_members.items[3].cache_cluster_id,
                     "rg-0002-004");
}

Test(replicas, a_new_one_goes_to_the_zone_that_is_named_beyond_those_of_the_others)
{
    struct ec_configure_shard one = {.node_group_id = "0001", .new_replica_count = INT_OF(1)};

    world_group("rg", 1);
    const char *primary = world_describe("rg-001")->preferred_availability_zone;
    one.preferred_availability_zones = (struct ec_preferred_availability_zone_list){
        true, 2, (const char *[]){primary, primary}
    };
    increase((struct ec_increase_replica_count_in){
        NOW, .replica_configuration = {true, 1, &one}
    });
    world_settle();
    cr_assert_str_eq(world_describe("rg-002")->preferred_availability_zone, primary);
}

Test(replicas, what_cannot_grow_is_left)
{
    struct ec_configure_shard unknown = {.node_group_id = "9", .new_replica_count = INT_OF(3)};
    struct ec_configure_shard zones = {.node_group_id = "1",
                                       .new_replica_count = INT_OF(3),
                                       .preferred_availability_zones = STRINGS("us-east-1a")};
    struct ec_configure_shard twice[] = {
        {.node_group_id = "1",    .new_replica_count = INT_OF(3)},
        {.node_group_id = "0001", .new_replica_count = INT_OF(3)}
    };
    const struct {
        const char *what;
        struct ec_increase_replica_count_in in;
        int fault;
    } rows[] = {
        {"later",         {.new_replica_count = INT_OF(2)},                                   VALUE                              },
        {"neither",       {NOW},                                                              FAULT_INVALID_PARAMETER_COMBINATION},
        {"both",
         {NOW, .new_replica_count = INT_OF(2), .replica_configuration = {true, 1, &unknown}},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                     },
        {"the same",      {NOW, .new_replica_count = INT_OF(1)},                              FAULT_NO_OPERATION                 },
        {"fewer",         {NOW, .new_replica_count = INT_OF(0)},                              VALUE                              },
        {"six",           {NOW, .new_replica_count = INT_OF(6)},                              VALUE                              },
        {"unknown shard", {NOW, .replica_configuration = {true, 1, &unknown}},                VALUE                              },
        {"too few zones", {NOW, .replica_configuration = {true, 1, &zones}},                  VALUE                              },
        {"a shard twice", {NOW, .replica_configuration = {true, 2, twice}},                   VALUE                              },
    };

    world_group("rg", 2);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_increase_replica_count_in in = rows[i].in;
        struct ec_increase_replica_count_out out;
        in.replication_group_id = "rg";
        struct err e = run_ec_increase_replica_count(&in, &out);
        cr_expect_eq(e.code, rows[i].fault, "%s: %d %s", rows[i].what, e.code, e.why ? e.why : "");
    }
    cr_assert_eq(world_describe_group("rg")->member_clusters.count, 2);
}

/* --- fewer --- */

Test(replicas, the_last_made_goes_first)
{
    world_group("rg", 3);
    struct ec_replication_group *g =
        decrease((struct ec_decrease_replica_count_in){NOW, .new_replica_count = INT_OF(1)});
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_eq(g->member_clusters.count, 2);
    cr_assert_str_eq(g->member_clusters.items[1], "rg-002");
    cr_assert_str_eq(world_describe("rg-003")->cache_cluster_status, "deleting");
    world_settle();
    cr_assert_eq(world_describe_group("rg")->member_clusters.count, 2);
    g = increase((struct ec_increase_replica_count_in){NOW, .new_replica_count = INT_OF(2)});
    cr_assert_str_eq(g->member_clusters.items[2], "rg-004", "numbers are not given again");
}

Test(replicas, those_that_are_named_go)
{
    world_group("rg", 4);
    struct ec_replication_group *g = decrease((struct ec_decrease_replica_count_in){
        NOW, .new_replica_count = INT_OF(2), .replicas_to_remove = STRINGS("RG-002")});
    cr_assert_eq(g->member_clusters.count, 3);
    cr_assert_str_eq(g->member_clusters.items[1], "rg-003");
    world_settle();
    g = decrease(
        (struct ec_decrease_replica_count_in){NOW, .replicas_to_remove = STRINGS("rg-003")});
    cr_assert_eq(g->member_clusters.count, 2);
    cr_assert_str_eq(g->member_clusters.items[1], "rg-004");
}

Test(replicas, what_cannot_shrink_is_left)
{
    const struct {
        const char *what;
        struct ec_decrease_replica_count_in in;
        int fault;
    } rows[] = {
        {"later",              {.new_replica_count = INT_OF(1)},                                   VALUE             },
        {"the same",           {NOW, .new_replica_count = INT_OF(2)},                              FAULT_NO_OPERATION},
        {"more",               {NOW, .new_replica_count = INT_OF(3)},                              VALUE             },
        {"none with failover", {NOW, .new_replica_count = INT_OF(0)},                              VALUE             },
        {"the primary",
         {NOW, .new_replica_count = INT_OF(1), .replicas_to_remove = STRINGS("rg-001")},
         VALUE                                                                                                       },
        {"a stranger",
         {NOW, .new_replica_count = INT_OF(1), .replicas_to_remove = STRINGS("other")},
         VALUE                                                                                                       },
        {"too many names",
         {NOW, .new_replica_count = INT_OF(1), .replicas_to_remove = STRINGS("rg-002", "rg-003")},
         VALUE                                                                                                       },
    };

    world_group("rg", 3);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_decrease_replica_count_in in = rows[i].in;
        struct ec_decrease_replica_count_out out;
        in.replication_group_id = "rg";
        struct err e = run_ec_decrease_replica_count(&in, &out);
        cr_expect_eq(e.code, rows[i].fault, "%s: %d %s", rows[i].what, e.code, e.why ? e.why : "");
    }
    cr_assert_eq(world_describe_group("rg")->member_clusters.count, 3);
}

Test(replicas, shards_may_stand_without_any)
{
    sharded();
    struct ec_replication_group *g =
        decrease((struct ec_decrease_replica_count_in){NOW, .new_replica_count = INT_OF(0)});
    cr_assert_eq(g->member_clusters.count, 2);
}
