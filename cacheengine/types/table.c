/*
 * Linear hashing over packed runs. The one idea: a group is moved, cut or joined as a whole, and it
 * is small, so every change costs a copy of some hundred bytes that are in the cache already, and
 * there is no per-entry bookkeeping to pay for in memory.
 */
#include "cacheengine/types/table.h"

#include "base/err.h"
#include "base/prefetch.h"
#include "cacheengine/types/table_internal.h"

/* What a table takes of the heap, a class of it. */
_Static_assert(sizeof(struct table) <= 64, "ends cost no table without them anything");

/* When a group is added: more entries, or more bytes, per group than these. */
#define LOAD_ENTRIES 7
#define LOAD_BYTES   1024
/* When one is taken away: less than a quarter of both. */
#define LOAD_SPARSE 4

#define GROUPS_MAX (1U << 31)

/* Places that come next in a walk are asked for this many groups ahead. */
#define WALK_AHEAD 4

/* ---- memory ---- */

static uint32_t take(struct db *db, struct table *t, size_t size)
{
    uint32_t ref = heap_alloc(&db->heap, size);

    t->held += heap_class_bytes(size);
    return ref;
}

static void give(struct db *db, struct table *t, uint32_t ref)
{
    t->held -= heap_item_bytes(&db->heap, ref);
    heap_free(&db->heap, ref);
}

/* The size of the item for a run that needs `bytes`: whole cache lines, so that runs begin on one
 * and have some room to grow. */
static size_t room_for(size_t bytes)
{
    return bytes <= 32 ? bytes : (bytes + 63) & ~(size_t)63;
}

/* An item with a text too long for a run turned into one with a blob; others as they are. */
static struct packed_item settled(struct db *db, struct table *t, const struct packed_item *item)
{
    if (item->kind == PACKED_AWAY) {
        t->away++;
        t->held += item->away->cost;
        return *item;
    }
    if (item->kind != PACKED_TEXT || item->len <= TABLE_INLINE_MAX)
        return *item;
    struct blob *b = blob_new(db->heap.account, item->len, item->len);
    memcpy(b->bytes, item->ptr, item->len);
    t->away++;
    t->held += b->cost;
    return packed_away(b);
}

/* Gives back what stands outside of `count` elements. */
static void drop_away(struct db *db, struct table *t, const uint8_t *at, unsigned count)
{
    struct packed_item item;

    if (t->away == 0)
        return;
    while (count--) {
        at = packed_get(at, &item);
        if (item.kind != PACKED_AWAY)
            continue;
        t->away--;
        t->held -= item.away->cost;
        blob_drop(db->heap.account, item.away);
    }
}

/* ---- groups ---- */

struct table_run *run_fit(struct db *db, struct table *t, uint32_t *slot, size_t len)
{
    size_t bytes = sizeof(struct table_run) + len;

    if (!*slot) {
        *slot = take(db, t, room_for(bytes));
        struct table_run *run = run_at(db, *slot);
        run->len = PACKED_HEAD;
        packed_set_count(run->packed, 0);
        return run;
    }
    size_t has = heap_item_bytes(&db->heap, *slot);
    if (bytes <= has && bytes + 128 > has)
        return run_at(db, *slot);
    if (heap_class_bytes(room_for(bytes)) == has)
        return run_at(db, *slot);
    uint32_t old = *slot;
    size_t keep = run_at(db, old)->len;
    *slot = take(db, t, room_for(bytes));
    memcpy(run_at(db, *slot), run_at(db, old),
           sizeof(struct table_run) + (keep < len ? keep : len));
    give(db, t, old);
    return run_at(db, *slot);
}

/* Frees an empty run, or makes one fit that has become shorter. */
static void run_shrunk(struct db *db, struct table *t, uint32_t *slot)
{
    struct table_run *run = run_at(db, *slot);

    if (run->len > PACKED_HEAD) {
        run_fit(db, t, slot, run->len);
        return;
    }
    give(db, t, *slot);
    *slot = 0;
}

static void note_count(struct table *t, uint32_t count)
{
    check(count <= PACKED_COUNT_MAX);
    if (count / t->width > t->most)
        t->most = (uint16_t)(count / t->width);
}

/* Appends elements to the run of a slot. */
static void run_append(struct db *db, struct table *t, uint32_t *slot, const uint8_t *bytes,
                       size_t len, uint32_t elements)
{
    uint32_t had = *slot ? run_at(db, *slot)->len : PACKED_HEAD;
    struct table_run *run = run_fit(db, t, slot, had + len);
    uint32_t count = packed_count(run->packed) + elements;

    memcpy(run->packed + had, bytes, len);
    run->len = (uint32_t)(had + len);
    note_count(t, count);
    packed_set_count(run->packed, count);
}

