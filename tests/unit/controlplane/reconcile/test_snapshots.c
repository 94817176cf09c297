#include "../store/fixture.h"
#include "controlplane/reconcile/snapshots.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/tasks.h"

#include <criterion/criterion.h>

#include <string.h>

/* --- whom a part is asked of --- */

static const struct snapshot_part any = {.cluster_name = ""};

static struct giver givers[3] = {
    {.node_id = 1,        .cluster_name = "a", .is_running = true, .is_primary = true},
    {.node_id = 2,                   .cluster_name = "b",                           .is_running = true,        .is_in_sync = true},
    {.node_id = 3, .cluster_name = "c",                    .is_running = true                   },
};

Test(giver, a_replica_in_sync_spares_the_primary)
{
    cr_assert_eq(giver_choose(givers, 3, &any, false)->node_id, 2);
    cr_assert_eq(giver_choose(givers, 3, &any, true)->node_id, 1);
    givers[1].is_running = false;
    cr_assert_eq(giver_choose(givers, 3, &any, false)->node_id, 1);
    givers[0].is_running = false;
    cr_assert_null(giver_choose(givers, 3, &any, false), "the third has not its primary's data");
}

Test(giver, the_one_that_is_named_comes_first_and_the_one_that_failed_last)
{
    struct snapshot_part named = {.cluster_name = "a"};

    cr_assert_eq(giver_choose(givers, 3, &named, false)->node_id, 1);
    named.node_id = 1;
    named.attempts = 1;
    cr_assert_eq(giver_choose(givers, 3, &named, false)->node_id, 2);
    cr_assert_eq(giver_choose(givers, 1, &named, false)->node_id, 1, "there is no other");
}

/* --- what becomes of it --- */

static struct fixture f;
static struct cluster c;
static struct node n;
static struct snapshot s;
static bool goals, pending;
static int64_t wake_ms;

static void see(enum node_state state)
{
    struct node_saw saw = {.has = true,
                           .host_id = "id-of-h1",
                           .state = state,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .role = ""};
    bool is_changed;

    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
}

static void begin(void)
{
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};

    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    struct host h = fixture_host(&f, "h1", "a", "127.77.0.0/24", 1 << 30);
    c = fixture_cluster(&f, "c1", "redis");
    n = fixture_node(&f, c.id, "0001");
    must(store_goal_set(
        f.tx, n.id,
        &(struct node_goal){
            .host_id = h.id, .address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING}));
    see(NODE_RUNNING);
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
}

static void end(void)
{
    fixture_close(&f);
}

TestSuite(reconcile_snapshots, .init = begin, .fini = end);

static void look(int64_t now_ms)
{
    must(snapshots_look(f.tx, now_ms, NULL, &goals, &pending, &wake_ms));
}

static struct node_task task(void)
{
    struct node_task *tasks;
    size_t count;

    must(store_task_list(f.tx, n.id, &tasks, &count));
    cr_assert_eq(count, 1);
    return tasks[0];
}

static struct operation operation(void)
{
    struct operation o;
    must(store_operation_newest(f.tx, c.id, &o));
    return o;
}

Test(reconcile_snapshots, one_is_there_when_all_its_parts_are)
{
    struct snapshot_part part;
    struct event *events;
    int64_t file_id;
    size_t count;

    look(1000);
    cr_assert(goals && pending);
    cr_assert_str_eq(task().kind, "snapshot");
    must(store_part_of_task(f.tx, task().id, &part));
    cr_assert_str_eq(part.cluster_name, "c1");
    look(1001);
    must(store_part_keep(f.tx, part.id, &(struct kept_bytes){10, "ff", ""}, 2000, &file_id));
    look(2000);
    cr_assert_not(pending);
    must(store_snapshot_get(f.tx, s.id, &s));
    cr_assert_eq(s.state, SNAPSHOT_AVAILABLE);
    cr_assert_str_eq(operation().data, "", "and the cluster goes on");
    must(store_event_list(f.tx,
                          &(struct event_query){.account = c.account,
                                                .region = c.region,
                                                .source_type = "",
                                                .source = "c1",
                                                .to_ms = 9000,
                                                .limit = 9},
                          &events, &count));
    cr_assert(count == 1 && strstr(events[0].message, "Snapshot succeeded"));
}

Test(reconcile_snapshots, one_that_fails_twice_leaves_nothing)
{
    look(1000);
    int64_t first = task().id;
    must(store_task_saw(f.tx, n.id, first, TASK_FAILED, "no room", 0));
    look(1001);
    cr_assert_neq(task().id, first);
    must(store_task_saw(f.tx, n.id, task().id, TASK_FAILED, "no room", 0));
    look(1002);
    cr_assert(err_is(store_snapshot_get(f.tx, s.id, &s), ERR_NOT_FOUND));
    cr_assert_str_eq(operation().why, "no room");
}

Test(reconcile_snapshots, nobody_is_waited_for_for_ever)
{
    see(NODE_STOPPED);
    look(1000);
    cr_assert(pending);
    cr_assert_eq(wake_ms, 1000 + SNAPSHOT_WAIT_MS);
    look(1000 + SNAPSHOT_WAIT_MS);
    cr_assert(err_is(store_snapshot_get(f.tx, s.id, &s), ERR_NOT_FOUND));
}

Test(reconcile_snapshots, a_final_one_that_fails_keeps_what_was_to_go)
{
    struct snapshot_order o = {
        .name = "last", .owner = "", .member_name = "", .is_final = true, .now_ms = 1000};
    struct operation deletion = {.kind = OPERATION_DELETE,
                                 .cluster_id = c.id,
                                 .why = "",
                                 .created_ms = 1000,
                                 .deadline_ms = 9000};
    struct operation running = operation();
    struct snapshot last;

    running.state = OPERATION_DONE;
    must(store_operation_update(f.tx, &running));
    must(store_snapshot_remove(f.tx, &s, "arn"));
    c.is_wanted = false;
    must(store_cluster_update(f.tx, &c));
    must(store_snapshot_take_cluster(f.tx, &c, &o, &last));
    deletion.data = arena_printf(&f.arena, "%lld", (long long)last.id);
    must(store_operation_insert(f.tx, &deletion));
    see(NODE_STOPPED);
    look(1000 + SNAPSHOT_WAIT_MS);
    must(store_cluster_get(f.tx, c.id, &c));
    cr_assert(c.is_wanted);
    cr_assert_eq(operation().state, OPERATION_FAILED);
}
