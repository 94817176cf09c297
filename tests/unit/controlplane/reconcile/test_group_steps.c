#include "controlplane/model/settings.h"
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

Test(group_steps, one_that_is_restored_is_there_when_its_members_have_the_room_that_they_need)
{
    group_scene_open(&s, 1, 2);
    for (size_t i = 0; i < 2; i++)
        s.members[i].cluster.allotment = (struct allotment){512 << 20, 1LL << 40, 0};
    s.hosts[0].memory_bytes = s.hosts[1].memory_bytes = s.hosts[2].memory_bytes = 1LL << 40;
    group_scene_operate(&s, GROUP_CREATE, OPERATION_RESTORES);
    group_scene_decide(&s);
    group_scene_obey(&s, 0, 1);
    group_scene_obey(&s, 1, 1);
    s.nodes[0].saw.used_bytes = 600 << 20;
    s.nodes[1].saw.used_bytes = -1;
    group_scene_decide(&s);
    cr_assert_gt(s.nodes[0].goal.memory_bytes, 1200 << 20, "twice as much as it loaded");
    cr_assert_eq(state(), OPERATION_RUNNING, "the other has not said what it needs");
    s.nodes[1].saw.used_bytes = 100 << 20;
    group_scene_obey(&s, 0, 1);
    s.nodes[0].saw.used_bytes = 600 << 20;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
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

Test(group_steps, a_restore_of_which_a_member_cannot_load_its_part_fails_at_once)
{
    group_scene_open(&s, 1, 2);
    group_scene_operate(&s, GROUP_CREATE, OPERATION_RESTORES);
    group_scene_decide(&s);
    s.nodes[1].saw = (struct node_saw){.has = true,
                                       .host_id = s.nodes[1].goal.host_id,
                                       .state = NODE_FAILED,
                                       .last_exit = "",
                                       .why = "the file is damaged",
                                       .has_bad_seed = true,
                                       .applied_settings = "",
                                       .role = ""};
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert(group_scene_told(&s, "Failed to create replication group rg: the file is damaged"));
    cr_assert(group_scene_told(
        &s, "Failed to restore the cache cluster from snapshot: the file is damaged"));
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
    cr_assert_eq(group_scene_count(&s, DECISION_RELEASE), 1);
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
    s.view.now_ms = 6000;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.term, 2);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
}

static void decline(int64_t number)
{
    struct settings_version v;

    group_scene_obey(&s, 0, 777);
    cr_assert(settings_version_parse(s.nodes[0].saw.applied_settings, &v));
    v.is_fenced = false;
    v.has_declined = true;
    v.yield = number;
    s.nodes[0].saw.applied_settings = settings_version_text(&s.arena, &v);
}

Test(group_steps, a_switch_whose_successor_is_too_slow_uses_no_term)
{
    begin_switch();
    cr_assert_eq(s.shards[0].goal.yields_to, 2);
    cr_assert_eq(s.shards[0].goal.yields, 1);
    decline(1);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_str_eq(s.view.operation.why, DECLINED);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].goal.term, 1);
    cr_assert_not(member_is_ready(&s.view, &s.members[0]), "until it has its role without a fence");
    group_scene_obey(&s, 0, 778);
    cr_assert(member_is_ready(&s.view, &s.members[0]));

    group_scene_operate(&s, GROUP_SWITCH, "1 1 2");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.yields, 2);
    decline(1); /* that was of before */
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    group_scene_obey(&s, 0, 778);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.shards[0].goal.term, 2);
}

Test(group_steps, a_successor_that_is_not_heard_of_is_asked_for_nothing)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_hush(&s, 1, false);
    group_scene_operate(&s, GROUP_SWITCH, "1 1 2");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    group_scene_hear(&s, 1);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 1);
}

Test(group_steps, one_that_is_level_and_ends_before_it_is_named_has_half_a_second)
{
    begin_switch();
    group_scene_obey(&s, 0, 777);
    group_scene_kill(&s, 1);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.decisions.wake_ms, 1500);
    s.view.now_ms = 1500;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
}

Test(group_steps, engines_that_know_not_how_to_yield_are_fenced_at_once)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    s.members[0].cluster.driver = "redis";
    group_scene_operate(&s, GROUP_SWITCH, "1 1 2");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 1);
    cr_assert_eq(s.shards[0].goal.yields_to, 0);
    cr_assert_eq(s.shards[0].goal.yields, 0);
}

/* It may have taken its role, and nobody heard of it. */
Test(group_steps, a_switch_is_not_taken_back_from_a_successor_that_was_named)
{
    begin_switch();
    group_scene_obey(&s, 0, 777);
    group_scene_decide(&s);
    s.view.now_ms = 600000;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.decisions.wake_ms, INT64_MAX, "it waits for a report");
}

