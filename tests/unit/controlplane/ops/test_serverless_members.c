#include "base/err.h"
#include "contract/faults.h"
#include "controlplane/ops/serverless_members.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(serverless_members, .init = world_open, .fini = world_close);

Test(serverless_members, times_are_hours_and_minutes)
{
    static const char *const bad[] = {"", "5:30", "24:00", "05:60", "05:3x", "-1:30", "05-30"};
    struct call c = world_call();

    must(serverless_check_time(&c, "23:59"));
    for (size_t i = 0; i < countof(bad); i++)
        cr_expect(err_is(serverless_check_time(&c, bad[i]), FAULT_INVALID_PARAMETER_VALUE), "%s",
                  bad[i]);
}

Test(serverless_members, the_newest_version_of_a_major_one_is_chosen)
{
    const struct engine_version *v;
    struct call c = world_call();

    must(serverless_choose_version(&c, "redis", NULL, &v));
    cr_assert_str_eq(v->reported, "7.1.0");
    must(serverless_choose_version(&c, "memcached", "1.6", &v));
    cr_assert_eq(strncmp(v->reported, "1.6.", 4), 0);
    must(serverless_choose_version(&c, "valkey", "7", &v));
    cr_assert_str_eq(v->reported, "7.2.6");
    cr_assert(
        err_is(serverless_choose_version(&c, "redis", "6", &v), FAULT_INVALID_PARAMETER_VALUE));
}

Test(serverless_members, a_bound_of_zero_is_none)
{
    struct ec_data_storage storage = {.minimum = INT_OF(0), .maximum = INT_OF(3), .unit = "GB"};
    struct ec_cache_usage_limits in = {.data_storage = &storage};
    struct serverless_limits limits;
    struct call c = world_call();

    must(serverless_read_limits(&c, &in, &limits));
    cr_assert_eq(limits.storage_least_gb, 0);
    cr_assert_eq(limits.storage_most_gb, 3);
    storage.minimum = INT_OF(4);
    cr_assert(
        err_is(serverless_read_limits(&c, &in, &limits), FAULT_INVALID_PARAMETER_COMBINATION));
}
