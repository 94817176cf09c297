/*
 * Extendible hashing over segments of buckets. The one idea: whatever must be rearranged, a segment
 * that doubles, splits or joins another, is taken out whole (`bag`) and put back item by item; a
 * segment has at most 768 entries, so that is short.
 */
#include "cacheengine/keyspace/index.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENT_BUCKETS (1U << INDEX_SEGMENT_BITS)
#define SEGMENT_SLOTS   (SEGMENT_BUCKETS * INDEX_SLOTS)
#define SEGMENT_FULL    (SEGMENT_SLOTS * 92 / 100)
#define SEGMENT_SPARSE  (SEGMENT_SLOTS / 4)
#define JOIN_FULL       (SEGMENT_SLOTS / 2)
#define DEPTH_MAX       28

struct bag {
    unsigned count;
    uint32_t refs[SEGMENT_SLOTS];
    uint64_t hashes[SEGMENT_SLOTS];
};

void index_init(struct index *ix, struct heap *heap,
                uint64_t (*hash_of)(const void *ctx, const void *item), const void *ctx)
{
    *ix = (struct index){.heap = heap, .hash_of = hash_of, .ctx = ctx};
}

static size_t segment_bytes(unsigned bucket_bits)
{
    return sizeof(struct index_segment) + ((size_t)sizeof(struct index_bucket) << bucket_bits);
}

size_t index_directory_bytes(const struct index *ix)
{
    return ix->directory ? (sizeof(*ix->directory) + sizeof(*ix->due)) << ix->depth : 0;
}

static uint32_t segment_new(struct index *ix, unsigned depth, unsigned bucket_bits)
{
    size_t size = segment_bytes(bucket_bits);
    uint32_t ref = heap_alloc(ix->heap, (size + 63) & ~(size_t)63);
    struct index_segment *s = heap_at(ix->heap, ref);

    memset(s, 0, size);
    s->depth = (uint8_t)depth;
    ix->segment_count++;
    return ref;
}

static void segment_free(struct index *ix, uint32_t ref)
{
    heap_free(ix->heap, ref);
    ix->segment_count--;
}

/* Gives the directory another depth; the caller fills it. */
static void directory_alloc(struct index *ix, unsigned depth)
{
    account_sub(ix->heap->account, index_directory_bytes(ix));
    ix->depth = (uint8_t)depth;
    ix->directory = calloc((size_t)1 << depth, sizeof(*ix->directory));
    ix->due = calloc((size_t)1 << depth, sizeof(*ix->due));
    check(ix->directory && ix->due);
    account_add(ix->heap->account, index_directory_bytes(ix));
}

static void index_begin(struct index *ix)
{
    directory_alloc(ix, 0);
    ix->bucket_bits = 0;
    ix->directory[0] = segment_new(ix, 0, 0);
    ix->deepest_count = 1;
}

void index_fini(struct index *ix)
{
    if (!ix->directory)
        return;
    for (size_t i = 0; i < (size_t)1 << ix->depth;) {
        struct index_segment *s = heap_at(ix->heap, ix->directory[i]);
        size_t span = (size_t)1 << (ix->depth - s->depth);

        heap_free(ix->heap, ix->directory[i]);
        i += span;
    }
    account_sub(ix->heap->account, index_directory_bytes(ix));
    free(ix->directory);
    free(ix->due);
    uint32_t *slot_counts = ix->slot_counts;
    if (slot_counts && ix->count)
        memset(slot_counts, 0, SLOT_COUNT * sizeof(*slot_counts));
    index_init(ix, ix->heap, ix->hash_of, ix->ctx);
    ix->slot_counts = slot_counts;
}

/* The first directory slot of the segment that a slot belongs to. */
static uint32_t slot_first(const struct index *ix, const struct index_segment *s, uint32_t slot)
{
    return slot & ~((1U << (ix->depth - s->depth)) - 1);
}

static uint32_t slot_of(const struct index *ix, uint64_t hash)
{
    return (uint32_t)((uint64_t)index_place(hash) >> (32 - ix->depth));
}

