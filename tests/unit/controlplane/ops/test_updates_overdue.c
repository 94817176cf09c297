#include "builds.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(updates_overdue, .init = builds_open, .fini = world_close, .timeout = 60);

#define HOUR_MS (3600 * (int64_t)1000)
#define DAY_MS  (24 * HOUR_MS)

/* WORLD_NOW_MS is Tuesday, 22:13:20. */
#define OPEN   "tue:22:00-tue:23:00"
#define CLOSED "thu:03:00-thu:04:00"

static void set_window(const char *window)
{
    struct ec_modify_cache_cluster_in cluster = {.cache_cluster_id = "c1",
                                                 .preferred_maintenance_window = window};
    struct ec_modify_cache_cluster_out cluster_out;
    struct ec_modify_replication_group_in group = {.replication_group_id = "rg",
                                                   .preferred_maintenance_window = window};
    struct ec_modify_replication_group_out group_out;

    must(run_ec_modify_cache_cluster(&cluster, &cluster_out));
    must(run_ec_modify_replication_group(&group, &group_out));
}

static void take_minor(bool takes)
{
    struct ec_modify_replication_group_in in = {.replication_group_id = "rg",
                                                .auto_minor_version_upgrade = BOOL_OF(takes)};
    struct ec_modify_replication_group_out out;

    must(run_ec_modify_replication_group(&in, &out));
}

static bool update(void)
{
    bool waits;

    must(ops_update(world.ops, &world.f.arena, &world.caller, &waits));
    return waits;
}

/* Of the cluster, then of the group; of the newest update that concerns both. */
static void expect_statuses(const char *cluster, const char *group)
{
    struct ec_update_action *a = builds_actions((struct ec_describe_update_actions_in){0}, 2);

    cr_assert_str_eq(a[0].update_action_status, cluster);
    cr_assert_str_eq(a[1].update_action_status, group);
}

static void stop(void)
{
    const struct ec_batch_stop_update_action_in in = {.service_update_name = BUILDS_UPDATE,
                                                      .cache_cluster_ids = STRINGS("c1"),
                                                      .replication_group_ids = STRINGS("rg")};
    struct ec_batch_stop_update_action_out out;

    must(run_ec_batch_stop_update_action(&in, &out));
    cr_assert_eq(out.processed_update_actions.count, 2);
}

Test(updates_overdue, nothing_is_done_before_the_date)
{
    set_window(OPEN);
    clock_manual_advance(&world.clock, 56 * DAY_MS); /* the same day of the week */
    cr_assert_not(update());
    expect_statuses("not-applied", "not-applied");
}

Test(updates_overdue, it_is_set_down_and_applied_in_the_window)
{
    set_window(CLOSED);
    clock_manual_advance(&world.clock, 63 * DAY_MS);
    expect_statuses("scheduling", "scheduling");
    cr_assert(update());
    expect_statuses("scheduled", "scheduled");
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "available");
    struct ec_update_action *a = builds_actions(
        (struct ec_describe_update_actions_in){.show_node_level_update_status = BOOL_OF(true)}, 2);
    cr_assert_str_eq(a[0].sla_met, "no");
    cr_assert_str_eq(a[0].cache_node_update_status.items[0].node_update_initiated_by, "system");
    cr_assert_str_eq(a[0].cache_node_update_status.items[0].node_update_status, "not-applied");
    clock_manual_advance(&world.clock, 29 * HOUR_MS);
    cr_assert(update());
    expect_statuses("waiting-to-start", "waiting-to-start");
    cr_assert_str_eq(world_describe_group("rg")->status, "modifying");
    builds_report("0.1.1");
    world_settle();
    expect_statuses("complete", "complete");
    cr_assert_not(update());
}

Test(updates_overdue, where_the_window_is_open_it_begins_at_once_and_the_busy_are_waited_for)
{
    struct ec_reboot_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .cache_node_ids_to_reboot = STRINGS("0001")};
    struct ec_reboot_cache_cluster_out out;

    set_window(OPEN);
    clock_manual_advance(&world.clock, 63 * DAY_MS);
    must(run_ec_reboot_cache_cluster(&in, &out));
    update();
    expect_statuses("scheduled", "waiting-to-start");
    update();
    expect_statuses("scheduled", "waiting-to-start");
    world_settle();
    update();
    expect_statuses("waiting-to-start", "stopped"); /* the group's ended with no node updated */
}

Test(updates_overdue, what_was_stopped_is_left_alone)
{
    set_window(CLOSED);
    clock_manual_advance(&world.clock, 63 * DAY_MS);
    update();
    stop();
    expect_statuses("stopped", "stopped");
    clock_manual_advance(&world.clock, 29 * HOUR_MS);
    cr_assert_not(update());
    expect_statuses("stopped", "stopped");
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "available");
}

Test(updates_overdue, what_failed_is_tried_again_in_the_next_window)
{
    set_window(OPEN);
    clock_manual_advance(&world.clock, 63 * DAY_MS);
    update();
    world_settle();
    expect_statuses("stopped", "stopped");
    cr_assert(update());
    expect_statuses("stopped", "stopped");
    clock_manual_advance(&world.clock, 7 * DAY_MS);
    update();
    expect_statuses("waiting-to-start", "waiting-to-start");
}

Test(updates_overdue, another_minor_version_is_for_those_that_take_it)
{
    builds_report("0.1.1");
    builds_offer("0.2.0");
    set_window(CLOSED);
    take_minor(false);
    clock_manual_advance(&world.clock, 35 * DAY_MS);
    cr_assert(update());
    expect_statuses("scheduled", "not-applied");
    take_minor(true);
    update();
    expect_statuses("scheduled", "scheduled");
}

Test(updates_overdue, another_major_version_is_for_those_that_ask)
{
    builds_report("0.1.1");
    builds_offer("1.0.0");
    set_window(OPEN);
    clock_manual_advance(&world.clock, 364 * DAY_MS);
    cr_assert_not(update());
    expect_statuses("not-applied", "not-applied");
}

Test(updates_overdue, who_cannot_have_it_is_not_concerned)
{
    builds_offer("0.1.0"); /* the package was taken back */
    set_window(OPEN);
    clock_manual_advance(&world.clock, 63 * DAY_MS);
    cr_assert_not(update());
    expect_statuses("not-applicable", "not-applicable");
}
