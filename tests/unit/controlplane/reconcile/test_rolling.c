#include "controlplane/reconcile/rolling.h"
#include "group_scene.h"

#include <criterion/criterion.h>

static struct group_scene s;

static void open_scene(void)
{
    group_scene_open(&s, 2, 2); /* 1 and 2 are a shard, 3 and 4 the other one */
    group_scene_run(&s);
}

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(rolling, .init = open_scene, .fini = close_scene, .timeout = 60);

Test(rolling, who_has_everything_is_left_alone)
{
    struct view *heir;

    for (size_t i = 0; i < 4; i++)
        cr_assert(rolling_is_settled(&s.members[i].cluster, &s.nodes[i]));
    cr_assert_null(rolling_replica(&s.view));
    cr_assert_null(rolling_shard(&s.view, &heir));
}

Test(rolling, replicas_come_before_primaries)
{
    struct view *heir;

    for (size_t i = 0; i < 4; i++)
        s.nodes[i].saw.is_reboot_pending = true;
    cr_assert_eq(rolling_replica(&s.view)->cluster.id, 2);
    s.nodes[1].saw.is_reboot_pending = false;
    cr_assert_eq(rolling_replica(&s.view)->cluster.id, 4);
    s.nodes[3].saw.is_reboot_pending = false;
    cr_assert_null(rolling_replica(&s.view));
    cr_assert_eq(rolling_shard(&s.view, &heir), &s.shards[0]);
    cr_assert_eq(heir->cluster.id, 2);
}

Test(rolling, who_was_not_told_or_does_not_run_is_not_settled)
{
    s.nodes[0].boot_count++;
    cr_assert_not(rolling_is_settled(&s.members[0].cluster, &s.nodes[0]));
    s.members[1].cluster.node_type = "cache.t4g.small";
    cr_assert_not(rolling_is_settled(&s.members[1].cluster, &s.nodes[1]));
    s.nodes[2].saw.state = NODE_STOPPED;
    cr_assert_not(rolling_is_settled(&s.members[2].cluster, &s.nodes[2]));
}
