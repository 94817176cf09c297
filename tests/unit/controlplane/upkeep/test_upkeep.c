#include "../ops/builds.h"
#include "controlplane/upkeep/upkeep.h"

#include <criterion/criterion.h>

#include <string.h>

static struct upkeep *upkeep;

static void open_all(void)
{
    world_open();
    upkeep = upkeep_new(world.f.store,
                        &(struct upkeep_conf){.ops = world.ops, .clock = &world.clock.clock});
}

static void close_all(void)
{
    upkeep_free(upkeep);
    world_close();
}

TestSuite(upkeep, .init = open_all, .fini = close_all, .timeout = 60);

#define HOUR_MS (3600 * (int64_t)1000)

static bool look(void)
{
    bool waits;

    must(upkeep_look(upkeep, &waits));
    return waits;
}

/* WORLD_NOW_MS is Tuesday, 22:13:20. */
static void park(const char *name, const char *version, const char *window)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine_version = version,
                                            .preferred_maintenance_window = window};
    struct ec_modify_cache_cluster_out out;

    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "available");
}

static void redis_7_0(const char *name)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = "redis",
                                            .engine_version = "7.0",
                                            .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
}

static const char *version_of(const char *name)
{
    return world_describe(name)->engine_version;
}

Test(upkeep, nothing_happens_before_the_window_opens)
{
    redis_7_0("c1");
    cr_assert_not(look());
    park("c1", "7.1", "wed:03:00-wed:04:00");
    cr_assert(look());
    cr_assert_str_eq(version_of("c1"), "7.0.7");
    clock_manual_advance(&world.clock, 4 * HOUR_MS);
    cr_assert(look());
    cr_assert_str_eq(version_of("c1"), "7.0.7");
    clock_manual_advance(&world.clock, HOUR_MS);
    look();
    cr_assert_str_eq(version_of("c1"), "7.1.0");
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "modifying");
    cr_assert_null(world_describe("c1")->pending_modified_values->engine_version);
    cr_assert_not(look());
}

Test(upkeep, a_window_that_was_missed_comes_again)
{
    redis_7_0("c1");
    park("c1", "7.1", "tue:21:00-tue:22:00");
    look();
    cr_assert_str_eq(version_of("c1"), "7.0.7");
    clock_manual_advance(&world.clock, 7 * 24 * HOUR_MS - HOUR_MS);
    look();
    cr_assert_str_eq(version_of("c1"), "7.1.0");
}

Test(upkeep, groups_are_kept_up_too)
{
    struct ec_modify_replication_group_in in = {.replication_group_id = "rg",
                                                .cache_node_type = "cache.t4g.small",
                                                .preferred_maintenance_window =
                                                    "tue:22:00-tue:23:00"};
    struct ec_modify_replication_group_out out;

    world_group("rg", 2);
    must(run_ec_modify_replication_group(&in, &out));
    cr_assert_str_eq(out.replication_group->cache_node_type, "cache.t4g.micro");
    cr_assert(look());
    cr_assert_str_eq(world_describe_group("rg")->cache_node_type, "cache.t4g.small");
    cr_assert_str_eq(world_describe("rg-002")->cache_node_type, "cache.t4g.small");
}

Test(upkeep, what_is_busy_is_waited_for)
{
    struct ec_reboot_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .cache_node_ids_to_reboot = STRINGS("0001")};
    struct ec_reboot_cache_cluster_out out;

    redis_7_0("c1");
    park("c1", "7.1", "tue:22:00-tue:23:00");
    must(run_ec_reboot_cache_cluster(&in, &out));
    cr_assert(look());
    cr_assert_str_eq(version_of("c1"), "7.0.7");
    world_settle();
    look();
    cr_assert_str_eq(version_of("c1"), "7.1.0");
}

static size_t count_failures(void)
{
    struct ec_describe_events_in in = {.source_identifier = "rg",
                                       .source_type = "replication-group"};
    struct ec_describe_events_out out;
    size_t count = 0;

    must(run_ec_describe_events(&in, &out));
    for (size_t i = 0; i < out.events.count; i++)
        count += strstr(out.events.items[i].message, "Failed applying pending modifications: ") ==
                 out.events.items[i].message;
    return count;
}

Test(upkeep, a_failure_is_told_and_tried_again_after_a_while)
{
    struct ec_modify_replication_group_in in = {.replication_group_id = "rg",
                                                .cache_node_type = "cache.r7g.16xlarge",
                                                .preferred_maintenance_window =
                                                    "tue:22:00-tue:23:00"};
    struct ec_modify_replication_group_out out;

    world_group("rg", 2);
    must(run_ec_modify_replication_group(&in, &out));
    for (int i = 0; i < 3; i++)
        cr_assert(look());
    cr_assert_eq(count_failures(), 1);
    clock_manual_advance(&world.clock, HOUR_MS / 4);
    cr_assert(look());
    cr_assert_eq(count_failures(), 2);
    cr_assert_str_eq(world_describe_group("rg")->cache_node_type, "cache.t4g.micro");
    clock_manual_advance(&world.clock, HOUR_MS);
    cr_assert(look());
    cr_assert_eq(count_failures(), 1); /* the first ones are older than an hour */
}

