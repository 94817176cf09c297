/* The counted tree against a sorted array that does the same the long way. */
#include "cacheengine/types/rank.h"
#include "types_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct model {
    struct fixture f;
    struct rank rank;
    uint32_t *refs; /* in order */
    size_t count;
};

static void begin(struct model *m)
{
    *m = (struct model){.refs = malloc(200000 * sizeof(uint32_t))};
    fixture_begin(&m->f);
    cr_assert_not(err_failed(heap_open(&m->f.db->heap, &m->f.ks.account)));
}

static void end(struct model *m)
{
    while (!rank_free_some(m->f.db, &m->rank, 7))
        ;
    cr_assert_eq(m->rank.held, 0);
    cr_assert_eq(m->f.db->heap.used_bytes, 0);
    fixture_end(&m->f);
    free(m->refs);
}

static int order(const struct model *m, uint32_t a, uint32_t b)
{
    const struct rank_member *x = rank_member_at(m->f.db, a), *y = rank_member_at(m->f.db, b);

    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return rank_compare(rank_member_text(x), rank_member_text(y));
}

static size_t model_place(const struct model *m, uint32_t ref)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (order(m, m->refs[middle], ref) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void model_put(struct model *m, uint32_t ref)
{
    size_t at = model_place(m, ref);

    memmove(&m->refs[at + 1], &m->refs[at], (m->count++ - at) * sizeof(ref));
    m->refs[at] = ref;
}

static void model_remove(struct model *m, size_t at)
{
    memmove(&m->refs[at], &m->refs[at + 1], (--m->count - at) * sizeof(m->refs[0]));
}

static uint32_t add(struct model *m, const char *text, double score)
{
    uint32_t ref = rank_member_new(m->f.db, str_of(text), score);

    rank_insert(m->f.db, &m->rank, ref);
    model_put(m, ref);
    return ref;
}

/* Everything that can be asked gives what the array has. */
static void compare(const struct model *m)
{
    struct rank_walk walk;

    cr_assert_eq(m->rank.count, m->count);
    if (m->count == 0)
        return;
    rank_seek(m->f.db, &m->rank, 0, &walk);
    for (size_t i = 0; i < m->count; i++)
        cr_assert_eq(rank_next(m->f.db, &m->rank, &walk), m->refs[i], "at %zu", i);
    cr_assert_eq(rank_next(m->f.db, &m->rank, &walk), 0);
    rank_seek(m->f.db, &m->rank, m->count - 1, &walk);
    for (size_t i = m->count; i-- > 0;)
        cr_assert_eq(rank_prev(m->f.db, &m->rank, &walk), m->refs[i], "at %zu", i);
    cr_assert_eq(rank_prev(m->f.db, &m->rank, &walk), 0);
    for (size_t i = 0; i < m->count; i += 1 + m->count / 50) {
        cr_assert_eq(rank_at(m->f.db, &m->rank, i), m->refs[i]);
        cr_assert_eq(rank_of(m->f.db, &m->rank, m->refs[i]), i);
    }
}

static void compare_bound(const struct model *m, const struct rank_bound *bound)
{
    size_t n = 0;

    while (n < m->count) {
        const struct rank_member *x = rank_member_at(m->f.db, m->refs[n]);

        if (!rank_is_below(x->score, rank_member_text(x), bound))
            break;
        n++;
    }
    cr_assert_eq(rank_below(m->f.db, &m->rank, bound), n);
}

Test(rank, an_empty_tree_has_nothing_below_any_bound)
{
    struct model m;

    begin(&m);
    cr_assert_eq(rank_below(m.f.db, &m.rank, &(struct rank_bound){.score = 1}), 0);
    end(&m);
}

Test(rank, texts_of_any_length_come_back)
{
    static const size_t lengths[] = {0, 1, 7, 8, 254, 255, 256, 70000};
    struct model m;
    char *text = malloc(70000);

    begin(&m);
    memset(text, 'x', 70000);
    for (size_t i = 0; i < countof(lengths); i++) {
        uint32_t ref = rank_member_new(m.f.db, (struct str){text, lengths[i]}, 1.5);
        struct str back = rank_member_text(rank_member_at(m.f.db, ref));

        cr_assert_eq(back.len, lengths[i]);
        cr_assert_eq(memcmp(back.ptr, text, back.len), 0);
        cr_assert_eq(rank_member_at(m.f.db, ref)->score, 1.5);
        heap_free(&m.f.db->heap, ref);
    }
    end(&m);
    free(text);
}

Test(rank, members_in_order_fill_their_leaves)
{
    struct model m;
    char text[16];

    begin(&m);
    for (int i = 0; i < 50000; i++) {
        snprintf(text, sizeof(text), "%06d", i);
        add(&m, text, i);
    }
    compare(&m);
    cr_assert_lt(m.rank.held, 50000 * 14);
    end(&m);
}

Test(rank, members_in_falling_order_fill_their_leaves)
{
    struct model m;
    char text[16];

    begin(&m);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "%06d", i);
        add(&m, text, -i);
    }
    compare(&m);
    cr_assert_lt(m.rank.held, 5000 * 14);
    end(&m);
}

