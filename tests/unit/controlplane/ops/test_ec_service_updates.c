#include "builds.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(service_updates, .init = builds_open, .fini = world_close, .timeout = 60);

Test(service_updates, a_newer_build_is_an_update)
{
    struct ec_describe_service_updates_in in = {.service_update_name = BUILDS_UPDATE};
    struct ec_describe_service_updates_out out;

    must(run_ec_describe_service_updates(&in, &out));
    cr_assert_eq(out.service_updates.count, 1);
    cr_assert_str_eq(out.service_updates.items[0].service_update_status, "available");
    cr_assert_str_eq(out.service_updates.items[0].service_update_severity, "medium");
    cr_assert(out.service_updates.items[0].auto_update_after_recommended_apply_by_date.value);
    cr_assert_not(out.service_updates.items[0].service_update_end_date.has);
    in = (struct ec_describe_service_updates_in){.service_update_status = STRINGS("expired")};
    must(run_ec_describe_service_updates(&in, &out));
    cr_assert_eq(out.service_updates.count, 0);
    builds_offer("1.0.0");
    must(run_ec_describe_service_updates(&in, &out));
    cr_assert_eq(out.service_updates.count, 1);
    cr_assert_eq(out.service_updates.items[0].service_update_end_date.value, WORLD_NOW_MS);
    in = (struct ec_describe_service_updates_in){.service_update_status = STRINGS("available")};
    must(run_ec_describe_service_updates(&in, &out));
    cr_assert_eq(out.service_updates.count, 1);
    cr_assert_not(out.service_updates.items[0].auto_update_after_recommended_apply_by_date.value);
    in = (struct ec_describe_service_updates_in){.service_update_name = "elc-1"};
    expect(run_ec_describe_service_updates(&in, &out), FAULT_SERVICE_UPDATE_NOT_FOUND,
           "Service update elc-1 not found.");
}
