#include "cacheengine/types/table.h"
#include "types_fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* Members are numbers written as text, so that they can be marked off in an array. */
struct member {
    char text[32];
    struct packed_item item;
    uint64_t hash;
};

static void member_of(const struct fixture *f, struct member *m, uint32_t n)
{
    int len = snprintf(m->text, sizeof(m->text), n % 5 ? "member:%08u" : "%u", n);

    m->item = packed_item_of((struct str){m->text, (size_t)len});
    m->hash = table_hash(f->db, &m->item);
}

static uint32_t number_of(const uint8_t *at)
{
    struct packed_item item;
    struct packed_digits digits;
    char text[32] = {0};

    packed_get(at, &item);
    struct str s = packed_text(&item, &digits);
    memcpy(text, s.ptr, s.len);
    return (uint32_t)strtoul(text[0] == 'm' ? text + 7 : text, NULL, 10);
}

static void add(const struct fixture *f, struct table *t, uint32_t n)
{
    struct member m;

    member_of(f, &m, n);
    cr_assert_null(table_find(f->db, t, m.hash, &m.item));
    struct packed_item items[2] = {m.item, packed_number(n)};
    table_insert(f->db, t, m.hash, items);
}

static bool has(const struct fixture *f, const struct table *t, uint32_t n)
{
    struct member m;

    member_of(f, &m, n);
    return table_find(f->db, t, m.hash, &m.item) != NULL;
}

static void drop(const struct fixture *f, struct table *t, uint32_t n)
{
    struct member m;

    member_of(f, &m, n);
    const uint8_t *at = table_find(f->db, t, m.hash, &m.item);
    cr_assert_not_null(at);
    table_remove(f->db, t, m.hash, at);
}

Test(table, members_are_found_while_it_grows_and_shrinks)
{
    struct fixture f;
    enum { N = 20000 };

    fixture_begin(&f);
    size_t before = f.ks.account.used_bytes;
    struct table *t = table_new(f.db, 1);
    for (uint32_t i = 0; i < N; i++)
        add(&f, t, i);
    cr_assert_eq(t->count, N);
    for (uint32_t i = 0; i < N; i++)
        cr_assert(has(&f, t, i), "%u", i);
    cr_assert_not(has(&f, t, N + 1));
    uint32_t groups = t->groups;
    for (uint32_t i = 0; i < N; i += 1 + (i % 100 != 7))
        drop(&f, t, i);
    for (uint32_t i = 0, gone = 0; i < N; i++) {
        bool is_gone = i == gone;
        cr_assert_neq(has(&f, t, i), is_gone, "%u", i);
        if (is_gone)
            gone = i + 1 + (i % 100 != 7);
    }
    while (t->count > 0) {
        const uint8_t *at = table_random(f.db, t, &f.ks.rng);
        drop(&f, t, number_of(at));
    }
    cr_expect_lt(t->groups, groups / 100);
    table_free(f.db, t);
    cr_expect_eq(f.ks.account.used_bytes, before);
    fixture_end(&f);
}

Test(table, what_it_says_it_holds_is_what_the_account_carries)
{
    struct fixture f;

    fixture_begin(&f);
    size_t before = f.ks.account.used_bytes;
    struct table *t = table_new(f.db, 2);
    char *text = calloc(1, 5000);
    for (uint32_t i = 0; i < 3000; i++) {
        struct member m;
        member_of(&f, &m, i);
        struct packed_item items[2] = {m.item, packed_item_of((struct str){text, i % 5000})};
        table_insert(f.db, t, m.hash, items);
        cr_assert_eq(t->held, f.ks.account.used_bytes - before);
    }
    cr_expect_gt(t->away, 1000);
    for (uint32_t i = 0; i < 3000; i += 2) {
        struct member m;
        member_of(&f, &m, i);
        struct packed_item item = packed_item_of((struct str){text, (i * 37) % 5000});
        const uint8_t *at = table_find(f.db, t, m.hash, &m.item);
        at = table_replace(f.db, t, m.hash, at, 1, &item);
        struct packed_item back;
        packed_get(packed_next(at), &back);
        cr_assert(packed_item_eq(&back, &item));
        cr_assert_eq(number_of(at), i);
        cr_assert_eq(t->held, f.ks.account.used_bytes - before);
    }
    table_free(f.db, t);
    cr_expect_eq(f.ks.account.used_bytes, before);
    free(text);
    fixture_end(&f);
}