/* The earlier of two due ticks, of which INDEX_NO_DUE is never. */
static uint16_t due_min(uint16_t a, uint16_t b)
{
    if (a == INDEX_NO_DUE)
        return b;
    if (b == INDEX_NO_DUE)
        return a;
    return (int16_t)(uint16_t)(a - b) < 0 ? a : b;
}

static bool due_is_reached(uint16_t due, uint16_t tick)
{
    return due != INDEX_NO_DUE && (int16_t)(uint16_t)(due - tick) <= 0;
}

/* Puts a reference into its home or one of the `reach` buckets behind it. */
static bool segment_put(const struct index *ix, struct index_segment *s, uint64_t hash,
                        uint32_t ref, uint32_t reach)
{
    uint32_t around = (1U << ix->bucket_bits) - 1;
    uint32_t home = index_home(ix, hash);

    for (uint32_t d = 0; d <= reach && d <= around; d++) {
        struct index_bucket *b = &s->buckets[(home + d) & around];
        uint32_t room = index_bucket_match(b, 0);

        if (!room)
            continue;
        unsigned slot = (unsigned)__builtin_ctz(room);
        b->print[slot] = index_print(hash);
        b->ref[slot] = ref;
        s->count++;
        if (d) {
            struct index_bucket *h = &s->buckets[home];
            b->guests++;
            check(h->strayed < UINT8_MAX);
            h->strayed++;
            h->reach = h->reach > d ? h->reach : (uint8_t)d;
        }
        return true;
    }
    return false;
}

/* Adds all of a segment's references to a bag; the hashes are made once all items were asked for.
 */
static void bag_fill(const struct index *ix, const struct index_segment *s, struct bag *bag)
{
    unsigned first = bag->count;

    for (uint32_t i = 0; i < 1U << ix->bucket_bits; i++)
        for (unsigned j = 0; j < INDEX_SLOTS; j++) {
            if (!s->buckets[i].print[j])
                continue;
            bag->refs[bag->count++] = s->buckets[i].ref[j];
            prefetch(heap_at(ix->heap, s->buckets[i].ref[j]));
        }
    for (unsigned i = first; i < bag->count; i++)
        bag->hashes[i] = ix->hash_of(ix->ctx, heap_at(ix->heap, bag->refs[i]));
}

static void segment_add(const struct index *ix, struct index_segment *s, uint64_t hash,
                        uint32_t ref)
{
    check(segment_put(ix, s, hash, ref, SEGMENT_BUCKETS - 1));
}

/* A lone segment below its full size doubles. */
static void root_double(struct index *ix)
{
    struct bag bag;
    uint32_t old_ref = ix->directory[0];
    struct index_segment *old = heap_at(ix->heap, old_ref);
    uint32_t ref = segment_new(ix, 0, ix->bucket_bits + 1U);
    struct index_segment *s = heap_at(ix->heap, ref);

    bag.count = 0;
    bag_fill(ix, old, &bag);
    for (uint32_t i = 0; i < 1U << ix->bucket_bits; i++)
        s->due[2 * i] = s->due[2 * i + 1] = old->due[i];
    ix->bucket_bits++;
    for (unsigned i = 0; i < bag.count; i++)
        segment_add(ix, s, bag.hashes[i], bag.refs[i]);
    ix->directory[0] = ref;
    segment_free(ix, old_ref);
}

static void directory_double(struct index *ix)
{
    uint32_t *old = ix->directory;
    uint16_t *old_due = ix->due;
    size_t slots = (size_t)1 << ix->depth;

    check(ix->depth < DEPTH_MAX);
    directory_alloc(ix, ix->depth + 1U);
    for (size_t i = 0; i < slots; i++) {
        ix->directory[2 * i] = ix->directory[2 * i + 1] = old[i];
        ix->due[2 * i] = old_due[i];
    }
    ix->deepest_count = 0;
    free(old);
    free(old_due);
}

