#include "world.h"

#include <criterion/criterion.h>

TestSuite(group_mode, .init = world_open, .fini = world_close, .timeout = 60);

#define COMBINATION FAULT_INVALID_PARAMETER_COMBINATION

static struct err ask(struct ec_modify_replication_group_in in,
                      struct ec_modify_replication_group_out *out)
{
    in.replication_group_id = "rg";
    return run_ec_modify_replication_group(&in, out);
}

static void refuse(struct ec_modify_replication_group_in in, const char *why)
{
    struct ec_modify_replication_group_out out;

    expect(ask(in, &out), COMBINATION, why);
}

#define TO(mode) .cluster_mode = mode, .apply_immediately = BOOL_OF(true)

static void compatible(void)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .cache_node_type = "cache.t4g.micro",
                                                .cluster_mode = "compatible",
                                                .num_cache_clusters = INT_OF(2),
                                                .automatic_failover_enabled = BOOL_OF(true)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
}

Test(group_mode, the_next_one_is_pending_until_it_is_there)
{
    struct ec_modify_replication_group_out out;

    world_group("rg", 2);
    must(ask((struct ec_modify_replication_group_in){TO("compatible")}, &out));
    cr_assert_str_eq(out.replication_group->status, "modifying");
    cr_assert_str_eq(out.replication_group->cluster_mode, "disabled");
    cr_assert_str_eq(out.replication_group->pending_modified_values->cluster_mode, "compatible");
    cr_assert_str_eq(world_describe("rg-002")->cache_parameter_group->cache_parameter_group_name,
                     "default.redis7.cluster.on");
    world_settle();
    cr_assert_null(world_describe_group("rg")->pending_modified_values->cluster_mode);
}

Test(group_mode, ways_that_there_are_not)
{
    world_group("rg", 2);
    refuse((struct ec_modify_replication_group_in){TO("enabled")},
           "ClusterMode cannot be changed from disabled to enabled.");
}

Test(group_mode, what_it_needs)
{
    world_group("rg", 2);
    refuse((struct ec_modify_replication_group_in){.cluster_mode = "compatible"},
           "ClusterMode can only be changed with ApplyImmediately.");
    refuse((struct ec_modify_replication_group_in){TO("compatible"),
                                                   .multi_az_enabled = BOOL_OF(true)},
           "The parameter MultiAZEnabled cannot be modified together with ClusterMode.");
    refuse((struct ec_modify_replication_group_in){TO("compatible"),
                                                   .cache_parameter_group_name = "default.redis7"},
           "The parameter group default.redis7 turns cluster mode off, and with ClusterMode "
           "compatible it must be on.");
}

Test(group_mode, without_failover_or_replicas_it_stays)
{
    world_group("rg", 1);
    refuse((struct ec_modify_replication_group_in){TO("compatible")},
           "ClusterMode can only be changed with automatic failover enabled.");
}

Test(group_mode, older_engines_stay_as_they_are)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .engine_version = "6.2",
                                                .cache_node_type = "cache.t4g.micro",
                                                .num_cache_clusters = INT_OF(2),
                                                .automatic_failover_enabled = BOOL_OF(true)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    refuse((struct ec_modify_replication_group_in){TO("compatible")},
           "ClusterMode can only be changed with Redis 7.0 and later; the replication group has "
           "6.2.6.");
}

Test(group_mode, a_compatible_group_goes_on_or_back_and_nothing_else)
{
    struct ec_modify_replication_group_out out;

    compatible();
    refuse((struct ec_modify_replication_group_in){.snapshot_window = "05:00-06:00"},
           "The parameter SnapshotWindow cannot be modified while ClusterMode is compatible.");
    must(ask((struct ec_modify_replication_group_in){TO("disabled")}, &out));
    cr_assert_str_eq(world_describe("rg-001")->cache_parameter_group->cache_parameter_group_name,
                     "default.redis7");
}

Test(group_mode, a_compatible_group_keeps_its_parameters_when_it_is_enabled)
{
    struct ec_modify_replication_group_out out;

    compatible();
    must(ask((struct ec_modify_replication_group_in){TO("enabled")}, &out));
    cr_assert_str_eq(out.replication_group->pending_modified_values->cluster_mode, "enabled");
    cr_assert_str_eq(world_describe("rg-001")->cache_parameter_group->cache_parameter_group_name,
                     "default.redis7.cluster.on");
}
