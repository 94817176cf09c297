#include "builds.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(update_actions_change, .init = builds_open, .fini = world_close, .timeout = 60);

static struct ec_batch_apply_update_action_out apply(size_t done, size_t failed)
{
    const struct ec_batch_apply_update_action_in in = {.service_update_name = BUILDS_UPDATE,
                                                       .cache_cluster_ids = STRINGS("c1", "rg-001"),
                                                       .replication_group_ids = STRINGS("rg")};
    struct ec_batch_apply_update_action_out out;

    must(run_ec_batch_apply_update_action(&in, &out));
    cr_assert_eq(out.processed_update_actions.count, done);
    cr_assert_eq(out.unprocessed_update_actions.count, failed);
    return out;
}

Test(update_actions_change, it_is_applied_to_each_that_can_take_it)
{
    struct ec_batch_apply_update_action_out out = apply(2, 1);

    cr_assert_str_eq(out.processed_update_actions.items[0].replication_group_id, "rg");
    cr_assert_str_eq(out.processed_update_actions.items[0].update_action_status,
                     "waiting-to-start");
    cr_assert_str_eq(out.unprocessed_update_actions.items[0].cache_cluster_id, "rg-001");
    cr_assert_str_eq(out.unprocessed_update_actions.items[0].error_type, "InvalidParameterValue");
    cr_assert_str_eq(world_describe_group("rg")->status, "modifying");
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "modifying");
    out = apply(0, 3);
    cr_assert_str_eq(out.unprocessed_update_actions.items[0].error_type,
                     "InvalidReplicationGroupState");
    struct ec_update_action *a = builds_actions(
        (struct ec_describe_update_actions_in){.show_node_level_update_status = BOOL_OF(true)}, 2);
    cr_assert_str_eq(a[0].update_action_status, "waiting-to-start");
    cr_assert_str_eq(a[0].cache_node_update_status.items[0].node_update_status, "waiting-to-start");
    cr_assert_eq(a[1].node_group_update_status.items[0].node_group_member_update_status.count, 2);
    builds_report("0.1.1");
    world_settle();
    a = builds_actions((struct ec_describe_update_actions_in){0}, 2);
    cr_assert_str_eq(a[1].update_action_status, "complete");
    cr_assert_str_eq(a[1].nodes_updated, "2/2");
}

Test(update_actions_change, one_that_is_stopped_can_be_applied_again)
{
    const struct ec_batch_stop_update_action_in in = {.service_update_name = BUILDS_UPDATE,
                                                      .cache_cluster_ids = STRINGS("c1"),
                                                      .replication_group_ids = STRINGS("rg")};
    struct ec_batch_stop_update_action_out out;

    must(run_ec_batch_stop_update_action(&in, &out));
    cr_assert_eq(out.unprocessed_update_actions.count, 2);
    apply(2, 1);
    must(run_ec_batch_stop_update_action(&in, &out));
    cr_assert_eq(out.processed_update_actions.count, 2);
    cr_assert_str_eq(
        builds_actions((struct ec_describe_update_actions_in){0}, 2)->update_action_status,
        "stopping");
    world_settle();
    cr_assert_str_eq(
        builds_actions((struct ec_describe_update_actions_in){0}, 2)->update_action_status,
        "stopped");
    apply(2, 1);
}
