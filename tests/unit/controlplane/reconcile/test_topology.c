#include "controlplane/reconcile/topology.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(topology, .fini = close_scene);

Test(topology, nodes_of_a_cluster_are_told_of_each_other)
{
    group_scene_open(&s, 2, 2);
    s.nodes[0].zone = s.nodes[2].zone = "us-east-1a";
    s.nodes[1].zone = s.nodes[3].zone = "us-east-1b";
    group_scene_operate(&s, GROUP_CREATE, "");
    group_scene_decide(&s);
    cr_assert_eq(s.view.epoch, 1);
    cr_assert_str_eq(s.view.topology,
                     "SHARD s1 0-8191 NODE n1 primary 127.77.1.1 6379 0 - online "
                     "NODE n2 replica 127.77.2.2 6379 0 - online "
                     "SHARD s2 8192-16383 NODE n3 primary 127.77.1.3 6379 0 - online "
                     "NODE n4 replica 127.77.2.4 6379 0 - online");
}

Test(topology, the_epoch_grows_with_each_change_and_only_then)
{
    group_scene_open(&s, 2, 2);
    group_scene_run(&s);
    int64_t epoch = s.view.epoch;
    group_scene_decide(&s);
    cr_assert_eq(s.view.epoch, epoch);
    s.nodes[1].saw.is_link_up = false;
    group_scene_decide(&s);
    cr_assert_eq(s.view.epoch, epoch + 1);
    cr_assert_not_null(strstr(s.view.topology, "NODE n2 replica"));
    cr_assert_not_null(strstr(s.view.topology, "loading"));
    group_scene_kill(&s, 2);
    group_scene_decide(&s);
    cr_assert_eq(s.view.epoch, epoch + 2);
    cr_assert_not_null(strstr(s.view.topology, "fail"));
}

Test(topology, without_cluster_mode_there_is_no_topology)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
    cr_assert_eq(s.view.epoch, 0);
}
