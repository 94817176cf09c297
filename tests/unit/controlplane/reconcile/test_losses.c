/* Three members on three hosts; the first is the primary. */
#include "controlplane/reconcile/losses.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void open_scene(void)
{
    group_scene_open(&s, 1, 3);
    group_scene_lease(&s);
    group_scene_decide(&s);
}

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(losses, .init = open_scene, .fini = close_scene);

static struct shard_lease *lease(void)
{
    return &s.shards[0].lease;
}

static int64_t term(void)
{
    return s.shards[0].goal.term;
}

/* The primary's host is lost, and both others have promised. */
static void vacate(void)
{
    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_promise(&s, "h3", lease()->asked_term);
    group_scene_decide(&s);
}

/* A replica of nobody says how far it came. */
static void come_to(size_t member, int64_t offset)
{
    group_scene_obey(&s, member, offset);
}

Test(losses, voters_are_asked_once_when_the_primary_is_not_heard_of)
{
    int64_t before = term();

    cr_assert(lease()->is_held);
    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, before + 1);
    cr_assert_eq(term(), before);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD), 0);
}

Test(losses, one_promise_of_three_changes_nothing)
{
    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_decide(&s);
    cr_assert_eq(lease()->vacated_ms, 0);
}

Test(losses, by_a_majority_of_promises_the_shard_is_vacant_and_the_best_one_follows)
{
    int64_t before = term();

    vacate();
    cr_assert_eq(lease()->vacated_ms, s.view.now_ms);
    cr_assert_eq(term(), before + 1);
    cr_assert_eq(lease()->asked_term, 0);
    come_to(1, 150);
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0, "the other one may have come further");
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(term(), before + 2);
    cr_assert_eq(lease()->vacated_ms, 0);
    cr_assert_eq(s.shards[0].goal.life, 1, "for what it has now");
    cr_assert(
        group_scene_told(&s, "Failover from primary node rg-001 to replica node rg-003 completed"));
    cr_assert(group_scene_told(&s, "Recovering cache nodes 0001"));
}

Test(losses, a_member_that_says_nothing_is_waited_for_only_so_long)
{
    vacate();
    come_to(1, 150);
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + 300);
    s.view.now_ms += 300;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(losses, one_that_is_heard_again_in_time_keeps_its_role)
{
    int64_t before = term();

    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    group_scene_hear(&s, 0);
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, 0);
    cr_assert_eq(term(), before);
}

Test(losses, a_promise_that_came_too_late_is_outgrown)
{
    int64_t before = term();

    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    group_scene_promise(&s, "h2", before + 1);
    group_scene_hear(&s, 0);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(term(), before + 2, "the voter grants no lease of a lower one");
}

Test(losses, without_a_lease_silence_changes_nothing)
{
    lease()->is_held = false;
    lease()->settled_ms = 1;
    group_scene_hush(&s, 0, true);
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, 0);
}

Test(losses, nobody_is_asked_where_nobody_could_take_over)
{
    s.nodes[1].saw.state = s.nodes[2].saw.state = NODE_STOPPED;
    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, 0);
}

Test(losses, while_most_hosts_are_not_heard_of_nothing_is_done_that_is_not_certain)
{
    group_scene_hush(&s, 0, false);
    group_scene_hush(&s, 1, false);
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, 0);
    group_scene_hear(&s, 1);
    group_scene_decide(&s);
    cr_assert_neq(lease()->asked_term, 0);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_promise(&s, "h3", lease()->asked_term);
    group_scene_hush(&s, 1, false);
    group_scene_decide(&s);
    cr_assert_eq(lease()->vacated_ms, 0);
}

Test(losses, users_are_told_once_of_a_primary_that_goes_on_unheard)
{
    const char *text = "Node group 0001 goes on with primary node rg-001, whose host is not heard "
                       "of: other hosts grant its lease";

    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    cr_assert_not(group_scene_told(&s, text), "a moment is nothing to tell of");
    group_scene_hush(&s, 0, true);
    group_scene_decide(&s);
    cr_assert(group_scene_told(&s, text));
    group_scene_decide(&s);
    cr_assert_not(group_scene_told(&s, text));
}

Test(losses, the_lost_one_may_come_back_in_time_with_more_than_all_others)
{
    vacate();
    group_scene_hear(&s, 0);
    come_to(1, 150);
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0);
    come_to(0, 170);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(lease()->lost_id, 0);
    cr_assert_not(
        group_scene_told(&s, "Failover from primary node rg-001 to replica node rg-001 completed"));
}

Test(losses, what_the_lost_one_had_alone_is_counted_when_it_is_back)
{
    vacate();
    come_to(1, 150);
    come_to(2, 160);
    group_scene_decide(&s);
    come_to(1, 160);
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert_eq(lease()->lost_id, 1);
    group_scene_hear(&s, 0);
    s.nodes[0].saw.offset = 1234;
    group_scene_decide(&s);
    cr_assert(group_scene_told(&s, "Primary node rg-001 came back after its failover: 1074 bytes "
                                   "that no replica had are dropped"));
    cr_assert_eq(lease()->lost_id, 0);
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_EVENT), 0);
}

