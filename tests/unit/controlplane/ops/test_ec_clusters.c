#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(clusters, .init = world_open, .fini = world_close, .timeout = 60);

/* --- describe --- */

Test(clusters, a_cluster_is_found_by_its_id_in_any_case)
{
    world_redis("c1");
    cr_assert_str_eq(world_describe("C1")->cache_cluster_id, "c1");
}

Test(clusters, an_unknown_id_is_not_found)
{
    static const char *const names[] = {"nobody", "", "not an id", "1"};

    for (size_t i = 0; i < countof(names); i++) {
        struct ec_describe_cache_clusters_in in = {.cache_cluster_id = names[i]};
        struct ec_describe_cache_clusters_out out;
        expect(run_ec_describe_cache_clusters(&in, &out), FAULT_CACHE_CLUSTER_NOT_FOUND,
               arena_printf(&world.f.arena, "CacheCluster not found: %s", names[i]));
    }
}

Test(clusters, endpoints_appear_when_a_cluster_is_available)
{
    struct ec_create_cache_cluster_in in = {
        .cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    cr_assert_eq(world_describe("c1")->cache_nodes.count, 0);
    world_settle();
    struct ec_cache_cluster *c = world_describe("c1");
    cr_assert_str_eq(c->cache_cluster_status, "available");
    cr_assert_eq(c->cache_nodes.count, 1);
    struct ec_cache_node *n = c->cache_nodes.items;
    cr_assert_str_eq(n->cache_node_id, "0001");
    cr_assert_str_eq(n->cache_node_status, "available");
    cr_assert_str_eq(n->parameter_group_status, "in-sync");
    cr_assert_eq(strncmp(n->endpoint->address, "127.1.", 6), 0);
    cr_assert_eq(n->endpoint->port.value, 6379);
    cr_assert_str_eq(n->customer_availability_zone, c->preferred_availability_zone);
}

Test(clusters, nodes_are_told_only_when_asked)
{
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "c1"};
    struct ec_describe_cache_clusters_out out;

    world_redis("c1");
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_not(out.cache_clusters.items[0].cache_nodes.has);
}

static void create_many(int count)
{
    fixture_begin(&world.f, STORE_WRITE);
    for (int i = 0; i < count; i++) {
        /* Ids in another order than names. */
        char *name = arena_printf(&world.f.arena, "c%03d", (i * 7) % count);
        struct cluster c = fixture_cluster(&world.f, name, "redis");
        fixture_node(&world.f, c.id, "0001");
    }
    fixture_commit(&world.f);
}

Test(clusters, pages_come_by_name_and_end)
{
    struct ec_describe_cache_clusters_in in = {.max_records = INT_OF(100)};
    int seen = 0;

    create_many(250);
    for (int page = 0; page < 3; page++) {
        struct ec_describe_cache_clusters_out out;
        must(run_ec_describe_cache_clusters(&in, &out));
        cr_assert_eq(out.cache_clusters.count, page < 2 ? 100 : 50);
        for (size_t i = 0; i < out.cache_clusters.count; i++, seen++) {
            char name[16];
            snprintf(name, sizeof(name), "c%03d", seen);
            cr_assert_str_eq(out.cache_clusters.items[i].cache_cluster_id, name);
            cr_assert_eq(out.cache_clusters.items[i].num_cache_nodes.value, 1);
        }
        cr_assert_eq(out.marker != NULL, page < 2);
        in.marker = out.marker;
    }
}

