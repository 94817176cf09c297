#include "controlplane/model/settings.h"
#include "controlplane/reconcile/acks.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(acks, .fini = close_scene);

#define WAITS                                                                                \
    "Automatic failover of node group 0001 waits: too few members are heard of to know all " \
    "acknowledged writes. It goes on when they are, or with another Durability"
#define UNSURE                                                                             \
    "Acknowledged writes of node group 0001 may be lost: members that could have them do " \
    "not say so, and those that do go on"

static void all_obey(int64_t offset)
{
    for (size_t i = 0; i < s.view.member_count; i++)
        if (s.nodes[i].saw.state == NODE_RUNNING)
            group_scene_obey(&s, i, offset);
}

/* A group of so many members whose promotions count on what was ordered. */
static void run_in_sync(size_t members)
{
    group_scene_open(&s, 1, members);
    s.view.group.durability = DURABILITY_SYNC;
    group_scene_run(&s);
    for (int i = 0; i < 3; i++) {
        group_scene_decide(&s);
        all_obey(100);
    }
    cr_assert(acks_is_settled(&s.view));
}

/* A member answers to the present term with that. */
static void answer(size_t member, int64_t lineage, int64_t offset)
{
    group_scene_obey(&s, member, offset);
    s.nodes[member].saw.lineage = lineage;
    s.nodes[member].saw.is_link_up = false;
}

/* The primary died, and all were asked. */
static void kill_and_ask(size_t members)
{
    run_in_sync(members);
    group_scene_kill(&s, 0);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1, "nobody has its place yet");
}

/* --- what is ordered, and what counts --- */

Test(acks, what_is_ordered_counts_once_replicas_are_as_far_as_the_primary_was)
{
    struct shard_acks *acks = &s.shards[0].goal.acks;
    struct settings_version applied;

    group_scene_open(&s, 1, 3);
    s.view.group.durability = DURABILITY_SYNC;
    group_scene_decide(&s);
    cr_assert_eq(acks->ordered, 1, "before anybody is a primary");
    cr_assert_eq(acks->counted, 0);
    all_obey(0);
    for (size_t i = 0; i < 3; i++)
        group_scene_obey(&s, i, 100);
    cr_assert(settings_version_parse(s.nodes[0].saw.applied_settings, &applied));
    cr_assert_eq(applied.acks, 1);
    group_scene_decide(&s);
    cr_assert_eq(acks->after, 101);
    cr_assert_eq(s.shards[0].goal.term, 2, "they are asked by another term");
    cr_assert_not(acks_is_settled(&s.view));
    group_scene_obey(&s, 0, 200);
    group_scene_obey(&s, 1, 90);
    group_scene_obey(&s, 2, 99);
    group_scene_decide(&s);
    cr_assert_eq(acks->counted, 0, "none is so far");
    cr_assert_eq(s.decisions.wake_ms, 2000);
    s.view.now_ms = 2000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 3, "they are asked again");
    all_obey(100);
    group_scene_decide(&s);
    cr_assert_eq(acks->counted, 1);
    cr_assert(acks_is_settled(&s.view));
    all_obey(100);
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0, "and then nothing more is said");
}

Test(acks, without_a_wish_nothing_is_ordered)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    cr_assert_eq(s.shards[0].goal.acks.ordered, 0);
    cr_assert_eq(s.shards[0].goal.term, 1);
    cr_assert(acks_is_settled(&s.view));
    s.view.group.durability = DURABILITY_BOUNDED;
    group_scene_decide(&s);
    cr_assert(s.shards[0].goal.acks.is_bounded);
    cr_assert_not(member_is_ready(&s.view, &s.members[0]), "it does not know yet");
    all_obey(100);
    cr_assert(member_is_ready(&s.view, &s.members[0]));
}

Test(acks, what_is_wished_no_more_counts_no_more_before_engines_hear_of_it)
{
    run_in_sync(3);
    s.view.group.durability = DURABILITY_ASYNC;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.acks.ordered, 0);
    cr_assert_eq(s.shards[0].goal.acks.counted, 0);
}

