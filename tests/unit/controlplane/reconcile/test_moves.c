#include "controlplane/reconcile/moves.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;
static struct slot_move moves[2];

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(moves, .fini = close_scene);

static void add_move(size_t at, int64_t from, int64_t to, const char *slots)
{
    moves[at] = (struct slot_move){
        .id = (int64_t)at + 1,
        .group_id = 1,
        .from_id = from,
        .to_id = to,
        .slots = slots,
        .token = "t",
        .task_why = "",
    };
    s.view.moves = (struct slot_move_list){moves, at + 1};
}

/* Two shards of two members that do all they should, amid the step that moves slots from the first
 * to the second. */
static void open_scene(void)
{
    group_scene_open(&s, 2, 2);
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_RESHARD, "");
    s.view.operation.step = 2;
    add_move(0, 1, 2, "0-99");
}

static const struct decision *decided(int64_t move)
{
    const struct decision *found = NULL;
    vec_each(d, &s.decisions.list)
        if (d->kind == DECISION_MOVE && d->move.id == move)
            found = d;
    return found;
}

/* The agent says so of the task that was decided last. */
static void report(size_t at, enum task_state state, int percent)
{
    moves[at].task_id = 70 + (int64_t)at;
    moves[at].task_state = state;
    moves[at].task_percent = percent;
    group_scene_decide(&s);
}

/* All members have taken on what they are told by now. */
static void obey_all(void)
{
    for (size_t i = 0; i < s.view.member_count; i++)
        group_scene_obey(&s, i, 100);
}

Test(moves, the_target_expects_slots_before_the_source_gives_them)
{
    open_scene();
    group_scene_decide(&s);
    cr_assert_eq(moves[0].state, SLOT_MOVE_ANNOUNCED);
    cr_assert_str_eq(decided(1)->task.kind, "ImportSlots");
    cr_assert_eq(decided(1)->task.node_id, 3);
    cr_assert(strstr(decided(1)->task.detail, "\"Slots\":\"0-99\""));
    cr_assert(strstr(decided(1)->task.detail, "\"FromShard\":\"s1\""));
    report(0, TASK_DONE, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_MOVING);
    cr_assert_eq(decided(1)->old_task_id, 70);
    cr_assert_str_eq(decided(1)->task.kind, "ExportSlots");
    cr_assert_eq(decided(1)->task.node_id, 1);
    cr_assert(strstr(decided(1)->task.detail, "\"ToShard\":\"s2\""));
    cr_assert(strstr(decided(1)->task.detail, s.nodes[2].goal.address));
    cr_assert(strstr(decided(1)->task.detail, "\"IsTls\":false"));
}

Test(moves, slots_that_changed_hands_are_told_to_all_at_once)
{
    open_scene();
    group_scene_decide(&s);
    report(0, TASK_DONE, 0);
    int64_t epoch = s.view.topology.epoch;
    report(0, TASK_DONE, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_DONE);
    cr_assert_null(decided(1)->task.kind);
    cr_assert_str_eq(s.shards[0].slots, "100-8191");
    cr_assert_str_eq(s.shards[1].slots, "0-99,8192-16383");
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD_WANT), 2);
    cr_assert_eq(s.view.topology.epoch, epoch + 1);
    cr_assert(strstr(s.view.topology.words, "SHARD s2 0-99,8192-16383"));
}

Test(moves, a_shard_gives_to_one_at_a_time)
{
    open_scene();
    add_move(1, 1, 2, "100-199");
    group_scene_decide(&s);
    cr_assert_eq(moves[0].state, SLOT_MOVE_ANNOUNCED);
    cr_assert_eq(moves[1].state, SLOT_MOVE_WAITING);
    report(0, TASK_DONE, 0);
    report(0, TASK_DONE, 0);
    cr_assert_eq(moves[1].state, SLOT_MOVE_WAITING, "not all know the new topology yet");
    obey_all();
    group_scene_decide(&s);
    cr_assert_eq(moves[1].state, SLOT_MOVE_ANNOUNCED);
}

Test(moves, shards_give_beside_each_other)
{
    open_scene();
    add_move(1, 2, 1, "9000-9099");
    group_scene_decide(&s);
    cr_assert_eq(moves[0].state, SLOT_MOVE_ANNOUNCED);
    cr_assert_eq(moves[1].state, SLOT_MOVE_ANNOUNCED);
}

Test(moves, what_broke_off_is_asked_about_and_tried_again)
{
    open_scene();
    group_scene_decide(&s);
    report(0, TASK_DONE, 0);
    report(0, TASK_FAILED, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_SETTLING);
    cr_assert_str_eq(decided(1)->task.kind, "SettleSlots");
    cr_assert_eq(decided(1)->task.node_id, 3);
    report(0, TASK_DONE, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_WAITING);
    cr_assert_eq(moves[0].attempt, 1);
    cr_assert_str_eq(s.shards[0].slots, "0-8191");
    cr_assert_eq(s.decisions.wake_ms, 1200);
    s.view.now_ms = 1200;
    group_scene_decide(&s);
    cr_assert_eq(moves[0].state, SLOT_MOVE_ANNOUNCED);
    cr_assert(strstr(decided(1)->task.detail, "0000000000000000000000010000000000000001"));
}

Test(moves, what_broke_off_after_the_slots_were_taken_is_done)
{
    open_scene();
    group_scene_decide(&s);
    report(0, TASK_DONE, 0);
    report(0, TASK_FAILED, 0);
    report(0, TASK_DONE, 100);
    cr_assert_eq(moves[0].state, SLOT_MOVE_DONE);
    cr_assert_str_eq(s.shards[0].slots, "100-8191");
}

Test(moves, a_target_that_is_gone_is_asked_when_it_is_back)
{
    open_scene();
    group_scene_decide(&s);
    report(0, TASK_DONE, 0);
    s.nodes[2].saw.state = NODE_STARTING;
    report(0, TASK_FAILED, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_SETTLING);
    cr_assert_null(decided(1)->task.kind);
    group_scene_decide(&s);
    cr_assert_null(decided(1));
    s.nodes[2].saw.state = NODE_RUNNING;
    group_scene_decide(&s);
    cr_assert_str_eq(decided(1)->task.kind, "SettleSlots");
}

Test(moves, a_dead_source_is_replaced_at_once_and_its_move_begun_anew)
{
    open_scene();
    group_scene_decide(&s);
    report(0, TASK_DONE, 0);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 100);
    report(0, TASK_FAILED, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_SETTLING);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    report(0, TASK_DONE, 0);
    obey_all();
    s.view.now_ms = 2000;
    group_scene_decide(&s); /* the topology calls the dead one failed */
    obey_all();
    group_scene_decide(&s);
    report(0, TASK_DONE, 0);
    cr_assert_eq(moves[0].state, SLOT_MOVE_MOVING);
    cr_assert_eq(decided(1)->task.node_id, 2);
}

Test(moves, questions_about_all)
{
    open_scene();
    cr_assert(moves_are_idle(&s.view));
    cr_assert_not(moves_are_done(&s.view));
    cr_assert_null(moves_why_waiting(&s.view));
    moves[0].state = SLOT_MOVE_MOVING;
    cr_assert(moves_are_giving(&s.view));
    cr_assert_not(moves_are_idle(&s.view));
    moves[0].attempt = 1;
    cr_assert_not_null(moves_why_waiting(&s.view));
    moves[0].state = SLOT_MOVE_DONE;
    cr_assert(moves_are_done(&s.view));
}