Test(group_steps, a_named_successor_that_dies_has_the_fenced_one_in_its_place)
{
    begin_switch();
    group_scene_obey(&s, 0, 777);
    group_scene_decide(&s);
    group_scene_kill(&s, 1);
    group_scene_cut(&s, 2, 700);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.term, 3);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
}

Test(group_steps, a_successor_waits_for_nothing_of_a_predecessor_that_died)
{
    begin_switch();
    group_scene_obey(&s, 0, 777);
    group_scene_decide(&s);
    group_scene_kill(&s, 0);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.shards[0].goal.after_offset, 0);
}

Test(group_steps, an_empty_member_is_not_named_the_successor_of_one_with_data)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    s.members[0].cluster.driver = "redis";
    group_scene_operate(&s, GROUP_SWITCH, "1 1 2");
    group_scene_decide(&s);
    s.nodes[1].saw.offset = 0;
    group_scene_obey(&s, 0, 777);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    s.nodes[1].saw.offset = 1;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
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

/* It came back by an order that was under way, and looks fenced as before; but it is empty. */
Test(group_steps, a_fenced_primary_that_began_anew_is_no_successor)
{
    begin_switch();
    cr_assert_eq(s.shards[0].goal.fence_life, 1);
    group_scene_obey(&s, 0, 777);
    group_scene_decide(&s);
    group_scene_obey(&s, 0, 900);
    s.nodes[0].saw.crashes = 1;
    group_scene_kill(&s, 1);
    group_scene_cut(&s, 2, 700);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(group_steps, what_a_switch_took_is_given_back_to_the_engine_that_it_was_taken_from)
{
    begin_switch();
    s.view.now_ms = 6000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.life, 1);
    group_scene_cut(&s, 1, 100);
    group_scene_cut(&s, 2, 200);
    s.nodes[0].saw.crashes = 1; /* it runs again, without its role */
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(s.shards[0].goal.term, 3);
}

Test(group_steps, a_switch_of_what_is_gone_fails)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_SWITCH, "1 1 9");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
}

/* --- reshard --- */

Test(group_steps, a_shard_goes_when_its_slots_are_gone)
{
    group_scene_open(&s, 2, 1);
    group_scene_run(&s);
    s.shards[0].slots = "0-16383";
    s.shards[1].slots = "";
    group_scene_operate(&s, GROUP_RESHARD, "2");
    group_scene_decide(&s);
    cr_assert(s.shards[1].is_wanted, "not all know yet that it has none");
    group_scene_obey(&s, 0, 100);
    group_scene_obey(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert_not(s.shards[1].is_wanted);
    cr_assert_not(s.members[1].cluster.is_wanted);
    cr_assert_eq(group_scene_count(&s, DECISION_NODE_UNWANTED), 1);
    cr_assert_eq(s.nodes[1].goal.state, NODE_ABSENT);
    cr_assert_eq(state(), OPERATION_RUNNING);
    s.nodes[1].saw.state = NODE_ABSENT;
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD_REMOVE), 1);
    group_scene_obey(&s, 0, 100);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert_eq(group_scene_count(&s, DECISION_MOVES_CLEAR), 1);
    cr_assert(group_scene_told(&s, "Finished modifying the node groups of replication group rg"));
}

Test(group_steps, a_new_shard_is_told_of_when_it_has_a_place_and_holds_nobody_up)
{
    group_scene_open(&s, 2, 1);
    s.shards[0].slots = "0-16383";
    s.shards[1].slots = "";
    s.members[1].cluster.node_type = "cache.r6g.16xlarge";
    s.nodes[0].goal = (struct node_goal){.has = true,
                                         .host_id = "h1",
                                         .address = "127.77.1.1",
                                         .port = 6379,
                                         .state = NODE_RUNNING,
                                         .boot_count = 1,
                                         .is_clustered = true};
    group_scene_operate(&s, GROUP_RESHARD, "");
    group_scene_decide(&s);
    cr_assert_not(s.nodes[1].goal.has, "there is no room for it");
    cr_assert(strstr(s.view.topology.words, "SHARD s1 0-16383"));
    cr_assert_null(strstr(s.view.topology.words, "SHARD s2"));
}

Test(group_steps, resharding_is_not_given_up_while_a_shard_is_at_giving)
{
    struct slot_move move = {.id = 1,
                             .group_id = 1,
                             .from_id = 1,
                             .to_id = 2,
                             .slots = "0-9",
                             .token = "t",
                             .state = SLOT_MOVE_MOVING,
                             .task_id = 5,
                             .attempt = 1,
                             .task_why = ""};

    group_scene_open(&s, 2, 1);
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_RESHARD, "");
    s.view.operation.step = 2;
    s.view.moves = (struct slot_move_list){&move, 1};
    s.view.now_ms = 10000;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    move.state = SLOT_MOVE_WAITING;
    move.task_id = 0;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(group_scene_count(&s, DECISION_MOVES_CLEAR), 1);
    cr_assert(group_scene_told(&s,
                               "Failed to modify the node groups of replication group rg: slots "
                               "could not be moved to their new node group"));
}

