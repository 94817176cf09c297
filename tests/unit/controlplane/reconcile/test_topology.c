#include "controlplane/reconcile/topology.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(topology, .fini = close_scene);

Test(topology, nodes_of_a_cluster_are_told_of_each_other)
{
    group_scene_open(&s, 2, 2);
    s.nodes[0].zone = s.nodes[2].zone = "us-east-1a";
    s.nodes[1].zone = s.nodes[3].zone = "us-east-1b";
    group_scene_operate(&s, GROUP_CREATE, "");
    group_scene_decide(&s);
    cr_assert_eq(s.view.topology.epoch, 1);
    cr_assert_str_eq(s.view.topology.words,
                     "SHARD s1 0-8191 NODE n1 primary 127.77.1.1 6379 0 - online "
                     "NODE n2 replica 127.77.2.2 6379 0 - online "
                     "SHARD s2 8192-16383 NODE n3 primary 127.77.1.3 6379 0 - online "
                     "NODE n4 replica 127.77.2.4 6379 0 - online");
}

Test(topology, the_epoch_grows_with_each_change_and_only_then)
{
    group_scene_open(&s, 2, 2);
    group_scene_run(&s);
    int64_t epoch = s.view.topology.epoch;
    group_scene_decide(&s);
    cr_assert_eq(s.view.topology.epoch, epoch);
    s.nodes[1].saw.is_link_up = false;
    group_scene_decide(&s);
    cr_assert_eq(s.view.topology.epoch, epoch + 1);
    cr_assert_not_null(strstr(s.view.topology.words, "NODE n2 replica"));
    cr_assert_not_null(strstr(s.view.topology.words, "loading"));
    group_scene_kill(&s, 2);
    group_scene_decide(&s);
    cr_assert_eq(s.view.topology.epoch, epoch + 2);
    cr_assert_not_null(strstr(s.view.topology.words, "fail"));
}

/* Whether all hosts of the group were told by the decisions. */
static bool are_all_told(void)
{
    bool are_told = false;

    vec_each(d, &s.decisions.list)
        are_told |= d->kind == DECISION_TOPOLOGY && d->topology.due_ms == 0;
    return are_told;
}

static void settle(void)
{
    group_scene_run(&s);
    s.view.now_ms += TOPOLOGY_JOIN_MS;
    group_scene_decide(&s);
    for (size_t i = 0; i < s.view.member_count; i++)
        group_scene_obey(&s, i, 100);
}

Test(topology, how_nodes_are_is_told_a_moment_later)
{
    group_scene_open(&s, 2, 3);
    settle();
    s.nodes[1].saw.is_link_up = false;
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_TOPOLOGY), 1, "nodes that hear anyway hear of it");
    cr_assert_not(are_all_told());
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + TOPOLOGY_JOIN_MS);
    s.nodes[1].saw.is_link_up = true;
    s.view.now_ms += TOPOLOGY_JOIN_MS - 1;
    group_scene_decide(&s);
    cr_assert_not(are_all_told());
    s.view.now_ms++;
    group_scene_decide(&s);
    cr_assert(are_all_told());
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_TOPOLOGY), 0);
}

Test(topology, another_primary_is_told_to_all_at_once_and_those_of_the_same_burst_together)
{
    group_scene_open(&s, 2, 3);
    settle();
    s.view.now_ms += TOPOLOGY_JOIN_MS;
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 100);
    group_scene_cut(&s, 2, 90);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert(are_all_told());
    cr_assert_not_null(strstr(s.view.topology.words, "NODE n2 primary"));
    int64_t first_ms = s.view.now_ms, epoch = s.view.topology.epoch;

    s.view.now_ms += 10;
    group_scene_kill(&s, 3);
    group_scene_cut(&s, 4, 100);
    group_scene_cut(&s, 5, 90);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[1].goal.primary_id, 5);
    cr_assert_gt(s.view.topology.epoch, epoch, "its own nodes hear of it with their roles");
    cr_assert_not(are_all_told());
    cr_assert_leq(s.decisions.wake_ms, first_ms + TOPOLOGY_JOIN_MS);
    s.view.now_ms = first_ms + TOPOLOGY_JOIN_MS;
    group_scene_decide(&s);
    cr_assert(are_all_told());
}

Test(topology, an_operation_waits_for_nobody)
{
    group_scene_open(&s, 2, 2);
    settle();
    s.nodes[1].saw.is_link_up = false;
    group_scene_operate(&s, GROUP_MODIFY, "");
    group_scene_decide(&s);
    cr_assert(are_all_told());
}

Test(topology, a_clock_that_was_set_back_keeps_nothing_back)
{
    group_scene_open(&s, 2, 2);
    settle();
    s.nodes[1].saw.is_link_up = false;
    group_scene_decide(&s);
    cr_assert_not(are_all_told());
    s.view.now_ms -= 3600 * 1000;
    group_scene_decide(&s);
    cr_assert(are_all_told());
}

Test(topology, without_cluster_mode_there_is_no_topology)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    cr_assert_eq(s.view.topology.epoch, 0);
}
