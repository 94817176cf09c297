#include "builds.h"
#include "controlplane/ops/updates.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(updates_of_targets, .init = builds_open, .fini = world_close, .timeout = 60);

Test(updates_of_targets, groups_stand_behind_clusters_and_nodes_are_counted)
{
    struct call c = world_call();
    struct update_target *targets;
    struct service_update u;
    size_t count;

    must(updates_find(&c, BUILDS_UPDATE, &u));
    must(updates_targets(&c, &targets, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(targets[0].nodes->cluster, "c1");
    cr_assert_str_eq(targets[1].nodes->group, "rg");
    cr_assert_eq(targets[1].count, 2);
    cr_assert_eq(updates_done(&targets[1], &u), 0);
    cr_assert_not(updates_has_begun(&targets[1]));
    cr_assert_null(updates_action(NULL, 0, &targets[1], &u));
}
