/*
 * A packed run that is the value of an entry: small collections stand beside their key, with no
 * allocation of their own. Offsets count from the beginning of the run.
 */
#ifndef LARDER_TYPES_PACKED_VALUE_H
#define LARDER_TYPES_PACKED_VALUE_H

#include "cacheengine/keyspace/db.h"
#include "cacheengine/types/packed.h"

static inline uint8_t *packed_value_run(const struct entry *e)
{
    return (uint8_t *)entry_value((struct entry *)e);
}

/* A change of a run: `had` bytes at `at` become these items. */
struct packed_change {
    size_t at, had;
    const struct packed_item *items; /* may not point into the database */
    unsigned item_count;
    int count_delta; /* elements more (or less) afterwards */
};

/* The length of a run of `len` bytes after the change. */
size_t packed_change_len(size_t len, const struct packed_change *change);

/* Carries it out; the run fits afterwards too (db_plain_max). Returns where the entry stands now.
 */
struct entry *packed_value_change(struct db *db, struct key k, struct entry *e,
                                  const struct packed_change *change);

/* Puts items at the end. */
struct entry *packed_value_append(struct db *db, struct key k, struct entry *e,
                                  const struct packed_item *items, unsigned item_count);

/* Removes `count` elements from a place on. */
struct entry *packed_value_remove(struct db *db, struct key k, struct entry *e, const uint8_t *at,
                                  unsigned count);

#endif
