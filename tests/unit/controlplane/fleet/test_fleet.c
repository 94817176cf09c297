#include "../store/fixture.h"
#include "base/clock.h"
#include "contract/agent.h"
#include "controlplane/fleet/fleet.h"

#include <criterion/criterion.h>

#include <string.h>

static struct fixture f;
static struct fleet *fleet;
static struct clock_manual manual;

static void start(void)
{
    struct fleet_conf conf = {.clock = &manual.clock, .beat_ms = 2000, .silent_ms = 5000};
    must(fleet_start(f.store, &conf, &fleet));
}

static void open_fixture(void)
{
    fixture_open(&f);
    clock_manual_init(&manual, 1000, 1000);
    start();
}

static void close_fixture(void)
{
    fleet_stop(fleet);
    fixture_close(&f);
}

TestSuite(fleet, .init = open_fixture, .fini = close_fixture, .timeout = 30);

static struct agent_host host(const char *name, const char *incarnation)
{
    return (struct agent_host){
        .host_id = arena_printf(&f.arena, "id-of-%s", name),
        .name = name,
        .incarnation = incarnation,
        .boot_id = "boot",
        .region = "us-east-1",
        .zone = "us-east-1a",
        .memory_bytes = INT_OF(1LL << 32),
        .v_cpus = INT_OF(2),
        .pool = "127.77.0.0/24",
    };
}

static struct err sync_as(struct agent_host h, int64_t seen, bool may_wait,
                          struct agent_sync_out *out, int64_t *out_wait_ms)
{
    struct agent_host *kept = arena_memdup(&f.arena, &h, sizeof(h));
    struct agent_sync_in in = {
        .host = kept, .seen_generation = INT_OF(seen), .wait_ms = INT_OF(20000)};
    *out = (struct agent_sync_out){0};
    return fleet_sync(fleet, &f.arena, &in, false, may_wait, out, out_wait_ms);
}

