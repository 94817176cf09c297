/*
 * The index: from a 64-bit hash to 32-bit references, in buckets of one cache line.
 *
 * A bucket holds 12 references and a byte of each one's hash beside them, so a lookup costs one
 * miss for the bucket and one for the entry, and a key that is not there mostly costs only the
 * first. Buckets come in segments of 64 (4 KiB and a header) below a directory: extendible hashing.
 * A full segment splits alone, some hundred entries at a time, so there is no second table, no
 * rehash in the background and no pause. The directory is cut over a skewed image of the hash
 * (index_place), in which some segments are half as dense as others: they split at different times
 * and the fill of the whole stays even while it grows.
 *
 * An entry that finds its bucket full goes into one of the next few; the home bucket notes how far.
 *
 * Cursors (index_scan) name a place in hash space, not in memory: a full pass sees every entry that
 * was there from its beginning to its end at least once, whatever splits or joins meanwhile.
 *
 * The index does not know what references point at; `hash_of` is told at init.
 */
#ifndef LARDER_KEYSPACE_INDEX_H
#define LARDER_KEYSPACE_INDEX_H

#include "base/prefetch.h"
#include "cacheengine/keyspace/heap.h"
#include "cacheengine/keyspace/slot.h"

#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define INDEX_SLOTS        12
#define INDEX_SEGMENT_BITS 6
#define INDEX_REACH        12 /* how many buckets behind its home an entry may stand */
#define INDEX_NO_DUE       0  /* a due tick that stands for "never" */

struct index_bucket {
    uint8_t print[INDEX_SLOTS]; /* a byte of the hash, never 0; 0 = the slot is free */
    uint8_t strayed;            /* entries whose home this is but that stand in another bucket */
    uint8_t reach;              /* the furthest of them */
    uint16_t guests;            /* entries in this bucket whose home is another */
    uint32_t ref[INDEX_SLOTS];
} __attribute__((aligned(64)));

struct index_segment {
    uint32_t count; /* entries */
    uint8_t depth;  /* bits of the directory that lead here */
    uint8_t pad[59];
    uint16_t due[1 << INDEX_SEGMENT_BITS]; /* per home: no entry of it is due before this tick */
    uint8_t room[64];
    struct index_bucket buckets[];
} __attribute__((aligned(64)));

struct index {
    struct heap *heap;
    uint32_t *directory;   /* 2^depth references of segments; NULL while empty */
    uint16_t *due;         /* beside it: the earliest due tick of the segment, at its first slot */
    uint32_t *slot_counts; /* entries by the slot in their hash; NULL: not counted. Its owner's */
    uint64_t count;
    uint32_t segment_count;
    uint32_t deepest_count; /* segments that the whole depth leads to */
    uint8_t depth;          /* log2 of the directory's slots */
    uint8_t bucket_bits;    /* log2 of a segment's buckets: smaller only while there is but one */
    uint64_t (*hash_of)(const void *ctx, const void *item); /* the full hash of a stored item */
    const void *ctx;
};

/* References that the present buckets could hold at most. */
static inline uint64_t index_room(const struct index *ix)
{
    return ((uint64_t)ix->segment_count * INDEX_SLOTS) << ix->bucket_bits;
}

void index_init(struct index *ix, struct heap *heap,
                uint64_t (*hash_of)(const void *ctx, const void *item), const void *ctx);

/* Forgets all entries and gives the buckets back. The items stay their owner's. */
void index_fini(struct index *ix);

/* Adds a reference that is not there yet. Existing slots may move. */
void index_insert(struct index *ix, uint64_t hash, uint32_t ref);

/* Removes what stands in a slot that a probe with this hash has found. Slots may move. */
void index_remove(struct index *ix, uint64_t hash, uint32_t *slot);

/* Bytes outside the heap: the directory. */
size_t index_directory_bytes(const struct index *ix);

/*
 * Calls `visit` for the entries of the next place and returns the cursor behind it; 0 begins and 0
 * means done. The index must not change inside `visit`. A pass during which it does not change at
 * all meets every entry exactly once.
 */
uint64_t index_scan(const struct index *ix, uint64_t cursor, void (*visit)(void *ctx, uint32_t ref),
                    void *ctx);

/* The cursor of a pass that begins with a hash, and sees what may have it or a higher one. */
static inline uint64_t index_cursor(uint64_t hash);

/* The place that a cursor leads to: entries of lower places are done. */
static inline uint32_t index_cursor_place(uint64_t cursor)
{
    return (uint32_t)(cursor >> INDEX_SEGMENT_BITS);
}

/* True when a pass that stands at the cursor does not come to an entry of this hash any more. It
 * may turn false again for a hash (segments were joined, and the pass goes through them anew), but
 * not true unless the cursor moves on. */
bool index_is_scanned(const struct index *ix, uint64_t cursor, uint64_t hash);

/*
 * Moves the segment at a place of hash space, and the items that it lists, out of sparse slabs
 * (heap_is_sparse): nothing but this index may refer to them. Counts them in *looked and *moved.
 * Returns the place of the next segment; 0 begins, and 0 ends.
 */
uint32_t index_tidy(struct index *ix, uint32_t place, uint64_t *looked, uint64_t *moved);

/* Calls `visit` for every entry, in the order in which they stand. The index must not change
 * meanwhile. Does not look at the items themselves, so a visit may fetch them ahead of their use.
 */
void index_each(const struct index *ix, void (*visit)(void *ctx, uint32_t ref), void *ctx);

/* Collects the references of one bucket chosen by `chance` (a random number), at most INDEX_SLOTS.
 * Returns how many; may be 0 although the index is not empty: draw again. */