/* Cuts the segment at a directory slot in two. */
static void segment_split(struct index *ix, uint32_t slot)
{
    struct bag bag;
    struct index_segment *low = heap_at(ix->heap, ix->directory[slot]);

    if (low->depth == ix->depth) {
        directory_double(ix);
        slot *= 2;
    }
    uint32_t first = slot_first(ix, low, slot);
    uint32_t half = 1U << (ix->depth - low->depth - 1);
    uint32_t high_ref = segment_new(ix, low->depth + 1U, INDEX_SEGMENT_BITS);
    struct index_segment *high = heap_at(ix->heap, high_ref);

    bag.count = 0;
    bag_fill(ix, low, &bag);
    memset(low->buckets, 0, sizeof(struct index_bucket) * SEGMENT_BUCKETS);
    memcpy(high->due, low->due, sizeof(low->due));
    low->count = 0;
    low->depth++;
    for (unsigned i = 0; i < bag.count; i++) {
        bool is_high = slot_of(ix, bag.hashes[i]) >= first + half;
        segment_add(ix, is_high ? high : low, bag.hashes[i], bag.refs[i]);
    }
    for (uint32_t i = 0; i < half; i++)
        ix->directory[first + half + i] = high_ref;
    ix->due[first + half] = ix->due[first];
    if (low->depth == ix->depth)
        ix->deepest_count += 2;
}

static void segment_grow(struct index *ix, uint64_t hash)
{
    if (ix->bucket_bits < INDEX_SEGMENT_BITS)
        root_double(ix);
    else
        segment_split(ix, slot_of(ix, hash));
}

void index_insert(struct index *ix, uint64_t hash, uint32_t ref)
{
    if (!ix->directory)
        index_begin(ix);
    for (;;) {
        struct index_segment *s = index_segment_of(ix, hash);

        if (s->count < SEGMENT_FULL && segment_put(ix, s, hash, ref, INDEX_REACH))
            break;
        segment_grow(ix, hash);
    }
    if (__builtin_expect(ix->slot_counts != NULL, 0))
        ix->slot_counts[slot_of_hash(hash)]++;
    ix->count++;
}

static void directory_halve(struct index *ix)
{
    uint32_t *old = ix->directory;
    uint16_t *old_due = ix->due;

    directory_alloc(ix, ix->depth - 1U);
    for (size_t i = 0; i < (size_t)1 << ix->depth; i++) {
        const struct index_segment *s = heap_at(ix->heap, old[2 * i]);

        ix->directory[i] = old[2 * i];
        ix->due[i] = old_due[2 * i];
        ix->deepest_count += s->depth == ix->depth;
    }
    free(old);
    free(old_due);
}

/* Joins a sparse segment with the other half of what both were cut from, when that is one segment
 * and both fit well. */
static void segment_join(struct index *ix, uint32_t slot)
{
    struct bag bag;
    struct index_segment *s = heap_at(ix->heap, ix->directory[slot]);
    uint32_t span = 1U << (ix->depth - s->depth);
    uint32_t first = slot_first(ix, s, slot) & ~(2 * span - 1);
    struct index_segment *low = heap_at(ix->heap, ix->directory[first]);
    uint32_t high_ref = ix->directory[first + span];
    struct index_segment *high = heap_at(ix->heap, high_ref);

    if (low->depth != high->depth || low->count + high->count > JOIN_FULL)
        return;
    bag.count = 0;
    bag_fill(ix, low, &bag);
    bag_fill(ix, high, &bag);
    memset(low->buckets, 0, sizeof(struct index_bucket) * SEGMENT_BUCKETS);
    low->count = 0;
    for (unsigned i = 0; i < bag.count; i++)
        segment_add(ix, low, bag.hashes[i], bag.refs[i]);
    for (uint32_t i = 0; i < SEGMENT_BUCKETS; i++)
        low->due[i] = due_min(low->due[i], high->due[i]);
    ix->due[first] = due_min(ix->due[first], ix->due[first + span]);
    ix->due[first + span] = INDEX_NO_DUE;
    for (uint32_t i = 0; i < span; i++)
        ix->directory[first + span + i] = ix->directory[first];
    if (low->depth == ix->depth)
        ix->deepest_count -= 2;
    low->depth--;
    segment_free(ix, high_ref);
    while (ix->depth > 0 && ix->deepest_count == 0)
        directory_halve(ix);
}