static int place_node(const char *host_id, const char *address)
{
    struct node_goal goal = {.host_id = host_id,
                             .address = address,
                             .port = 6379,
                             .state = NODE_RUNNING,
                             .boot_count = 1};
    fixture_begin(&f, STORE_WRITE);
    struct cluster c = fixture_cluster(&f, address, "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    must(store_goal_set(f.tx, n.id, &goal));
    fixture_commit(&f);
    return (int)n.id;
}

static struct host stored_host(const char *id)
{
    struct host found;
    fixture_begin(&f, STORE_READ);
    must(store_host_get(f.tx, id, &found));
    store_rollback(&f.tx);
    return found;
}

Test(fleet, a_new_host_is_enrolled_and_told_that_it_has_nothing_to_do)
{
    struct agent_sync_out out;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    cr_assert_eq(wait_ms, 0, "who holds no goals is answered at once");
    cr_assert(out.is_changed.value);
    cr_assert_eq(out.goals.count, 0);
    cr_assert_str_eq(stored_host("id-of-h1").zone, "us-east-1a");
}

Test(fleet, how_late_renewals_are_is_kept_with_the_host)
{
    struct agent_sync_out out;
    struct agent_host h = host("h1", "i1");
    int64_t wait_ms;

    must(sync_as(h, 0, false, &out, &wait_ms));
    cr_assert_eq(stored_host("id-of-h1").lease_late_ms, -1, "it does not say");
    h.lease_late_ms = INT_OF(300);
    must(sync_as(h, 0, false, &out, &wait_ms));
    cr_assert_eq(stored_host("id-of-h1").lease_late_ms, 300);
    h.lease_late_ms = INT_OF(0);
    must(sync_as(h, 0, false, &out, &wait_ms));
    cr_assert_eq(stored_host("id-of-h1").lease_late_ms, 0);
}

Test(fleet, goals_come_once_and_then_the_poll_waits)
{
    struct agent_sync_out out;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    place_node("id-of-h1", "127.77.0.1");
    must(sync_as(host("h1", "i1"), out.generation.value, true, &out, &wait_ms));
    cr_assert_eq(wait_ms, 0);
    cr_assert_eq(out.goals.count, 1);
    cr_assert_str_eq(out.goals.items[0].state, "running");
    cr_assert_str_eq(out.goals.items[0].address, "127.77.0.1");
    cr_assert_eq(out.goals.items[0].maxmemory_bytes.value, 402653184,
                 "cache.t4g.micro less its reserve");

    must(sync_as(host("h1", "i1"), out.generation.value, true, &out, &wait_ms));
    cr_assert_eq(wait_ms, 2000, "no longer than the beat");
    must(sync_as(host("h1", "i1"), 2, false, &out, &wait_ms));
    cr_assert_not(out.is_changed.value);
}

Test(fleet, reports_become_sights_and_unnamed_nodes_are_forgotten)
{
    struct agent_sync_out out;
    struct agent_report_out done;
    struct node_list nodes;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    int node_id = place_node("id-of-h1", "127.77.0.1");
    struct agent_node_report report = {
        .node_id = INT_OF(node_id), .state = "running", .pid = INT_OF(5)};
    struct agent_report_in in = {
        .host_id = "id-of-h1", .incarnation = "i1", .nodes = {true, 1, &report}
    };
    must(fleet_report(fleet, &f.arena, &in, &done));
    fixture_begin(&f, STORE_READ);
    must(store_node_list(f.tx, 1, &nodes));
    cr_assert_eq(nodes.items[0].saw.state, NODE_RUNNING);
    cr_assert_eq(nodes.items[0].saw.pid, 5);

    must(sync_as(host("h1", "i1"), 0, false, &out, &wait_ms));
    fixture_begin(&f, STORE_READ);
    must(store_node_list(f.tx, 1, &nodes));
    cr_assert_not(nodes.items[0].saw.has);
}

/* A poll that is older than a report, and comes behind it. */
Test(fleet, what_was_overtaken_on_its_way_does_not_count)
{
    struct agent_host h = host("h1", "i1");
    struct agent_sync_out out;
    struct agent_report_out done;
    struct node_list nodes;
    int64_t wait_ms;

    must(sync_as(h, 0, true, &out, &wait_ms));
    struct agent_node_report now = {.node_id = INT_OF(place_node("id-of-h1", "127.77.0.1")),
                                    .state = "stopped",
                                    .pid = INT_OF(5)};
    struct agent_node_report before = now;
    before.state = "running";
    struct agent_report_in report = {
        .host_id = "id-of-h1",
        .incarnation = "i1",
        .message_number = INT_OF(3),
        .nodes = {true, 1, &now}
    };
    struct agent_sync_in late = {
        .host = &h,
        .message_number = INT_OF(2),
        .seen_generation = INT_OF(0),
        .nodes = {true, 1, &before}
    };
    must(fleet_report(fleet, &f.arena, &report, &done));
    must(fleet_sync(fleet, &f.arena, &late, false, false, &out, &wait_ms));
    cr_assert_eq(out.goals.count, 1, "it is answered all the same");
    fixture_begin(&f, STORE_READ);
    must(store_node_list(f.tx, 1, &nodes));
    cr_assert_eq(nodes.items[0].saw.state, NODE_STOPPED);
}

Test(fleet, a_second_host_of_the_same_name_is_refused)
{
    struct agent_sync_out out;
    int64_t wait_ms;
    struct agent_host twin = host("h1", "i1");

    must(sync_as(twin, 0, true, &out, &wait_ms));
    twin.host_id = "another";
    struct err e = sync_as(twin, 0, true, &out, &wait_ms);
    cr_assert_eq(e.code, FAULT_HOST_NAME_TAKEN);
    cr_assert_not_null(strstr(e.why, "h1"));
}

Test(fleet, the_latest_incarnation_wins)
{
    struct agent_sync_out out;
    struct agent_report_out done;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    must(sync_as(host("h1", "i2"), 0, true, &out, &wait_ms));
    cr_assert_eq(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms).code, FAULT_HOST_SUPERSEDED);
    struct agent_report_in in = {.host_id = "id-of-h1", .incarnation = "i1"};
    cr_assert_eq(fleet_report(fleet, &f.arena, &in, &done).code, FAULT_HOST_SUPERSEDED);
}

Test(fleet, who_reports_without_a_sync_is_unknown)
{
    struct agent_report_out done;
    struct agent_report_in in = {.host_id = "nobody", .incarnation = "i1"};
    cr_assert_eq(fleet_report(fleet, &f.arena, &in, &done).code, FAULT_HOST_UNKNOWN);
}

