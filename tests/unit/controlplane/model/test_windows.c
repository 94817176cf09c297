#include "base/arena.h"
#include "base/rng.h"
#include "contract/faults.h"
#include "controlplane/model/windows.h"

#include <criterion/criterion.h>

#define HOUR 60

Test(windows, maintenance_windows_are_normalised)
{
    static const struct {
        const char *text, *normal;
        int start, length;
    } rows[] = {
        {"sun:05:00-sun:06:00", "sun:05:00-sun:06:00", 5 * HOUR,                         HOUR    },
        {"Mon:03:00-Mon:04:30", "mon:03:00-mon:04:30", DAY_MINUTES + 3 * HOUR,           90      },
        {"SAT:23:30-SUN:00:30", "sat:23:30-sun:00:30", 6 * DAY_MINUTES + 23 * HOUR + 30, HOUR    },
        {"tue:23:00-wed:01:00", "tue:23:00-wed:01:00", 2 * DAY_MINUTES + 23 * HOUR,      2 * HOUR},
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct window w;
        cr_assert_not(err_failed(window_parse_maintenance(&a, rows[i].text, &w)), "%s",
                      rows[i].text);
        cr_assert_eq(w.start, rows[i].start);
        cr_assert_eq(w.length, rows[i].length);
        cr_assert_str_eq(window_maintenance_text(&a, w), rows[i].normal);
    }
    arena_fini(&a);
}

Test(windows, malformed_and_short_maintenance_windows_are_refused)
{
    static const char *const rows[] = {
        "",
        "sun:05:00",
        "sun:05:00-",
        "sun:05:00-sun:05:59",
        "sun:05:00-sun:05:00",
        "sun:24:00-mon:01:00",
        "sun:05:60-sun:07:00",
        "sun:5:00-sun:06:00",
        "day:05:00-day:06:00",
        "05:00-06:00",
        "sun:05:00-sun:06:00-",
        "sun:05:00-sun:06:00 ",
        "sun:-5:00-sun:06:00",
        "sun-mon",
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct window w;
        cr_assert_eq(window_parse_maintenance(&a, rows[i], &w).code, FAULT_INVALID_PARAMETER_VALUE,
                     "%s", rows[i]);
    }
    arena_fini(&a);
}

Test(windows, snapshot_windows_may_run_past_midnight)
{
    struct arena a = {0};
    struct window w;

    cr_assert_not(err_failed(window_parse_snapshot(&a, "23:30-00:30", &w)));
    cr_assert_eq(w.start, 23 * HOUR + 30);
    cr_assert_eq(w.length, HOUR);
    cr_assert_str_eq(window_snapshot_text(&a, w), "23:30-00:30");
    arena_fini(&a);
}

Test(windows, malformed_and_short_snapshot_windows_are_refused)
{
    static const char *const rows[] = {
        "", "05:00", "05:00-05:30", "25:00-26:00", "5-6", "sun:05:00-sun:06:00", "05:00-06:00:00"};
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct window w;
        cr_assert_eq(window_parse_snapshot(&a, rows[i], &w).code, FAULT_INVALID_PARAMETER_VALUE,
                     "%s", rows[i]);
    }
    arena_fini(&a);
}

Test(windows, overlap_is_seen_on_every_day_and_over_the_ends)
{
    static const struct {
        const char *maintenance, *snapshot;
        bool overlaps;
    } rows[] = {
        {"sun:05:00-sun:06:00", "05:00-06:00", true },
        {"sun:05:00-sun:06:00", "05:59-06:59", true },
        {"sun:05:00-sun:06:00", "06:00-07:00", false},
        {"sun:05:00-sun:06:00", "04:00-05:00", false},
        {"wed:05:00-wed:06:00", "04:00-08:00", true },
        {"sat:23:30-sun:00:30", "00:00-01:00", true },
        {"sat:23:30-sun:00:30", "22:30-23:30", false},
        {"sat:22:00-sat:23:00", "23:30-00:30", false},
        {"mon:00:00-mon:01:00", "23:30-00:30", true },
        {"sun:00:00-sun:01:00", "23:30-00:30", true },
        {"mon:00:00-tue:00:00", "12:00-13:00", true },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct window weekly, daily;
        cr_assert_not(err_failed(window_parse_maintenance(&a, rows[i].maintenance, &weekly)));
        cr_assert_not(err_failed(window_parse_snapshot(&a, rows[i].snapshot, &daily)));
        cr_assert_eq(windows_overlap(weekly, daily), rows[i].overlaps, "%s %s", rows[i].maintenance,
                     rows[i].snapshot);
    }
    arena_fini(&a);
}

