#include "base/arena.h"
#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, the_system_s_clocks_go_on)
{
    int64_t wall = clock_wall_ms(&clock_system), boot = clock_boot_ms(&clock_system);

    cr_assert_gt(wall, 1600000000000);
    cr_assert_geq(clock_boot_ms(&clock_system), boot);
}

Test(clock, a_manual_clock_moves_when_it_is_told_to)
{
    struct clock_manual m;

    clock_manual_init(&m, 1000, 5);
    cr_assert_eq(clock_wall_ms(&m.clock), 1000);
    clock_manual_advance(&m, 7);
    cr_assert_eq(clock_wall_ms(&m.clock), 1007);
    cr_assert_eq(clock_boot_ms(&m.clock), 12);
}

Test(clock, moments_are_written_as_iso_8601)
{
    struct arena a = {0};

    cr_assert_str_eq(time_iso8601(&a, 1422869400123), "2015-02-02T09:30:00.123Z");
    cr_assert_str_eq(time_iso8601(&a, 0), "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(time_iso8601(&a, -1), "1969-12-31T23:59:59.999Z");
    arena_fini(&a);
}

Test(clock, the_forms_that_clients_send_are_read)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2015-02-02T09:30:00.123Z",       1422869400123},
        {"2015-02-02T09:30:00Z",           1422869400000},
        {"2015-02-02T09:30:00",            1422869400000},
        {"2015-02-02T09:30Z",              1422869400000},
        {"2015-02-02T10:30:00+01:00",      1422869400000},
        {"2015-02-02T04:30:00-0500",       1422869400000},
        {"2015-02-02",                     1422835200000},
        {"2015-02-02T09:30:00.123456789Z", 1422869400123},
        {"1422869400",                     1422869400000},
        {"1422869400.5",                   1422869400500},
        {"2016-02-29",                     1456704000000},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = -1;
        cr_expect(time_parse(str_of(rows[i].text), &ms), "%s", rows[i].text);
        cr_expect_eq(ms, rows[i].ms, "%s: %lld", rows[i].text, (long long)ms);
    }
}

Test(clock, what_is_no_moment_is_refused)
{
    static const char *const bad[] = {"",
                                      "now",
                                      "2015-02-30",
                                      "2015-13-01",
                                      "2015-2-2",
                                      "2015-02-02T",
                                      "2015-02-02T25:00:00Z",
                                      "2015-02-02Z09:30",
                                      "2015-02-29",
                                      "2015-02-02T09:30:00+99:00",
                                      "2015-02-02T09:30:00Zx",
                                      "1.2.3"};
    int64_t ms;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(time_parse(str_of(bad[i]), &ms), "%s", bad[i]);
}