void index_remove(struct index *ix, uint64_t hash, uint32_t *slot)
{
    struct index_bucket *b = (struct index_bucket *)((uintptr_t)slot & ~(uintptr_t)63);
    struct index_segment *s = index_segment_of(ix, hash);
    struct index_bucket *home = &s->buckets[index_home(ix, hash)];

    b->print[slot - b->ref] = 0;
    *slot = 0;
    if (b != home) {
        b->guests--;
        if (--home->strayed == 0)
            home->reach = 0;
    }
    s->count--;
    ix->count--;
    if (__builtin_expect(ix->slot_counts != NULL, 0))
        ix->slot_counts[slot_of_hash(hash)]--;
    if (ix->count == 0)
        index_fini(ix);
    else if (s->depth > 0 && s->count < SEGMENT_SPARSE && s->count % 32 == 0)
        segment_join(ix, slot_of(ix, hash));
}

/* All references of a bucket and of those that its strays may be in, up to `max`. */
static unsigned home_refs(const struct index *ix, const struct index_segment *s, uint32_t home,
                          uint32_t *out, unsigned max)
{
    uint32_t around = (1U << ix->bucket_bits) - 1;
    unsigned count = 0;

    for (uint32_t d = 0; d <= s->buckets[home].reach; d++) {
        const struct index_bucket *b = &s->buckets[(home + d) & around];

        for (unsigned j = 0; j < INDEX_SLOTS && count < max; j++)
            if (b->print[j])
                out[count++] = b->ref[j];
    }
    return count;
}

/* Drops from refs[0..count) those whose home is another; returns how many are left. */
static unsigned keep_own(const struct index *ix, uint32_t home, uint32_t *refs, unsigned count)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++)
        if (index_home(ix, ix->hash_of(ix->ctx, heap_at(ix->heap, refs[i]))) == home)
            refs[kept++] = refs[i];
    return kept;
}

/*
 * A cursor is the depth of the segment that it was made in, a place in hash space and a home: all
 * places below are done, and in the segment of the place all homes below. Splits keep that true:
 * both halves lie above the place or share its homes.
 */
#define SCAN_DEPTH_SHIFT (32 + INDEX_SEGMENT_BITS)

/* The end of the run of places that a segment of some depth around a place covers. */
static uint64_t run_end(uint32_t place, unsigned depth)
{
    uint64_t span = 1ULL << (32 - depth);

    return (place & ~(span - 1)) + span;
}

/* True when the segment has since joined one behind it, of which no home is done: begin it again.
 */
static bool scan_was_joined(uint64_t cursor, const struct index_segment *s)
{
    unsigned depth = (unsigned)(cursor >> SCAN_DEPTH_SHIFT) & 31;
    uint32_t place = (uint32_t)(cursor >> INDEX_SEGMENT_BITS);

    return depth > s->depth && run_end(place, depth) != run_end(place, s->depth);
}

uint64_t index_scan(const struct index *ix, uint64_t cursor, void (*visit)(void *ctx, uint32_t ref),
                    void *ctx)
{
    uint32_t refs[SEGMENT_SLOTS];

    if (!ix->directory)
        return 0;
    uint32_t place = (uint32_t)(cursor >> INDEX_SEGMENT_BITS);
    uint32_t slot = (uint32_t)((uint64_t)place >> (32 - ix->depth));
    const struct index_segment *s = heap_at(ix->heap, ix->directory[slot]);
    uint32_t at = (uint32_t)cursor & (SEGMENT_BUCKETS - 1);
    if (scan_was_joined(cursor, s))
        at = 0;
    unsigned shift = INDEX_SEGMENT_BITS - ix->bucket_bits;
    const struct index_bucket *b = &s->buckets[at >> shift];
    unsigned count = home_refs(ix, s, at >> shift, refs, SEGMENT_SLOTS);

    /* Guests are visited with their own home. */
    if (b->guests || b->reach)
        count = keep_own(ix, at >> shift, refs, count);
    for (unsigned i = 0; i < count; i++)
        visit(ctx, refs[i]);
    uint32_t next = ((at >> shift) + 1) << shift;
    if (next < SEGMENT_BUCKETS)
        return (uint64_t)s->depth << SCAN_DEPTH_SHIFT | (uint64_t)place << INDEX_SEGMENT_BITS |
               next;
    uint64_t end = (uint64_t)slot_first(ix, s, slot) + (1U << (ix->depth - s->depth));
    uint64_t end_place = end << (32 - ix->depth);
    return end_place >> 32 ? 0 : end_place << INDEX_SEGMENT_BITS;
}