Test(acks, a_member_that_is_no_more_is_missed_until_the_others_have_what_it_may_have_had)
{
    const struct shard_acks *acks = &s.shards[0].goal.acks;

    run_in_sync(3);
    int64_t term = s.shards[0].goal.term;
    s.members[2].cluster.is_wanted = false;
    s.members[2].nodes.count = 0;
    group_scene_decide(&s);
    cr_assert_eq(acks->counted, 1);
    cr_assert_eq(acks->gone, 1);
    s.view.member_count = 2;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, term + 1);
    all_obey(120);
    group_scene_decide(&s);
    cr_assert_eq(acks->gone, 0);
    cr_assert(acks_is_settled(&s.view));
}

/* --- promotions --- */

Test(acks, all_are_asked_before_anybody_is_promoted)
{
    kill_and_ask(3);
    int64_t term = s.shards[0].goal.term;
    cr_assert_eq(s.shards[0].goal.acks.asked, OFFSETS_ASKED);
    cr_assert_eq(s.shards[0].goal.life, 1, "the dead one takes no role by that");
    answer(1, 1, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1, "one of two is not enough");
    cr_assert_eq(s.shards[0].goal.term, term);
    answer(2, 1, 300);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(s.shards[0].goal.term, term + 1);
    cr_assert_eq(s.shards[0].goal.acks.counted, 1, "what was acknowledged still counts");
    cr_assert_eq(s.shards[0].goal.acks.asked, OFFSETS_NOT_ASKED);
    cr_assert_not(group_scene_told(&s, UNSURE));
}

Test(acks, a_later_stream_is_worth_more_than_a_longer_one)
{
    kill_and_ask(3);
    answer(1, 1, 900);
    answer(2, 2, 300);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(acks, of_four_one_may_be_silent)
{
    kill_and_ask(4);
    cr_assert_eq(s.shards[0].goal.acks.counted, 2);
    answer(1, 1, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    answer(2, 1, 150);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(acks, a_silent_one_is_waited_for_and_that_is_told_once)
{
    kill_and_ask(3);
    answer(1, 1, 200);
    answer(2, 1, 300);
    s.hosts[2].is_silent = true;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_not(group_scene_told(&s, WAITS));
    s.view.now_ms = 60000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert(group_scene_told(&s, WAITS));
    group_scene_decide(&s);
    cr_assert_not(group_scene_told(&s, WAITS));
    s.hosts[2].is_silent = false;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(acks, a_group_may_say_for_how_long_a_silent_one_is_waited_for)
{
    kill_and_ask(3);
    s.view.promote_stale = "5";
    answer(1, 1, 200);
    s.hosts[2].is_silent = true;
    s.view.now_ms += 4999;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + 1);
    s.view.now_ms++;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert(group_scene_told(&s, UNSURE));
}

Test(acks, who_has_just_begun_to_listen_waits_from_then_on)
{
    kill_and_ask(3);
    s.view.promote_stale = "5";
    answer(1, 1, 200);
    s.hosts[2].is_silent = true;
    s.view.now_ms += 60000;
    s.view.began_ms = s.view.now_ms - 4000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    s.view.now_ms += 1000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(acks, who_asks_for_less_is_given_what_there_is)
{
    kill_and_ask(3);
    answer(1, 1, 200);
    s.hosts[2].is_silent = true;
    s.view.group.durability = DURABILITY_ASYNC;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(acks, what_nobody_can_have_is_not_waited_for)
{
    kill_and_ask(3);
    answer(1, 1, 200);
    answer(2, 0, 0); /* it had begun anew, and has nothing */
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert(group_scene_told(&s, UNSURE));
}

Test(acks, one_that_begins_anew_is_waited_for_it_may_have_kept_its_data)
{
    kill_and_ask(3);
    answer(1, 1, 200);
    s.nodes[2].saw.state = NODE_STOPPED;
    s.view.now_ms = 30000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    s.nodes[2].saw.state = NODE_RUNNING;
    answer(2, 1, 250);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}
