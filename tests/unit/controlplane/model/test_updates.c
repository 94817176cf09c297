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
        {"0.1.0",         "0.2.0",               true },
        {"0.2.0",         "0.10.0 redis=7.0.15", true },
        {"0.1.9 redis=7", "0.1.10",              true },
        {"0.1.9 redis=7", "0.1.9",               false},
        {" redis=7",      "0.1.9",               false},
        {"0.1",           "0.1.1",               true },
        {"0.1.0",         "0.1.0 redis=7.0.15",  false},
        {"0.1.0",         "0.1",                 false},
        {"0.10.0",        "0.2.0",               false},
        {"",              "0.2.0",               false},
        {"0.1.0",         "",                    false},
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
    cr_assert_eq(service_update_apply_by_ms(&u, UPDATE_DAYS_BY_SEVERITY),
                 1700000000000 + 60 * 86400000LL);
    u.build = "0.2.0";
    cr_assert_str_eq(service_update_severity(&u), "important");
    cr_assert_eq(service_update_apply_by_ms(&u, UPDATE_DAYS_BY_SEVERITY),
                 1700000000000 + 30 * 86400000LL);
    cr_assert_eq(service_update_apply_by_ms(&u, 0), 1700000000000);
    cr_assert_eq(service_update_apply_by_ms(&u, 2), 1700000000000 + 2 * 86400000LL);
    cr_assert_str_eq(service_update_status(&u), "available");
    u.is_offered = false;
    cr_assert_str_eq(service_update_status(&u), "cancelled");
    u.replaced_ms = 1;
    cr_assert_str_eq(service_update_status(&u), "expired");
}

Test(updates, only_those_that_change_little_are_applied_unasked)
{
    static const struct {
        const char *build;
        bool is_automatic, is_forced, is_forced_on_takers;
    } rows[] = {
        {"0.1.1", true,  true,  true },
        {"0.2.0", true,  false, true },
        {"1.0.0", false, false, false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct service_update u = {.build = rows[i].build, .before = "0.1.0"};
        cr_expect_eq(service_update_is_automatic(&u), rows[i].is_automatic, "row %zu", i);
        cr_expect_eq(service_update_is_forced_on(&u, false), rows[i].is_forced, "row %zu", i);
        cr_expect_eq(service_update_is_forced_on(&u, true), rows[i].is_forced_on_takers, "row %zu",
                     i);
    }
    cr_assert(update_heeds_minor("redis", "6.0.5"));
    cr_assert(update_heeds_minor("valkey", "8.0.1"));
    cr_assert_not(update_heeds_minor("redis", "5.0.6"));
    cr_assert_not(update_heeds_minor("memcached", "1.6.22"));
}

Test(updates, an_action_goes_its_way)
{
    struct update_action a = {.operation_id = 1, .is_running = true};
    struct update_progress p = {.total = 2, .can_go_on = true};

    cr_assert_str_eq(update_action_status(NULL, &p), "not-applied");
    cr_assert_str_eq(update_action_status(&a, &p), "waiting-to-start");
    p.has_begun = true;
    cr_assert_str_eq(update_action_status(&a, &p), "in-progress");
    p = (struct update_progress){.updated = 1, .total = 2, .can_go_on = true};
    cr_assert_str_eq(update_action_status(&a, &p), "in-progress");
    a.stopped_ms = 1;
    cr_assert_str_eq(update_action_status(&a, &p), "stopping");
    a.is_running = false;
    cr_assert_str_eq(update_action_status(&a, &p), "stopped");
    p.updated = 2;
    cr_assert_str_eq(update_action_status(&a, &p), "complete");
}

Test(updates, what_nobody_asked_for_is_seen_coming)
{
    struct update_action a = {.is_automatic = true};
    struct update_progress p = {.total = 2, .can_go_on = true, .is_overdue = true};

    cr_assert_str_eq(update_action_status(NULL, &p), "scheduling");
    cr_assert_str_eq(update_action_status(&a, &p), "scheduled");
    p.can_go_on = false;
    cr_assert_str_eq(update_action_status(&a, &p), "not-applicable");
    cr_assert_str_eq(update_action_status(NULL, &p), "not-applicable");
    a.stopped_ms = 1;
    cr_assert_str_eq(update_action_status(&a, &p), "stopped");
}

Test(updates, what_was_stopped_is_not_forced_and_what_failed_is_in_the_next_window)
{
    struct update_action a = {.applied_ms = 5};

    cr_assert(update_may_be_forced(NULL, 10));
    cr_assert(update_may_be_forced(&a, 1), "it waits for its window");
    a.operation_id = 1;
    cr_assert(update_may_be_forced(&a, 10));
    cr_assert_not(update_may_be_forced(&a, 5), "it was tried in this one");
    a.is_running = true;
    cr_assert_not(update_may_be_forced(&a, 10));
    a = (struct update_action){.operation_id = 1, .applied_ms = 5, .stopped_ms = 6};
    cr_assert_not(update_may_be_forced(&a, 10));
}

Test(updates, each_node_goes_its_own_way)
{
    struct update_action a = {.operation_id = 1, .is_running = true};

    cr_assert_str_eq(update_node_status(NULL, false, false), "not-applied");
    cr_assert_str_eq(update_node_status(&a, false, false), "waiting-to-start");
    cr_assert_str_eq(update_node_status(&a, false, true), "in-progress");
    cr_assert_str_eq(update_node_status(&a, true, false), "complete");
    a.stopped_ms = 1;
    cr_assert_str_eq(update_node_status(&a, false, false), "stopping");
    a.is_running = false;
    cr_assert_str_eq(update_node_status(&a, false, false), "stopped");
    a = (struct update_action){0};
    cr_assert_str_eq(update_node_status(&a, false, false), "not-applied");
}