bool index_is_scanned(const struct index *ix, uint64_t cursor, uint64_t hash)
{
    uint32_t place = index_cursor_place(cursor);
    uint32_t at = (uint32_t)cursor & (SEGMENT_BUCKETS - 1);

    if (index_place(hash) < place)
        return true;
    if (!ix->directory)
        return false;
    const struct index_segment *s =
        heap_at(ix->heap, ix->directory[(uint32_t)((uint64_t)place >> (32 - ix->depth))]);
    bool is_within = index_segment_of(ix, hash) == s;
    return is_within && !scan_was_joined(cursor, s) && (hash & (SEGMENT_BUCKETS - 1)) < at;
}

static struct index_segment *segment_tidy(struct index *ix, uint32_t first)
{
    struct index_segment *s = heap_at(ix->heap, ix->directory[first]);
    uint32_t span = 1U << (ix->depth - s->depth);

    if (!heap_is_sparse(ix->heap, ix->directory[first]))
        return s;
    uint32_t ref = heap_move(ix->heap, ix->directory[first]);
    for (uint32_t i = 0; i < span; i++)
        ix->directory[first + i] = ref;
    return heap_at(ix->heap, ref);
}

static void bucket_tidy(struct index *ix, struct index_bucket *b, uint64_t *looked, uint64_t *moved)
{
    uint32_t sparse = 0;

    for (unsigned i = 0; i < INDEX_SLOTS; i++) {
        if (!b->print[i])
            continue;
        ++*looked;
        if (!heap_is_sparse(ix->heap, b->ref[i]))
            continue;
        sparse |= 1U << i;
        prefetch(heap_at(ix->heap, b->ref[i]));
    }
    for (unsigned i = 0; sparse; i++, sparse >>= 1) {
        /* Asked again: the slab may be the one that is filled by now. */
        if (!(sparse & 1) || !heap_is_sparse(ix->heap, b->ref[i]))
            continue;
        b->ref[i] = heap_move(ix->heap, b->ref[i]);
        ++*moved;
    }
}

uint32_t index_tidy(struct index *ix, uint32_t place, uint64_t *looked, uint64_t *moved)
{
    if (!ix->directory)
        return 0;
    uint32_t slot = (uint32_t)((uint64_t)place >> (32 - ix->depth));
    const struct index_segment *found = heap_at(ix->heap, ix->directory[slot]);
    uint32_t first = slot_first(ix, found, slot);
    struct index_segment *s = segment_tidy(ix, first);

    for (uint32_t at = 0; at < 1U << ix->bucket_bits; at++)
        bucket_tidy(ix, &s->buckets[at], looked, moved);
    uint64_t end = (uint64_t)first + (1U << (ix->depth - s->depth));
    return (uint32_t)(end << (32 - ix->depth));
}

static void each_of_segment(const struct index *ix, const struct index_segment *s,
                            void (*visit)(void *ctx, uint32_t ref), void *ctx)
{
    for (uint32_t at = 0; at < 1U << ix->bucket_bits; at++) {
        const struct index_bucket *b = &s->buckets[at];

        for (unsigned i = 0; i < INDEX_SLOTS; i++)
            if (b->print[i])
                visit(ctx, b->ref[i]);
    }
}

