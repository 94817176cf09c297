#include "cacheengine/dispatch/durability.h"
#include "dispatch_test.h"

#include <string.h>

Test(durability, the_oldest_write_that_is_not_reached_counts)
{
    struct durability d = {0};

    cr_assert_eq(durability_lag_ms(&d, 100), 0);
    durability_wrote(&d, 10, 100);
    durability_wrote(&d, 20, 150);
    durability_wrote(&d, 30, 150);
    cr_assert_eq(durability_lag_ms(&d, 180), 80);
    durability_reached(&d, 9);
    cr_assert_eq(durability_lag_ms(&d, 180), 80);
    durability_reached(&d, 10);
    cr_assert_eq(durability_lag_ms(&d, 180), 30);
    durability_reached(&d, 29);
    cr_assert_eq(durability_lag_ms(&d, 180), 30);
    durability_reached(&d, 30);
    cr_assert_eq(durability_lag_ms(&d, 180), 0);
}

/* One write each millisecond, replicas always some way behind: never told too young, and not by
 * more than a twentieth too old, once the marks of another distance are passed. */
Test(durability, ages_of_any_length_are_told_within_some_percent)
{
    struct durability d = {0};
    int64_t behind[] = {1, 50, 2000, 100000, 30, 1000};
    int64_t now_ms = 0, reached_ms = 0;

    for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++) {
        for (int64_t end_ms = now_ms + 300000; now_ms < end_ms; now_ms++) {
            durability_wrote(&d, now_ms, now_ms);
            if (now_ms - behind[i] > reached_ms)
                reached_ms = now_ms - behind[i];
            durability_reached(&d, reached_ms);
            int64_t true_ms = now_ms - reached_ms - 1, told_ms = durability_lag_ms(&d, now_ms);
            cr_assert_geq(told_ms, true_ms);
            if (end_ms - now_ms < 100000)
                cr_assert_leq(told_ms, true_ms + true_ms / 20 + 1);
            cr_assert_leq(d.count, DURABILITY_MARKS);
        }
    }
}

Test(durability, settings_say_how_many_are_asked_for)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    cr_assert_eq(durability_asks(&f.engine), 0);
    says(&f, "CONFIG SET min-replicas-to-write 2", "+OK\r\n");
    cr_assert_eq(durability_asks(&f.engine), 2);
    says(&f, "CONFIG SET larder-write-acks 3", "+OK\r\n");
    cr_assert_eq(durability_asks(&f.engine), 3);
    says(&f, "CONFIG SET larder-write-acks 0 min-replicas-max-lag 0", "+OK\r\n");
    cr_assert_eq(durability_asks(&f.engine), 0);
    resp_close(&f);
}

Test(durability, refused_writes_are_counted_and_reads_are_not)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CONFIG SET min-replicas-to-write 1", "+OK\r\n");
    says(&f, "SET a 1", "-NOREPLICAS Not enough good replicas to write.\r\n");
    says(&f, "GET a", "$-1\r\n");
    cr_assert_eq(f.engine.durability.refused, 1);
    says(&f, "CONFIG SET min-replicas-to-write 0", "+OK\r\n");
    cr_assert_eq(f.engine.durability.refused, 0);
    resp_close(&f);
}