Test(losses, what_the_successor_lacks_is_told_as_far_as_is_known)
{
    s.nodes[0].saw.offset = 200; /* by its last word */
    vacate();
    come_to(1, 150);
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert(group_scene_told(
        &s, "Primary node rg-001 had at least 40 bytes that its successor does not have"));
}

Test(losses, one_that_had_lost_it_before_is_the_last_resort)
{
    s.nodes[1].goal.is_lagging = true;
    vacate();
    come_to(1, 150);
    s.nodes[2].saw.state = NODE_STOPPED;
    s.view.promote_stale = "20";
    s.view.now_ms += 19999;
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0);
    cr_assert(group_scene_told(&s, "Automatic failover of node group 0001 waits: none of its "
                                   "members has followed the last primary to its end. Tag "
                                   "larder:promote-stale says for how long"));
    s.view.now_ms++;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert(group_scene_told(&s, "Node group 0001 goes on with rg-002, which has not followed "
                                   "the last primary to its end: what it lacks is lost"));
}

Test(losses, when_none_has_what_it_takes_any_one_does_once_all_are_there)
{
    vacate();
    for (size_t i = 0; i < 3; i++) {
        come_to(i, 0);
        s.nodes[i].saw.offset = 0;
    }
    s.view.now_ms += 10000;
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0, "one that may have data is not heard of");
    group_scene_hear(&s, 0);
    group_scene_decide(&s);
    cr_assert_eq(lease()->vacated_ms, 0);
}

/* A primary that is heard of and has no lease. */

#define CUT_OFF                                                                                    \
    "Primary node rg-001 is cut off from the hosts that grant its lease: it takes no writes, and " \
    "has a successor"

/* Both others have promised, and all three have said how far they came. */
static void cut_off(void)
{
    s.nodes[0].saw.is_unleased = true;
    group_scene_decide(&s);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_promise(&s, "h3", lease()->asked_term);
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0);
    come_to(0, 500);
    come_to(1, 150);
    come_to(2, 160);
    group_scene_decide(&s);
}

Test(losses, a_primary_that_is_cut_off_from_its_voters_has_a_successor)
{
    int64_t before = term();

    cut_off();
    cr_assert_eq(s.shards[0].goal.primary_id, 3, "the cut off one has more, and cannot be it");
    cr_assert_eq(term(), before + 2);
    cr_assert(group_scene_told(&s, CUT_OFF));
    cr_assert(group_scene_told(
        &s, "Primary node rg-001 had at least 340 bytes that its successor does not have"));
    cr_assert_not(lease()->is_cut_off);
    come_to(2, 160);
    s.nodes[0].saw.is_link_up = s.nodes[1].saw.is_link_up = true;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(losses, one_that_has_its_lease_again_keeps_its_role)
{
    int64_t before = term();

    s.nodes[0].saw.is_unleased = true;
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, before + 1);
    cr_assert_eq(term(), before);
    s.nodes[0].saw.is_unleased = false;
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, 0);
    cr_assert_eq(term(), before);
}

Test(losses, where_none_of_the_others_has_what_it_takes_one_that_is_cut_off_stays)
{
    s.nodes[0].saw.is_unleased = true;
    group_scene_decide(&s);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_promise(&s, "h3", lease()->asked_term);
    group_scene_decide(&s);
    come_to(0, 500);
    come_to(1, 0);
    come_to(2, 0);
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0);
    s.view.now_ms += 300;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(lease()->vacated_ms, 0);
    cr_assert_not(group_scene_told(&s, CUT_OFF));
}

/* Nobody reaches anybody: so the one before has all that it had, and more. */
Test(losses, a_successor_without_a_lease_gives_its_place_back)
{
    cut_off();
    for (int i = 0; i < 3; i++)
        come_to((size_t)i, i == 0 ? 500 : 160);
    s.nodes[2].saw.role = "replica"; /* it waits for a lease */
    s.nodes[2].saw.is_unleased = true;
    s.nodes[0].saw.is_link_up = s.nodes[1].saw.is_link_up = false;
    int64_t falls = s.shards[0].falls;
    group_scene_decide(&s);
    group_scene_promise(&s, "h1", lease()->asked_term);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_decide(&s);
    for (int i = 0; i < 3; i++)
        come_to((size_t)i, i == 0 ? 500 : 160);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].falls, falls, "it did nothing");
}

