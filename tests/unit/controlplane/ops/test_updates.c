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
    struct update_progress p = updates_progress(&c, &targets[1], &u);
    cr_assert_eq(p.updated, 0);
    cr_assert_eq(p.total, 2);
    cr_assert_not(p.has_begun);
    cr_assert(p.can_go_on);
    cr_assert_not(p.is_overdue);
    cr_assert_null(updates_action(NULL, 0, &targets[1], &u));
}

Test(updates_of_targets, one_is_overdue_when_it_has_waited_for_long_enough)
{
    struct call c = world_call();
    struct update_target *targets;
    struct service_update u;
    size_t count;

    must(updates_find(&c, BUILDS_UPDATE, &u));
    must(updates_targets(&c, &targets, &count));
    c.now_ms = updates_apply_by_ms(&c, &u);
    cr_assert_eq(c.now_ms, u.released_ms + 60 * 86400000LL);
    cr_assert(updates_progress(&c, &targets[0], &u).is_overdue);
    u.is_offered = false;
    cr_assert_not(updates_progress(&c, &targets[0], &u).can_go_on);
}
