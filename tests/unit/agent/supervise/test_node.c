#include "agent/supervise/node.h"
#include "base/buf.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static char folder[64];
static struct nodes nodes;

static void begin(void)
{
    strcpy(folder, "/tmp/larder-node-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    nodes_init(&nodes, folder, "boot-1");
}

static void end(void)
{
    nodes_fini(&nodes);
    nodes_fini(NULL);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}

TestSuite(node, .init = begin, .fini = end);

static struct agent_node_goal goal_of(int64_t id)
{
    static struct agent_parameter parameters[] = {
        {.name = "timeout", .value = "20"}
    };
    return (struct agent_node_goal){
        .node_id = INT_OF(id),
        .state = "running",
        .cluster = "c1",
        .address = "127.0.0.1",
        .port = INT_OF(6379),
        .boot_count = INT_OF(1),
        .restarts_after_exit = BOOL_OF(true),
        .parameters = {true, 1, parameters},
    };
}

Test(node, records_are_found_by_their_number_and_dropped)
{
    for (int64_t id = 1; id <= 100; id++)
        cr_assert_eq(nodes_add(&nodes, id)->state, NODE_ABSENT);
    cr_assert_eq(nodes_find(&nodes, 57)->id, 57);
    nodes_remove(&nodes, nodes_find(&nodes, 57));
    cr_assert_null(nodes_find(&nodes, 57));
    size_t count = 0;
    vec_each(at, &nodes)
        count += (*at)->id > 0;
    cr_assert_eq(count, 99);
}

Test(node, a_goal_is_copied_and_only_news_count)
{
    struct node *n = nodes_add(&nodes, 1);
    struct agent_node_goal goal = goal_of(1);
    char address[] = "127.0.0.1";

    goal.address = address;
    cr_assert(node_set_goal(n, &goal));
    cr_assert_not(node_set_goal(n, &goal));
    address[0] = 'x';
    cr_assert_str_eq(n->goal->address, "127.0.0.1");
    cr_assert_str_eq(n->goal->parameters.items[0].value, "20");
    cr_assert_eq(n->goal_state, NODE_RUNNING);

    goal = goal_of(1);
    goal.boot_count = INT_OF(2);
    cr_assert(node_set_goal(n, &goal));
    goal.state = "absent";
    cr_assert(node_set_goal(n, &goal));
    cr_assert_eq(n->goal_state, NODE_ABSENT);
}

Test(node, what_is_saved_is_there_for_the_next_agent)
{
    struct node *n = nodes_add(&nodes, 7);
    struct agent_node_goal goal = goal_of(7);
    struct node_past past;

    node_set_goal(n, &goal);
    n->state = NODE_RUNNING;
    n->run = (struct node_run){.pid = 42, .started_ms = 1700000000123, .boot_count = 3};
    n->crashes = 5;
    n->crashed_ms = 1700000000001;
    n->is_held = true;
    n->is_unsaved = true;
    strcpy(n->last_exit, "signal 9 (Killed)");
    node_run_name(41, 1600000000000, n->counted_exit);
    node_set_why(n, "a \"reason\"");
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert_not(err_failed(node_save(&nodes, n, FS_SYNC)));
    cr_assert_not(n->is_unsaved);

    struct nodes later;
    nodes_init(&later, folder, "boot-1");
    struct node *again = nodes_add(&later, 7);
    cr_assert_not(err_failed(node_load(&later, again, &past)));
    cr_assert(past.is_of_this_boot);
    cr_assert_eq(again->state, NODE_RUNNING);
    cr_assert_eq(again->run.pid, 42);
    cr_assert_eq(again->run.started_ms, 1700000000123);
    cr_assert_eq(again->run.boot_count, 3);
    cr_assert_eq(again->crashes, 5);
    cr_assert_eq(again->crashed_ms, 1700000000001);
    cr_assert(again->is_held);
    cr_assert_str_eq(again->last_exit, "signal 9 (Killed)");
    cr_assert_str_eq(again->counted_exit, "41@1600000000000");
    cr_assert_str_eq(again->why, "a \"reason\"");
    cr_assert_not(node_set_goal(again, &goal), "the goal is the same");
    nodes_fini(&later);

    nodes_init(&later, folder, "boot-2");
    cr_assert_not(err_failed(node_load(&later, nodes_add(&later, 7), &past)));
    cr_assert_not(past.is_of_this_boot);
    nodes_fini(&later);
}

Test(node, a_data_key_is_never_written_down)
{
    struct node *n = nodes_add(&nodes, 7);
    struct agent_node_goal goal = goal_of(7);
    struct agent_node_seal seal = {.data_key = "00ff"};
    struct node_past past;
    struct nodes later;

    goal.seal = &seal;
    node_set_goal(n, &goal);
    cr_assert_str_eq(n->goal->seal->data_key, "00ff");
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert_not(err_failed(node_save(&nodes, n, FS_SYNC)));

    nodes_init(&later, folder, "boot-1");
    struct node *again = nodes_add(&later, 7);
    cr_assert_not(err_failed(node_load(&later, again, &past)));
    cr_assert_not_null(again->goal->seal, "what is written is to be encrypted all the same");
    cr_assert_null(again->goal->seal->data_key);
    nodes_fini(&later);
}

Test(node, a_record_that_is_damaged_leaves_a_fresh_one)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"Report\":{\"NodeId\":1,\"State\":\"dancing\"}}",
        "{\"Report\":{\"NodeId\":\"one\",\"State\":\"running\"}}",
        "{\"Report\":{\"NodeId\":1,\"State\":\"running\"},\"Goal\":{\"NodeId\":1,\"State\":\"failed\"}}",
        "{\"Report\":{\"NodeId\":1,\"State\":\"running\"},\"Goal\":5}",
    };
    struct node *n = nodes_add(&nodes, 1);
    struct node_past past;

    cr_assert(err_is(node_load(&nodes, n, &past), ERR_NOT_FOUND));
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *path = fs_join(&arena, n->dir, "node.json");
        cr_assert_not(err_failed(fs_write_atomic(path, str_of(bad[i]), 0600, FS_NO_SYNC)));
        cr_expect(err_is(node_load(&nodes, n, &past), ERR_CORRUPT), "%s", bad[i]);
        cr_expect(n->state == NODE_ABSENT && n->goal == NULL, "%s", bad[i]);
    }
}

