#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(clusters);

Test(clusters, every_column_survives_the_round_trip)
{
    struct cluster c = fixture_cluster(&f, "c1", "memcached");
    struct cluster found;

    c.name = "c2"; /* the type of network comes with a cluster and stays */
    c.reach.network = NETWORK_DUAL_STACK;
    c.driver = "memcached";
    must(store_cluster_insert(f.tx, &c));
    c.reach.discovery = FAMILY_IPV6;
    c.az_mode = "cross-az";
    c.preferred_zone = "Multiple";
    c.security_groups = "sg-1,sg-2";
    c.maintenance_window = "mon:01:00-mon:02:00";
    c.snapshot_window = "03:00-04:00";
    c.snapshot_retention = 7;
    c.auto_minor_upgrade = false;
    c.notification_topic = "arn:topic";
    c.notification_status = "active";
    c.configuration_version = 9;
    c.next_node = 4;
    c.is_wanted = false;
    c.port = 11311;
    must(store_cluster_update(f.tx, &c));
    must(store_cluster_get(f.tx, c.id, &found));
    cr_assert_str_eq(found.name, "c2");
    cr_assert_str_eq(found.driver, "memcached");
    cr_assert_eq(found.reach.network, NETWORK_DUAL_STACK);
    cr_assert_eq(found.reach.discovery, FAMILY_IPV6);
    cr_assert_str_eq(found.engine, "memcached");
    cr_assert_str_eq(found.engine_version, "1.6.22");
    cr_assert_str_eq(found.node_type, "cache.t4g.micro");
    cr_assert_eq(found.port, 11311);
    cr_assert_str_eq(found.az_mode, "cross-az");
    cr_assert_str_eq(found.preferred_zone, "Multiple");
    cr_assert_str_eq(found.parameter_group, "default.memcached1.6");
    cr_assert_str_eq(found.subnet_group, "default");
    cr_assert_str_eq(found.security_groups, "sg-1,sg-2");
    cr_assert_str_eq(found.maintenance_window, "mon:01:00-mon:02:00");
    cr_assert_str_eq(found.snapshot_window, "03:00-04:00");
    cr_assert_eq(found.snapshot_retention, 7);
    cr_assert_not(found.auto_minor_upgrade);
    cr_assert_str_eq(found.notification_topic, "arn:topic");
    cr_assert_str_eq(found.notification_status, "active");
    cr_assert_eq(found.configuration_version, 9);
    cr_assert_eq(found.next_node, 4);
    cr_assert_not(found.is_wanted);
    cr_assert_eq(found.created_ms, 1000);
}

Test(clusters, a_name_is_unique_within_account_and_region_only)
{
    struct cluster c = fixture_cluster(&f, "same", "redis");
    cr_assert(err_is(store_cluster_insert(f.tx, &c), ERR_EXISTS));
    c.region = "eu-west-1";
    must(store_cluster_insert(f.tx, &c));
    c.account = "111111111111";
    must(store_cluster_insert(f.tx, &c));
}

Test(clusters, lists_are_paged_by_name)
{
    struct cluster *page;
    size_t count;

    fixture_cluster(&f, "b", "redis");
    fixture_cluster(&f, "c", "redis");
    fixture_cluster(&f, "a", "redis");
    must(store_cluster_list(f.tx, "000000000000", "us-east-1", "", 2, &page, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(page[0].name, "a");
    cr_assert_str_eq(page[1].name, "b");
    must(store_cluster_list(f.tx, "000000000000", "us-east-1", "b", 2, &page, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(page[0].name, "c");
    must(store_cluster_list(f.tx, "000000000000", "eu-west-1", "", 2, &page, &count));
    cr_assert_eq(count, 0);
}

Test(clusters, removing_one_takes_all_that_belongs_to_it)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct operation o = {.kind = OPERATION_CREATE, .cluster_id = c.id, .data = "", .why = ""};
    struct node_list nodes;
    struct tag *tags;
    size_t count;

    fixture_node(&f, c.id, "0001");
    must(store_operation_insert(f.tx, &o));
    must(store_tag_put(f.tx, c.account, c.region, "arn:c1", "k", "v"));
    must(store_cluster_remove(f.tx, c.id, "arn:c1"));
    cr_assert(err_is(store_cluster_get(f.tx, c.id, &c), ERR_NOT_FOUND));
    cr_assert(err_is(store_operation_newest(f.tx, c.id, &o), ERR_NOT_FOUND));
    must(store_node_list(f.tx, c.id, &nodes));
    cr_assert_eq(nodes.count, 0);
    must(store_tag_list(f.tx, "arn:c1", &tags, &count));
    cr_assert_eq(count, 0);
}