Test(fleet, programs_are_kept_by_their_engines)
{
    struct agent_host_engine engines[] = {
        {.driver = "bundled", .version = "0.1.0" },
        { .driver = "redis",  .engine = "redis", .version = "7.0.15"},
        { .driver = "redis", .engine = "valkey",  .version = "8.0.1"}
    };
    struct agent_host h = host("h1", "i1");
    struct agent_sync_out out;
    struct host_list hosts;
    int64_t wait_ms;

    h.engines = (struct agent_host_engine_list){true, 3, engines};
    must(sync_as(h, 0, false, &out, &wait_ms));
    fixture_begin(&f, STORE_READ);
    must(store_host_list(f.tx, "us-east-1", &hosts));
    cr_assert_eq(hosts.count, 1);
    cr_assert_str_eq(hosts.items[0].engines, "bundled=0.1.0 redis=7.0.15 valkey=8.0.1");
}

Test(fleet, reports_that_make_no_sense_are_refused_whole)
{
    struct agent_sync_out out;
    int64_t wait_ms;
    struct agent_host bad = host("h1", "i1");

    bad.pool = "127.77.0.0/33";
    cr_assert_eq(sync_as(bad, 0, true, &out, &wait_ms).code, FAULT_INVALID_PARAMETER_VALUE);
    bad = host("h1", "i1");
    bad.pool = "fd00::/64";
    cr_assert_eq(sync_as(bad, 0, true, &out, &wait_ms).code, FAULT_INVALID_PARAMETER_VALUE);
    bad = host("h1", "i1");
    bad.pool6 = "127.77.0.0/24";
    cr_assert_eq(sync_as(bad, 0, true, &out, &wait_ms).code, FAULT_INVALID_PARAMETER_VALUE);
    bad = host("", "i1");
    cr_assert_eq(sync_as(bad, 0, true, &out, &wait_ms).code, FAULT_INVALID_PARAMETER_VALUE);
    bad = host("h1", "i1");
    bad.memory_bytes.value = 0;
    cr_assert_eq(sync_as(bad, 0, true, &out, &wait_ms).code, FAULT_INVALID_PARAMETER_VALUE);
}

Test(fleet, a_silent_host_is_marked_and_welcomed_back)
{
    struct agent_sync_out out;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    fleet_stop(fleet); /* first, or its watcher may see the time pass */
    clock_manual_advance(&manual, 5001);
    start(); /* every known host counts as heard at the start */
    cr_assert_not(stored_host("id-of-h1").is_silent);
    clock_manual_advance(&manual, 5001);
    must(sync_as(host("h2", "i1"), 0, true, &out, &wait_ms)); /* wakes the watcher */
    while (!stored_host("id-of-h1").is_silent)
        store_wait(f.store, store_generation(f.store), clock_boot_ms(&clock_system) + 2);
    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    cr_assert_not(stored_host("id-of-h1").is_silent);
}

/* That it came further was no news while more was to come. */
Test(fleet, of_a_silent_host_the_last_word_of_how_far_its_nodes_came_is_kept)
{
    struct agent_sync_out out;
    struct node_list nodes;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    int node_id = place_node("id-of-h1", "127.77.0.1");
    struct agent_host h = host("h1", "i1");
    struct agent_node_report report = {
        .node_id = INT_OF(node_id), .state = "running", .replication_offset = INT_OF(100)};
    struct agent_sync_in in = {
        .host = &h, .seen_generation = INT_OF(1), .nodes = {true, 1, &report}
    };
    for (int64_t offset = 100; offset <= 300; offset += 100) {
        report.replication_offset = INT_OF(offset);
        must(fleet_sync(fleet, &f.arena, &in, false, false, &out, &wait_ms));
    }
    fixture_begin(&f, STORE_READ);
    must(store_node_list(f.tx, 1, &nodes));
    cr_assert_eq(nodes.items[0].saw.offset, 100);
    fixture_commit(&f);
    clock_manual_advance(&manual, 5001);
    must(sync_as(host("h2", "i1"), 0, true, &out, &wait_ms)); /* wakes the watcher */
    while (!stored_host("id-of-h1").is_silent)
        store_wait(f.store, store_generation(f.store), clock_boot_ms(&clock_system) + 2);
    fixture_begin(&f, STORE_READ);
    must(store_node_list(f.tx, 1, &nodes));
    cr_assert_eq(nodes.items[0].saw.offset, 300);
}