/* Minutes from the beginning of the region's night to the end of the window. */
static int end_in_night(struct window w, int night)
{
    return (w.start % DAY_MINUTES - night + DAY_MINUTES) % DAY_MINUTES + w.length;
}

Test(windows, chance_stays_inside_the_region_s_night)
{
    static const struct {
        const char *region;
        int start, length;
    } rows[] = {
        {"us-east-1",      3 * HOUR,       8 * HOUR     },
        {"us-west-2",      6 * HOUR,       8 * HOUR     },
        {"eu-west-1",      22 * HOUR,      8 * HOUR     },
        {"eu-west-3",      23 * HOUR + 59, 7 * HOUR + 30},
        {"ap-south-1",     17 * HOUR + 30, 8 * HOUR     },
        {"ap-northeast-2", 12 * HOUR,      8 * HOUR     },
        {"cn-north-1",     14 * HOUR,      8 * HOUR     },
        {"home",           3 * HOUR,       8 * HOUR     },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct rng rng;
            rng_seed(&rng, seed);
            struct window weekly = window_random_maintenance(&rng, rows[i].region, NULL);
            struct window daily = window_random_snapshot(&rng, rows[i].region, &weekly);
            cr_assert_leq(end_in_night(weekly, rows[i].start), rows[i].length, "%s",
                          rows[i].region);
            cr_assert_leq(end_in_night(daily, rows[i].start), rows[i].length, "%s", rows[i].region);
            cr_assert_not(windows_overlap(weekly, daily));
        }
    }
}

Test(windows, chance_keeps_away_from_what_was_asked_for)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct rng rng;
        struct window daily = {3 * HOUR, 8 * HOUR}, weekly = {3 * HOUR, 8 * HOUR};
        rng_seed(&rng, seed);
        cr_assert_not(windows_overlap(window_random_maintenance(&rng, "us-east-1", &daily), daily));
        cr_assert_not(windows_overlap(weekly, window_random_snapshot(&rng, "us-east-1", &weekly)));
    }
}

Test(windows, the_same_seed_gives_the_same_windows)
{
    struct rng one, two;

    rng_seed(&one, 7);
    rng_seed(&two, 7);
    cr_assert_eq(window_random_maintenance(&one, "us-east-1", NULL).start,
                 window_random_maintenance(&two, "us-east-1", NULL).start);
}

/* 2023-11-14T22:13:20Z, a Tuesday */
#define TUESDAY_MS 1700000000000

Test(windows, one_opens_once_a_week_and_closes_in_time)
{
    static const struct {
        const char *text;
        int64_t opened_ms;
        bool is_open;
    } rows[] = {
        {"tue:22:13-tue:23:13", 1699999980000, true },
        {"tue:22:00-tue:23:00", 1699999200000, true },
        {"tue:22:14-tue:23:14", 1699395240000, false},
        {"tue:21:13-tue:22:13", 1699996380000, false},
        {"mon:23:30-tue:23:30", 1699918200000, true },
        {"sat:23:30-wed:23:30", 1699745400000, true },
        {"wed:00:00-wed:01:00", 1699401600000, false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct window w;
        cr_assert_not(err_failed(window_parse_maintenance(&a, rows[i].text, &w)));
        int64_t at_ms = window_maintenance_opened(w, TUESDAY_MS);
        cr_expect_eq(at_ms, rows[i].opened_ms, "%s: %lld", rows[i].text, (long long)at_ms);
        cr_expect_eq(window_is_open(w, at_ms, TUESDAY_MS), rows[i].is_open, "%s", rows[i].text);
    }
}

Test(windows, one_for_snapshots_opens_once_a_day)
{
    static const struct {
        const char *text;
        int64_t opened_ms;
        bool is_open;
    } rows[] = {
        {"22:13-23:13", 1699999980000, true },
        {"22:14-23:14", 1699913640000, false},
        {"21:30-22:30", 1699997400000, true },
        {"23:00-22:30", 1699916400000, true },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct window w;
        cr_assert_not(err_failed(window_parse_snapshot(&a, rows[i].text, &w)));
        int64_t at_ms = window_snapshot_opened(w, TUESDAY_MS);
        cr_expect_eq(at_ms, rows[i].opened_ms, "%s: %lld", rows[i].text, (long long)at_ms);
        cr_expect_eq(window_is_open(w, at_ms, TUESDAY_MS), rows[i].is_open, "%s", rows[i].text);
    }
}
