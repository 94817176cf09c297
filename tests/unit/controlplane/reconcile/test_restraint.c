#include "controlplane/reconcile/restraint.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(restraint, .fini = close_scene);

static void open_shard(size_t members)
{
    group_scene_open(&s, 1, members);
    group_scene_run(&s);
}

static size_t member_of_goal(void)
{
    return (size_t)s.shards[0].goal.primary_id - 1;
}

/* The primary ends, the others say so; who is chosen takes the role, the dead one stays away. */
static void fall(void)
{
    size_t dead = member_of_goal();

    s.view.now_ms += 100;
    group_scene_kill(&s, dead);
    for (size_t i = 0; i < s.view.member_count; i++)
        if (s.nodes[i].saw.state == NODE_RUNNING)
            group_scene_cut(&s, i, 200);
    group_scene_decide(&s);
}

static void obey_all(void)
{
    for (size_t i = 0; i < s.view.member_count; i++)
        if (s.nodes[i].saw.state == NODE_RUNNING)
            group_scene_obey(&s, i, 200);
    group_scene_decide(&s);
}

/* Three are replaced, the fourth is not. */
static void fall_four_times(void)
{
    open_shard(5);
    for (int i = 0; i < 3; i++) {
        fall();
        cr_assert_eq(s.shards[0].goal.term, i + 2);
        obey_all();
    }
    fall();
}

Test(restraint, primaries_that_end_one_upon_another_are_replaced_three_times)
{
    fall_four_times();
    cr_assert_eq(s.shards[0].goal.term, 4);
    cr_assert(group_scene_told(&s, HELD));
    cr_assert_eq(s.decisions.wake_ms, s.shards[0].fell_ms + 600000);
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0, "it is told once, and nothing else is done");
    cr_assert_eq(s.nodes[4].saw.offset, 200, "who is left keeps what it has");
}

Test(restraint, after_ten_minutes_it_goes_on)
{
    fall_four_times();
    s.view.now_ms = s.shards[0].fell_ms + 599999;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 4);
    s.view.now_ms++;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 5);
    cr_assert_eq(s.shards[0].falls, 1, "and is counted anew");
}

Test(restraint, a_clock_that_was_set_back_holds_nothing_up)
{
    fall_four_times();
    s.view.now_ms -= 3600000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 5);
}

Test(restraint, a_switch_that_is_asked_for_has_its_way)
{
    fall_four_times();
    group_scene_operate(&s, GROUP_SWITCH, "1 4 5");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 4, "one of before does not");
    cr_assert_not(s.view.has_operation, "and is not in its way");
    group_scene_operate(&s, GROUP_SWITCH, "1 4 5");
    s.view.operation.created_ms = s.view.now_ms;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 5);
    cr_assert_eq(s.shards[0].goal.term, 5);
}

/* All members are there again at once. */
static void mend(void)
{
    for (size_t k = 0; k < s.view.member_count; k++)
        s.nodes[k].saw.state = NODE_RUNNING;
    obey_all();
}

Test(restraint, a_shard_that_was_whole_for_a_second_is_not_held)
{
    open_shard(3);
    for (int i = 0; i < 8; i++) {
        fall();
        cr_assert_eq(s.shards[0].goal.term, i + 2);
        mend();
        cr_assert_eq(s.shards[0].falls, 1);
        cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + 1000);
        s.view.now_ms += 1000;
        group_scene_decide(&s);
        cr_assert_eq(s.shards[0].falls, 0);
    }
}

Test(restraint, a_shard_that_was_whole_for_a_moment_is)
{
    open_shard(3);
    for (int i = 0; i < 3; i++) {
        fall();
        mend();
    }
    fall();
    cr_assert_eq(s.shards[0].goal.term, 4);
    cr_assert(group_scene_told(&s, HELD));
}

/* --- hosts that are not heard of --- */

Test(restraint, a_region_is_in_doubt_when_more_than_half_of_its_hosts_are_silent)
{
    group_scene_open(&s, 1, 3);
    cr_assert_not(restraint_is_in_doubt(&s.region));
    s.hosts[0].is_silent = true;
    cr_assert_not(restraint_is_in_doubt(&s.region));
    s.hosts[1].is_silent = true;
    cr_assert(restraint_is_in_doubt(&s.region));
}

static struct host *host_of(size_t member)
{
    for (size_t i = 0; i < countof(s.hosts); i++)
        if (strcmp(s.hosts[i].id, s.nodes[member].goal.host_id) == 0)
            return &s.hosts[i];
    cr_assert(false, "member %zu has no host", member);
    return NULL;
}

Test(restraint, silence_alone_changes_no_roles)
{
    open_shard(3);
    for (size_t i = 0; i < countof(s.hosts); i++) {
        s.hosts[i].is_silent = true;
        s.view.now_ms += 3600000;
        group_scene_decide(&s);
        cr_assert_eq(s.shards[0].goal.term, 1);
    }
}

Test(restraint, an_end_that_is_certain_is_acted_on_whoever_else_is_silent)
{
    open_shard(3);
    host_of(0)->is_silent = host_of(1)->is_silent = true;
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 2, 200);
    group_scene_cut(&s, 1, 900);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3, "nobody would hear of it on the other host");
}

Test(restraint, one_without_data_does_not_take_the_place_of_one_that_is_silent)
{
    open_shard(3);
    host_of(1)->is_silent = true;
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 200);
    group_scene_cut(&s, 2, 0);
    s.view.now_ms = 3600000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    host_of(1)->is_silent = false;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

/* What a host said last may be of before it had anything. */
Test(restraint, the_last_resort_is_none_while_a_member_is_not_heard_of)
{
    open_shard(3);
    host_of(1)->is_silent = true;
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 0);
    group_scene_cut(&s, 2, 0);
    s.view.now_ms = 3600000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    host_of(1)->is_silent = false;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 2);
}

/* The others of the region may know better. */
Test(restraint, the_last_resort_is_none_while_the_region_is_in_doubt)
{
    open_shard(2);
    for (size_t i = 0; i < countof(s.hosts); i++)
        s.hosts[i].is_silent = &s.hosts[i] != host_of(1);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 0);
    s.view.now_ms = 3600000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    host_of(0)->is_silent = false;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(restraint, one_that_keeps_the_data_for_the_primary_is_counted_as_any)
{
    open_shard(3);
    s.view.group.has_failover = false;
    fall();
    cr_assert_eq(s.shards[0].goal.fenced_id, 2);
    cr_assert_eq(s.shards[0].falls, 1);
    obey_all();
    s.shards[0].falls = 3;
    fall();
    cr_assert_eq(s.shards[0].goal.fenced_id, 2, "the third member keeps what it has");
    cr_assert(group_scene_told(&s, HELD));
}
