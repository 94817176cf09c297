#include "agent/peers/lateness.h"

#include <criterion/criterion.h>

#define MINUTE_MS 60000

Test(lateness, what_happens_once_or_twice_does_not_count)
{
    struct lateness l = {0};

    cr_assert_eq(lateness_ms(&l, 100 * MINUTE_MS), 0);
    lateness_add(&l, 900, 100 * MINUTE_MS);
    lateness_add(&l, 900, 100 * MINUTE_MS + 1);
    lateness_add(&l, 900, 100 * MINUTE_MS + 2);
    cr_assert_eq(lateness_ms(&l, 100 * MINUTE_MS + 3), 0, "it is one minute");
    lateness_add(&l, 700, 101 * MINUTE_MS);
    cr_assert_eq(lateness_ms(&l, 101 * MINUTE_MS), 0);
    lateness_add(&l, 301, 102 * MINUTE_MS);
    cr_assert_eq(lateness_ms(&l, 102 * MINUTE_MS), 400, "three times, rounded up");
    lateness_add(&l, 800, 103 * MINUTE_MS);
    cr_assert_eq(lateness_ms(&l, 103 * MINUTE_MS), 700);
}

Test(lateness, ten_minutes_later_it_is_forgotten)
{
    struct lateness l = {0};

    for (int64_t minute = 7; minute < 10; minute++)
        lateness_add(&l, 500, minute * MINUTE_MS);
    cr_assert_eq(lateness_ms(&l, 17 * MINUTE_MS - 1), 500);
    cr_assert_eq(lateness_ms(&l, 17 * MINUTE_MS), 0);
}

Test(lateness, the_same_in_each_minute_is_told)
{
    struct lateness l = {0};

    for (int64_t ms = 0; ms < 30 * MINUTE_MS; ms += 200)
        lateness_add(&l, 40, ms);
    cr_assert_eq(lateness_ms(&l, 30 * MINUTE_MS), 100);
}

Test(lateness, what_no_lease_could_outlast_is_not_late)
{
    struct lateness l = {0};

    for (int64_t minute = 0; minute < 10; minute++) {
        lateness_add(&l, LATENESS_MOST_MS + 1, minute * MINUTE_MS);
        lateness_add(&l, -5, minute * MINUTE_MS);
    }
    cr_assert_eq(lateness_ms(&l, 9 * MINUTE_MS), 0);
}
