/* Three members on three hosts; the first is the primary. A fourth host stands by. */
#include "controlplane/reconcile/relocate.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void open_with(size_t hosts)
{
    group_scene_open(&s, 1, 3);
    s.view.replace_after_ms = 60000;
    group_scene_lease(&s);
    s.hosts[3] = s.hosts[2];
    s.hosts[3].id = s.hosts[3].name = "h4";
    s.hosts[3].pool = "127.77.4.0/24";
    s.region.hosts.count = hosts;
    s.region.board = place_new(&s.arena, &s.region.hosts);
    for (size_t i = 0; i < 3; i++)
        place_take_node(s.region.board, place_key(s.nodes[i].cluster_id, 1),
                        s.nodes[i].goal.host_id);
    group_scene_decide(&s);
}

static void open_scene(void)
{
    open_with(4);
}

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(relocate, .init = open_scene, .fini = close_scene);

Test(relocate, a_replica_of_a_lost_host_is_made_anew_elsewhere_after_a_while)
{
    group_scene_hush(&s, 2, true);
    group_scene_decide(&s);
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + 60000);
    s.view.now_ms += 59999;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[2].goal.host_id, "h3");
    s.nodes[2].saw.crashes = s.nodes[2].goal.crashes_told = 4;
    s.view.now_ms++;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[2].goal.host_id, "h4");
    cr_assert(group_scene_told(&s, "Recovering cache nodes 0001"));
    cr_assert_eq(s.nodes[2].goal.crashes_told, 0, "it counts anew there");
    group_scene_decide(&s);
    cr_assert_not(group_scene_told(&s, "Finished recovery for cache nodes 0001"));
    group_scene_obey(&s, 2, 100);
    group_scene_decide(&s);
    cr_assert(group_scene_told(&s, "Finished recovery for cache nodes 0001"));
}

Test(relocate, a_host_that_comes_back_in_time_keeps_what_it_has)
{
    group_scene_hush(&s, 2, true);
    s.view.now_ms += 59999;
    group_scene_decide(&s);
    group_scene_hear(&s, 2);
    s.view.now_ms += 60000;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[2].goal.host_id, "h3");
}

Test(relocate, a_primary_is_not_moved)
{
    s.shards[0].lease.is_held = false;
    s.shards[0].lease.settled_ms = 1;
    group_scene_hush(&s, 0, true);
    s.view.now_ms += 90000;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[0].goal.host_id, "h1");
}

Test(relocate, nobody_is_moved_while_his_primary_is_not_heard_of_or_most_hosts_are_not)
{
    group_scene_hush(&s, 2, true);
    group_scene_hush(&s, 0, false);
    s.view.now_ms += 90000;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[2].goal.host_id, "h3");
    group_scene_hear(&s, 0);
    s.hosts[3].is_silent = s.hosts[1].is_silent = true;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[2].goal.host_id, "h3");
}

Test(relocate, without_another_host_two_share_one)
{
    close_scene();
    open_with(3);
    group_scene_hush(&s, 2, true);
    s.view.now_ms += 60000;
    group_scene_decide(&s);
    cr_assert_str_neq(s.nodes[2].goal.host_id, "h3");
}

Test(relocate, it_can_be_turned_off)
{
    s.view.replace_after_ms = 0;
    group_scene_hush(&s, 2, true);
    s.view.now_ms += 900000;
    group_scene_decide(&s);
    cr_assert_str_eq(s.nodes[2].goal.host_id, "h3");
}
