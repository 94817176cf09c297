#include "base/arena.h"
#include "base/rng.h"
#include "cacheengine/types/quicklist.h"
#include "types_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 3000

/* A list beside the simplest model of it: an array of texts. */
struct twin {
    struct fixture f;
    struct quicklist *q;
    char **texts;
    size_t count, room;
    size_t used_before;
    struct rng rng;
};

static void twin_begin(struct twin *t)
{
    *t = (struct twin){0};
    fixture_begin(&t->f);
    rng_seed(&t->rng, 7);
    t->used_before = t->f.ks.account.used_bytes;
    t->q = quicklist_new(t->f.db);
}

static void twin_end(struct twin *t)
{
    quicklist_free(t->f.db, t->q);
    cr_expect_eq(t->f.ks.account.used_bytes, t->used_before);
    for (size_t i = 0; i < t->count; i++)
        free(t->texts[i]);
    free(t->texts);
    fixture_end(&t->f);
}

/* Mostly short texts and numbers, some that stand alone. */
static char *draw(struct twin *t)
{
    char *text = malloc(TEXT_MAX + 1);
    uint64_t kind = rng_below(&t->rng, 20);

    if (kind < 8) {
        snprintf(text, TEXT_MAX, "%lld", (long long)rng_next(&t->rng) >> rng_below(&t->rng, 64));
        return text;
    }
    size_t len = rng_below(&t->rng, kind == 19 ? TEXT_MAX : kind == 18 ? 500 : 20);
    memset(text, 'a' + (int)rng_below(&t->rng, 26), len);
    text[len] = 0;
    return text;
}

static struct packed_item item_of(const char *text)
{
    return packed_item_of((struct str){text, strlen(text)});
}

static void twin_insert(struct twin *t, size_t at, char *text)
{
    struct packed_item item = item_of(text);

    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 16;
        t->texts = realloc(t->texts, t->room * sizeof(*t->texts));
    }
    memmove(t->texts + at + 1, t->texts + at, (t->count - at) * sizeof(*t->texts));
    t->texts[at] = text;
    t->count++;
    quicklist_insert(t->f.db, t->q, at, &item);
}

static void twin_remove(struct twin *t, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++)
        free(t->texts[i]);
    memmove(t->texts + at, t->texts + at + count, (t->count - at - count) * sizeof(*t->texts));
    t->count -= count;
    quicklist_remove(t->f.db, t->q, at, count);
}

static bool is_text(const struct packed_item *item, const char *text)
{
    struct packed_digits digits;

    return str_is(packed_text(item, &digits), text);
}

static void twin_compare(struct twin *t)
{
    struct quicklist_walk w;
    struct packed_item item;
    struct arena a;

    cr_assert_eq(t->q->count, t->count);
    if (t->count == 0)
        return;
    arena_init(&a);
    size_t from = rng_below(&t->rng, t->count), i = from;
    quicklist_walk_begin(&w, t->f.db, t->q, from);
    for (; quicklist_next(&w, &item); i++)
        cr_assert(is_text(&item, t->texts[i]));
    cr_assert_eq(i, t->count);
    quicklist_walk_back(&w, t->f.db, t->q, from, &a);
    for (i = from + 1; quicklist_previous(&w, &item); i--)
        cr_assert(is_text(&item, t->texts[i - 1]));
    cr_assert_eq(i, 0);
    arena_fini(&a);
}

static void twin_step(struct twin *t)
{
    switch (rng_below(&t->rng, 8)) {
    case 0: twin_insert(t, 0, draw(t)); break;
    case 1: twin_insert(t, t->count, draw(t)); break;
    case 2:
    case 3: twin_insert(t, rng_below(&t->rng, t->count + 1), draw(t)); break;
    case 4:
        if (t->count > 0) {
            size_t at = rng_below(&t->rng, t->count);
            struct packed_item item;

            free(t->texts[at]);
            t->texts[at] = draw(t);
            item = item_of(t->texts[at]);
            quicklist_replace(t->f.db, t->q, at, &item);
        }
        break;
    default:
        if (t->count > 0) {
            size_t at = rng_below(&t->rng, t->count), most = t->count - at;

            twin_remove(t, at, 1 + rng_below(&t->rng, most < 3 ? most : 3));
        }
    }
}

