#include "base/rng.h"
#include "cacheengine/keyspace/index.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

/* Items are numbers; their hash is mixed from them. */
static uint64_t hash_of_number(uint64_t n)
{
    n = (n + 0x9E3779B97F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL;
    n = (n ^ n >> 29) * 0x94D049BB133111EBULL;
    return n ^ n >> 32;
}

static uint64_t hash_of_item(const void *ctx, const void *item)
{
    (void)ctx;
    return hash_of_number(*(const uint64_t *)item);
}

struct fixture {
    struct account account;
    struct heap heap;
    struct index index;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    cr_assert_not(err_failed(heap_open(&f->heap, &f->account)));
    index_init(&f->index, &f->heap, hash_of_item, NULL);
}

static void end(struct fixture *f)
{
    index_fini(&f->index);
    heap_close(&f->heap);
    cr_assert_eq(f->account.used_bytes, 0);
}

static void add(struct fixture *f, uint64_t n)
{
    uint32_t ref = heap_alloc(&f->heap, sizeof(n));

    *(uint64_t *)heap_at(&f->heap, ref) = n;
    index_insert(&f->index, hash_of_number(n), ref);
}

static uint32_t *find(struct fixture *f, uint64_t n)
{
    struct index_probe p = index_probe_begin(&f->index, hash_of_number(n));

    for (uint32_t *slot; (slot = index_probe_next(&p));)
        if (*(uint64_t *)heap_at(&f->heap, *slot) == n)
            return slot;
    return NULL;
}

static void take(struct fixture *f, uint64_t n)
{
    uint32_t *slot = find(f, n);
    uint32_t ref = *slot;

    index_remove(&f->index, hash_of_number(n), slot);
    heap_free(&f->heap, ref);
}

Test(index, finds_what_was_added_and_nothing_else)
{
    struct fixture f;

    begin(&f);
    for (uint64_t n = 0; n < 100000; n++) {
        add(&f, n);
        /* The smallest sizes are where a lone segment doubles. */
        for (uint64_t m = 0; n < 900 && m <= n; m++)
            cr_assert(find(&f, m), "%lu of %lu", m, n);
    }
    cr_assert_eq(f.index.count, 100000);
    for (uint64_t n = 0; n < 100000; n++) {
        cr_assert(find(&f, n));
        cr_assert_null(find(&f, n + 100000));
    }
    end(&f);
}

Test(index, takes_less_than_eleven_bytes_per_entry_at_any_size)
{
    struct fixture f;

    begin(&f);
    for (uint64_t n = 0; n < 300000; n++) {
        add(&f, n);
        if (n < 20000 || n % 5000 != 0)
            continue;
        size_t bytes = f.account.used_bytes - (n + 1) * 16;
        cr_assert(bytes < 11 * (n + 1), "%zu bytes for %lu entries", bytes, n + 1);
    }
    end(&f);
}

Test(index, gives_its_memory_back_as_entries_go)
{
    struct fixture f;

    begin(&f);
    for (uint64_t n = 0; n < 100000; n++)
        add(&f, n);
    uint32_t full = f.index.segment_count;
    for (uint64_t n = 0; n < 99000; n++) {
        take(&f, n);
        if (n % 10007 == 0)
            for (uint64_t m = n + 1; m < 100000; m += 97)
                cr_assert(find(&f, m));
    }
    cr_assert(f.index.segment_count < full / 10, "%u of %u segments", f.index.segment_count, full);
    for (uint64_t n = 99000; n < 100000; n++)
        take(&f, n);
    cr_assert_eq(f.account.used_bytes, 0);
    end(&f);
}

/* ---- scanning ---- */

struct seen {
    struct fixture *f;
    unsigned char *times;
    uint64_t limit;
};

static void visit(void *ctx, uint32_t ref)
{
    struct seen *s = ctx;
    uint64_t n = *(uint64_t *)heap_at(&s->f->heap, ref);

    if (n < s->limit && s->times[n] < 255)
        s->times[n]++;
}

/* Entries below `stay` are there all the time; others come and go between the steps of one full
 * scan. */
static void scan_while_changing(uint64_t stay, uint64_t begin_with, bool grows)
{
    struct fixture f;
    uint64_t next = stay, cursor = 0;
    unsigned char *times = calloc(stay, 1);
    struct seen seen = {&f, times, stay};

    begin(&f);
    for (uint64_t n = 0; n < begin_with; n++)
        add(&f, n);
    next = begin_with;
    do {
        cursor = index_scan(&f.index, cursor, visit, &seen);
        for (int i = 0; i < 40; i++) {
            if (grows && next < 60000)
                add(&f, next++);
            else if (!grows && next > stay)
                take(&f, --next);
        }
    } while (cursor);
    for (uint64_t n = 0; n < stay; n++)
        cr_assert(times[n] >= 1, "%lu was not seen", n);
    free(times);
    end(&f);
}

Test(index, a_scan_sees_all_that_stays_while_the_index_stands_still)
{
    scan_while_changing(20000, 20000, false);
}

Test(index, a_scan_sees_all_that_stays_while_segments_split)
{
    scan_while_changing(50, 50, true);
    scan_while_changing(5000, 5000, true);
}

Test(index, a_scan_sees_all_that_stays_while_segments_join)
{
    scan_while_changing(300, 60000, false);
}

Test(index, a_scan_of_a_still_index_meets_each_entry_once)
{
    struct fixture f;
    enum { COUNT = 50000 };
    unsigned char *times = calloc(COUNT, 1);
    struct seen seen = {&f, times, COUNT};
    uint64_t cursor = 0, sizes[] = {1, 13, 14, 25, 40, 700, 5000, 30000, COUNT}, there = 0;

    begin(&f);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (; there < sizes[i]; there++)
            add(&f, there);
        memset(times, 0, COUNT);
        do
            cursor = index_scan(&f.index, cursor, visit, &seen);
        while (cursor);
        for (uint64_t n = 0; n < there; n++)
            cr_assert_eq(times[n], 1, "%lu of %lu: %d times", n, there, times[n]);
    }
    free(times);
    end(&f);
}

