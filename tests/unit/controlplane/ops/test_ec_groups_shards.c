#include "world.h"

#include <criterion/criterion.h>

TestSuite(shards, .init = world_open, .fini = world_close, .timeout = 60);

Test(shards, only_now_and_only_of_a_group_that_is_available)
{
    struct ec_create_replication_group_in create = {.replication_group_id = "rg",
                                                    .replication_group_description = "d",
                                                    .cache_node_type = "cache.t4g.micro",
                                                    .num_node_groups = INT_OF(2)};
    struct ec_create_replication_group_out created;
    struct ec_modify_replication_group_shard_configuration_in in = {.replication_group_id = "RG",
                                                                    .node_group_count = INT_OF(3),
                                                                    .apply_immediately =
                                                                        BOOL_OF(false)};
    struct ec_modify_replication_group_shard_configuration_out out;

    must(run_ec_create_replication_group(&create, &created));
    expect(run_ec_modify_replication_group_shard_configuration(&in, &out),
           FAULT_INVALID_REPLICATION_GROUP_STATE,
           "Replication group must be in available state to modify.");
    world_settle();
    expect(run_ec_modify_replication_group_shard_configuration(&in, &out),
           FAULT_INVALID_PARAMETER_VALUE,
           "ApplyImmediately must be true: the number of node groups cannot be changed later.");
    in.apply_immediately = BOOL_OF(true);
    must(run_ec_modify_replication_group_shard_configuration(&in, &out));
    cr_assert_str_eq(out.replication_group->status, "modifying");
    cr_assert_eq(out.replication_group->node_groups.count, 3);
    in.replication_group_id = "nobody";
    expect(run_ec_modify_replication_group_shard_configuration(&in, &out),
           FAULT_REPLICATION_GROUP_NOT_FOUND, "ReplicationGroup nobody not found");
}
