/*
 * Table: the members of a big collection, by their hash, each with what belongs to it.
 *
 * An entry is `width` elements (packed.h), the first of which is the member: 1 for a set, 2 for a
 * hash (field and value) or for the scores of a sorted set (member and PACKED_REAL). Entries whose
 * hashes end alike form a group, which is one packed run of a few entries in the heap of the
 * database. So a look-up costs one miss for the group's reference (4 bytes, dense) and one for its
 * run, and an entry costs its bytes, one tag per element and little more: 20 bytes take about 27.
 *
 * Groups are added and removed one at a time as entries come and go (linear hashing): group n takes
 * over its half of group n without its highest bit. There is no second table, no rehash and no
 * pause. References to groups stand in pages, which are never moved but the first.
 *
 * Entries of a hash may end: the end stands in front of the value (packed_end). A table that was
 * told so (table_know_ends) keeps beside each group's reference when the first of its entries ends,
 * so a sweep reads 8 bytes per group and touches only runs in which something is due. Such a note
 * may be too early, never too late.
 *
 * Elements longer than TABLE_INLINE_MAX stand outside as blobs (PACKED_AWAY).
 *
 * Places (`const uint8_t *`) point at the member of an entry: packed_get reads it and returns the
 * place of what belongs to it. They hold until the next change of the table.
 *
 * A table belongs to a database, which every call is told: the table keeps no address of it, for
 * databases are exchanged (SWAPDB) and cut loose (FLUSHALL ASYNC). Everything is booked to
 * db->heap.account.
 */
#ifndef LARDER_TYPES_TABLE_H
#define LARDER_TYPES_TABLE_H

#include "base/prefetch.h"
#include "cacheengine/keyspace/db.h"
#include "cacheengine/types/packed.h"

#define TABLE_INLINE_MAX 1024
#define TABLE_WIDTH_MAX  4
#define TABLE_PAGE_BITS  10 /* log2 of the group references in a page */

struct table {
    uint64_t count;    /* entries */
    uint64_t bytes;    /* in the runs of all groups */
    uint64_t held;     /* taken from heap and allocator, this struct too */
    uint64_t away;     /* elements that stand in blobs */
    uint32_t groups;   /* at least 1 */
    uint32_t pages;    /* reference of the array of references of pages */
    uint32_t page_max; /* room in it */
    uint16_t most;     /* no group ever had more entries */
    uint8_t width;
    uint8_t level; /* bits of a hash that name a group; one less where that group is not there */
    uint8_t shown; /* the type's own: what the encoding is said to be */
    bool has_ends; /* entries may end */
    uint16_t sweep_page; /* where an unfinished sweep goes on */
    uint32_t ends;       /* entries that end */
    int64_t next_ms;     /* none ends before; PACKED_NO_END */
};

/* A run in the heap. */
struct table_run {
    uint32_t len;     /* of the packed run */
    uint8_t packed[]; /* packed.h */
};

struct table *table_new(struct db *db, unsigned width);

/* Frees the table and all that belongs to it. Accepts NULL. */
void table_free(struct db *db, struct table *t);

/* The same in slices of at most `budget` groups; true when it is done. */
bool table_free_some(struct db *db, struct table *t, uint32_t budget);

/* A copy for a database of the same keyspace. */
struct table *table_copy(const struct db *from, const struct table *t, struct db *to);

/* A table of the elements of a run. */
struct table *table_of_run(struct db *db, unsigned width, const void *run, size_t len);

/* The hash that the other calls want of a member. */
uint64_t table_hash(const struct db *db, const struct packed_item *member);

/* The entry of a member, or NULL. */
const uint8_t *table_find(const struct db *db, const struct table *t, uint64_t hash,
                          const struct packed_item *member);

/* Adds an entry that is not there; `items` are `width` many. Texts are copied; the share of an AWAY
 * item passes to the table. A member must not be AWAY. */
void table_insert(struct db *db, struct table *t, uint64_t hash, const struct packed_item *items);

/* Changes the element with number `which` (1 to width - 1) of the entry at a place. The item may
 * not point into the table. Returns the place of the entry now. */