Test(node, members_of_a_later_version_are_passed_over)
{
    static const char text[] =
        "{\"Format\":9,\"Term\":12,\"BootId\":\"boot-1\",\"Report\":{\"NodeId\":1,"
        "\"State\":\"stopped\",\"Role\":\"primary\"},\"Goal\":{\"NodeId\":1,"
        "\"State\":\"running\",\"Term\":3}}";
    struct node *n = nodes_add(&nodes, 1);
    struct node_past past;

    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert_not(err_failed(
        fs_write_atomic(fs_join(&arena, n->dir, "node.json"), str_of(text), 0600, FS_NO_SYNC)));
    cr_assert_not(err_failed(node_load(&nodes, n, &past)));
    cr_assert_eq(n->state, NODE_STOPPED);
    cr_assert_eq(n->goal_state, NODE_RUNNING);
}

Test(node, only_a_living_process_is_reported_with_its_numbers)
{
    struct node *n = nodes_add(&nodes, 1);
    struct agent_node_report report;

    n->run.pid = 42;
    n->used_memory_bytes = 1000;
    n->state = NODE_RUNNING;
    node_report(n, &report);
    cr_assert(report.pid.has && report.used_memory_bytes.value == 1000);
    cr_assert_not(report.connected_clients.has, "unknown");
    cr_assert_null(report.why);
    n->state = NODE_STOPPED;
    node_report(n, &report);
    cr_assert_not(report.pid.has);
    cr_assert_not(report.used_memory_bytes.has);
    cr_assert_str_eq(report.state, "stopped");
}

Test(node, a_long_reason_is_cut_between_characters)
{
    struct node *n = nodes_add(&nodes, 1);
    struct buf text = BUF_EMPTY;

    buf_puts(&text, "x");
    for (int i = 0; i < 200; i++)
        buf_puts(&text, "\xe2\x82\xac");
    cr_assert(node_set_why(n, buf_cstr(&text)));
    cr_assert(str_is_utf8(str_of(n->why)));
    cr_assert_geq(strlen(n->why), NODE_WHY_BYTES - 4);
    cr_assert_not(node_set_why(n, buf_cstr(&text)), "nothing new");
    cr_assert(node_set_why(n, NULL));
    buf_fini(&text);
}