/* --- roll --- */

/* What was started with another version says so, until it begins anew. */
static void obey_outdated(size_t member)
{
    group_scene_obey(&s, member, 100);
    s.nodes[member].saw.is_reboot_pending = true;
}

static void begin_roll(size_t members)
{
    group_scene_open(&s, 1, members);
    group_scene_run(&s);
    for (size_t i = 0; i < members; i++)
        s.members[i].cluster.engine_version = "7.0.7";
    s.view.group.common.engine = "redis";
    s.view.group.common.engine_version = "7.0.7";
    group_scene_operate(&s, GROUP_ROLL, "");
    group_scene_decide(&s); /* engines are told */
    cr_assert_eq(group_scene_count(&s, DECISION_BOOT), 0);
    for (size_t i = 0; i < members; i++)
        obey_outdated(i);
    group_scene_decide(&s);
}

static int64_t boots(size_t member)
{
    return s.nodes[member].boot_count;
}

Test(group_steps, a_roll_takes_replicas_one_by_one_then_a_switch_then_the_old_primary)
{
    struct shard_goal *goal = &s.shards[0].goal;

    begin_roll(3);
    cr_assert_eq(boots(1), 2);
    cr_assert_eq(boots(2), 1);
    cr_assert_eq(s.nodes[1].goal.boot_count, 2);
    group_scene_decide(&s);
    cr_assert_eq(boots(2), 1, "the second one waits for the first one");
    group_scene_obey(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert(group_scene_told(&s, "Cache node 0001 restarted"));
    cr_assert_eq(boots(2), 2);
    group_scene_obey(&s, 2, 120);
    group_scene_decide(&s);
    cr_assert_eq(boots(0), 1);
    cr_assert_eq(goal->fenced_id, 1, "the primary is fenced before it goes");

    group_scene_obey(&s, 0, 130);
    s.nodes[0].saw.is_reboot_pending = true;
    group_scene_decide(&s);
    cr_assert_eq(goal->primary_id, 3, "the furthest one");
    for (size_t i = 3; i-- > 0;) {
        group_scene_obey(&s, i, 130);
        s.nodes[0].saw.is_reboot_pending = true;
        group_scene_decide(&s);
    }
    for (int i = 0; i < 2 && boots(0) == 1; i++) {
        group_scene_obey(&s, 0, 130);
        group_scene_obey(&s, 1, 130);
        s.nodes[0].saw.is_reboot_pending = true;
        group_scene_decide(&s);
    }
    cr_assert_eq(boots(0), 2);
    cr_assert_eq(state(), OPERATION_RUNNING);
    group_scene_obey(&s, 0, 140);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(group_scene_told(&s, "Finished upgrading the engine to redis 7.0.7"));
    cr_assert_eq(boots(1), 2);
    cr_assert_eq(boots(2), 2);
}

/* The switch of a roll of two has begun. */
static void begin_rolls_switch(void)
{
    begin_roll(2);
    group_scene_obey(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.yields_to, 2);
}

static void decline_and_go_on(int64_t number)
{
    decline(number);
    group_scene_decide(&s);
    if (state() != OPERATION_RUNNING)
        return;
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].goal.term, 1);
    obey_outdated(0);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0, "writes go on for a while");
    s.view.now_ms += 3000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 1);
}

Test(group_steps, a_roll_tries_again_when_a_successor_is_too_slow)
{
    begin_rolls_switch();
    decline_and_go_on(1);
    decline_and_go_on(2);
    cr_assert_eq(s.shards[0].goal.yields, 3);
    group_scene_obey(&s, 0, 130);
    s.nodes[0].saw.is_reboot_pending = true;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(state(), OPERATION_RUNNING);
}

Test(group_steps, a_roll_whose_successor_stays_too_slow_ends)
{
    begin_rolls_switch();
    for (int64_t number = 1; number <= 10; number++) {
        cr_assert_eq(state(), OPERATION_RUNNING);
        decline_and_go_on(number);
    }
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_str_eq(s.view.operation.why, DECLINED);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
}

Test(group_steps, a_primary_without_replicas_begins_anew_where_it_stands)
{
    begin_roll(1);
    cr_assert_eq(boots(0), 2);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(state(), OPERATION_RUNNING);
    group_scene_obey(&s, 0, 100);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
}

Test(group_steps, a_roll_over_what_is_up_to_date_restarts_nothing)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    s.view.group.common.engine = "redis";
    s.view.group.common.engine_version = "7.1.0";
    group_scene_operate(&s, GROUP_ROLL, "");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert_eq(group_scene_count(&s, DECISION_BOOT), 0);
}
