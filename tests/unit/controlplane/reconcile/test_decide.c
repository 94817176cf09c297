#include "scene.h"

#include <criterion/criterion.h>

static struct scene s;

static void open_scene(void)
{
    scene_open(&s);
    decisions_init(&s.decisions, &s.arena);
}

static void close_scene(void)
{
    scene_close(&s);
}

TestSuite(decide, .init = open_scene, .fini = close_scene);

Test(decide, later_decisions_see_earlier_ones_in_the_view)
{
    struct node_goal goal = {.has = true, .host_id = "h1", .address = "127.77.0.9"};

    decide_goal(&s.decisions, &s.nodes[0], &goal, "because");
    cr_assert(s.nodes[0].goal.has);
    decide_told(&s.decisions, &s.nodes[0], 4, true);
    cr_assert_eq(s.nodes[0].goal.crashes_told, 4);
    decide_goal_remove(&s.decisions, &s.nodes[0], "because");
    cr_assert_not(s.nodes[0].goal.has);
}

Test(decide, a_removed_node_leaves_the_others_in_order)
{
    scene_add_node(&s, "0002");
    scene_add_node(&s, "0003");
    decide_node_remove(&s.decisions, &s.view, &s.nodes[1]);
    cr_assert_eq(s.view.nodes.count, 2);
    cr_assert_str_eq(s.nodes[1].number, "0003");
    cr_assert_eq(scene_last(&s, DECISION_NODE_REMOVE)->node_id, 2);
}

Test(decide, the_earliest_wake_wins)
{
    decide_wake(&s.decisions, 50);
    decide_wake(&s.decisions, 20);
    decide_wake(&s.decisions, 70);
    cr_assert_eq(s.decisions.wake_ms, 20);
}
