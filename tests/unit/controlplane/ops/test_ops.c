#include "world.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

TestSuite(ops, .init = world_open, .fini = world_close, .timeout = 120);

Test(ops, the_configuration_is_the_one_given)
{
    cr_assert_str_eq(ops_conf(world.ops)->dns_zone, "cache.larder.internal");
    cr_assert_eq(ops_conf(world.ops)->region_count, 1);
}

static uint64_t revision_of(const char *op)
{
    return ops_revision(world.ops, &service_elasticache, service_op(&service_elasticache, op));
}

Test(ops, what_follows_from_the_store_alone_has_its_revision)
{
    struct ec_create_cache_cluster_in create = {
        .cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out created;
    uint64_t before = revision_of("DescribeReplicationGroups");

    cr_assert_neq(before, 0);
    cr_assert_eq(revision_of("ListTagsForResource"), before);
    cr_assert_eq(revision_of("DescribeEvents"), 0);
    cr_assert_eq(revision_of("CreateCacheCluster"), 0);
    must(run_ec_create_cache_cluster(&create, &created));
    cr_assert_gt(revision_of("DescribeCacheClusters"), before);
}

Test(ops, a_refused_call_leaves_nothing_behind)
{
    struct ec_tag tags[] = {
        {"a", "1"},
        {"b", "2"},
    };
    const char *keys[] = {"a", "nobody"};
    struct ec_create_cache_cluster_in create = {
        .cache_cluster_id = "c1",
        .engine = "redis",
        .cache_node_type = "cache.t4g.micro",
        .tags = {true, 2, tags}
    };
    struct ec_create_cache_cluster_out created;
    uint64_t before;

    must(run_ec_create_cache_cluster(&create, &created));
    struct ec_remove_tags_from_resource_in in = {
        .resource_name = created.cache_cluster->arn, .tag_keys = {true, 2, keys}
    };
    struct ec_remove_tags_from_resource_out out;
    struct ec_list_tags_for_resource_in ask = {.resource_name = created.cache_cluster->arn};
    struct ec_list_tags_for_resource_out listed;
    before = store_generation(world.f.store);
    expect(run_ec_remove_tags_from_resource(&in, &out), FAULT_TAG_NOT_FOUND, NULL);
    must(run_ec_list_tags_for_resource(&ask, &listed));
    cr_assert_eq(listed.tag_list.count, 2);
    cr_assert_eq(store_generation(world.f.store), before);
}

#define THREADS 8
#define EACH    4

static void *create_some(void *context)
{
    int thread = (int)(intptr_t)context;
    struct arena arena = {0};
    const struct op_desc *op = service_op(&service_elasticache, "CreateCacheCluster");
    intptr_t refused = 0;

    for (int i = 0; i < EACH; i++) {
        struct ec_create_cache_cluster_in in = {
            .cache_cluster_id = arena_printf(&arena, "c%d-%d", thread, i),
            .engine = "redis",
            .cache_node_type = "cache.t4g.micro",
        };
        struct ec_create_cache_cluster_out out = {0};
        struct err e =
            ops_run(world.ops, &arena, &world.caller, &service_elasticache, op, &in, &out);
        refused += err_is(e, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY);
        check(!err_failed(e) || err_is(e, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY));
    }
    arena_fini(&arena);
    return (void *)refused;
}

Test(ops, parallel_creates_never_overbook_the_hosts)
{
    pthread_t threads[THREADS];
    intptr_t refused = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, create_some, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        refused += (intptr_t)result;
    }
    cr_assert_eq(refused, THREADS * EACH - 24, "24 nodes of 512 MiB fit into three times 4 GiB");
    world_settle(); /* fails when one of them cannot be placed */
}
