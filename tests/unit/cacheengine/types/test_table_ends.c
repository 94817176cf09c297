#include "cacheengine/types/table.h"
#include "types_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELDS 3000
#define NEVER  PACKED_NO_END

/* A table and, beside it, what it must have: -1 for a field that is not there. */
struct play {
    struct fixture f;
    struct table *t;
    int64_t ends[FIELDS];
    uint64_t gone;
    uint32_t state;
};

static uint32_t next(struct play *p, uint32_t below)
{
    p->state = p->state * 1664525 + 1013904223;
    return (p->state >> 8) % below;
}

static uint64_t item_of(const struct play *p, char text[16], uint32_t n, struct packed_item *out)
{
    int len = snprintf(text, 16, n % 3 ? "field:%05u" : "%u", n);

    *out = packed_item_of((struct str){text, (size_t)len});
    return table_hash(p->f.db, out);
}

static const uint8_t *find(const struct play *p, uint32_t n, uint64_t *hash)
{
    struct packed_item item;
    char text[16];

    *hash = item_of(p, text, n, &item);
    return table_find(p->f.db, p->t, *hash, &item);
}

static void add(struct play *p, uint32_t n)
{
    struct packed_item items[2];
    char text[16];
    uint64_t hash = item_of(p, text, n, &items[0]);

    items[1] = packed_number(n);
    table_insert(p->f.db, p->t, hash, items);
    p->ends[n] = NEVER;
}

static void set_end(struct play *p, uint32_t n, int64_t end_ms)
{
    uint64_t hash;
    const uint8_t *at = find(p, n, &hash);
    struct packed_item value;

    cr_assert(at);
    at = table_set_end(p->f.db, p->t, hash, at, end_ms);
    cr_assert_eq(table_end(p->t, at), end_ms);
    packed_get(packed_next(at), &value);
    cr_assert_eq(value.number, n);
    p->ends[n] = end_ms;
}

static void change(struct play *p, uint32_t n)
{
    struct packed_item value = packed_number(n);
    uint64_t hash;
    const uint8_t *at = find(p, n, &hash);

    cr_assert_eq(at != NULL, p->ends[n] >= 0);
    switch (at ? next(p, 6) : 0) {
    case 0:
        if (!at)
            add(p, n);
        break;
    case 1:
        table_remove(p->f.db, p->t, hash, at);
        p->ends[n] = -1;
        break;
    case 2: set_end(p, n, NEVER); break;
    case 3:
        table_replace(p->f.db, p->t, hash, at, 1, &value);
        p->ends[n] = NEVER;
        break;
    default: set_end(p, n, 1 + next(p, 100000));
    }
}

static void check_all(const struct play *p)
{
    uint64_t count = 0, ends = 0;
    uint64_t hash;

    for (uint32_t n = 0; n < FIELDS; n++) {
        const uint8_t *at = find(p, n, &hash);

        cr_assert_eq(at != NULL, p->ends[n] >= 0, "%u", n);
        cr_assert(!at || table_end(p->t, at) == p->ends[n], "%u", n);
        cr_assert(p->ends[n] < 0 || p->ends[n] >= p->t->next_ms, "%u", n);
        count += p->ends[n] >= 0;
        ends += p->ends[n] >= 0 && p->ends[n] != NEVER;
    }
    cr_assert_eq(p->t->count, count);
    cr_assert_eq(p->t->ends, ends);
}

static void note_gone(void *ctx, const uint8_t *at)
{
    struct play *p = ctx;
    struct packed_item value;

    packed_get(packed_next(at), &value);
    cr_assert(p->ends[value.number] >= 0);
    p->ends[value.number] = -1;
    p->gone++;
}

