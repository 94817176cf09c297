/* Three members; the first is the primary, and well. */
#include "controlplane/reconcile/lags.h"
#include "group_scene.h"

#include <criterion/criterion.h>

static struct group_scene s;

#define LAGS    "Replica node rg-002 has lost primary node rg-001 and lags behind it"
#define FOLLOWS "Replica node rg-002 follows primary node rg-001 again"
#define WAITS                                                                                 \
    "Automatic failover of node group 0001 waits: none of its members has followed the last " \
    "primary to its end. Tag larder:promote-stale says for how long"
#define STALE                                                                                   \
    "Node group 0001 goes on with rg-002, which has not followed the last primary to its end: " \
    "what it lacks is lost"

static void open_scene(void)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
}

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(lags, .init = open_scene, .fini = close_scene);

/* A replica's link is down, by now. */
static void unlink_at(size_t member, int64_t offset)
{
    group_scene_cut(&s, member, offset);
    s.nodes[member].saw.unlinked_ms = s.view.now_ms;
}

static void pass(int64_t ms)
{
    s.view.now_ms += ms;
    group_scene_decide(&s);
}

/* Of the two replicas one lags, and the other one is not there. */
static void lag_and_end(void)
{
    unlink_at(1, 60);
    s.nodes[2].saw.state = NODE_STOPPED;
    pass(10000);
    s.nodes[0].saw.offset = 500;
    group_scene_kill(&s, 0);
    group_scene_decide(&s);
}

Test(lags, a_replica_that_lost_its_primary_is_told_of_once_and_its_return_is)
{
    unlink_at(1, 60);
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + 10000);
    pass(10000);
    cr_assert(group_scene_told(&s, LAGS));
    cr_assert(member_lags(&s.members[1]));
    pass(1000);
    cr_assert_eq(s.decisions.list.count, 0);
    s.nodes[1].saw.is_link_up = true;
    s.nodes[1].saw.unlinked_ms = 0;
    group_scene_decide(&s);
    cr_assert(group_scene_told(&s, FOLLOWS));
    cr_assert_not(member_lags(&s.members[1]));
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(lags, one_that_never_followed_or_is_not_there_has_lost_nothing)
{
    group_scene_cut(&s, 1, 0);
    unlink_at(2, 60);
    s.nodes[2].saw.state = NODE_STOPPED;
    pass(60000);
    cr_assert_eq(group_scene_count(&s, DECISION_EVENT), 0);
}

Test(lags, what_comes_of_a_plan_is_nothing_to_tell_of)
{
    group_scene_operate(&s, GROUP_MODIFY, "");
    unlink_at(1, 60);
    s.view.now_ms += 60000;
    decisions_init(&s.decisions, &s.arena);
    lags_look(&s.view, &s.shards[0], &s.decisions);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(lags, of_an_unheard_primary_nobody_knows_who_follows_it)
{
    unlink_at(1, 60);
    group_scene_hush(&s, 0, true);
    pass(60000);
    cr_assert_not(group_scene_told(&s, LAGS));
}

Test(lags, one_that_lags_is_the_last_resort_and_what_it_lacks_is_told)
{
    lag_and_end();
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    pass(1000);
    cr_assert(group_scene_told(&s, WAITS));
    pass(1000);
    cr_assert_not(group_scene_told(&s, WAITS));
    pass(8000);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert(group_scene_told(&s, STALE));
    cr_assert(group_scene_told(
        &s, "Primary node rg-001 had at least 440 bytes that its successor does not have"));
    cr_assert(group_scene_told(&s, "Failover from primary node rg-001 to replica node rg-002 "
                                   "completed"));
    group_scene_obey(&s, 1, 60);
    group_scene_decide(&s);
    cr_assert_not(member_lags(&s.members[1]), "it is the primary");
}

Test(lags, a_group_says_for_how_long_it_waits)
{
    s.view.promote_stale = "3";
    lag_and_end();
    pass(2999);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    pass(1);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(lags, a_group_may_wait_for_ever)
{
    s.view.promote_stale = "never";
    lag_and_end();
    pass(1000);
    cr_assert(group_scene_told(&s, WAITS));
    pass(864000000);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.decisions.wake_ms, INT64_MAX);
    s.view.promote_stale = "0";
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(lags, with_another_that_followed_to_the_end_nobody_waits)
{
    unlink_at(1, 60);
    pass(10000);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 2, 100);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_not(group_scene_told(&s, STALE));
}

/* A member on a host that is not heard of may have more. */
Test(lags, a_group_that_says_for_how_long_waits_for_nobody_longer)
{
    s.nodes[1].saw.term = 0;
    group_scene_hush(&s, 2, true);
    group_scene_kill(&s, 0);
    pass(60000);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    s.view.promote_stale = "60";
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}