Test(upkeep, its_thread_begins_and_ends)
{
    struct upkeep *other;

    redis_7_0("c1");
    park("c1", "7.1", "tue:22:00-tue:23:00");
    must(upkeep_start(world.f.store,
                      &(struct upkeep_conf){.ops = world.ops, .clock = &world.clock.clock},
                      &other));
    for (;;) {
        uint64_t seen = store_generation(world.f.store);
        if (strcmp(version_of("c1"), "7.1.0") == 0)
            break;
        store_wait(world.f.store, seen, clock_boot_ms(&clock_system) + 1000);
    }
    upkeep_stop(other);
}

/* --- automatic snapshots --- */

static void keep_snapshots(const char *name, const char *window)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = name, .snapshot_retention_limit = INT_OF(1), .snapshot_window = window};
    struct ec_modify_cache_cluster_out out;

    must(run_ec_modify_cache_cluster(&in, &out));
}

static struct ec_snapshot_list snapshots(void)
{
    struct ec_describe_snapshots_in in = {.snapshot_source = "system"};
    struct ec_describe_snapshots_out out;

    must(run_ec_describe_snapshots(&in, &out));
    return out.snapshots;
}

Test(upkeep, a_snapshot_is_taken_once_while_its_window_is_open)
{
    redis_7_0("c1");
    cr_assert_not(look());
    keep_snapshots("c1", "23:00-00:30");
    cr_assert(look());
    cr_assert_eq(snapshots().count, 0, "the window is not open");
    clock_manual_advance(&world.clock, HOUR_MS);
    look();
    look();
    cr_assert_eq(snapshots().count, 1);
    cr_assert_str_eq(snapshots().items[0].snapshot_source, "automated");
    cr_assert_eq(
        strncmp(snapshots().items[0].snapshot_name, "automatic.c1-", strlen("automatic.c1-")), 0);
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "snapshotting");
    clock_manual_advance(&world.clock, HOUR_MS);
    look();
    cr_assert_eq(snapshots().count, 1, "past midnight it is the same window");
}

Test(upkeep, a_cluster_that_is_busy_is_snapshotted_when_it_is_not)
{
    redis_7_0("c1");
    keep_snapshots("c1", "22:00-23:00");
    park("c1", "7.1", "wed:03:00-wed:04:00");
    struct ec_reboot_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .cache_node_ids_to_reboot = STRINGS("0001")};
    struct ec_reboot_cache_cluster_out out;

    must(run_ec_reboot_cache_cluster(&in, &out));
    look();
    cr_assert_eq(snapshots().count, 0);
    world_settle();
    look();
    cr_assert_eq(snapshots().count, 1);
}

Test(upkeep, a_serverless_cache_has_its_snapshot_at_its_time)
{
    struct ec_modify_serverless_cache_in in = {.serverless_cache_name = "one",
                                               .daily_snapshot_time = "22:30",
                                               .snapshot_retention_limit = INT_OF(2)};
    struct ec_modify_serverless_cache_out out;
    struct ec_describe_serverless_cache_snapshots_in ask = {.snapshot_type = "automated"};
    struct ec_describe_serverless_cache_snapshots_out found;

    world_serverless("one", "redis");
    must(run_ec_modify_serverless_cache(&in, &out));
    cr_assert(look());
    must(run_ec_describe_serverless_cache_snapshots(&ask, &found));
    cr_assert_eq(found.serverless_cache_snapshots.count, 0);
    clock_manual_advance(&world.clock, HOUR_MS / 2);
    look();
    look();
    must(run_ec_describe_serverless_cache_snapshots(&ask, &found));
    cr_assert_eq(found.serverless_cache_snapshots.count, 1);
    const struct ec_serverless_cache_snapshot *s = &found.serverless_cache_snapshots.items[0];
    cr_assert_eq(strncmp(s->serverless_cache_snapshot_name, "automatic.one-", 14), 0);
    cr_assert_eq(s->expiry_time.value - s->create_time.value, 48 * HOUR_MS);
    cr_assert_eq(snapshots().count, 0, "it is no snapshot of nodes");
}

/* --- service updates --- */

Test(upkeep, updates_that_have_waited_for_long_enough_are_applied)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .preferred_maintenance_window = "tue:22:00-tue:23:00"};
    struct ec_modify_cache_cluster_out out;

    redis_7_0("c1");
    builds_offer("0.1.0");
    builds_report("0.1.0");
    builds_offer("0.1.1");
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_not(look());
    clock_manual_advance(&world.clock, 63 * 24 * HOUR_MS);
    cr_assert(look());
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "modifying");
    builds_report("0.1.1");
    world_settle();
    look(); /* too soon: all nodes are looked at */
    clock_manual_advance(&world.clock, 6000);
    cr_assert_not(look());
}
