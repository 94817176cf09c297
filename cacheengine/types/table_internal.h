/* What the files of the table know of each other: runs, and the notes of when entries end. */
#ifndef LARDER_TYPES_TABLE_INTERNAL_H
#define LARDER_TYPES_TABLE_INTERNAL_H

#include "cacheengine/types/table.h"

#define PAGE_GROUPS (1U << TABLE_PAGE_BITS)
#define PAGE_FIRST  8 /* groups that the first page has room for at the beginning */

static inline struct table_run *run_at(const struct db *db, uint32_t ref)
{
    return heap_at(&db->heap, ref);
}

static inline const uint8_t *run_end(const struct table_run *run)
{
    return run->packed + run->len;
}

/* Gives the run of a slot room for `len` bytes, keeping what it has of them. */
struct table_run *run_fit(struct db *db, struct table *t, uint32_t *slot, size_t len);

/* How many groups a page has room for: the first one grows by doubling. */
static inline uint32_t page_room(const struct table *t, uint32_t page)
{
    if (page > 0 || t->groups > PAGE_GROUPS / 2)
        return PAGE_GROUPS;
    return t->groups <= PAGE_FIRST ? PAGE_FIRST : 1U << (32 - __builtin_clz(t->groups - 1));
}

/* The note of a group in a table that knows ends: none of its entries ends before. The notes of a
 * page stand behind its references. */
static inline int64_t *table_note(const struct db *db, const struct table *t, uint32_t group)
{
    uint32_t *refs = table_page(db, t, group), room = page_room(t, group >> TABLE_PAGE_BITS);

    return (int64_t *)(void *)(refs + room) + (group & (PAGE_GROUPS - 1));
}

/* Notes that something of a group ends, maybe before all else there. */
static inline void note_end(const struct db *db, const struct table *t, uint32_t group,
                            int64_t end_ms)
{
    int64_t *note = table_note(db, t, group);

    if (end_ms < *note)
        *note = end_ms;
}

#endif
