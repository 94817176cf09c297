#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(groups, .init = world_open, .fini = world_close, .timeout = 60);

static struct ec_replication_group *delete (const char *name, bool keeps_primary)
{
    struct ec_delete_replication_group_in in = {.replication_group_id = name,
                                                .retain_primary_cluster = BOOL_OF(keeps_primary)};
    struct ec_delete_replication_group_out out;

    must(run_ec_delete_replication_group(&in, &out));
    return out.replication_group;
}

Test(groups, an_unknown_one_is_not_found)
{
    struct ec_describe_replication_groups_in in = {.replication_group_id = "None"};
    struct ec_describe_replication_groups_out out;
    struct ec_delete_replication_group_in del = {.replication_group_id = "none"};
    struct ec_delete_replication_group_out deleted;

    expect(run_ec_describe_replication_groups(&in, &out), FAULT_REPLICATION_GROUP_NOT_FOUND,
           "ReplicationGroup none not found");
    expect(run_ec_delete_replication_group(&del, &deleted), FAULT_REPLICATION_GROUP_NOT_FOUND,
           "ReplicationGroup none not found");
}

Test(groups, a_page_ends_with_a_marker_that_leads_on)
{
    struct ec_describe_replication_groups_in in = {.max_records = INT_OF(20)};
    struct ec_describe_replication_groups_out out;

    for (int i = 0; i < 21; i++) {
        struct ec_create_replication_group_in create = {
            .replication_group_id = arena_printf(&world.f.arena, "g%02d", i),
            .replication_group_description = "d",
            .cache_node_type = "cache.t4g.micro",
            .port = INT_OF(7000 + i)};
        struct ec_create_replication_group_out created;
        must(run_ec_create_replication_group(&create, &created));
    }
    must(run_ec_describe_replication_groups(&in, &out));
    cr_assert_eq(out.replication_groups.count, 20);
    cr_assert_str_eq(out.replication_groups.items[19].replication_group_id, "g19");
    cr_assert_str_eq(out.replication_groups.items[19].member_clusters.items[0], "g19-001");
    in.marker = out.marker;
    must(run_ec_describe_replication_groups(&in, &out));
    cr_assert_eq(out.replication_groups.count, 1);
    cr_assert_null(out.marker);
    in.marker = "nonsense";
    expect(run_ec_describe_replication_groups(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(groups, members_can_be_left_out_of_the_clusters)
{
    struct ec_describe_cache_clusters_in in = {.show_cache_clusters_not_in_replication_groups =
                                                   BOOL_OF(true)};
    struct ec_describe_cache_clusters_out out;

    world_group("rg", 2);
    world_redis("alone");
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_eq(out.cache_clusters.count, 1);
    cr_assert_str_eq(out.cache_clusters.items[0].cache_cluster_id, "alone");
    in.show_cache_clusters_not_in_replication_groups = BOOL_OF(false);
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_eq(out.cache_clusters.count, 3);
}

Test(groups, deleting_takes_the_members_along)
{
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "rg-001"};
    struct ec_describe_cache_clusters_out out;

    world_group("rg", 2);
    struct ec_replication_group *g = delete ("RG", false);
    cr_assert_str_eq(g->status, "deleting");
    cr_assert_eq(g->member_clusters.count, 0);
    cr_assert_gt(g->node_groups.count, 0);
    cr_assert_str_eq(world_describe("rg-001")->cache_cluster_status, "deleting");
    world_settle();
    expect(run_ec_describe_cache_clusters(&in, &out), FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
    world_group("rg", 1);
}

Test(groups, a_primary_that_is_kept_stands_alone)
{
    world_group("rg", 2);
    delete ("rg", true);
    cr_assert_str_eq(world_describe("rg-001")->cache_cluster_status, "modifying");
    cr_assert_str_eq(world_describe("rg-002")->cache_cluster_status, "deleting");
    world_settle();
    struct ec_cache_cluster *c = world_describe("rg-001");
    cr_assert_str_eq(c->cache_cluster_status, "available");
    cr_assert_null(c->replication_group_id);
}

Test(groups, what_cannot_be_deleted_is_left)
{
    struct ec_create_replication_group_in create = {.replication_group_id = "on",
                                                    .replication_group_description = "d",
                                                    .cache_node_type = "cache.t4g.micro",
                                                    .num_node_groups = INT_OF(2)};
    struct ec_create_replication_group_out created;
    struct ec_delete_replication_group_in in = {.replication_group_id = "on"};
    struct ec_delete_replication_group_out out;

    must(run_ec_create_replication_group(&create, &created));
    expect(run_ec_delete_replication_group(&in, &out), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    world_settle();
    in.final_snapshot_identifier = "9";
    expect(run_ec_delete_replication_group(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    in.final_snapshot_identifier = NULL;
    in.retain_primary_cluster = BOOL_OF(true);
    expect(run_ec_delete_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    cr_assert_str_eq(world_describe_group("on")->status, "available");
}
