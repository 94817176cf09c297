#include "base/err.h"
#include "contract/faults.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(wire_serverless, .init = world_open, .fini = world_close);

static struct ec_serverless_cache *create(const char *name, const char *engine)
{
    const struct ec_create_serverless_cache_in in = {.serverless_cache_name = name,
                                                     .engine = engine};
    struct ec_create_serverless_cache_out out;

    must(run_ec_create_serverless_cache(&in, &out));
    cr_assert_str_eq(out.serverless_cache->status, "creating");
    world_settle();
    return out.serverless_cache;
}

static struct ec_serverless_cache *describe(const char *name)
{
    const struct ec_describe_serverless_caches_in in = {.serverless_cache_name = name};
    struct ec_describe_serverless_caches_out out;

    must(run_ec_describe_serverless_caches(&in, &out));
    cr_assert_eq(out.serverless_caches.count, 1);
    return &out.serverless_caches.items[0];
}

Test(wire_serverless, what_was_not_asked_for_is_left_out_and_what_is_chosen_is_there)
{
    create("one", "redis");
    const struct ec_serverless_cache *s = describe("one");

    cr_assert_null(s->cache_usage_limits);
    cr_assert_null(s->kms_key_id);
    cr_assert_null(s->user_group_id);
    cr_assert_eq(strlen(s->daily_snapshot_time), 5);
    cr_assert_eq(s->snapshot_retention_limit.value, 0);
    cr_assert_str_eq(s->major_engine_version, "7");
    cr_assert_str_eq(s->full_engine_version, "7.1.0");
    cr_assert_eq(s->endpoint->port.value, 6379);
    cr_assert_eq(s->reader_endpoint->port.value, 6380);
    cr_assert_eq(s->subnet_ids.count, 3);
}

Test(wire_serverless, memcached_has_no_snapshots)
{
    create("one", "memcached");
    cr_assert_null(describe("one")->daily_snapshot_time);
    cr_assert_not(describe("one")->snapshot_retention_limit.has);
    cr_assert_eq(describe("one")->reader_endpoint->port.value, 11212);
}