unsigned index_sample(const struct index *ix, uint64_t chance, uint32_t out[INDEX_SLOTS]);

/* The same for homes that are noted to hold something due some day: the first from a chosen one on.
 * 0 only when there is none at all. Gives up to 4 * INDEX_SLOTS references. */
#define INDEX_SAMPLE_DUE_MAX (4 * INDEX_SLOTS)
unsigned index_sample_due(const struct index *ix, uint64_t chance,
                          uint32_t out[INDEX_SAMPLE_DUE_MAX]);

/* Notes that the entry of this hash is due at a tick (modulo 2^16, not INDEX_NO_DUE). */
void index_note_due(struct index *ix, uint64_t hash, uint16_t tick);

/*
 * Looks at up to `budget` directory slots from *position on for homes that are due at `tick`. For
 * each one calls `settle` with all references that may live there; it returns the earliest tick at
 * which one of them is due in future, or INDEX_NO_DUE. `settle` must not change the index: it
 * collects. Stops early when `settle` says so through *stop. Returns true when the end was reached
 * (and *position is 0; it is a place in hash
 * space, so that it keeps its meaning while the directory changes).
 */
struct index_due_pass {
    uint16_t tick;
    bool is_for_all; /* every home with a note, whatever it says: ticks mean nothing any more */
    uint16_t (*settle)(void *ctx, const uint32_t *refs, unsigned count, bool *stop);
    void *ctx;
};
bool index_due_sweep(struct index *ix, const struct index_due_pass *pass, uint32_t *position,
                     uint32_t budget);

/* Where a hash stands in the directory's space: monotone, twice as dense at one end as at the
 * other. */
static inline uint32_t index_place(uint64_t hash)
{
    uint64_t h = hash >> 32;

    return (uint32_t)(((2 * h + ((h * h) >> 32)) * 0x55555555ULL) >> 32);
}

static inline uint64_t index_cursor(uint64_t hash)
{
    return (uint64_t)index_place(hash) << INDEX_SEGMENT_BITS;
}

static inline uint8_t index_print(uint64_t hash)
{
    uint8_t p = (uint8_t)(hash >> 8);

    return p ? p : 1;
}

static inline struct index_segment *index_segment_of(const struct index *ix, uint64_t hash)
{
    uint32_t slot = (uint32_t)((uint64_t)index_place(hash) >> (32 - ix->depth));

    return heap_at(ix->heap, ix->directory[slot]);
}

/* The bucket of a hash within its segment. Its order survives the doubling of a lone segment. */
static inline uint32_t index_home(const struct index *ix, uint64_t hash)
{
    return (uint32_t)(hash & ((1 << INDEX_SEGMENT_BITS) - 1)) >>
           (INDEX_SEGMENT_BITS - ix->bucket_bits);
}

/* A bit per slot whose fingerprint is `print`. */
static inline uint32_t index_bucket_match(const struct index_bucket *b, uint8_t print)
{
#ifdef __SSE2__
    __m128i prints = _mm_load_si128((const __m128i *)(const void *)b->print);

    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(prints, _mm_set1_epi8((char)print))) & 0xfff;
#else
    uint32_t mask = 0;

    for (unsigned i = 0; i < INDEX_SLOTS; i++)
        mask |= (uint32_t)(b->print[i] == print) << i;
    return mask;
#endif
}

/* A walk over the slots that may hold a hash. */
struct index_probe {
    struct index_segment *segment;
    struct index_bucket *bucket;
    uint32_t mask;   /* candidates left in this bucket */
    uint32_t at;     /* its number */
    uint32_t around; /* mask of bucket numbers */
    uint8_t left;    /* buckets behind it that may hold strays */
    uint8_t print;
};

static inline struct index_probe index_probe_begin(const struct index *ix, uint64_t hash)
{
    struct index_probe p = {0};

    if (!ix->directory)
        return p;
    p.segment = index_segment_of(ix, hash);
    p.at = index_home(ix, hash);
    p.around = (1U << ix->bucket_bits) - 1;
    p.bucket = &p.segment->buckets[p.at];
    p.print = index_print(hash);
    p.left = p.bucket->reach;
    p.mask = index_bucket_match(p.bucket, p.print);
    return p;
}

/* The next slot to compare, or NULL. */
static inline uint32_t *index_probe_next(struct index_probe *p)
{
    while (!p->mask) {
        if (!p->left)
            return NULL;
        p->left--;
        p->at = (p->at + 1) & p->around;
        p->bucket = &p->segment->buckets[p->at];
        p->mask = index_bucket_match(p->bucket, p->print);
    }
    unsigned slot = (unsigned)__builtin_ctz(p->mask);
    p->mask &= p->mask - 1;
    return &p->bucket->ref[slot];
}

/* Asks the processor for the bucket of a hash; the segment's header is not touched. */
static inline void index_prefetch(const struct index *ix, uint64_t hash)
{
    if (ix->directory)
        prefetch(&index_segment_of(ix, hash)->buckets[index_home(ix, hash)]);
}

/* Asks for the first item that the bucket of a hash proposes (two lines of it). */
static inline void index_prefetch_item(const struct index *ix, uint64_t hash)
{
    if (!ix->directory)
        return;
    const struct index_bucket *b = &index_segment_of(ix, hash)->buckets[index_home(ix, hash)];
    uint32_t mask = index_bucket_match(b, index_print(hash));
    if (!mask)
        return;
    const void *item = heap_at(ix->heap, b->ref[__builtin_ctz(mask)]);
    prefetch_lines(item, 2);
}

#endif
