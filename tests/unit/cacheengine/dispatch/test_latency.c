#include "cacheengine/dispatch/latency.h"

#include <criterion/criterion.h>

#include <stdlib.h>

Test(latency, the_worst_of_each_second_is_kept)
{
    struct latency l = {0};

    latency_note(&l, LATENCY_COMMAND, 100, 5);
    latency_note(&l, LATENCY_COMMAND, 100, 9);
    latency_note(&l, LATENCY_COMMAND, 100, 7);
    latency_note(&l, LATENCY_COMMAND, 101, 3);
    const struct latency_event *e = latency_find(&l, STR("Command"));
    cr_assert(e);
    cr_expect_eq(e->count, 2);
    cr_expect_eq(e->most_ms, 9);
    cr_expect_eq(latency_sample(e, 0)->ms, 9);
    cr_expect_eq(latency_sample(e, 1)->at_s, 101);
    cr_expect(!latency_find(&l, STR("expire-cycle")));
    cr_expect(latency_forget(&l, LATENCY_COMMAND));
    cr_expect(!latency_forget(&l, LATENCY_COMMAND));
}

Test(latency, the_oldest_seconds_are_forgotten)
{
    struct latency l = {0};

    for (int i = 0; i < 200; i++)
        latency_note(&l, LATENCY_EXPIRE_CYCLE, i, (uint32_t)i);
    const struct latency_event *e = latency_find(&l, STR("expire-cycle"));
    cr_expect_eq(e->count, LATENCY_SAMPLES);
    cr_expect_eq(latency_sample(e, 0)->ms, 200 - LATENCY_SAMPLES);
    cr_expect_eq(latency_sample(e, LATENCY_SAMPLES - 1)->ms, 199);
    latency_forget(&l, LATENCY_EXPIRE_CYCLE);
}

Test(histogram, every_duration_has_a_bucket_that_is_hardly_wider)
{
    struct histogram *h = calloc(1, sizeof(*h));

    for (uint64_t ticks = 0; ticks < 1ULL << 45; ticks = ticks + ticks / 7 + 1) {
        unsigned bucket = 0;

        memset(h, 0, sizeof(*h));
        histogram_note(h, ticks);
        while (!h->buckets[bucket])
            bucket++;
        uint64_t beyond = histogram_bound(bucket), from = bucket ? histogram_bound(bucket - 1) : 0;
        if (ticks >> HISTOGRAM_BITS) {
            cr_expect_eq(bucket, HISTOGRAM_BUCKETS - 1);
            continue;
        }
        cr_expect(from <= ticks && ticks < beyond, "%llu", (unsigned long long)ticks);
        cr_expect(beyond - from <= from / 32 + 1);
    }
    free(h);
}

Test(histogram, percentiles_are_counted_from_below)
{
    struct histogram *h = calloc(1, sizeof(*h));

    cr_expect_eq(histogram_percentile(h, 50), 0);
    for (uint64_t i = 1; i <= 20; i++)
        histogram_note(h, i);
    cr_expect_eq(histogram_count(h), 20);
    cr_expect_eq(histogram_percentile(h, 0), 2);
    cr_expect_eq(histogram_percentile(h, 50), 11);
    cr_expect_eq(histogram_percentile(h, 95), 20);
    cr_expect_eq(histogram_percentile(h, 100), 21);
    free(h);
}