static void sweep(struct play *p, int64_t now_ms, uint32_t budget)
{
    struct table_sweep s = {now_ms, budget, note_gone, p};
    uint64_t due = 0, before = p->gone;

    for (uint32_t n = 0; n < FIELDS; n++)
        due += p->ends[n] >= 0 && p->ends[n] <= now_ms;
    cr_assert_eq(table_count_ended(p->f.db, p->t, now_ms), due);
    bool is_done = table_sweep(p->f.db, p->t, &s);
    cr_assert_eq(p->gone - before, due < budget ? due : budget);
    cr_assert(is_done || due >= budget);
    cr_assert(!is_done || p->t->next_ms > now_ms);
}

static void begin(struct play *p)
{
    *p = (struct play){.state = 7};
    fixture_begin(&p->f);
    p->t = table_new(p->f.db, 2);
    for (uint32_t n = 0; n < FIELDS; n++)
        p->ends[n] = -1;
}

Test(table_ends, any_order_of_changes_keeps_ends_and_their_notes_right)
{
    struct play p;

    begin(&p);
    size_t before = p.f.ks.account.used_bytes - table_bytes(p.t);
    for (uint32_t n = 0; n < 40; n++)
        add(&p, n);
    table_know_ends(p.f.db, p.t);
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t reach = 1 + next(&p, FIELDS);

        for (uint32_t i = 0; i < 1500; i++)
            change(&p, next(&p, reach));
        sweep(&p, round * 1500, 1 + next(&p, 400));
        check_all(&p);
    }
    cr_assert_gt(p.gone, 1000);
    /* Until nothing is left, so that groups go too. */
    for (int64_t now_ms = 0; now_ms < 100001; now_ms += 500)
        sweep(&p, now_ms, UINT32_MAX);
    check_all(&p);
    cr_assert_eq(p.t->ends, 0);
    cr_assert_eq(p.f.ks.account.used_bytes, before + table_bytes(p.t));
    table_free(p.f.db, p.t);
    fixture_end(&p.f);
}

Test(table_ends, a_table_that_is_told_late_and_a_copy_have_the_same)
{
    struct play p;

    begin(&p);
    for (uint32_t n = 0; n < FIELDS; n++)
        add(&p, n);
    size_t without = table_bytes(p.t);
    table_know_ends(p.f.db, p.t);
    table_know_ends(p.f.db, p.t);
    cr_assert_lt(table_bytes(p.t), without + p.t->groups * 16 + 64);
    for (uint32_t n = 0; n < FIELDS; n += 2)
        set_end(&p, n, 1 + n);
    check_all(&p);
    struct table *t = p.t;
    p.t = table_copy(p.f.db, t, p.f.db);
    check_all(&p);
    sweep(&p, FIELDS / 2, UINT32_MAX);
    check_all(&p);
    table_free(p.f.db, p.t);
    table_free(p.f.db, t);
    fixture_end(&p.f);
}

Test(table_ends, long_values_and_ends_go_together)
{
    static char text[5000];
    struct packed_item items[2] = {packed_item_of(STR("f")), {0}}, got;
    struct play p;

    begin(&p);
    memset(text, 'x', sizeof(text));
    items[1] = packed_item_of((struct str){text, sizeof(text)});
    size_t before = p.f.ks.account.used_bytes;
    uint64_t hash = table_hash(p.f.db, &items[0]);
    table_know_ends(p.f.db, p.t);
    table_insert(p.f.db, p.t, hash, items);
    const uint8_t *at = table_find(p.f.db, p.t, hash, &items[0]);
    at = table_set_end(p.f.db, p.t, hash, at, PACKED_END_MAX);
    cr_assert_eq(table_end(p.t, at), PACKED_END_MAX);
    packed_get(packed_next(at), &got);
    cr_assert_eq(got.kind, PACKED_AWAY);
    cr_assert_eq(got.len, sizeof(text));
    table_remove(p.f.db, p.t, hash, at);
    cr_assert_eq(p.t->ends, 0);
    cr_assert_leq(p.f.ks.account.used_bytes, before + 8 * sizeof(int64_t) + 64);
    table_free(p.f.db, p.t);
    fixture_end(&p.f);
}
