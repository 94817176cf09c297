#include "base/err.h"
#include "contract/faults.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(ec_serverless_create, .init = world_open, .fini = world_close);

Test(ec_serverless_create, nobody_elses_calls_see_what_stands_behind)
{
    const struct ec_describe_replication_groups_in all = {0};
    const struct ec_describe_cache_clusters_in clusters = {0};
    struct ec_describe_replication_groups_out groups;
    struct ec_describe_cache_clusters_out found;

    world_serverless("one", "redis");
    world_serverless("two", "memcached");
    must(run_ec_describe_replication_groups(&all, &groups));
    cr_assert_eq(groups.replication_groups.count, 0);
    must(run_ec_describe_cache_clusters(&clusters, &found));
    cr_assert_eq(found.cache_clusters.count, 0);
}

static void refused(struct ec_create_serverless_cache_in in, int code)
{
    struct ec_create_serverless_cache_out out;

    in.serverless_cache_name = in.serverless_cache_name ? in.serverless_cache_name : "new";
    in.engine = in.engine ? in.engine : "redis";
    expect(run_ec_create_serverless_cache(&in, &out), code, NULL);
}

#define REFUSED(code, ...) refused((struct ec_create_serverless_cache_in){__VA_ARGS__}, code)

Test(ec_serverless_create, what_makes_no_sense_is_refused)
{
    struct ec_data_storage much = {.minimum = INT_OF(4000), .unit = "GB"};
    struct ec_cache_usage_limits limits = {.data_storage = &much};

    world_serverless("one", "redis");
    REFUSED(FAULT_SERVERLESS_CACHE_ALREADY_EXISTS, .serverless_cache_name = "One");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .serverless_cache_name = "a--b");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .engine = "mysql");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .major_engine_version = "6");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .daily_snapshot_time = "5:00");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .subnet_ids = STRINGS("a,b"));
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .engine = "memcached",
            .daily_snapshot_time = "05:00");
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .engine = "memcached", .kms_key_id = "key");
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .engine = "memcached", .user_group_id = "team");
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .cache_usage_limits = &limits);
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .snapshot_arns_to_restore = STRINGS("arn"));
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .snapshot_retention_limit = INT_OF(1));
    REFUSED(FAULT_USER_GROUP_NOT_FOUND, .user_group_id = "nobody");
}
