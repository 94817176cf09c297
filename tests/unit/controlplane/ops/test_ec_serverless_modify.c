#include "base/err.h"
#include "contract/faults.h"
#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(ec_serverless_modify, .init = world_open, .fini = world_close);

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

    world_serverless("one", "redis");
    must(MODIFY(.cache_usage_limits = &one));
    cr_assert_str_eq(world_describe_serverless("one")->status, "modifying");
    expect(MODIFY(.description = "d"), FAULT_INVALID_SERVERLESS_CACHE_STATE, NULL);
    world_settle();
    cr_assert_eq(world_describe_serverless("one")->cache_usage_limits->data_storage->maximum.value,
                 5);
    must(MODIFY(.cache_usage_limits = &other));
    world_settle();
    cr_assert_null(world_describe_serverless("one")->cache_usage_limits->data_storage);
    cr_assert_eq(
        world_describe_serverless("one")->cache_usage_limits->ecpu_per_second->maximum.value, 5000);
    work.maximum = INT_OF(0);
    must(MODIFY(.cache_usage_limits = &other));
    cr_assert_null(world_describe_serverless("one")->cache_usage_limits);
}

Test(ec_serverless_modify, settings_change_at_once)
{
    world_serverless("one", "valkey");
    must(MODIFY(.description = "d", .daily_snapshot_time = "04:00",
                .snapshot_retention_limit = INT_OF(3)));
    cr_assert_eq(world_describe_serverless("one")->snapshot_retention_limit.value, 3);
    cr_assert_str_eq(world_describe_serverless("one")->description, "d");
    cr_assert_str_eq(world_describe_serverless("one")->daily_snapshot_time, "04:00");
    cr_assert_str_eq(world_describe_serverless("one")->status, "available");
    must(MODIFY(.description = ""));
    cr_assert_str_eq(world_describe_serverless("one")->description, "");
}

Test(ec_serverless_modify, snapshots_of_memcached_are_settings_as_well)
{
    world_serverless("one", "memcached");
    must(MODIFY(.daily_snapshot_time = "04:00", .snapshot_retention_limit = INT_OF(3)));
    cr_assert_eq(world_describe_serverless("one")->snapshot_retention_limit.value, 3);
    cr_assert_str_eq(world_describe_serverless("one")->daily_snapshot_time, "04:00");
    cr_assert_str_eq(world_describe_serverless("one")->status, "available");
}

Test(ec_serverless_modify, what_cannot_be_obeyed_changes_nothing)
{
    struct ec_ecpu_per_second work = {.minimum = INT_OF(9000000)};
    struct ec_cache_usage_limits limits = {.ecpu_per_second = &work};

    world_serverless("one", "redis");
    expect(MODIFY(.description = "d", .engine = "memcached"), FAULT_INVALID_PARAMETER_COMBINATION,
           NULL);
    expect(MODIFY(.engine = "mysql"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(MODIFY(.engine = "valkey", .major_engine_version = "4"), FAULT_INVALID_PARAMETER_VALUE,
           NULL);
    expect(MODIFY(.cache_usage_limits = &limits), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(MODIFY(.engine = "valkey", .cache_usage_limits = &limits),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(MODIFY(.snapshot_retention_limit = INT_OF(36)), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(MODIFY(.user_group_id = "nobody"), FAULT_USER_GROUP_NOT_FOUND, NULL);
    cr_assert_str_eq(world_describe_serverless("one")->description, "");
}

Test(ec_serverless_modify, the_engine_goes_forward_and_not_back)
{
    world_serverless("one", "redis");
    must(MODIFY(.engine = "redis", .major_engine_version = "7"));
    cr_assert_str_eq(world_describe_serverless("one")->status, "available", "it has that");
    must(MODIFY(.engine = "Valkey", .major_engine_version = "7"));
    cr_assert_str_eq(world_describe_serverless("one")->status, "modifying");
    cr_assert_str_eq(world_describe_serverless("one")->engine, "valkey");
    cr_assert_str_eq(world_describe_serverless("one")->full_engine_version, "7.2.6");
    expect(MODIFY(.major_engine_version = "8"), FAULT_INVALID_SERVERLESS_CACHE_STATE, NULL);
    world_settle();
    must(MODIFY(.major_engine_version = "8"));
    world_settle();
    cr_assert_str_eq(world_describe_serverless("one")->major_engine_version, "8");
    expect(MODIFY(.major_engine_version = "7"), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(MODIFY(.engine = "redis"), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(ec_serverless_modify, users_of_valkey_keep_the_engine_from_going_back)
{
    const char *members[] = {"v-default"};

    people_user("v-default", "default", "valkey");
    people_group("vteam", "valkey", members, 1);
    world_serverless("one", "redis");
    must(MODIFY(.engine = "valkey", .major_engine_version = "7"));
    world_settle();
    must(MODIFY(.user_group_id = "vteam"));
    world_settle();
    people_settle();
    expect(MODIFY(.engine = "redis", .major_engine_version = "7"),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "User group vteam is of engine valkey and cannot be used by caches of engine redis.");
    must(
        MODIFY(.engine = "redis", .major_engine_version = "7", .remove_user_group = BOOL_OF(true)));
    cr_assert_str_eq(world_describe_serverless("one")->engine, "redis");
    cr_assert_null(world_describe_serverless("one")->user_group_id);
}
