#include "controlplane/store/maintenance.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(maintenance);

Test(maintenance, what_waits_is_found_until_it_waits_no_more)
{
    struct cluster idle = fixture_cluster(&f, "c1", "redis"),
                   c = fixture_cluster(&f, "c2", "redis");
    struct replication_group g = fixture_group(&f, "rg");
    struct due *list;
    size_t count;

    must(store_parked_list(f.tx, &list, &count));
    cr_assert_eq(count, 0);
    (void)idle;
    c.parked = "version=7.1.0 engine=redis";
    g.common.parked = "type=cache.m5.large";
    must(store_cluster_update(f.tx, &c));
    must(store_group_update(f.tx, &g));
    must(store_parked_list(f.tx, &list, &count));
    cr_assert_eq(count, 2);
    cr_assert_not(list[0].is_group);
    cr_assert_str_eq(list[0].name, "c2");
    cr_assert_str_eq(list[0].window, c.maintenance_window);
    cr_assert(list[1].is_group);
    cr_assert_str_eq(list[1].name, "rg");
    must(store_cluster_get(f.tx, c.id, &c));
    must(store_group_get(f.tx, g.id, &g));
    cr_assert_str_eq(c.parked, "version=7.1.0 engine=redis");
    cr_assert_str_eq(g.common.parked, "type=cache.m5.large");
    c.parked = "";
    must(store_cluster_update(f.tx, &c));
    must(store_parked_list(f.tx, &list, &count));
    cr_assert_eq(count, 1);
}
