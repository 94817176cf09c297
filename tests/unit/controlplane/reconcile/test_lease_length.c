/* How long leases last. Hosts are h1, h2, h3, with a member each; h3's is the late one. */
#include "controlplane/reconcile/lease_length.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#define CALM_MS 100000

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

static struct shard_lease *lease(void)
{
    return &s.shards[0].lease;
}

/* Time passes, and the primary says that it goes by what it was told. */
static void pass(int64_t ms)
{
    for (size_t i = 0; i < s.view.member_count; i++)
        group_scene_obey(&s, i, 100);
    group_scene_decide(&s);
    s.view.now_ms += ms;
    group_scene_decide(&s);
}

static void open_scene(void)
{
    group_scene_open(&s, 1, 3);
    for (size_t i = 0; i < 3; i++)
        s.hosts[i].peer_port = 7000;
    s.view.lease_calm_ms = CALM_MS;
    group_scene_run(&s);
    pass(3000);
}

TestSuite(lease_length, .init = open_scene, .fini = close_scene);

Test(lease_length, a_fifth_of_the_time_may_be_taken_by_what_is_late)
{
    const struct {
        int64_t late_ms;
        int ms;
    } rows[] = {
        {0,    1200},
        {200,  1200},
        {201,  2000},
        {360,  2000},
        {361,  3000},
        {560,  3000},
        {561,  5000},
        {960,  5000},
        {5000, 5000},
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(lease_length_for(rows[i].late_ms), rows[i].ms, "row %zu", i);
}

Test(lease_length, leases_get_longer_where_a_host_is_late)
{
    int64_t number = lease()->number;

    cr_assert_eq(shard_lease_ms(lease()), 1200);
    s.hosts[2].lease_late_ms = 300;
    group_scene_decide(&s);
    cr_assert_eq(lease()->ms, 2000);
    cr_assert_eq(lease()->most_ms, 2000);
    cr_assert_eq(lease()->number, number + 1);
    cr_assert_eq(lease()->settled_ms, 0);
    cr_assert(group_scene_told(
        &s,
        "Leases of node group 0001 last 2000 ms from now on: what its hosts send to each other is late"));
    s.hosts[2].lease_late_ms = 900;
    group_scene_decide(&s);
    cr_assert_eq(lease()->ms, 2000, "one after the other");
    pass(4000);
    cr_assert_eq(lease()->ms, 2000, "what was granted before may hold");
    pass(1000);
    cr_assert_eq(lease()->ms, 5000);
}

Test(lease_length, leases_get_shorter_when_nothing_was_late_for_long)
{
    s.hosts[2].lease_late_ms = 500;
    group_scene_decide(&s);
    pass(10000);
    cr_assert_eq(lease()->ms, 3000);
    s.hosts[2].lease_late_ms = 100;
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + CALM_MS);
    pass(CALM_MS / 2);
    s.hosts[2].lease_late_ms = 500;
    group_scene_decide(&s);
    s.hosts[2].lease_late_ms = 100;
    group_scene_decide(&s);
    pass(CALM_MS - 1);
    cr_assert_eq(lease()->ms, 3000, "it was late in between");
    pass(1);
    cr_assert_eq(lease()->ms, 2000, "by one step");
    cr_assert(group_scene_told(
        &s, "Leases of node group 0001 last 2000 ms from now on: little is late any more"));
}

Test(lease_length, voters_hear_of_shorter_ones_when_nothing_longer_can_count)
{
    s.hosts[2].lease_late_ms = 300;
    group_scene_decide(&s);
    pass(10000);
    s.hosts[2].lease_late_ms = 0;
    group_scene_decide(&s);
    s.view.now_ms += CALM_MS;
    group_scene_decide(&s);
    cr_assert(lease()->ms == 1200 && lease()->most_ms == 2000);
    s.view.now_ms += 10000;
    group_scene_decide(&s);
    cr_assert_eq(lease()->most_ms, 2000, "its primary has not said so");
    pass(4000);
    cr_assert_eq(lease()->most_ms, 2000, "what was granted before may hold");
    int64_t number = lease()->number;
    pass(1000);
    cr_assert_eq(lease()->most_ms, 1200);
    cr_assert_eq(lease()->number, number + 1);
    pass(10000);
    cr_assert_eq(lease()->number, number + 1, "that is all");
}

Test(lease_length, hosts_that_do_not_say_how_late_they_are_have_leases_as_ever)
{
    s.hosts[0].lease_late_ms = -1;
    s.hosts[2].lease_late_ms = 900;
    group_scene_decide(&s);
    cr_assert_eq(shard_lease_ms(lease()), 1200);
}
