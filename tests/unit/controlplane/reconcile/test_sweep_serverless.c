/* Serverless caches: see sweep.h. */
#include "sweep.h"

#include <criterion/criterion.h>

TestSuite(sweep_serverless, .init = box_open, .fini = box_close, .timeout = 120);

static void make_valkey(void)
{
    CALL(create_serverless_cache, .serverless_cache_name = "one", .engine = "valkey");
}

static void make_memcached(void)
{
    CALL(create_serverless_cache, .serverless_cache_name = "two", .engine = "memcached");
}

Test(sweep_serverless, created)
{
    SWEEP("group-create", ENDS(NULL, make_valkey));
}

Test(sweep_serverless, created_of_memcached)
{
    SWEEP("cluster-create", ENDS(NULL, make_memcached));
}

static void limit(void)
{
    struct ec_data_storage storage = {.maximum = INT_OF(5), .unit = "GB"};
    struct ec_cache_usage_limits limits = {.data_storage = &storage};

    CALL(modify_serverless_cache, .serverless_cache_name = "one", .cache_usage_limits = &limits);
}

Test(sweep_serverless, modified)
{
    SWEEP("group-modify", ENDS(make_valkey, limit));
}

static void delete (void)
{
    CALL(delete_serverless_cache, .serverless_cache_name = "one", .final_snapshot_name = "last");
}

Test(sweep_serverless, deleted)
{
    SWEEP("group-delete", ENDS(make_valkey, delete));
}