const uint8_t *table_replace(struct db *db, struct table *t, uint64_t hash, const uint8_t *at,
                             unsigned which, const struct packed_item *item);

/* Removes the entry at a place. */
void table_remove(struct db *db, struct table *t, uint64_t hash, const uint8_t *at);

/* ---- ends ---- */

/* Prepares a table of two elements per entry for entries that end. */
void table_know_ends(struct db *db, struct table *t);

/* When the entry at a place ends, or PACKED_NO_END. */
static inline int64_t table_end(const struct table *t, const uint8_t *at)
{
    return __builtin_expect(t->has_ends, 0) ? packed_end(packed_next(at)) : PACKED_NO_END;
}

/* Sets when the entry at a place ends, from 0 to PACKED_END_MAX, or that it does not
 * (PACKED_NO_END); the table must know ends. Returns the place of the entry now. */
const uint8_t *table_set_end(struct db *db, struct table *t, uint64_t hash, const uint8_t *at,
                             int64_t end_ms);

/* Entries that have ended by a time. */
uint64_t table_count_ended(const struct db *db, const struct table *t, int64_t now_ms);

/* Removes entries that have ended, each after a word to `gone`. */
struct table_sweep {
    int64_t now_ms;
    uint32_t budget; /* entries, counted down */
    void (*gone)(void *ctx, const uint8_t *at);
    void *ctx;
};

/* True when none is left that has ended; else the budget is spent. */
bool table_sweep(struct db *db, struct table *t, struct table_sweep *s);

/* ---- chance ---- */

/* An entry of even chance; the table must not be empty. */
const uint8_t *table_random(const struct db *db, const struct table *t, struct rng *rng);

/* ---- walking ---- */

/* A walk over all entries, in no order; zero begins. The table must not change meanwhile. */
struct table_walk {
    const uint8_t *at, *end; /* what is left of the present group */
    uint32_t group;          /* the next one */
};

/* The next entry, or NULL at the end. */
const uint8_t *table_next(const struct db *db, const struct table *t, struct table_walk *walk);

/*
 * Calls `visit` for the entries of the next group and returns the cursor behind it; 0 begins and 0
 * means done. A full pass sees every entry that was there from its beginning to its end, whatever
 * comes and goes meanwhile. The table must not change inside `visit`.
 */
uint64_t table_scan(const struct db *db, const struct table *t, uint64_t cursor,
                    void (*visit)(void *ctx, const uint8_t *at), void *ctx);

/* ---- batches ---- */

static inline uint32_t *table_page(const struct db *db, const struct table *t, uint32_t group)
{
    const uint32_t *pages = heap_at(&db->heap, t->pages);

    return heap_at(&db->heap, pages[group >> TABLE_PAGE_BITS]);
}

/* Where the reference of a group's run stands; the reference is 0 while the group is empty. */
static inline uint32_t *table_slot(const struct db *db, const struct table *t, uint32_t group)
{
    return table_page(db, t, group) + (group & ((1U << TABLE_PAGE_BITS) - 1));
}

static inline uint32_t table_group(const struct table *t, uint64_t hash)
{
    uint32_t mask = (uint32_t)((1ULL << t->level) - 1);
    uint32_t group = (uint32_t)hash & mask;

    return group < t->groups ? group : group & (mask >> 1);
}

/* Asks the processor for what table_find will touch: the reference, and one step later the run. */
static inline void table_prefetch_slot(const struct db *db, const struct table *t, uint64_t hash)
{
    prefetch(table_slot(db, t, table_group(t, hash)));
}

static inline void table_prefetch_run(const struct db *db, const struct table *t, uint64_t hash)
{
    prefetch_lines(heap_at(&db->heap, *table_slot(db, t, table_group(t, hash))), 3);
}

/* ---- for type_ops ---- */

/* Bytes beside the entry in the database; how much work table_free is. */
static inline size_t table_bytes(const struct table *t)
{
    return t->held;
}

static inline size_t table_weight(const struct table *t)
{
    return t->groups + t->away;
}

#endif
