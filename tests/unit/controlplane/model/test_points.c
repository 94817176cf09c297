#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "controlplane/model/points.h"

#include <criterion/criterion.h>

#include <math.h>

static struct arena arena;

static const struct metric *metric(const char *name)
{
    const struct metric *m = metric_find(str_of(name));
    cr_assert_not_null(m);
    return m;
}

static void assert_same(const struct points *a, const struct points *b)
{
    cr_assert_eq(a->minutes, b->minutes);
    for (int i = 0; i <= METRIC_MAX; i++) {
        cr_assert_eq(a->columns[i] != NULL, b->columns[i] != NULL, "metric %d", i);
        if (!a->columns[i])
            continue;
        cr_assert_eq(a->columns[i]->minutes, b->columns[i]->minutes);
        for (int m = 0; m < POINTS_MINUTES; m++)
            if (a->columns[i]->minutes >> m & 1)
                cr_assert_eq(a->columns[i]->scaled[m], b->columns[i]->scaled[m]);
    }
}

Test(points, what_was_packed_comes_out_again)
{
    struct rng rng;

    rng_seed(&rng, 7);
    for (int round = 0; round < 200; round++) {
        scoped(buf_fini) struct buf packed = BUF_EMPTY;
        struct points in = {0}, out;
        for (int i = 0; i < (int)rng_below(&rng, 400); i++) {
            const struct metric *m = &metrics[rng_below(&rng, metric_count)];
            double value = rng_below(&rng, 3) ? (double)rng_below(&rng, 3)
                                              : ldexp((double)rng_below(&rng, 1000) - 500,
                                                      (int)rng_below(&rng, 80));
            points_set(&arena, &in, m, (int)rng_below(&rng, 60), value);
        }
        points_pack(&in, &packed);
        cr_assert_not(err_failed(points_unpack(&arena, buf_str(&packed), &out)));
        assert_same(&in, &out);
        for (size_t i = 0; i < metric_count; i++) {
            struct points_column one;
            const struct points_column *all = in.columns[metrics[i].number];
            cr_assert_not(err_failed(points_unpack_one(buf_str(&packed), metrics[i].number, &one)));
            cr_assert_eq(one.minutes, all ? all->minutes : 0);
        }
    }
}

Test(points, decimals_are_those_of_the_metric)
{
    const struct metric *m = metric("CacheHitRate");
    struct points p = {0};

    points_set(&arena, &p, m, 0, 33.33333333);
    cr_assert_eq(p.columns[m->number]->scaled[0], 333333);
}

Test(points, what_stays_as_it_is_costs_next_to_nothing)
{
    scoped(buf_fini) struct buf packed = BUF_EMPTY;
    struct points p = {0};

    for (size_t i = 0; i < metric_count; i++)
        for (int minute = 0; minute < POINTS_MINUTES; minute++)
            points_set(&arena, &p, &metrics[i], minute, 12345);
    points_pack(&p, &packed);
    cr_assert_lt(packed.len, metric_count * 12, "%zu bytes", packed.len);
}

Test(points, damaged_forms_are_refused_wherever_they_are_cut_or_changed)
{
    scoped(buf_fini) struct buf packed = BUF_EMPTY;
    struct points p = {0}, out;

    for (int minute = 0; minute < 10; minute++) {
        points_set(&arena, &p, metric("CacheHits"), minute, minute * 100);
        points_set(&arena, &p, metric("Evictions"), minute, 0);
    }
    points_pack(&p, &packed);
    size_t refused = 0;
    for (size_t len = 1; len < packed.len; len++)
        refused += err_failed(points_unpack(&arena, (struct str){packed.ptr, len}, &out));
    cr_assert_geq(refused, packed.len - 4, "only between two metrics a cut looks whole");
    for (size_t i = 0; i < packed.len; i++) /* whatever stands there: no crash, no overrun */
        for (int bit = 0; bit < 8; bit++) {
            packed.ptr[i] ^= (char)(1 << bit);
            err_ignore(points_unpack(&arena, buf_str(&packed), &out), "any answer will do");
            packed.ptr[i] ^= (char)(1 << bit);
        }
}