Test(index, any_cursor_of_a_client_is_harmless)
{
    struct fixture f;
    struct rng r;
    unsigned char times[1000] = {0};
    struct seen seen = {&f, times, 1000};

    begin(&f);
    rng_seed(&r, 3);
    cr_assert_eq(index_scan(&f.index, 12345, visit, &seen), 0);
    for (uint64_t n = 0; n < 1000; n++)
        add(&f, n);
    for (int i = 0; i < 10000; i++)
        index_scan(&f.index, rng_next(&r) >> rng_below(&r, 64), visit, &seen);
    end(&f);
}

Test(index, samples_reach_every_entry)
{
    struct fixture f;
    struct rng r;
    uint32_t refs[INDEX_SLOTS];
    unsigned char met[3000] = {0};
    unsigned count = 0;

    begin(&f);
    rng_seed(&r, 5);
    for (uint64_t n = 0; n < 3000; n++)
        add(&f, n);
    for (int i = 0; i < 20000; i++) {
        unsigned drawn = index_sample(&f.index, rng_next(&r), refs);

        for (unsigned j = 0; j < drawn; j++)
            met[*(uint64_t *)heap_at(&f.heap, refs[j])] = 1;
    }
    for (int n = 0; n < 3000; n++)
        count += met[n];
    cr_assert_eq(count, 3000);
    end(&f);
}

/* ---- due notes ---- */

struct due {
    struct fixture *f;
    uint64_t met;
    unsigned calls;
};

static uint16_t settle(void *ctx, const uint32_t *refs, unsigned count, bool *stop)
{
    struct due *d = ctx;

    (void)stop;
    d->calls++;
    for (unsigned i = 0; i < count; i++)
        d->met += *(uint64_t *)heap_at(&d->f->heap, refs[i]) == 4711;
    return INDEX_NO_DUE;
}

Test(index, a_sweep_visits_only_homes_that_are_due_and_keeps_notes_over_splits)
{
    struct fixture f;
    struct due due = {.f = &f};
    struct index_due_pass pass = {.tick = 100, .settle = settle, .ctx = &due};
    uint32_t position = 0;

    begin(&f);
    for (uint64_t n = 4000; n < 5000; n++)
        add(&f, n);
    index_note_due(&f.index, hash_of_number(4711), 200);
    for (uint64_t n = 5000; n < 40000; n++)
        add(&f, n);
    cr_assert(index_due_sweep(&f.index, &pass, &position, UINT32_MAX));
    cr_assert_eq(due.calls, 0);
    pass.tick = 200;
    cr_assert(index_due_sweep(&f.index, &pass, &position, UINT32_MAX));
    cr_assert(due.met >= 1);
    due.calls = 0;
    cr_assert(index_due_sweep(&f.index, &pass, &position, UINT32_MAX));
    cr_assert_eq(due.calls, 0);
    end(&f);
}

Test(index, notes_survive_when_segments_join)
{
    struct fixture f;
    struct due due = {.f = &f};
    struct index_due_pass pass = {.tick = 65000, .settle = settle, .ctx = &due};
    uint32_t position = 0;

    begin(&f);
    for (uint64_t n = 0; n < 40000; n++)
        add(&f, n);
    index_note_due(&f.index, hash_of_number(4711), 64990);
    for (uint64_t n = 0; n < 40000; n++)
        if (n != 4711 && n > 100)
            take(&f, n);
    cr_assert(index_due_sweep(&f.index, &pass, &position, UINT32_MAX));
    cr_assert(due.met >= 1);
    end(&f);
}

struct times {
    struct fixture *f;
    uint8_t of[20000];
};

static void note_time(void *ctx, uint32_t ref)
{
    struct times *s = ctx;

    s->of[*(uint64_t *)heap_at(&s->f->heap, ref)]++;
}

Test(index, each_meets_every_entry_once)
{
    static const uint64_t counts[] = {0, 1, 100, 20000};

    for (size_t i = 0; i < countof(counts); i++) {
        struct fixture f;
        struct times s = {.f = &f};

        begin(&f);
        for (uint64_t n = 0; n < counts[i]; n++)
            add(&f, n);
        index_each(&f.index, note_time, &s);
        for (uint64_t n = 0; n < countof(s.of); n++)
            cr_assert_eq(s.of[n], n < counts[i], "%zu", (size_t)n);
        end(&f);
    }
}
