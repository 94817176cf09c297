#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/updates.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(updates, .timeout = 60);

Test(updates, the_build_of_the_own_engine_is_found_among_all)
{
    cr_assert_str_eq(build_offered("bundled=0.2.0"), "0.2.0");
    cr_assert_str_eq(build_offered("redis=7.0.15 bundled=0.2.0"), "0.2.0");
    cr_assert_str_eq(build_offered("unbundled=9 redis=7.0.15"), "");
    cr_assert_str_eq(build_offered(""), "");
}

Test(updates, builds_are_compared_by_their_numbers)
{
    static const struct {
        const char *build, *other;
        bool is_older;
    } rows[] = {
        {"0.1.0",  "0.2.0",               true },
        {"0.2.0",  "0.10.0 redis=7.0.15", true },
        {"0.1",    "0.1.1",               true },
        {"0.1.0",  "0.1.0 redis=7.0.15",  false},
        {"0.1.0",  "0.1",                 false},
        {"0.10.0", "0.2.0",               false},
        {"",       "0.2.0",               false},
        {"0.1.0",  "",                    false},
    };
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(build_is_older(rows[i].build, rows[i].other), rows[i].is_older, "row %zu", i);
}

Test(updates, name_severity_and_date_follow_from_the_release)
{
    scoped(arena_fini) struct arena a = {0};
    struct service_update u = {.id = 7,
                               .build = "0.1.1",
                               .before = "0.1.0",
                               .released_ms = 1700000000000,
                               .is_offered = true};

    cr_assert_str_eq(service_update_name(&a, &u), "elc-20231114-007");
    cr_assert_str_eq(service_update_severity(&u), "medium");
    cr_assert_eq(service_update_apply_by_ms(&u), 1700000000000 + 60 * 86400000LL);
    u.build = "0.2.0";
    cr_assert_str_eq(service_update_severity(&u), "important");
    cr_assert_eq(service_update_apply_by_ms(&u), 1700000000000 + 30 * 86400000LL);
    cr_assert_str_eq(service_update_status(&u), "available");
    u.is_offered = false;
    cr_assert_str_eq(service_update_status(&u), "cancelled");
    u.is_replaced = true;
    cr_assert_str_eq(service_update_status(&u), "expired");
}

Test(updates, an_action_goes_its_way)
{
    struct update_action a = {.is_running = true};

    cr_assert_str_eq(update_action_status(NULL, 0, 2, false), "not-applied");
    cr_assert_str_eq(update_action_status(&a, 0, 2, false), "waiting-to-start");
    cr_assert_str_eq(update_action_status(&a, 0, 2, true), "in-progress");
    cr_assert_str_eq(update_action_status(&a, 1, 2, false), "in-progress");
    a.stopped_ms = 1;
    cr_assert_str_eq(update_action_status(&a, 1, 2, true), "stopping");
    a.is_running = false;
    cr_assert_str_eq(update_action_status(&a, 1, 2, false), "stopped");
    cr_assert_str_eq(update_action_status(&a, 2, 2, false), "complete");
}

Test(updates, each_node_goes_its_own_way)
{
    struct update_action a = {.is_running = true};

    cr_assert_str_eq(update_node_status(NULL, false, false), "not-applied");
    cr_assert_str_eq(update_node_status(&a, false, false), "waiting-to-start");
    cr_assert_str_eq(update_node_status(&a, false, true), "in-progress");
    cr_assert_str_eq(update_node_status(&a, true, false), "complete");
    a.stopped_ms = 1;
    cr_assert_str_eq(update_node_status(&a, false, false), "stopping");
    a.is_running = false;
    cr_assert_str_eq(update_node_status(&a, false, false), "stopped");
}
