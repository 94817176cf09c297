#include "controlplane/store/maintenance.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/snapshots.h"
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
    cr_assert_eq(list[0].kind, DUE_CLUSTER);
    cr_assert_str_eq(list[0].name, "c2");
    cr_assert_str_eq(list[0].window, c.maintenance_window);
    cr_assert_eq(list[1].kind, DUE_GROUP);
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

Test(maintenance, what_a_serverless_cache_owns_is_snapshotted_under_its_name)
{
    struct serverless_cache cache = {.account = "000000000000",
                                     .region = "us-east-1",
                                     .name = "one",
                                     .description = "",
                                     .engine = "redis",
                                     .engine_version = "7.1.0",
                                     .security_groups = "",
                                     .subnets = "",
                                     .snapshot_time = "05:00"};
    struct replication_group g = fixture_group(&f, "rg");
    struct due *list;
    size_t count;

    must(store_serverless_insert(f.tx, &cache));
    g.name = "serverless.one";
    g.common.owner = (struct owner){cache.id, cache.name};
    g.common.snapshot_retention = 1;
    g.common.snapshot_window = "05:00-06:00";
    must(store_group_insert(f.tx, &g));
    must(store_backup_list(f.tx, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].kind, DUE_SERVERLESS);
    cr_assert_str_eq(list[0].name, "one");
    cr_assert_str_eq(list[0].window, "05:00-06:00");
}

Test(maintenance, a_cluster_that_a_serverless_cache_owns_is_snapshotted_under_its_name)
{
    struct serverless_cache cache = {.account = "000000000000",
                                     .region = "us-east-1",
                                     .name = "one",
                                     .description = "",
                                     .engine = "memcached",
                                     .engine_version = "1.6.22",
                                     .security_groups = "",
                                     .subnets = "",
                                     .snapshot_time = "05:00"};
    struct cluster c = fixture_cluster(&f, "c1", "memcached");
    struct snapshot_order order = {
        .name = "s", .owner = SNAPSHOT_OWNER_SERVERLESS, .is_automatic = true, .now_ms = 77};
    struct snapshot s;
    struct due *list;
    size_t count;

    must(store_serverless_insert(f.tx, &cache));
    c.name = "serverless.one";
    c.owner = (struct owner){cache.id, cache.name};
    c.snapshot_retention = 1;
    c.snapshot_window = "05:00-06:00";
    must(store_cluster_insert(f.tx, &c));
    must(store_backup_list(f.tx, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].kind, DUE_SERVERLESS);
    cr_assert_str_eq(list[0].name, "one");
    cr_assert_str_eq(list[0].window, "05:00-06:00");
    cr_assert_eq(list[0].last_ms, 0);
    must(store_snapshot_take_cluster(f.tx, &c, &order, &s));
    cr_assert_str_eq(s.group_name, "one", "what users know it by");
    cr_assert_str_eq(s.cluster_name, "");
    must(store_backup_list(f.tx, &list, &count));
    cr_assert_eq(list[0].last_ms, 77);
}
