#include "controlplane/reconcile/topology.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(groups, .fini = close_scene);

/* --- placement --- */

Test(groups, all_members_are_placed_at_once_and_apart)
{
    group_scene_open(&s, 1, 3);
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_GOAL), 3);
    cr_assert_str_neq(s.nodes[0].goal.host_id, s.nodes[1].goal.host_id);
    cr_assert_str_neq(s.nodes[1].goal.host_id, s.nodes[2].goal.host_id);
    cr_assert_str_neq(s.nodes[0].goal.host_id, s.nodes[2].goal.host_id);
}

Test(groups, none_is_placed_when_not_all_can_be)
{
    group_scene_open(&s, 1, 3);
    s.nodes[2].zone = "us-east-1z";
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_GOAL), 0);
}

Test(groups, members_of_other_shards_may_share_a_host)
{
    group_scene_open(&s, 2, 2);
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_GOAL), 4);
    cr_assert_str_neq(s.nodes[0].goal.host_id, s.nodes[1].goal.host_id);
    cr_assert_str_neq(s.nodes[2].goal.host_id, s.nodes[3].goal.host_id);
}

/* --- roles --- */

Test(groups, the_oldest_member_is_the_first_primary)
{
    group_scene_open(&s, 1, 3);
    s.members[1].cluster.id = 0; /* adopted: older than all others */
    s.members[1].cluster.id = -1;
    s.nodes[1].cluster_id = -1;
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD), 1);
    cr_assert_eq(s.shards[0].goal.primary_id, -1);
    cr_assert_eq(s.shards[0].goal.term, 1);
}

Test(groups, a_settled_group_is_left_alone)
{
    group_scene_open(&s, 2, 2);
    group_scene_run(&s);
    s.view.now_ms += TOPOLOGY_JOIN_MS;
    group_scene_decide(&s); /* that all are online is told to all */
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
    cr_assert_eq(s.decisions.wake_ms, INT64_MAX);
}

Test(groups, a_member_is_ready_when_it_took_on_all_that_was_asked_for)
{
    group_scene_open(&s, 2, 2);
    group_scene_run(&s);
    cr_assert(member_is_ready(&s.view, &s.members[0]));
    cr_assert(member_is_ready(&s.view, &s.members[1]));
    s.nodes[1].saw.is_link_up = false;
    cr_assert_not(member_is_ready(&s.view, &s.members[1]), "it does not follow");
    s.nodes[1].saw.is_link_up = true;
    s.view.topology.epoch++;
    cr_assert_not(member_is_ready(&s.view, &s.members[1]), "it has an older topology");
    s.view.topology.epoch--;
    s.shards[0].goal.term++;
    cr_assert_not(member_is_ready(&s.view, &s.members[1]), "it has an older term");
    s.shards[0].goal.term--;
    s.nodes[1].saw.applied_settings = "";
    cr_assert_not(member_is_ready(&s.view, &s.members[1]), "it said nothing");
}

Test(groups, terms_go_on_where_an_adopted_engine_left_off)
{
    group_scene_open(&s, 1, 2);
    s.nodes[0].saw.has = true;
    s.nodes[0].saw.term = 7;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 8);
}

Test(groups, a_term_that_engines_know_and_the_store_forgot_is_outgrown)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    s.nodes[1].saw.term = 5;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 6);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
}

/* --- a primary that dies --- */

Test(groups, of_the_replicas_of_a_dead_primary_the_one_that_has_most_takes_its_place)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 200);
    group_scene_cut(&s, 2, 300);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(s.shards[0].goal.term, 2);
    cr_assert(group_scene_told(&s, "Failover from primary node rg-001 to replica node rg-003 "
                                   "completed"));
}

Test(groups, a_replica_that_still_believes_in_its_link_is_waited_for_but_not_for_long)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    cr_assert_eq(s.decisions.wake_ms, 2000);
    s.view.now_ms = 2000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.shards[0].goal.term, 2);
}

/* Its connections live as long as it does, which is as long as the kernel wants. */
Test(groups, of_one_that_the_kernel_holds_replicas_hear_no_end_and_take_its_place)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    s.nodes[0].saw.is_killed = true;
    s.nodes[2].saw.offset = 300;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    cr_assert_eq(s.decisions.wake_ms, 1100);
    s.view.now_ms = 1100;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(s.shards[0].goal.term, 2);
}

Test(groups, a_replica_of_an_older_term_or_without_data_does_not_take_its_place)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 500);
    s.nodes[1].saw.term = 0;
    group_scene_cut(&s, 2, 0);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    s.view.now_ms = 11000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2, "when nobody else comes, anybody will do");
}

Test(groups, of_a_group_that_nobody_wrote_to_a_replica_that_followed_takes_its_place_at_once)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 0);
    group_scene_cut(&s, 2, 0);
    s.nodes[2].saw.followed_term = 1;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1, "nobody knows what the second one has");
    s.nodes[1].saw.followed_term = 1;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 2);
    cr_assert_neq(s.shards[0].goal.primary_id, 1);
}