Test(losses, where_nobody_could_take_over_one_without_a_lease_keeps_its_role)
{
    s.nodes[1].saw.state = s.nodes[2].saw.state = NODE_STOPPED;
    s.nodes[0].saw.is_unleased = true;
    group_scene_decide(&s);
    cr_assert_eq(lease()->asked_term, 0);
}

/* Where acknowledged writes count. */

static void count_on_one(void)
{
    s.view.group.durability = DURABILITY_SYNC;
    for (int i = 0; i < 4; i++)
        group_scene_run(&s);
    cr_assert_eq(s.shards[0].goal.acks.counted, 1);
}

Test(losses, in_sync_nobody_follows_before_enough_have_said_how_far_they_came)
{
    count_on_one();
    vacate();
    come_to(1, 150);
    s.view.now_ms += 60000;
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0, "the other one may have what was acknowledged");
    cr_assert(group_scene_told(&s,
                               "Automatic failover of node group 0001 waits: too few members are "
                               "heard of to know all acknowledged writes. It goes on when they "
                               "are, or with another Durability"));
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(lease()->vacated_ms, 0);
    cr_assert_eq(s.shards[0].goal.acks.asked, OFFSETS_NOT_ASKED);
    cr_assert_eq(s.shards[0].goal.acks.counted, 1);
}

Test(losses, in_sync_a_later_stream_goes_before_a_longer_one)
{
    count_on_one();
    vacate();
    come_to(1, 900);
    come_to(2, 160);
    s.nodes[2].saw.lineage = 2;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(losses, in_sync_answers_to_an_older_question_do_not_count)
{
    count_on_one();
    vacate();
    int64_t asked = term();
    come_to(1, 150);
    come_to(2, 160);
    s.nodes[2].saw.term = asked + 7;
    group_scene_decide(&s);
    cr_assert_eq(term(), asked + 8);
    cr_assert_neq(lease()->vacated_ms, 0);
    come_to(1, 150);
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0);
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(losses, in_sync_the_lost_one_is_waited_for_when_it_alone_may_have_all)
{
    count_on_one();
    vacate();
    for (size_t i = 1; i < 3; i++) {
        come_to(i, 0);
        s.nodes[i].saw.lineage = s.nodes[i].saw.offset = 0;
    }
    s.view.now_ms += 60000;
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0);
    group_scene_hear(&s, 0);
    come_to(0, 100);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
}

Test(losses, in_sync_one_that_is_cut_off_is_not_counted_on)
{
    count_on_one();
    s.nodes[0].saw.is_unleased = true;
    group_scene_decide(&s);
    group_scene_promise(&s, "h2", lease()->asked_term);
    group_scene_promise(&s, "h3", lease()->asked_term);
    group_scene_decide(&s);
    come_to(0, 500);
    come_to(1, 150);
    group_scene_decide(&s);
    cr_assert_neq(lease()->vacated_ms, 0, "the third one may have what was acknowledged");
    come_to(2, 160);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

static void live_on(size_t member, size_t host)
{
    s.nodes[member].goal.host_id = s.hosts[host].id;
    s.nodes[member].host_zone = s.hosts[host].zone;
}

/* Two shards whose primaries are on two hosts of one zone. */
static void open_zones(void)
{
    group_scene_open(&s, 2, 3);
    group_scene_decide(&s);
    s.hosts[3] = s.hosts[0];
    s.hosts[3].id = s.hosts[3].name = "h4";
    s.region.hosts.count = 4;
    for (size_t i = 0; i < 6; i++)
        live_on(i, i == 3 ? 3 : i % 3);
    group_scene_lease(&s);
    group_scene_decide(&s);
}

Test(losses, of_a_lost_zone_all_shards_have_successors_elsewhere_spread_over_hosts)
{
    group_scene_close(&s);
    open_zones();
    for (size_t i = 0; i < 2; i++)
        cr_assert(s.shards[i].lease.is_held);
    group_scene_hush(&s, 0, false);
    group_scene_hush(&s, 3, false);
    group_scene_decide(&s);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_gt(s.shards[i].lease.asked_term, 0, "both are asked after at once");
        for (size_t k = 1; k < 3; k++)
            promises_add(&s.arena, &s.view.promises, s.hosts[k].id, s.shards[i].id,
                         s.shards[i].lease.asked_term);
    }
    group_scene_decide(&s);
    for (size_t i = 0; i < 6; i++)
        if (i % 3 != 0)
            group_scene_obey(&s, i, 100); /* each has come as far as the others */
    group_scene_decide(&s);
    const struct view *first = shard_primary(&s.view, &s.shards[0]);
    const struct view *second = shard_primary(&s.view, &s.shards[1]);
    cr_assert_str_neq(member_node(first)->host_zone, "us-east-1a");
    cr_assert_str_neq(member_node(second)->host_zone, "us-east-1a");
    cr_assert_str_neq(member_node(first)->goal.host_id, member_node(second)->goal.host_id,
                      "the other one of two that are as good has no primary yet");
}