/* ---- pages ---- */

/* Bytes of a page with room for so many groups: their references and, where entries end, when the
 * first of each does. */
static size_t page_bytes(const struct table *t, uint32_t room)
{
    return room * (sizeof(uint32_t) + (t->has_ends ? sizeof(int64_t) : 0));
}

/* A page in the place of the first one, with other room and the same `count` groups. */
static void page_refit(struct db *db, struct table *t, uint32_t *page, const uint32_t room[2],
                       uint32_t count)
{
    uint32_t ref = take(db, t, page_bytes(t, room[1]));
    uint32_t *from = heap_at(&db->heap, *page), *to = heap_at(&db->heap, ref);

    memcpy(to, from, count * sizeof(*to));
    if (t->has_ends)
        memcpy(to + room[1], from + room[0], count * sizeof(int64_t));
    give(db, t, *page);
    *page = ref;
}

void table_know_ends(struct db *db, struct table *t)
{
    uint32_t *pages = heap_at(&db->heap, t->pages);

    check(t->width == 2);
    if (t->has_ends)
        return;
    t->has_ends = true;
    for (uint32_t at = 0; at < t->groups; at += PAGE_GROUPS) {
        uint32_t *page = &pages[at >> TABLE_PAGE_BITS], room = page_room(t, at >> TABLE_PAGE_BITS);
        uint32_t ref = take(db, t, page_bytes(t, room));
        uint32_t *to = heap_at(&db->heap, ref);

        memcpy(to, heap_at(&db->heap, *page), room * sizeof(*to));
        give(db, t, *page);
        *page = ref;
        for (uint32_t i = at; i < at + room; i++)
            *table_note(db, t, i) = PACKED_NO_END;
    }
}

/* Room for the reference of one more group. */
static void page_for(struct db *db, struct table *t)
{
    uint32_t at = t->groups, page = at >> TABLE_PAGE_BITS;
    uint32_t *pages = heap_at(&db->heap, t->pages);

    if (page > 0 && at % PAGE_GROUPS != 0)
        return;
    if (page == 0) {
        /* The first page doubles until it is a whole one. */
        if (at < PAGE_FIRST || (at & (at - 1)) != 0)
            return;
        page_refit(db, t, &pages[0], (uint32_t[]){at, 2 * at}, at);
        return;
    }
    if (page == t->page_max) {
        uint32_t old = t->pages;

        t->pages = take(db, t, 2 * t->page_max * sizeof(uint32_t));
        memcpy(heap_at(&db->heap, t->pages), pages, t->page_max * sizeof(uint32_t));
        give(db, t, old);
        pages = heap_at(&db->heap, t->pages);
        t->page_max *= 2;
    }
    pages[page] = take(db, t, page_bytes(t, PAGE_GROUPS));
}

/* After the last group of a page was removed; `t->groups` is what is left. The first page fits
 * again. */
static void page_leave(struct db *db, struct table *t)
{
    uint32_t at = t->groups, page = at >> TABLE_PAGE_BITS;
    uint32_t *pages = heap_at(&db->heap, t->pages);

    if (page > 0) {
        if (at % PAGE_GROUPS == 0)
            give(db, t, pages[page]);
        return;
    }
    if (at < PAGE_FIRST || (at & (at - 1)) != 0)
        return;
    page_refit(db, t, &pages[0], (uint32_t[]){2 * at, at}, at);
}

/* ---- growing and shrinking ---- */

static uint32_t level_mask(const struct table *t)
{
    return (uint32_t)((1ULL << t->level) - 1);
}