Test(table, members_too_long_for_a_run_are_found)
{
    struct fixture f;
    char *text = malloc(100000);

    fixture_begin(&f);
    size_t before = f.ks.account.used_bytes;
    struct table *t = table_new(f.db, 1);
    memset(text, 'k', 100000);
    for (uint32_t len = 1000; len < 100000; len += 1013) {
        struct packed_item item = packed_item_of((struct str){text, len});
        uint64_t hash = table_hash(f.db, &item);
        cr_assert_null(table_find(f.db, t, hash, &item));
        table_insert(f.db, t, hash, &item);
        cr_assert_not_null(table_find(f.db, t, hash, &item));
    }
    struct table *copy = table_copy(f.db, t, &f.ks.dbs[1]);
    for (uint32_t len = 1000; len < 100000; len += 1013) {
        struct packed_item item = packed_item_of((struct str){text, len});
        uint64_t hash = table_hash(f.db, &item);
        const uint8_t *at = table_find(f.db, t, hash, &item);
        table_remove(f.db, t, hash, at);
        cr_assert_not_null(table_find(&f.ks.dbs[1], copy, hash, &item));
    }
    cr_expect_eq(t->away, 0);
    table_free(f.db, t);
    table_free(&f.ks.dbs[1], copy);
    cr_expect_eq(f.ks.account.used_bytes, before);
    free(text);
    fixture_end(&f);
}

Test(table, a_walk_sees_every_entry_once)
{
    struct fixture f;
    enum { N = 5000 };
    uint8_t seen[N] = {0};

    fixture_begin(&f);
    struct table *t = table_new(f.db, 2);
    for (uint32_t i = 0; i < N; i++)
        add(&f, t, i);
    struct table_walk walk = {0};
    for (const uint8_t *at; (at = table_next(f.db, t, &walk));) {
        struct packed_item value;
        packed_get(packed_next(at), &value);
        cr_assert_eq(value.number, number_of(at));
        seen[number_of(at)]++;
    }
    for (uint32_t i = 0; i < N; i++)
        cr_assert_eq(seen[i], 1);
    table_free(f.db, t);
    fixture_end(&f);
}

static void mark(void *ctx, const uint8_t *at)
{
    uint8_t *seen = ctx;
    uint32_t n = number_of(at);

    if (n < 100000)
        seen[n] = 1;
}

/* Entries 0 to 999 are there all the time; the rest comes and goes, so that groups are cut and
 * joined between any two steps of the scan. */
Test(table, a_scan_sees_what_stays_while_the_rest_comes_and_goes)
{
    struct fixture f;
    uint8_t *seen = calloc(1, 100000);

    fixture_begin(&f);
    for (unsigned round = 0; round < 20; round++) {
        struct table *t = table_new(f.db, 1);
        uint32_t low = 100000, high = 100000;
        uint64_t cursor = 0;

        memset(seen, 0, 100000);
        for (uint32_t i = 0; i < 1000; i++)
            add(&f, t, i);
        for (uint32_t i = 0; i < round * 500; i++)
            add(&f, t, high++);
        do {
            bool grows = rng_below(&f.ks.rng, 2);
            for (uint64_t n = rng_below(&f.ks.rng, 300); n > 0; n--) {
                if (grows && high - low < 20000)
                    add(&f, t, high++);
                else if (low < high)
                    drop(&f, t, low++);
            }
            cursor = table_scan(f.db, t, cursor, mark, seen);
        } while (cursor);
        for (uint32_t i = 0; i < 1000; i++)
            cr_assert(seen[i], "%u was not seen in round %u", i, round);
        table_free(f.db, t);
    }
    free(seen);
    fixture_end(&f);
}

