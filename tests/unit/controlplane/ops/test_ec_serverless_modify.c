#include "base/err.h"
#include "contract/faults.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(ec_serverless_modify, .init = world_open, .fini = world_close);

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

static struct err modify(struct ec_modify_serverless_cache_in in)
{
    struct ec_modify_serverless_cache_out out;

    in.serverless_cache_name = "one";
    return run_ec_modify_serverless_cache(&in, &out);
}

#define MODIFY(...) modify((struct ec_modify_serverless_cache_in){__VA_ARGS__})

Test(ec_serverless_modify, limits_replace_those_that_were_there)
{
    struct ec_data_storage storage = {.maximum = INT_OF(5), .unit = "GB"};
    struct ec_ecpu_per_second work = {.maximum = INT_OF(5000)};
    struct ec_cache_usage_limits one = {.data_storage = &storage},
                                 other = {.ecpu_per_second = &work};

    create("one", "redis");
    must(MODIFY(.cache_usage_limits = &one));
    cr_assert_str_eq(describe("one")->status, "modifying");
    expect(MODIFY(.description = "d"), FAULT_INVALID_SERVERLESS_CACHE_STATE, NULL);
    world_settle();
    cr_assert_eq(describe("one")->cache_usage_limits->data_storage->maximum.value, 5);
    must(MODIFY(.cache_usage_limits = &other));
    world_settle();
    cr_assert_null(describe("one")->cache_usage_limits->data_storage);
    cr_assert_eq(describe("one")->cache_usage_limits->ecpu_per_second->maximum.value, 5000);
    work.maximum = INT_OF(0);
    must(MODIFY(.cache_usage_limits = &other));
    cr_assert_null(describe("one")->cache_usage_limits);
}

Test(ec_serverless_modify, settings_change_at_once)
{
    create("one", "valkey");
    must(MODIFY(.description = "d", .daily_snapshot_time = "04:00"));
    cr_assert_str_eq(describe("one")->description, "d");
    cr_assert_str_eq(describe("one")->daily_snapshot_time, "04:00");
    cr_assert_str_eq(describe("one")->status, "available");
    must(MODIFY(.description = ""));
    cr_assert_str_eq(describe("one")->description, "");
}

Test(ec_serverless_modify, what_cannot_be_obeyed_changes_nothing)
{
    struct ec_ecpu_per_second work = {.minimum = INT_OF(200000)};
    struct ec_cache_usage_limits limits = {.ecpu_per_second = &work};

    create("one", "redis");
    expect(MODIFY(.description = "d", .engine = "valkey"), FAULT_INVALID_PARAMETER_COMBINATION,
           NULL);
    expect(MODIFY(.cache_usage_limits = &limits), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(MODIFY(.snapshot_retention_limit = INT_OF(3)), FAULT_INVALID_PARAMETER_COMBINATION,
           NULL);
    expect(MODIFY(.user_group_id = "nobody"), FAULT_USER_GROUP_NOT_FOUND, NULL);
    cr_assert_str_eq(describe("one")->description, "");
}