/* Moves the entries of the run of `low` that belong to group `group` into the new slot `high`. */
static void run_cut(struct db *db, struct table *t, uint32_t *low, uint32_t *high, uint32_t group)
{
    struct table_run *run = run_at(db, *low);
    const uint8_t *at = packed_first(run->packed), *end = run_end(run);
    uint64_t goes[PACKED_COUNT_MAX / 64 + 1];
    uint32_t entries = 0, moved = 0;
    size_t moved_bytes = 0;

    for (; at < end; entries++) {
        struct packed_item member;
        const uint8_t *next = packed_get(at, &member);
        bool is_high = ((uint32_t)table_hash(db, &member) & level_mask(t)) == group;

        for (unsigned i = 1; i < t->width; i++)
            next = packed_next(next);
        if (entries % 64 == 0)
            goes[entries / 64] = 0;
        goes[entries / 64] |= (uint64_t)is_high << (entries % 64);
        moved += is_high;
        moved_bytes += is_high ? (size_t)(next - at) : 0;
        at = next;
    }
    if (moved == 0)
        return;
    if (moved == entries) {
        *high = *low;
        *low = 0;
        return;
    }
    struct table_run *to = run_fit(db, t, high, PACKED_HEAD + moved_bytes);
    uint8_t *to_at = to->packed + PACKED_HEAD, *keep = run->packed + PACKED_HEAD;
    at = keep;
    for (uint32_t i = 0; i < entries; i++) {
        const uint8_t *next = at;

        for (unsigned j = 0; j < t->width; j++)
            next = packed_next(next);
        size_t size = (size_t)(next - at);
        if (goes[i / 64] >> (i % 64) & 1) {
            memcpy(to_at, at, size);
            to_at += size;
        } else {
            memmove(keep, at, size);
            keep += size;
        }
        at = next;
    }
    to->len = (uint32_t)(to_at - to->packed);
    packed_set_count(to->packed, moved * t->width);
    run->len = (uint32_t)(keep - run->packed);
    packed_set_count(run->packed, (entries - moved) * t->width);
    run_shrunk(db, t, low);
}

static void group_add(struct db *db, struct table *t)
{
    uint32_t group = t->groups;

    page_for(db, t);
    if (group == 1U << t->level)
        t->level++;
    t->groups++;
    uint32_t *high = table_slot(db, t, group);
    uint32_t *low = table_slot(db, t, group & (level_mask(t) >> 1));
    *high = 0;
    if (t->has_ends)
        *table_note(db, t, group) = *table_note(db, t, group & (level_mask(t) >> 1));
    if (*low)
        run_cut(db, t, low, high, group);
}

static void group_remove(struct db *db, struct table *t)
{
    uint32_t group = t->groups - 1;
    uint32_t *high = table_slot(db, t, group);
    uint32_t *low = table_slot(db, t, group & (level_mask(t) >> 1));

    if (t->has_ends)
        note_end(db, t, group & (level_mask(t) >> 1), *table_note(db, t, group));
    if (*high && !*low) {
        *low = *high;
    } else if (*high) {
        struct table_run *run = run_at(db, *high);

        run_append(db, t, low, run->packed + PACKED_HEAD, run->len - PACKED_HEAD,
                   packed_count(run->packed));
        give(db, t, *high);
    }
    *high = 0;
    t->groups--;
    if (t->groups == 1U << t->level >> 1)
        t->level--;
    page_leave(db, t);
}

static void grow(struct db *db, struct table *t)
{
    while ((t->count > (uint64_t)t->groups * LOAD_ENTRIES ||
            t->bytes > (uint64_t)t->groups * LOAD_BYTES) &&
           t->groups < GROUPS_MAX)
        group_add(db, t);
}

static void shrink(struct db *db, struct table *t)
{
    if (t->groups > 1 && t->count * LOAD_SPARSE < (uint64_t)t->groups * LOAD_ENTRIES &&
        t->bytes * LOAD_SPARSE < (uint64_t)t->groups * LOAD_BYTES)
        group_remove(db, t);
}

/* ---- tables ---- */

struct table *table_new(struct db *db, unsigned width)
{
    check(width >= 1 && width <= TABLE_WIDTH_MAX);
    db_open_heap(db);
    struct table *t = heap_at(&db->heap, heap_alloc(&db->heap, sizeof(*t)));
    *t = (struct table){
        .width = (uint8_t)width, .groups = 1, .page_max = 4, .next_ms = PACKED_NO_END};
    t->held = heap_class_bytes(sizeof(*t));
    t->pages = take(db, t, t->page_max * sizeof(uint32_t));
    uint32_t *pages = heap_at(&db->heap, t->pages);
    pages[0] = take(db, t, PAGE_FIRST * sizeof(uint32_t));
    *table_slot(db, t, 0) = 0;
    return t;
}

static void group_drop(struct db *db, struct table *t, uint32_t group)
{
    uint32_t *slot = table_slot(db, t, group);

    if (!*slot)
        return;
    struct table_run *run = run_at(db, *slot);
    drop_away(db, t, packed_first(run->packed), packed_count(run->packed));
    give(db, t, *slot);
    *slot = 0;
}