Test(fleet, who_was_silent_before_a_restart_is_welcomed_back_after_it)
{
    struct agent_sync_out out;
    int64_t wait_ms;

    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    fleet_stop(fleet);
    fixture_begin(&f, STORE_WRITE);
    must(store_host_silence(f.tx, "id-of-h1", true, 1000));
    fixture_commit(&f);
    start();
    cr_assert(stored_host("id-of-h1").is_silent, "nothing was heard of it since");
    must(sync_as(host("h1", "i1"), 0, true, &out, &wait_ms));
    cr_assert_not(stored_host("id-of-h1").is_silent);
}

static struct agent_sync_out sync_for_changes(int64_t seen)
{
    struct agent_host h = host("h1", "i1");
    struct agent_sync_in in = {
        .host = &h, .seen_generation = INT_OF(seen), .takes_changes = BOOL_OF(true)};
    struct agent_sync_out out = {0};
    int64_t wait_ms;

    must(fleet_sync(fleet, &f.arena, &in, false, false, &out, &wait_ms));
    return out;
}

static void move_node(int node_id, const char *address)
{
    struct node_goal goal = {.host_id = "id-of-h1",
                             .address = address,
                             .port = 6379,
                             .state = NODE_RUNNING,
                             .boot_count = 1};
    fixture_begin(&f, STORE_WRITE);
    must(store_goal_set(f.tx, node_id, &goal));
    fixture_commit(&f);
}

Test(fleet, who_asks_for_changes_is_told_the_goals_that_changed)
{
    struct agent_sync_out out = sync_for_changes(0);
    int first = place_node("id-of-h1", "127.77.0.1");

    cr_assert_not(out.is_partial.value, "who holds nothing is told all");
    place_node("id-of-h1", "127.77.0.2");
    out = sync_for_changes(out.generation.value);
    cr_assert(out.is_partial.value);
    cr_assert_eq(out.goals.count, 2);
    move_node(first, "127.77.0.3");
    out = sync_for_changes(out.generation.value);
    cr_assert(out.is_partial.value);
    cr_assert_eq(out.goals.count, 1);
    cr_assert_eq(out.goals.items[0].node_id.value, first);
    cr_assert_str_eq(out.goals.items[0].address, "127.77.0.3");
    out = sync_for_changes(out.generation.value);
    cr_assert_not(out.is_changed.value);
}

Test(fleet, all_goals_are_told_when_one_is_gone_and_to_who_holds_another_generation)
{
    struct agent_sync_out out = sync_for_changes(0), later;
    int first = place_node("id-of-h1", "127.77.0.1"), second = place_node("id-of-h1", "127.77.0.2");
    int64_t wait_ms;

    out = sync_for_changes(out.generation.value);
    fixture_begin(&f, STORE_WRITE);
    must(store_goal_remove(f.tx, first));
    fixture_commit(&f);
    later = sync_for_changes(out.generation.value);
    cr_assert_not(later.is_partial.value);
    cr_assert_eq(later.goals.count, 1);
    cr_assert_eq(later.goals.items[0].node_id.value, second);

    move_node(second, "127.77.0.3");
    out = sync_for_changes(later.generation.value - 1);
    cr_assert_not(out.is_partial.value, "it was told another one");
    move_node(second, "127.77.0.4");
    must(sync_as(host("h1", "i1"), out.generation.value, false, &later, &wait_ms));
    cr_assert_not(later.is_partial.value, "it did not ask for changes");
    cr_assert_eq(later.goals.count, 1);
}

Test(fleet, another_control_plane_tells_all)
{
    struct agent_sync_out out = sync_for_changes(0);
    int first = place_node("id-of-h1", "127.77.0.1");

    place_node("id-of-h1", "127.77.0.2");
    out = sync_for_changes(out.generation.value);
    cr_assert(out.is_partial.value);
    fleet_stop(fleet);
    start();
    move_node(first, "127.77.0.3");
    out = sync_for_changes(out.generation.value);
    cr_assert_not(out.is_partial.value, "who knows which store it was");
    cr_assert_eq(out.goals.count, 2);
}
