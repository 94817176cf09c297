#include "base/err.h"
#include "contract/faults.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(ec_serverless, .init = world_open, .fini = world_close);

Test(ec_serverless, caches_are_paged_by_name)
{
    struct ec_describe_serverless_caches_in in = {.max_results = INT_OF(1)};
    struct ec_describe_serverless_caches_out out;

    world_serverless("b", "redis");
    world_serverless("a", "memcached");
    must(run_ec_describe_serverless_caches(&in, &out));
    cr_assert_eq(out.serverless_caches.count, 1);
    cr_assert_str_eq(out.serverless_caches.items[0].serverless_cache_name, "a");
    in.next_token = out.next_token;
    must(run_ec_describe_serverless_caches(&in, &out));
    cr_assert_str_eq(out.serverless_caches.items[0].serverless_cache_name, "b");
    cr_assert_null(out.next_token);
    in.next_token = "?";
    expect(run_ec_describe_serverless_caches(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    in = (struct ec_describe_serverless_caches_in){.serverless_cache_name = "none"};
    expect(run_ec_describe_serverless_caches(&in, &out), FAULT_SERVERLESS_CACHE_NOT_FOUND,
           "ServerlessCache none not found");
}

Test(ec_serverless, a_cache_is_deleted_with_what_it_owns)
{
    struct ec_delete_serverless_cache_in in = {.serverless_cache_name = "one"};
    struct ec_delete_serverless_cache_out out;

    world_serverless("one", "valkey");
    must(run_ec_delete_serverless_cache(&in, &out));
    cr_assert_str_eq(out.serverless_cache->status, "deleting");
    expect(run_ec_delete_serverless_cache(&in, &out), FAULT_INVALID_SERVERLESS_CACHE_STATE, NULL);
}

Test(ec_serverless, a_cache_that_goes_with_a_last_snapshot_stays_until_it_is_there)
{
    struct ec_delete_serverless_cache_in in = {.serverless_cache_name = "one",
                                               .final_snapshot_name = "-last"};
    struct ec_describe_serverless_cache_snapshots_in ask = {.serverless_cache_snapshot_name =
                                                                "last"};
    struct ec_describe_serverless_cache_snapshots_out snapshots;
    struct ec_delete_serverless_cache_out out;

    world_serverless("one", "valkey");
    world_serverless("mc", "memcached");
    expect(run_ec_delete_serverless_cache(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    for (size_t i = 0; i < 2; i++) {
        in.serverless_cache_name = i ? "mc" : "one";
        in.final_snapshot_name = ask.serverless_cache_snapshot_name = i ? "last-mc" : "last";
        must(run_ec_delete_serverless_cache(&in, &out));
        cr_assert_str_eq(out.serverless_cache->status, "deleting");
        cr_assert_not_null(out.serverless_cache->endpoint, "its nodes are there");
        must(run_ec_describe_serverless_cache_snapshots(&ask, &snapshots));
        cr_assert_str_eq(snapshots.serverless_cache_snapshots.items[0].status, "creating");
        expect(run_ec_delete_serverless_cache(&in, &out), FAULT_INVALID_SERVERLESS_CACHE_STATE,
               NULL);
    }
}
