#include "base/err.h"
#include "contract/faults.h"
#include "controlplane/ops/serverless_growth.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/points.h"
#include "controlplane/store/serverless.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(serverless_growth, .init = world_open, .fini = world_close, .timeout = 60);

static struct err grow(bool *out_did)
{
    return ops_grow(world.ops, &world.f.arena, &world.caller, "one", out_did);
}

/* The one group that there is, with its members. */
static struct replication_group owned(struct cluster **members, size_t *count)
{
    struct replication_group *groups;
    size_t group_count;

    fixture_begin(&world.f, STORE_READ);
    must(store_group_list_owned(world.f.tx, (int64_t[]){1}, 1, &groups, &group_count));
    cr_assert_eq(group_count, 1);
    must(store_group_members(world.f.tx, &groups[0].id, 1, members, count));
    store_rollback(&world.f.tx);
    return groups[0];
}

Test(serverless_growth, a_cache_that_has_what_it_needs_is_left_alone)
{
    bool did;

    world_serverless("one", "redis");
    must(grow(&did));
    cr_assert_not(did);
    expect(ops_grow(world.ops, &world.f.arena, &world.caller, "none", &did),
           FAULT_SERVERLESS_CACHE_NOT_FOUND, NULL);
}

Test(serverless_growth, work_that_is_near_to_what_one_engine_does_is_shared_by_more)
{
    const struct point_value work = {metric_find(str_of("ElastiCacheProcessingUnits")),
                                     90000.0 * 60};
    struct cluster *members;
    struct node_list nodes;
    size_t count;
    bool did;

    world_serverless("one", "redis");
    owned(&members, &count);
    cr_assert_eq(count, 2);
    fixture_begin(&world.f, STORE_WRITE);
    for (size_t i = 0; i < count; i++) {
        must(store_node_list(world.f.tx, members[i].id, &nodes));
        must(
            store_point_add(world.f.tx, nodes.items[0].id, WORLD_NOW_MS / 60000 * 60000, &work, 1));
    }
    fixture_commit(&world.f);
    must(grow(&did));
    cr_assert(did);
    cr_assert_str_eq(world_describe_serverless("one")->status, "modifying");
    owned(&members, &count);
    cr_assert_eq(count, 4, "two shards with two members each: replicas' work is not counted");
    must(grow(&did));
    cr_assert_not(did, "it is under way");
}

Test(serverless_growth, shares_of_the_limits_follow_the_number_of_shards)
{
    struct ec_data_storage storage = {.maximum = INT_OF(10), .unit = "GB"};
    struct ec_ecpu_per_second more = {.minimum = INT_OF(200000)};
    struct ec_cache_usage_limits limits = {.data_storage = &storage, .ecpu_per_second = &more};
    struct ec_modify_serverless_cache_in in = {.serverless_cache_name = "one",
                                               .cache_usage_limits = &limits};
    struct ec_modify_serverless_cache_out out;
    struct cluster *members;
    size_t count;
    bool did;

    world_serverless("one", "redis");
    must(run_ec_modify_serverless_cache(&in, &out));
    cr_assert_str_eq(out.serverless_cache->status, "modifying");
    cr_assert_eq(owned(&members, &count).common.allotment.most_bytes, 10LL << 30,
                 "the data is where it was");
    cr_assert_eq(count, 4);
    world_settle();
    must(grow(&did));
    cr_assert(did);
    cr_assert_eq(owned(&members, &count).common.allotment.most_bytes, 5LL << 30);
    cr_assert_eq(members[3].allotment.most_bytes, 5LL << 30);
    cr_assert_str_eq(world_describe_serverless("one")->status, "available");
    must(grow(&did));
    cr_assert_not(did);
}
