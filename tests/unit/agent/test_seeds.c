#include "agent/seeds.h"
#include "agent/supervise/node.h"
#include "base/clock.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/larder-seeds-XXXXXX";
static struct arena arena;
static struct loop *loop;
static struct nodes nodes;
static struct node *n;
static struct seeds *seeds;
static struct agent_node_seed part = {INT_OF(5), INT_OF(4), "00"};
static struct agent_node_seeds wanted = {
    .parts = {true, 1, &part}
};
static struct agent_node_goal goal = {.node_id = INT_OF(1), .state = "running"};
static const char *why;
static int ends;

static const char *const nowhere = "http://127.0.0.1:1"; /* nobody is there */

static void on_end(void *context, struct node *node, const char *text)
{
    (void)context, (void)node;
    why = text ? arena_strdup(&arena, text) : NULL;
    ends++;
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    nodes_init(&nodes, folder, "boot-1");
    n = nodes_add(&nodes, 1);
    cr_assert_not(err_failed(
        seeds_open(&(struct seeds_conf){.loop = loop, .url = &nowhere, .on_end = on_end}, &seeds)));
}

static void end(void)
{
    seeds_forget(n);
    seeds_close(seeds);
    nodes_fini(&nodes);
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}

TestSuite(seeds, .init = begin, .fini = end, .timeout = 60);

Test(seeds, a_node_without_any_has_all_of_them)
{
    node_set_goal(n, &goal);
    cr_assert(seeds_are_there(seeds, n));
    cr_assert_null(n->seeding);
}

Test(seeds, what_was_fetched_before_is_used)
{
    goal.seeds = &wanted;
    node_set_goal(n, &goal);
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert_not(err_failed(
        fs_write_atomic(fs_join(&arena, n->dir, "seed-5.rdb"), STR("abcd"), 0600, FS_NO_SYNC)));
    cr_assert(seeds_are_there(seeds, n));
    cr_assert_not(err_failed(
        fs_write_atomic(fs_join(&arena, n->dir, "seed-5.rdb"), STR("abc"), 0600, FS_NO_SYNC)));
    cr_assert_not(seeds_are_there(seeds, n), "it is cut");
}

Test(seeds, what_is_missing_is_fetched_and_tried_again)
{
    goal.seeds = &wanted;
    node_set_goal(n, &goal);
    cr_assert_not(seeds_are_there(seeds, n));
    cr_assert_not_null(n->seeding);
    for (int64_t end_ms = loop_now_ms(loop) + 10000; ends == 0;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms);
    }
    cr_assert_not_null(strstr(why, "its data cannot be fetched: "));
    cr_assert_not_null(n->seeding, "and is tried again");
    goal.seeds = NULL;
    node_set_goal(n, &goal);
    seeds_look(seeds, n);
    cr_assert_null(n->seeding, "nobody wants it any more");
}
