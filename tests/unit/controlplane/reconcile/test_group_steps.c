#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(group_steps, .fini = close_scene);

static enum operation_state state(void)
{
    return s.view.operation.state;
}

/* --- create --- */

Test(group_steps, a_group_is_created_when_every_member_does_all_that_it_should)
{
    group_scene_open(&s, 1, 2);
    group_scene_operate(&s, GROUP_CREATE, "");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    cr_assert_eq(s.decisions.wake_ms, 10000);
    group_scene_obey(&s, 0, 1);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    group_scene_obey(&s, 1, 1);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(group_scene_told(&s, "Replication group rg created"));
    cr_assert(
        group_scene_told(&s, "Automatic failover has been turned on for replication group rg"));
    cr_assert(group_scene_told(&s, "Cache cluster created"));
}

Test(group_steps, a_create_that_takes_too_long_fails_and_says_why)
{
    group_scene_open(&s, 1, 2);
    group_scene_operate(&s, GROUP_CREATE, "");
    group_scene_decide(&s);
    s.nodes[0].saw = (struct node_saw){.has = true,
                                       .host_id = s.nodes[0].goal.host_id,
                                       .state = NODE_FAILED,
                                       .last_exit = "",
                                       .why = "port taken",
                                       .applied_settings = "",
                                       .role = ""};
    s.view.now_ms = 10000;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_str_eq(s.view.operation.why, "port taken");
    cr_assert(group_scene_told(&s, "Failed to create replication group rg: port taken"));
}

/* --- delete --- */

static void want_none(size_t first)
{
    s.view.group.is_wanted = false;
    for (size_t i = first; i < s.view.member_count; i++)
        s.members[i].cluster.is_wanted = s.nodes[i].is_wanted = false;
}

Test(group_steps, a_group_goes_with_the_last_of_its_members)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    want_none(0);
    group_scene_operate(&s, GROUP_DELETE, "");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    cr_assert_not(s.view.is_removed);
    s.nodes[0].saw.state = s.nodes[1].saw.state = NODE_ABSENT;
    group_scene_decide(&s);
    cr_assert(s.view.is_removed);
    cr_assert_eq(group_scene_count(&s, DECISION_CLUSTER_REMOVE), 2);
    cr_assert_eq(group_scene_count(&s, DECISION_GROUP_REMOVE), 1);
}

Test(group_steps, a_primary_that_is_kept_is_let_out_of_its_group)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    want_none(1);
    group_scene_operate(&s, GROUP_DELETE, "");
    group_scene_decide(&s);
    s.nodes[1].saw.state = NODE_ABSENT;
    group_scene_decide(&s);
    cr_assert(s.view.is_removed);
    cr_assert_eq(s.members[0].cluster.group_id, 0);
    cr_assert_eq(group_scene_count(&s, DECISION_CLUSTER), 1);
    cr_assert_eq(s.nodes[0].goal.state, NODE_RUNNING);
}

/* --- modify --- */

Test(group_steps, another_size_is_there_when_every_engine_has_it)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    int64_t before = s.nodes[0].goal.memory_bytes;
    for (size_t i = 0; i < 2; i++)
        s.members[i].cluster.node_type = "cache.t4g.small";
    group_scene_operate(&s, GROUP_MODIFY, "");
    group_scene_decide(&s);
    cr_assert_gt(s.nodes[0].goal.memory_bytes, before);
    cr_assert_eq(state(), OPERATION_RUNNING);
    group_scene_obey(&s, 0, 100);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    group_scene_obey(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
}

/* --- switch --- */

static void begin_switch(void)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_SWITCH, "1 1 2");
    group_scene_decide(&s);
}

Test(group_steps, a_switch_fences_then_promotes_behind_the_last_write_then_demotes)
{
    struct shard_goal *goal = &s.shards[0].goal;

    begin_switch();
    cr_assert_eq(goal->fenced_id, 1);
    cr_assert_eq(goal->fence_term, 1);
    cr_assert_eq(goal->primary_id, 1);
    cr_assert_eq(s.view.operation.deadline_ms, 6000);

    group_scene_obey(&s, 0, 777); /* it says where it stopped */
    group_scene_decide(&s);
    cr_assert_eq(goal->primary_id, 2);
    cr_assert_eq(goal->term, 2);
    cr_assert_eq(goal->after_offset, 777);
    cr_assert_eq(goal->fenced_id, 1);
    cr_assert_eq(state(), OPERATION_RUNNING);

    group_scene_obey(&s, 1, 777);
    group_scene_decide(&s);
    cr_assert_eq(goal->fenced_id, 0);
    cr_assert_eq(goal->after_offset, 0);
    cr_assert(group_scene_told(&s, "Failover from primary node rg-001 to replica node rg-002 "
                                   "completed"));
    cr_assert(group_scene_told(&s, "Recovering cache nodes 0001"));
    cr_assert_eq(state(), OPERATION_RUNNING);

    group_scene_obey(&s, 0, 778);
    group_scene_obey(&s, 2, 778);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(group_scene_told(&s, "Finished recovery for cache nodes 0001"));
}

Test(group_steps, a_switch_that_does_not_come_about_is_taken_back_by_a_higher_term)
{
    begin_switch();
    group_scene_obey(&s, 0, 777);
    group_scene_decide(&s);
    s.view.now_ms = 6000;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.term, 3);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
}

Test(group_steps, a_switch_begins_only_when_both_are_ready)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_cut(&s, 1, 100);
    group_scene_operate(&s, GROUP_SWITCH, "1 1 2");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
}

Test(group_steps, a_primary_that_dies_while_it_is_fenced_ends_the_switch)
{
    begin_switch();
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 100);
    group_scene_cut(&s, 2, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(s.shards[0].goal.term, 2);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(state(), OPERATION_FAILED);
}

Test(group_steps, a_switch_of_what_is_gone_fails)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_SWITCH, "1 1 9");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
}
