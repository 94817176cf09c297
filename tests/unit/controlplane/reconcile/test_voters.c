/* Who votes, and how that changes. Hosts are h1, h2 ...; members are placed on them in turn. */
#include "controlplane/reconcile/voters.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(voters, .fini = close_scene);

static const char *voters(void)
{
    return s.shards[0].lease.voters ? s.shards[0].lease.voters : "";
}

/* All hosts can vote by now, and all members run. */
static void open_voters(size_t members, bool has_vote)
{
    group_scene_open(&s, 1, members);
    for (size_t i = 0; i < 3; i++)
        s.hosts[i].peer_port = 7000;
    s.view.has_vote = has_vote;
    group_scene_run(&s);
}

/* The primary says that it goes by them, and what was granted before runs out. */
static void settle(void)
{
    for (size_t i = 0; i < s.view.member_count; i++)
        group_scene_obey(&s, i, 100);
    group_scene_decide(&s);
    s.view.now_ms += 3000;
    group_scene_decide(&s);
}

Test(voters, hosts_of_members_vote_and_the_control_plane_where_they_are_even)
{
    open_voters(2, true);
    cr_assert_str_eq(voters(), "h1 h2 control-plane");
    group_scene_close(&s);
    open_voters(3, true);
    cr_assert_str_eq(voters(), "h1 h2 h3");
    group_scene_close(&s);
    open_voters(2, false);
    cr_assert_str_eq(voters(), "h1 h2", "it has no vote");
}

Test(voters, there_is_no_lease_where_nobody_else_could_take_over)
{
    open_voters(1, true);
    cr_assert_str_eq(voters(), "");
    group_scene_close(&s);

    open_voters(3, true);
    s.view.group.has_failover = false;
    group_scene_decide(&s);
    cr_assert_str_eq(voters(), "", "nobody is promoted unasked");
    cr_assert_not(s.shards[0].lease.is_held);
}

Test(voters, a_host_that_cannot_vote_leaves_everything_as_it_is)
{
    group_scene_open(&s, 1, 2);
    s.hosts[0].peer_port = 7000;
    group_scene_run(&s);
    cr_assert_str_eq(voters(), "");
}

Test(voters, the_lease_is_held_once_the_primary_says_that_it_goes_by_its_voters)
{
    open_voters(2, true);
    cr_assert(s.shards[0].lease.is_held);
    group_scene_close(&s);

    open_voters(2, true);
    s.shards[0].lease.is_held = false;
    s.shards[0].lease.settled_ms = 0;
    s.shards[0].lease.number++;
    group_scene_decide(&s);
    cr_assert_not(s.shards[0].lease.is_held, "what it goes by is another set");
    group_scene_obey(&s, 0, 100);
    group_scene_decide(&s);
    cr_assert(s.shards[0].lease.is_held);
}

Test(voters, change_one_at_a_time_and_each_when_the_one_before_is_in_force)
{
    open_voters(3, true);
    settle();
    s.members[2].cluster.is_wanted = s.nodes[2].is_wanted = false;
    group_scene_decide(&s);
    cr_assert_str_eq(voters(), "h1 h2 h3 control-plane", "who comes, comes first");
    s.view.now_ms += 3000;
    group_scene_decide(&s);
    cr_assert_str_eq(voters(), "h1 h2 h3 control-plane", "the primary has not said so yet");
    group_scene_obey(&s, 0, 100);
    group_scene_decide(&s);
    cr_assert_str_eq(voters(), "h1 h2 h3 control-plane", "what was granted before may hold");
    cr_assert_lt(s.decisions.wake_ms, INT64_MAX);
    s.view.now_ms = s.decisions.wake_ms;
    group_scene_decide(&s);
    cr_assert_str_eq(voters(), "h1 h2 control-plane");
    cr_assert(s.shards[0].lease.is_held);
}

/* Of two sets that may be in force at once, any majority of the one meets any of the other. */
static bool always_meet(const char *before, const char *after)
{
    const char *all[] = {"h1", "h2", "h3", "control-plane"};

    for (unsigned a = 0; a < 16; a++)
        for (unsigned b = 0; b < 16; b++) {
            size_t of_before = 0, of_after = 0;
            for (unsigned i = 0; i < 4; i++) {
                of_before += (a >> i & 1) && voters_have(before, all[i]);
                of_after += (b >> i & 1) && voters_have(after, all[i]);
            }
            bool are_majorities =
                2 * of_before > voters_count(before) && 2 * of_after > voters_count(after);
            if (are_majorities && (a & b) == 0)
                return false;
        }
    return true;
}

Test(voters, two_sets_one_upon_the_other_have_no_majorities_apart)
{
    open_voters(3, true);
    settle();
    s.members[2].cluster.is_wanted = s.nodes[2].is_wanted = false;
    for (int i = 0; i < 6; i++) {
        const char *before = voters();
        group_scene_decide(&s);
        cr_assert(always_meet(before, voters()), "'%s' and '%s'", before, voters());
        settle();
    }
    cr_assert_str_eq(voters(), "h1 h2 control-plane");
    cr_assert_not(always_meet("h1 h2 h3", "h1 h2 control-plane"), "the test can fail");
}

Test(voters, nothing_changes_while_voters_are_asked_or_roles_change)
{
    open_voters(3, true);
    settle();
    s.members[2].cluster.is_wanted = s.nodes[2].is_wanted = false;
    s.shards[0].goal.fenced_id = 1;
    group_scene_decide(&s);
    cr_assert_str_eq(voters(), "h1 h2 h3");
    s.shards[0].goal.fenced_id = 0;
    group_scene_hush(&s, 0, false);
    group_scene_decide(&s);
    cr_assert_neq(s.shards[0].lease.asked_term, 0);
    cr_assert_str_eq(voters(), "h1 h2 h3");
}
