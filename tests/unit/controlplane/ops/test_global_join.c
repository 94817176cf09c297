#include "controlplane/ops/global_join.h"
#include "global_world.h"

#include <criterion/criterion.h>

TestSuite(global_join, .init = global_world_open, .fini = world_close, .timeout = 60);

Test(global_join, a_secondary_is_made_as_the_primary_is)
{
    global_world_pair();
    global_world_go(THERE);
    struct ec_replication_group *g = world_describe_group("there");
    cr_assert_str_eq(g->cache_node_type, "cache.m5.large");
    cr_assert_str_eq(g->automatic_failover, "disabled");
    cr_assert_str_eq(g->global_replication_group_info->global_replication_group_member_role,
                     "SECONDARY");
}

Test(global_join, shards_and_slots_are_the_same)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "wide",
                                                .replication_group_description = "d",
                                                .cache_node_type = "cache.m5.large",
                                                .num_node_groups = INT_OF(3)};
    struct ec_create_replication_group_out out;
    struct ec_create_global_replication_group_in all = {
        .global_replication_group_id_suffix = "wide", .primary_replication_group_id = "wide"};
    struct ec_create_global_replication_group_out made;
    struct ec_create_replication_group_in whole,
        asked = {.global_replication_group_id = "ldgnf-wide", .replicas_per_node_group = INT_OF(2)};
    int64_t datastore = 0;

    must(run_ec_create_replication_group(&in, &out));
    global_world_settle();
    must(run_ec_create_global_replication_group(&all, &made));
    global_world_go(THERE);
    struct call c = world_call();
    must(global_join(&c, &asked, &whole, &datastore));
    cr_assert_neq(datastore, 0);
    cr_assert_eq(whole.node_group_configuration.count, 3);
    cr_assert_str_eq(whole.node_group_configuration.items[1].slots, "5462-10922");
    cr_assert_eq(whole.node_group_configuration.items[1].replica_count.value, 2);
    cr_assert_str_eq(whole.cluster_mode, "enabled");
    fixture_commit(&world.f);
}

Test(global_join, other_requests_stay_as_they_are)
{
    struct ec_create_replication_group_in whole, asked = {.engine = "valkey"};
    int64_t datastore = 9;

    struct call c = world_call();
    must(global_join(&c, &asked, &whole, &datastore));
    cr_assert_eq(datastore, 0);
    cr_assert_str_eq(whole.engine, "valkey");
    fixture_commit(&world.f);
}

Test(global_join, there_is_one_in_a_region)
{
    global_world_store();
    expect(global_world_join("again", "ldgnf-store"), FAULT_INVALID_PARAMETER_VALUE,
           "Global replication group ldgnf-store has a replication group in us-east-1 already.");
    expect(global_world_join("again", "ldgnf-none"), FAULT_GLOBAL_REPLICATION_GROUP_NOT_FOUND,
           "Global replication group ldgnf-none not found");
}