bool table_free_some(struct db *db, struct table *t, uint32_t budget)
{
    for (; t->groups > 0 && budget > 0; budget--) {
        uint32_t at = t->groups - 1;

        if (at >= WALK_AHEAD)
            prefetch(run_at(db, *table_slot(db, t, at - WALK_AHEAD)));
        group_drop(db, t, at);
        if (at % PAGE_GROUPS == 0)
            give(db, t, heap_ref(&db->heap, table_page(db, t, at)));
        t->groups--;
    }
    if (t->groups > 0)
        return false;
    give(db, t, t->pages);
    heap_free(&db->heap, heap_ref(&db->heap, t));
    return true;
}

void table_free(struct db *db, struct table *t)
{
    if (t)
        check(table_free_some(db, t, UINT32_MAX));
}

uint64_t table_hash(const struct db *db, const struct packed_item *member)
{
    if (member->kind >= PACKED_NUMBER && member->kind <= PACKED_REAL)
        return hash_bytes(&db->ks->seed, (const char *)&member->number, sizeof(member->number));
    return hash_bytes(&db->ks->seed, member->ptr, member->len);
}

/* A member in a blob is compared there. */
static const uint8_t *find_away(const struct table_run *run, unsigned width,
                                const struct packed_item *member)
{
    const uint8_t *at = packed_first(run->packed);
    struct packed_item item;

    for (const uint8_t *end = run_end(run); at < end;) {
        const uint8_t *entry = at;

        at = packed_get(at, &item);
        if (item.kind == PACKED_AWAY && packed_item_eq(&item, member))
            return entry;
        for (unsigned i = 1; i < width; i++)
            at = packed_next(at);
    }
    return NULL;
}

static bool is_long(const struct packed_item *item)
{
    return (item->kind == PACKED_TEXT || item->kind == PACKED_AWAY) && item->len > TABLE_INLINE_MAX;
}

const uint8_t *table_find(const struct db *db, const struct table *t, uint64_t hash,
                          const struct packed_item *member)
{
    uint32_t ref = *table_slot(db, t, table_group(t, hash));

    if (!ref)
        return NULL;
    const struct table_run *run = run_at(db, ref);
    /* The walk would meet one miss after the other. */
    prefetch_lines((const char *)run + CACHE_LINE, 2);
    if (__builtin_expect(is_long(member), 0))
        return find_away(run, t->width, member);
    return packed_find(run->packed, run->len, t->width, member);
}

void table_insert(struct db *db, struct table *t, uint64_t hash, const struct packed_item *items)
{
    struct packed_item ready[TABLE_WIDTH_MAX];
    uint32_t *slot = table_slot(db, t, table_group(t, hash));
    size_t len = 0;

    check(items[0].kind != PACKED_AWAY);
    for (unsigned i = 0; i < t->width; i++) {
        ready[i] = settled(db, t, &items[i]);
        len += packed_size_of(&ready[i]);
    }
    uint32_t had = *slot ? run_at(db, *slot)->len : PACKED_HEAD;
    struct table_run *run = run_fit(db, t, slot, had + len);
    uint8_t *at = run->packed + had;
    for (unsigned i = 0; i < t->width; i++)
        at = packed_put(at, &ready[i]);
    run->len = (uint32_t)(had + len);
    uint32_t count = packed_count(run->packed) + t->width;
    note_count(t, count);
    packed_set_count(run->packed, count);
    t->count++;
    t->bytes += len;
    grow(db, t);
}

const uint8_t *table_replace(struct db *db, struct table *t, uint64_t hash, const uint8_t *at,
                             unsigned which, const struct packed_item *item)
{
    uint32_t *slot = table_slot(db, t, table_group(t, hash));
    struct table_run *run = run_at(db, *slot);
    size_t entry = (size_t)(at - run->packed);

    check(which > 0 && which < t->width && at > run->packed && at < run_end(run));
    for (unsigned i = 0; i < which; i++)
        at = packed_next(at);
    size_t offset = (size_t)(at - run->packed), had = packed_size(at);
    drop_away(db, t, at, 1);
    t->ends -= t->has_ends && packed_end(at) != PACKED_NO_END;
    struct packed_item ready = settled(db, t, item);
    size_t wants = packed_size_of(&ready);
    if (wants > had)
        run = run_fit(db, t, slot, run->len - had + wants);
    run->len = (uint32_t)packed_gap(run->packed, run->len, offset, had, wants);
    packed_put(run->packed + offset, &ready);
    t->bytes += wants;
    t->bytes -= had;
    if (wants < had)
        run = run_fit(db, t, slot, run->len);
    return run->packed + entry;
}