Test(quicklist, has_what_an_array_has_after_any_changes)
{
    struct twin t;

    twin_begin(&t);
    for (int i = 0; i < 3000; i++)
        twin_insert(&t, rng_below(&t.rng, t.count + 1), draw(&t));
    twin_compare(&t);
    for (int i = 0; i < 20000; i++) {
        twin_step(&t);
        if (i % 500 == 0)
            twin_compare(&t);
    }
    while (t.count > 0)
        twin_remove(&t, 0, t.count > 700 ? 700 : t.count);
    cr_expect_eq(t.q->nodes, 0);
    twin_end(&t);
}

Test(quicklist, a_queue_keeps_few_nodes)
{
    for (int at_front = 0; at_front < 2; at_front++) {
        struct twin t;
        struct packed_item item = item_of("sixteen bytes ..");

        twin_begin(&t);
        for (int i = 0; i < 100000; i++) {
            quicklist_push(t.f.db, t.q, at_front, &item);
            if (i >= 20)
                quicklist_remove(t.f.db, t.q, at_front ? t.q->count - 1 : 0, 1);
        }
        cr_expect_leq(t.q->nodes, 3);
        cr_expect_leq(t.q->held, 4096);
        twin_end(&t);
    }
}

Test(quicklist, elements_take_little_more_than_their_bytes)
{
    struct twin t;
    struct packed_item item = item_of("twenty bytes of text");

    twin_begin(&t);
    for (int i = 0; i < 100000; i++)
        quicklist_push(t.f.db, t.q, false, &item);
    cr_expect_leq(t.q->held, 100000 * 23);
    twin_end(&t);
}

static void sift_both(struct twin *t, const char *text, size_t skip, size_t most)
{
    struct quicklist_sieve sieve = {item_of(text), skip, most};
    size_t kept = 0, left = most;

    for (size_t i = 0; i < t->count; i++) {
        bool is_equal = strcmp(t->texts[i], text) == 0;

        if (is_equal && skip == 0 && left > 0) {
            free(t->texts[i]);
            left--;
            continue;
        }
        skip -= is_equal && skip > 0;
        t->texts[kept++] = t->texts[i];
    }
    t->count = kept;
    quicklist_sift(t->f.db, t->q, &sieve);
    cr_expect_eq(sieve.most, left);
}

Test(quicklist, elements_are_removed_by_value)
{
    static char big[2500];
    struct twin t;

    memset(big, 'x', sizeof(big) - 1);
    twin_begin(&t);
    for (int i = 0; i < 4000; i++) {
        const char *text = i % 7 == 0 ? big : i % 3 == 0 ? "3" : "other";

        twin_insert(&t, t.count, strdup(text));
    }
    sift_both(&t, "3", 10, 500);
    twin_compare(&t);
    sift_both(&t, big, 0, SIZE_MAX);
    cr_expect_eq(t.q->away, 0);
    twin_compare(&t);
    sift_both(&t, "none", 0, SIZE_MAX);
    sift_both(&t, "other", 0, SIZE_MAX);
    twin_compare(&t);
    sift_both(&t, "3", 0, SIZE_MAX);
    cr_expect_eq(t.q->count, 0);
    cr_expect_eq(t.q->nodes, 0);
    twin_end(&t);
}

Test(quicklist, a_copy_is_of_its_own)
{
    struct twin t;
    struct quicklist_walk w;
    struct packed_item item;
    size_t i = 0;

    twin_begin(&t);
    for (int n = 0; n < 2000; n++)
        twin_insert(&t, t.count, draw(&t));
    struct quicklist *copy = quicklist_copy(t.f.db, &t.f.ks.dbs[1], t.q);
    quicklist_remove(t.f.db, t.q, 0, t.q->count);
    quicklist_walk_begin(&w, &t.f.ks.dbs[1], copy, 0);
    for (; quicklist_next(&w, &item); i++)
        cr_assert(is_text(&item, t.texts[i]));
    cr_expect_eq(i, t.count);
    quicklist_free(&t.f.ks.dbs[1], copy);
    twin_end(&t);
}

Test(quicklist, is_freed_in_parts)
{
    struct twin t;
    int parts = 1;

    twin_begin(&t);
    for (int n = 0; n < 20000; n++)
        twin_insert(&t, t.count, draw(&t));
    size_t weight = quicklist_weight(t.q);
    while (!quicklist_free_some(t.f.db, t.q, 10))
        parts++;
    cr_expect_geq(parts, weight / 200);
    t.q = NULL;
    twin_end(&t);
}
