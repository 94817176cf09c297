#include "base/err.h"
#include "contract/faults.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(wire_serverless, .init = world_open, .fini = world_close);

Test(wire_serverless, what_was_not_asked_for_is_left_out_and_what_is_chosen_is_there)
{
    world_serverless("one", "redis");
    const struct ec_serverless_cache *s = world_describe_serverless("one");

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

Test(wire_serverless, memcached_has_snapshots_and_no_users)
{
    world_serverless("one", "memcached");
    cr_assert_eq(strlen(world_describe_serverless("one")->daily_snapshot_time), 5);
    cr_assert_eq(world_describe_serverless("one")->snapshot_retention_limit.value, 0);
    cr_assert_null(world_describe_serverless("one")->user_group_id);
    cr_assert_eq(world_describe_serverless("one")->reader_endpoint->port.value, 11212);
}