void table_remove(struct db *db, struct table *t, uint64_t hash, const uint8_t *at)
{
    uint32_t *slot = table_slot(db, t, table_group(t, hash));
    struct table_run *run = run_at(db, *slot);
    size_t offset = (size_t)(at - run->packed);
    const uint8_t *end = at;

    check(at > run->packed && at < run_end(run));
    drop_away(db, t, at, t->width);
    t->ends -= table_end(t, at) != PACKED_NO_END;
    for (unsigned i = 0; i < t->width; i++)
        end = packed_next(end);
    size_t size = (size_t)(end - at);
    run->len = (uint32_t)packed_gap(run->packed, run->len, offset, size, 0);
    packed_set_count(run->packed, packed_count(run->packed) - t->width);
    run_shrunk(db, t, slot);
    t->count--;
    t->bytes -= size;
    shrink(db, t);
}

const uint8_t *table_random(const struct db *db, const struct table *t, struct rng *rng)
{
    check(t->count > 0);
    for (;;) {
        /* Every entry is one of groups * most places, which are all as likely. */
        uint32_t group = (uint32_t)rng_below(rng, t->groups);
        uint32_t nth = (uint32_t)rng_below(rng, t->most);
        uint32_t ref = *table_slot(db, t, group);

        if (ref && nth * t->width < packed_count(run_at(db, ref)->packed))
            return packed_at(run_at(db, ref)->packed, nth * t->width);
    }
}

/* ---- walking ---- */

const uint8_t *table_next(const struct db *db, const struct table *t, struct table_walk *walk)
{
    while (walk->at == walk->end) {
        if (walk->group >= t->groups)
            return NULL;
        if (walk->group + WALK_AHEAD < t->groups)
            prefetch(run_at(db, *table_slot(db, t, walk->group + WALK_AHEAD)));
        uint32_t ref = *table_slot(db, t, walk->group++);
        if (!ref)
            continue;
        walk->at = packed_first(run_at(db, ref)->packed);
        walk->end = run_end(run_at(db, ref));
    }
    const uint8_t *at = walk->at;
    for (unsigned i = 0; i < t->width; i++)
        walk->at = packed_next(walk->at);
    return at;
}

static uint32_t reversed(uint32_t v)
{
    v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
    v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(v);
}

/* A cursor is the last bits of a hash. Read backward, a group is an interval of such numbers, and
 * the one that takes half of it over is the interval's second half: the pass goes through them in
 * that order. */
uint64_t table_scan(const struct db *db, const struct table *t, uint64_t cursor,
                    void (*visit)(void *ctx, const uint8_t *at), void *ctx)
{
    uint32_t group = table_group(t, cursor);
    uint32_t mask = level_mask(t);
    uint32_t ref = *table_slot(db, t, group);

    if (ref) {
        const uint8_t *at = packed_first(run_at(db, ref)->packed), *end = run_end(run_at(db, ref));

        while (at < end) {
            visit(ctx, at);
            for (unsigned i = 0; i < t->width; i++)
                at = packed_next(at);
        }
    }
    /* Groups that were not cut in this round span one bit more. */
    uint32_t half = mask >> 1;
    if (group <= half && (group | (half + 1)) >= t->groups)
        mask = half;
    return reversed(reversed((uint32_t)cursor | ~mask) + 1);
}

/* ---- copies ---- */

struct table *table_of_run(struct db *db, unsigned width, const void *run, size_t len)
{
    struct table *t = table_new(db, width);
    const uint8_t *at = packed_first(run), *end = (const uint8_t *)run + len;

    while (at < end) {
        struct packed_item items[TABLE_WIDTH_MAX];

        for (unsigned i = 0; i < width; i++)
            at = packed_get(at, &items[i]);
        table_insert(db, t, table_hash(db, &items[0]), items);
    }
    return t;
}

struct table *table_copy(const struct db *from, const struct table *t, struct db *to)
{
    struct table *copy = table_new(to, t->width);
    struct table_walk walk = {0};
    const uint8_t *at;

    copy->shown = t->shown;
    if (t->ends > 0)
        table_know_ends(to, copy);
    while ((at = table_next(from, t, &walk))) {
        struct packed_item items[TABLE_WIDTH_MAX];
        int64_t end_ms = table_end(t, at);

        for (unsigned i = 0; i < t->width; i++) {
            at = packed_get(at, &items[i]);
            if (items[i].kind == PACKED_AWAY)
                items[i].kind = PACKED_TEXT; /* its bytes are copied, not shared */
        }
        uint64_t hash = table_hash(to, &items[0]);
        table_insert(to, copy, hash, items);
        if (end_ms != PACKED_NO_END)
            table_set_end(to, copy, hash, table_find(to, copy, hash, &items[0]), end_ms);
    }
    return copy;
}