Test(rank, equal_scores_are_in_the_order_of_texts)
{
    struct model m;
    char text[16];

    begin(&m);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "%d", (i * 7919) % 5000);
        add(&m, text, 0);
    }
    compare(&m);
    for (int i = 0; i < 5000; i += 97) {
        snprintf(text, sizeof(text), "%d", i);
        compare_bound(&m, &(struct rank_bound){.by_text = true, .text = str_of(text)});
        compare_bound(
            &m, &(struct rank_bound){.by_text = true, .text = str_of(text), .is_behind = true});
    }
    end(&m);
}

Test(rank, bounds_count_what_stands_before_them)
{
    static const double bounds[] = {-INFINITY, -1, 0, 0.5, 1, 7, 7.5, 99, 100, INFINITY};
    struct model m;
    char text[16];

    begin(&m);
    for (int i = 0; i < 4000; i++) {
        snprintf(text, sizeof(text), "%d", i);
        add(&m, text, i == 17 ? -INFINITY : i == 18 ? INFINITY : i % 101 - 1);
    }
    for (size_t i = 0; i < countof(bounds); i++) {
        compare_bound(&m, &(struct rank_bound){.score = bounds[i]});
        compare_bound(&m, &(struct rank_bound){.score = bounds[i], .is_behind = true});
    }
    end(&m);
}

static void forget(void *ctx, uint32_t ref)
{
    struct model *m = ctx;

    heap_free(&m->f.db->heap, ref);
}

/* Adds, removes, moves and cuts by chance. `keeps` steers how many stay. */
static void churn(struct model *m, int steps, size_t keeps, int scores)
{
    struct rng rng;
    char text[24];

    rng_seed(&rng, (uint64_t)steps + keeps);
    for (int i = 0; i < steps; i++) {
        size_t pick = m->count ? (size_t)rng_below(&rng, m->count) : 0;
        uint64_t what = rng_below(&rng, m->count > keeps ? 6 : 4);

        if (m->count == 0 || what < 2) {
            snprintf(text, sizeof(text), "m%d", i);
            add(m, text, (double)rng_below(&rng, (uint64_t)scores));
        } else if (what == 2) {
            uint32_t ref = m->refs[pick];
            double score = rank_member_at(m->f.db, ref)->score;

            model_remove(m, pick);
            score += i % 3 ? (double)rng_below(&rng, 3) - 1 : (double)rng_below(&rng, 50);
            rank_rescore(m->f.db, &m->rank, ref, score);
            model_put(m, ref);
        } else if (what == 3 || m->count < 20) {
            rank_remove(m->f.db, &m->rank, m->refs[pick]);
            heap_free(&m->f.db->heap, m->refs[pick]);
            model_remove(m, pick);
        } else if (i % 20 == 0) {
            size_t n = (size_t)rng_below(&rng, (m->count - pick) / 2 + 1);

            rank_cut(m->f.db, &m->rank, pick, n, forget, m);
            for (size_t j = 0; j < n; j++)
                model_remove(m, pick);
        }
        if (i % (1 + steps / 40) == 0)
            compare(m);
    }
    compare(m);
}

Test(rank, a_small_tree_is_the_array_whatever_happens)
{
    struct model m;

    begin(&m);
    churn(&m, 4000, 30, 10);
    end(&m);
}

Test(rank, a_big_tree_is_the_array_whatever_happens)
{
    struct model m;

    begin(&m);
    for (int i = 0; i < 60000; i++) {
        char text[24];

        snprintf(text, sizeof(text), "n%d", i);
        add(&m, text, (i * 7919) % 60013);
    }
    churn(&m, 6000, 2000, 60000);
    end(&m);
}

Test(rank, cutting_everything_leaves_an_empty_tree)
{
    struct model m;
    char text[24];

    begin(&m);
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof(text), "%d", i);
        add(&m, text, i % 977);
    }
    rank_cut(m.f.db, &m.rank, 0, 10000, forget, &m);
    m.count = 0;
    cr_assert_eq(m.rank.root, 0);
    cr_assert_eq(m.rank.held, 0);
    end(&m);
}

Test(rank, trees_that_shrink_give_their_nodes_back)
{
    struct model m;
    char text[24];

    begin(&m);
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "%d", i);
        add(&m, text, (i * 7919) % 20011);
    }
    for (size_t i = 0; m.count > 200; i = (i + 37) % m.count) {
        rank_remove(m.f.db, &m.rank, m.refs[i]);
        heap_free(&m.f.db->heap, m.refs[i]);
        model_remove(&m, i);
    }
    compare(&m);
    cr_assert_lt(m.rank.held, 200 * 60);
    end(&m);
}
