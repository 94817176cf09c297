#include "base/rng.h"
#include "cacheengine/keyspace/heap.h"

#include <criterion/criterion.h>

#include <string.h>

Test(heap, every_byte_handed_out_is_counted_and_comes_back)
{
    struct account account = {0};
    struct heap h;
    struct rng r;
    enum { COUNT = 4000 };
    static uint32_t refs[COUNT];
    static size_t sizes[COUNT];

    rng_seed(&r, 1);
    cr_assert_not(err_failed(heap_open(&h, &account)));
    size_t sum = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < COUNT; i++) {
            if (refs[i])
                continue;
            sizes[i] = 1 + rng_below(&r, rng_below(&r, 10) ? 300 : HEAP_ITEM_MAX);
            refs[i] = heap_alloc(&h, sizes[i]);
            memset(heap_at(&h, refs[i]), i & 0xff, sizes[i]);
            sum += heap_class_bytes(sizes[i]);
            cr_assert_eq(heap_item_bytes(&h, refs[i]), heap_class_bytes(sizes[i]));
        }
        cr_assert_eq(account.used_bytes, sum);
        for (int i = 0; i < COUNT; i++) {
            const unsigned char *p = heap_at(&h, refs[i]);

            /* Whatever was written later, nobody else's item was touched. */
            cr_assert(p[0] == (i & 0xff) && p[sizes[i] - 1] == (i & 0xff));
            if (rng_below(&r, 2) == 0)
                continue;
            heap_free(&h, refs[i]);
            refs[i] = 0;
            sum -= heap_class_bytes(sizes[i]);
        }
    }
    for (int i = 0; i < COUNT; i++)
        if (refs[i])
            heap_free(&h, refs[i]);
    cr_assert_eq(account.used_bytes, 0);
    heap_close(&h);
}

Test(heap, classes_waste_at_most_a_quarter_and_large_ones_little)
{
    for (size_t size = 1; size <= HEAP_ITEM_MAX; size++) {
        size_t bytes = heap_class_bytes(size);

        cr_assert(bytes >= size);
        cr_assert(bytes - size < 16 || (bytes - size) * 4 <= bytes, "size %zu takes %zu", size,
                  bytes);
    }
}

Test(heap, items_of_whole_cache_lines_are_aligned_to_them)
{
    struct account account = {0};
    struct heap h;

    cr_assert_not(err_failed(heap_open(&h, &account)));
    for (size_t size = 64; size <= HEAP_ITEM_MAX; size += 64) {
        if (heap_class_bytes(size) % 64 != 0)
            continue;
        for (int i = 0; i < 3; i++)
            cr_assert_eq((uintptr_t)heap_at(&h, heap_alloc(&h, size)) % 64, 0);
    }
    heap_close(&h);
    cr_assert_eq(account.used_bytes, 0);
}

Test(heap, memory_of_freed_items_goes_back_to_the_system)
{
    struct account account = {0};
    struct heap h;
    enum { COUNT = 40000 };
    static uint32_t refs[COUNT];

    cr_assert_not(err_failed(heap_open(&h, &account)));
    for (int i = 0; i < COUNT; i++)
        refs[i] = heap_alloc(&h, 1024);
    size_t full = heap_backed_bytes(&h);
    cr_assert(full >= (size_t)COUNT * 1024 && full < (size_t)COUNT * 1024 * 102 / 100 + (1 << 20));
    for (int i = 0; i < COUNT; i++)
        heap_free(&h, refs[i]);
    while (heap_cool(&h))
        ;
    cr_assert(heap_backed_bytes(&h) < full / 8);
    heap_close(&h);
}

Test(heap, items_of_several_slabs_are_reused_whole_and_in_parts)
{
    struct account account = {0};
    struct heap h;

    cr_assert_not(err_failed(heap_open(&h, &account)));
    uint32_t big = heap_alloc(&h, 300000);
    memset(heap_at(&h, big), 1, 300000);
    cr_assert_eq(heap_item_bytes(&h, big), 5 * HEAP_SLAB_BYTES);
    heap_free(&h, big);
    cr_assert_eq(account.used_bytes, 0);
    uint32_t part = heap_alloc(&h, 100000), rest = heap_alloc(&h, 150000);
    cr_assert_eq(part, big);
    cr_assert_eq(rest, big + 2 * (HEAP_SLAB_BYTES / HEAP_GRANULE));
    memset(heap_at(&h, part), 2, 100000);
    memset(heap_at(&h, rest), 3, 150000);
    cr_assert_eq(((char *)heap_at(&h, part))[99999], 2);
    heap_close(&h);
    cr_assert_eq(account.used_bytes, 0);
}

Test(heap, a_heap_booked_elsewhere_is_closed_there)
{
    struct account first = {0}, second = {0};
    struct heap h;

    cr_assert_not(err_failed(heap_open(&h, &first)));
    heap_alloc(&h, 100);
    heap_rebook(&h, &second);
    cr_assert_eq(first.used_bytes, 0);
    cr_assert_eq(second.used_bytes, 112);
    heap_close(&h);
    cr_assert_eq(second.used_bytes, 0);
}

struct lookout {
    int count;
    char *first;
    char *end;
};

static void note_ahead(void *ctx, void *at, size_t bytes)
{
    struct lookout *l = ctx;

    l->first = l->count++ ? l->first : at;
    cr_assert(!l->end || at == l->end, "without gaps");
    l->end = (char *)at + bytes;
    heap_populate(at, bytes);
    cr_assert_eq(((char *)at)[0], 0);
    cr_assert_eq(l->end[-1], 0);
}

Test(heap, a_big_heap_says_which_memory_it_will_want_next)
{
    struct account account = {0};
    struct lookout l = {0};
    struct heap h;
    char *highest = NULL;

    cr_assert_not(err_failed(heap_open(&h, &account)));
    h.ahead = note_ahead;
    h.ahead_ctx = &l;
    for (int i = 0; i < 8 << 10; i++)
        heap_alloc(&h, 1024);
    cr_assert_eq(l.count, 0, "a small one does not");
    for (int i = 0; i < 56 << 10; i++) {
        highest = heap_at(&h, heap_alloc(&h, 1024));
        memset(highest, 'x', 1024);
    }
    cr_assert_gt(l.count, 5);
    cr_assert(l.first < highest && highest < l.end, "always a step ahead");
    heap_close(&h);
    heap_populate(l.first, (size_t)(l.end - l.first)); /* harms nobody */
}