Test(table, a_scan_of_a_table_at_rest_sees_nothing_twice)
{
    struct fixture f;

    fixture_begin(&f);
    for (uint32_t n = 1; n < 400; n += 13) {
        struct table *t = table_new(f.db, 1);
        uint8_t seen[400] = {0};
        uint64_t cursor = 0;
        uint32_t steps = 0;

        for (uint32_t i = 0; i < n; i++)
            add(&f, t, i);
        do {
            cursor = table_scan(f.db, t, cursor, mark, seen);
            steps++;
        } while (cursor);
        cr_assert_eq(steps, t->groups);
        for (uint32_t i = 0; i < n; i++)
            cr_assert(seen[i]);
        table_free(f.db, t);
    }
    fixture_end(&f);
}

/* Chi-square with 999 degrees of freedom: mean 999, deviation 45. */
Test(table, random_entries_are_drawn_evenly)
{
    struct fixture f;
    enum { N = 1000, DRAWS = 200000 };
    static uint32_t drawn[N];
    double chi = 0, want = (double)DRAWS / N;

    fixture_begin(&f);
    struct table *t = table_new(f.db, 1);
    for (uint32_t i = 0; i < N; i++)
        add(&f, t, i);
    for (uint32_t i = 0; i < DRAWS; i++)
        drawn[number_of(table_random(f.db, t, &f.ks.rng))]++;
    for (uint32_t i = 0; i < N; i++)
        chi += (drawn[i] - want) * (drawn[i] - want) / want;
    cr_expect_lt(chi, 999 + 5 * 45);
    table_free(f.db, t);
    fixture_end(&f);
}

Test(table, twenty_byte_members_take_less_than_thirty_bytes)
{
    struct fixture f;
    enum { N = 200000 };
    char text[32];

    fixture_begin(&f);
    struct table *t = table_new(f.db, 1);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(text, sizeof(text), "element:%012u", i);
        struct packed_item item = packed_item_of(STR("element:000000000000"));
        item.ptr = text;
        table_insert(f.db, t, table_hash(f.db, &item), &item);
    }
    cr_expect_lt(table_bytes(t) / (double)N, 30.0, "%f", table_bytes(t) / (double)N);
    table_free(f.db, t);
    fixture_end(&f);
}

Test(table, it_is_freed_in_slices)
{
    struct fixture f;
    unsigned slices = 0;

    fixture_begin(&f);
    size_t before = f.ks.account.used_bytes;
    struct table *t = table_new(f.db, 1);
    for (uint32_t i = 0; i < 20000; i++)
        add(&f, t, i);
    while (!table_free_some(f.db, t, 100))
        slices++;
    cr_expect_gt(slices, 20);
    cr_expect_eq(f.ks.account.used_bytes, before);
    fixture_end(&f);
}

Test(table, a_run_becomes_a_table)
{
    struct fixture f;
    uint8_t run[256];
    uint8_t *at = run + PACKED_HEAD;

    fixture_begin(&f);
    for (int64_t i = 0; i < 10; i++) {
        struct packed_item pair[2] = {packed_number(i), packed_number(i * i)};
        at = packed_put(packed_put(at, &pair[0]), &pair[1]);
    }
    packed_set_count(run, 20);
    struct table *t = table_of_run(f.db, 2, run, (size_t)(at - run));
    cr_expect_eq(t->count, 10);
    for (int64_t i = 0; i < 10; i++) {
        struct packed_item field = packed_number(i), value;
        const uint8_t *found = table_find(f.db, t, table_hash(f.db, &field), &field);
        cr_assert_not_null(found);
        packed_get(packed_next(found), &value);
        cr_expect_eq(value.number, i * i);
    }
    table_free(f.db, t);
    fixture_end(&f);
}