Test(clusters, each_of_a_list_has_its_own_nodes_and_state)
{
    struct ec_describe_cache_clusters_in in = {.show_cache_node_info = BOOL_OF(true)};
    struct ec_describe_cache_clusters_out out;
    struct ec_create_cache_cluster_in create = {
        .cache_cluster_id = "c0", .engine = "redis", .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out created;

    world_memcached("m1", 2);
    world_redis("c1");
    must(run_ec_create_cache_cluster(&create, &created));
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_eq(out.cache_clusters.count, 3);
    cr_assert_str_eq(out.cache_clusters.items[0].cache_cluster_status, "creating");
    cr_assert_eq(out.cache_clusters.items[0].cache_nodes.count, 0);
    cr_assert_str_eq(out.cache_clusters.items[1].cache_cluster_status, "available");
    cr_assert_eq(out.cache_clusters.items[1].cache_nodes.count, 1);
    cr_assert_eq(out.cache_clusters.items[2].cache_nodes.count, 2);
    cr_assert_str_eq(out.cache_clusters.items[2].cache_nodes.items[1].cache_node_id, "0002");
    cr_assert_null(out.marker);
}

Test(clusters, a_page_size_or_marker_that_makes_no_sense_is_refused)
{
    static const struct {
        struct opt_int max_records;
        const char *marker;
    } rows[] = {
        {{true, 19},  NULL  },
        {{true, 101}, NULL  },
        {{true, -1},  NULL  },
        {{0},         "?"   },
        {{0},         "MQ=="}, /* "1" */
        {{0},         "YSBi"}, /* "a b" */
        {{0},         "YQ"  },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_describe_cache_clusters_in in = {.max_records = rows[i].max_records,
                                                   .marker = rows[i].marker};
        struct ec_describe_cache_clusters_out out;
        cr_assert_eq(run_ec_describe_cache_clusters(&in, &out).code, FAULT_INVALID_PARAMETER_VALUE,
                     "row %zu", i);
    }
}

/* --- reboot --- */

static struct err reboot(const char *name, const char **numbers, size_t count,
                         struct ec_reboot_cache_cluster_out *out)
{
    struct ec_reboot_cache_cluster_in in = {
        .cache_cluster_id = name, .cache_node_ids_to_reboot = {true, count, numbers}
    };

    return run_ec_reboot_cache_cluster(&in, out);
}

Test(clusters, a_reboot_raises_the_boot_counts_of_the_nodes_named)
{
    const char *numbers[] = {"0003", "0001", "0003"};
    struct ec_reboot_cache_cluster_out out;
    struct node_list nodes;
    struct cluster c;
    struct operation o;

    world_memcached("m1", 3);
    must(reboot("M1", numbers, 3, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "rebooting cluster nodes");
    struct ec_cache_cluster *described = world_describe("m1");
    cr_assert_str_eq(described->cache_nodes.items[0].cache_node_status, "rebooting");
    cr_assert_str_eq(described->cache_nodes.items[1].cache_node_status, "available");

    fixture_begin(&world.f, STORE_READ);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", "m1", &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    cr_assert_eq(nodes.items[0].boot_count, 2);
    cr_assert_eq(nodes.items[1].boot_count, 1);
    cr_assert_eq(nodes.items[2].boot_count, 2, "once, though it was named twice");
    must(store_operation_running(world.f.tx, c.id, &o));
    cr_assert_eq(o.kind, OPERATION_REBOOT);
    cr_assert_str_eq(o.data, "0003,0001");
}

Test(clusters, a_reboot_names_nodes_of_an_available_cluster)
{
    const char *unknown[] = {"0001", "0002"}, *missing[] = {NULL}, *good[] = {"0001"};
    struct ec_reboot_cache_cluster_out out;

    world_redis("c1");
    expect(reboot("c2", good, 1, &out), FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
    expect(reboot("c1", unknown, 2, &out), FAULT_INVALID_PARAMETER_VALUE,
           "The cache cluster c1 has no cache node 0002.");
    expect(reboot("c1", missing, 1, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(reboot("c1", NULL, 0, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "available");
    must(reboot("c1", good, 1, &out));
    expect(reboot("c1", good, 1, &out), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
}

/* --- delete --- */

static struct err delete_cluster(const char *name, const char *snapshot)
{
    struct ec_delete_cache_cluster_in in = {.cache_cluster_id = name,
                                            .final_snapshot_identifier = snapshot};
    struct ec_delete_cache_cluster_out out;

    TRY(run_ec_delete_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "deleting");
    return OK;
}

Test(clusters, a_deleted_cluster_is_deleting_and_then_gone)
{
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "c1"};
    struct ec_describe_cache_clusters_out out;
    int64_t count;

    world_redis("c1");
    must(delete_cluster("C1", NULL));
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "deleting");
    cr_assert_eq(world_describe("c1")->num_cache_nodes.value, 1);
    cr_assert_str_eq(world_describe("c1")->cache_nodes.items[0].cache_node_status, "deleting");
    expect(delete_cluster("c1", NULL), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);

    fixture_begin(&world.f, STORE_READ);
    must(store_node_count(world.f.tx, "000000000000", "us-east-1", &count));
    cr_assert_eq(count, 0, "its nodes no longer count");
    world_settle();
    expect(run_ec_describe_cache_clusters(&in, &out), FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
    expect(delete_cluster("c1", NULL), FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
}

Test(clusters, what_is_being_made_cannot_be_deleted_but_what_failed_can)
{
    struct ec_create_cache_cluster_in in = {
        .cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    expect(delete_cluster("c1", NULL), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
    world_fail("c1");
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "create-failed");
    must(delete_cluster("c1", NULL));
}

Test(clusters, a_final_snapshot_of_memcached_is_refused_and_nothing_is_deleted)
{
    world_memcached("m1", 1);
    expect(delete_cluster("m1", "last"), FAULT_SNAPSHOT_FEATURE_NOT_SUPPORTED, NULL);
    cr_assert_str_eq(world_describe("m1")->cache_cluster_status, "available");
    must(delete_cluster("m1", ""));
}