void index_each(const struct index *ix, void (*visit)(void *ctx, uint32_t ref), void *ctx)
{
    if (!ix->directory)
        return;
    for (uint64_t slot = 0; slot < 1ULL << ix->depth;) {
        const struct index_segment *s = heap_at(ix->heap, ix->directory[slot]);

        each_of_segment(ix, s, visit, ctx);
        slot += 1ULL << (ix->depth - s->depth);
    }
}

unsigned index_sample(const struct index *ix, uint64_t chance, uint32_t out[INDEX_SLOTS])
{
    unsigned count = 0;

    if (!ix->directory)
        return 0;
    const struct index_segment *s = index_segment_of(ix, chance);
    const struct index_bucket *b = &s->buckets[index_home(ix, chance)];
    for (unsigned j = 0; j < INDEX_SLOTS; j++)
        if (b->print[j])
            out[count++] = b->ref[j];
    return count;
}

unsigned index_sample_due(const struct index *ix, uint64_t chance,
                          uint32_t out[INDEX_SAMPLE_DUE_MAX])
{
    if (!ix->directory)
        return 0;
    uint32_t slots = 1U << ix->depth;
    uint32_t from = slot_of(ix, chance);
    for (uint32_t i = 0; i <= slots; i++) {
        uint32_t slot = (from + i) & (slots - 1);
        const struct index_segment *s = heap_at(ix->heap, ix->directory[slot]);

        if (ix->due[slot] == INDEX_NO_DUE)
            continue;
        for (uint32_t j = 0; j < 1U << ix->bucket_bits; j++) {
            uint32_t home = (index_home(ix, chance) + j) & ((1U << ix->bucket_bits) - 1);

            if (s->due[home] != INDEX_NO_DUE)
                return home_refs(ix, s, home, out, INDEX_SAMPLE_DUE_MAX);
        }
    }
    return 0;
}

void index_note_due(struct index *ix, uint64_t hash, uint16_t tick)
{
    struct index_segment *s = index_segment_of(ix, hash);
    uint32_t home = index_home(ix, hash);

    if (due_min(s->due[home], tick) == s->due[home] && s->due[home] != INDEX_NO_DUE)
        return;
    uint32_t first = slot_first(ix, s, slot_of(ix, hash));
    s->due[home] = tick;
    ix->due[first] = due_min(ix->due[first], tick);
}

static bool is_called(const struct index_due_pass *pass, uint16_t noted)
{
    return pass->is_for_all ? noted != INDEX_NO_DUE : due_is_reached(noted, pass->tick);
}

/* Settles the due homes of one segment. False when it was told to stop. */
static bool segment_due(struct index *ix, const struct index_due_pass *pass, uint32_t slot)
{
    uint32_t refs[SEGMENT_SLOTS];
    struct index_segment *s = heap_at(ix->heap, ix->directory[slot]);
    uint16_t least = INDEX_NO_DUE;
    bool stop = false;

    for (uint32_t home = 0; home < 1U << ix->bucket_bits && !stop; home++) {
        if (is_called(pass, s->due[home])) {
            unsigned count = home_refs(ix, s, home, refs, SEGMENT_SLOTS);
            uint16_t next = pass->settle(pass->ctx, refs, count, &stop);

            if (!stop)
                s->due[home] = next;
        }
        least = due_min(least, s->due[home]);
    }
    if (!stop)
        ix->due[slot] = least;
    return !stop;
}

bool index_due_sweep(struct index *ix, const struct index_due_pass *pass, uint32_t *position,
                     uint32_t budget)
{
    uint32_t slots = ix->directory ? 1U << ix->depth : 0;
    uint32_t slot = (uint32_t)((uint64_t)*position >> (32 - ix->depth));

    /* The segment may have joined one in front of it meanwhile: its notes stand at the first slot.
     */
    if (slots)
        slot = slot_first(ix, heap_at(ix->heap, ix->directory[slot]), slot);
    for (; slot < slots; slot++) {
        *position = (uint32_t)((uint64_t)slot << (32 - ix->depth));
        if (budget-- == 0)
            return false;
        if (is_called(pass, ix->due[slot]) && !segment_due(ix, pass, slot))
            return false;
    }
    *position = 0;
    return true;
}
