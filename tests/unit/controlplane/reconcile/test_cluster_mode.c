#include "controlplane/reconcile/cluster_mode.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(cluster_mode, .fini = close_scene);

static void obey_all(void)
{
    for (size_t i = 0; i < s.view.member_count; i++)
        group_scene_obey(&s, i, 100);
}

/* A primary and two replicas on their way to the mode. */
static void begin(const char *data)
{
    group_scene_open(&s, 1, 3);
    s.shards[0].slots = "0-16383";
    for (size_t i = 0; i < 3; i++)
        s.members[i].cluster.parameter_group = "default.redis7.cluster.on";
    s.view.group.common.parameter_group = "default.redis7.cluster.on";
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_MODE, data);
}

static size_t clustered(void)
{
    size_t count = 0;

    for (size_t i = 0; i < s.view.member_count; i++)
        count += s.nodes[i].goal.is_clustered;
    return count;
}

/* Decides, lets all obey, until nothing more comes of it. */
static void turn(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        group_scene_decide(&s);
        obey_all();
    }
}

Test(cluster_mode, replicas_are_started_anew_one_after_the_other)
{
    begin("0 0 0 compatible default.redis7");
    cr_assert_not(cluster_mode_is_anywhere(&s.view));
    group_scene_decide(&s);
    cr_assert_eq(clustered(), 1);
    cr_assert_eq(group_scene_count(&s, DECISION_NODE_BOOT), 1);
    cr_assert_not(s.nodes[0].goal.is_clustered, "the primary comes last");
    cr_assert(cluster_mode_is_anywhere(&s.view));
    cr_assert_gt(s.view.topology.epoch, 0, "there is a topology at once");
    group_scene_decide(&s);
    cr_assert_eq(clustered(), 1, "it is waited for");
    turn(2);
    cr_assert_eq(clustered(), 2);
}

Test(cluster_mode, the_primary_changes_its_place_with_a_replica_first)
{
    begin("0 0 0 compatible default.redis7");
    turn(12);
    cr_assert_eq(clustered(), 3);
    cr_assert_neq(s.shards[0].goal.primary_id, 1);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_eq(s.view.group.mode, CLUSTER_MODE_COMPATIBLE);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(s.nodes[i].boot_count, 2);
}

Test(cluster_mode, it_goes_back_the_same_way)
{
    begin("0 0 0 compatible default.redis7");
    turn(12);
    group_scene_operate(&s, GROUP_MODE, "0 0 0 disabled default.redis7.cluster.on");
    turn(12);
    cr_assert_eq(clustered(), 0);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_eq(s.view.group.mode, CLUSTER_MODE_DISABLED);
}

Test(cluster_mode, from_compatible_to_enabled_nothing_is_started_anew)
{
    begin("0 0 0 compatible default.redis7");
    turn(12);
    int64_t primary = s.shards[0].goal.primary_id;
    group_scene_operate(&s, GROUP_MODE, "0 0 0 enabled default.redis7.cluster.on");
    group_scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_eq(s.view.group.mode, CLUSTER_MODE_ENABLED);
    cr_assert_eq(s.shards[0].goal.primary_id, primary);
    cr_assert(group_scene_told(&s, "Cluster mode of replication group rg is now enabled"));
}

Test(cluster_mode, what_does_not_come_about_is_taken_back)
{
    begin("0 0 0 compatible default.redis7");
    group_scene_decide(&s);
    s.view.now_ms = 10000; /* the first replica never follows */
    group_scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_FAILED);
    cr_assert_eq(s.view.group.mode, CLUSTER_MODE_DISABLED);
    cr_assert_str_eq(s.view.group.common.parameter_group, "default.redis7");
    cr_assert_str_eq(s.members[1].cluster.parameter_group, "default.redis7");
    group_scene_decide(&s);
    cr_assert_eq(clustered(), 0, "and started as it was");
    obey_all();
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_NODE_BOOT), 0);
}