/* It has nothing, and that one may have more. */
Test(groups, one_with_nothing_is_not_taken_while_another_one_believes_in_its_link)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 0);
    s.nodes[1].saw.followed_term = s.nodes[2].saw.followed_term = 1;
    s.nodes[2].saw.offset = 0;
    s.view.now_ms = 5000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    group_scene_cut(&s, 2, 7);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

/* Whoever is silent is not yet known to be. */
Test(groups, who_has_just_begun_to_listen_waits_before_anybody_will_do)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 0);
    s.view.began_ms = 10000;
    s.view.now_ms = 11000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    cr_assert_eq(s.decisions.wake_ms, 20000);
    s.view.now_ms = 20000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(groups, among_equals_one_in_another_zone_than_the_lost_one_takes_its_place)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    s.nodes[1].host_zone = s.nodes[0].host_zone;
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 200);
    group_scene_cut(&s, 2, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

Test(groups, a_primary_that_its_replicas_do_not_reach_keeps_its_role)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_cut(&s, 1, 200);
    group_scene_cut(&s, 2, 300);
    s.view.now_ms = 3600000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
}

/* What they have now is what they kept on their disks. */
Test(groups, when_all_have_ended_the_one_that_came_back_with_most_is_the_first)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    for (size_t i = 0; i < 3; i++)
        group_scene_kill(&s, i);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
    for (size_t i = 1; i < 3; i++) {
        s.nodes[i].saw.state = NODE_RUNNING;
        s.nodes[i].saw.role = "replica";
        group_scene_cut(&s, i, i == 1 ? 50 : 80);
    }
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
}

/* It ended before it heard of its role, and runs again, with nothing. */
Test(groups, a_successor_that_began_anew_is_none)
{
    group_scene_open(&s, 1, 3);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 300);
    group_scene_cut(&s, 2, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.shards[0].goal.life, 1, "for the life in which it had so much");
    s.nodes[1].saw.crashes = 1;
    s.nodes[1].saw.offset = 0;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 3);
    cr_assert_eq(s.shards[0].goal.term, 3);
}

Test(groups, without_automatic_failover_the_primary_gets_its_data_back_from_a_replica)
{
    group_scene_open(&s, 1, 3);
    s.view.group.has_failover = false;
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 300);
    group_scene_cut(&s, 2, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 2);
    cr_assert_eq(s.shards[0].heir_id, 1);
    for (int i = 0; i < 3; i++)
        group_scene_obey(&s, (size_t)i, 300);
    s.nodes[0].saw.crashes = 1;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.term, 3);
    cr_assert_eq(s.shards[0].goal.after_offset, 300);
    group_scene_obey(&s, 0, 300);
    s.nodes[0].saw.crashes = 1;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].heir_id, 0);
}

Test(groups, who_waits_for_a_primary_is_it_when_automatic_failover_is_turned_on)
{
    group_scene_open(&s, 1, 2);
    s.view.group.has_failover = false;
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 300);
    group_scene_decide(&s);
    s.view.group.has_failover = true;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].goal.term, 3);
}

Test(groups, a_successor_that_is_there_may_begin_anew_later)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 300);
    group_scene_decide(&s);
    group_scene_obey(&s, 1, 300);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.life, 0);
    cr_assert_eq(s.shards[0].goal.term, 2);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
}

Test(groups, a_dead_primary_without_any_other_is_waited_for_and_not_looked_at_again_and_again)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_kill(&s, 0);
    group_scene_kill(&s, 1);
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.wake_ms, 11000, "an unfit one will do then");
    s.view.now_ms = 11000;
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.wake_ms, INT64_MAX);
}

Test(groups, a_reboot_of_a_primary_is_no_death)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    s.nodes[0].saw.crashes = 1; /* long ago */
    s.nodes[0].goal.crashes_told = 1;
    s.nodes[0].boot_count = 2;
    s.nodes[0].saw.state = NODE_STOPPED;
    group_scene_cut(&s, 1, 200);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
}

Test(groups, a_dead_replica_changes_no_roles)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    group_scene_kill(&s, 1);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, 1);
}

/* --- members that go --- */

Test(groups, a_member_that_is_not_wanted_leaves_the_topology_and_then_goes)
{
    group_scene_open(&s, 2, 2);
    group_scene_run(&s);
    s.members[1].cluster.is_wanted = false;
    s.nodes[1].is_wanted = false;
    group_scene_decide(&s);
    cr_assert_null(strstr(s.view.topology.words, "NODE n2"));
    cr_assert_eq(s.nodes[1].goal.state, NODE_ABSENT);
    s.nodes[1].saw.state = NODE_ABSENT;
    group_scene_decide(&s);
    cr_assert(s.members[1].is_removed);
    cr_assert(group_scene_told(&s, "Cache cluster deleted"));
    cr_assert_eq(group_scene_count(&s, DECISION_CLUSTER_REMOVE), 1);
}
