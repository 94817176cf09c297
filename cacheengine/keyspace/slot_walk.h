/*
 * A walk over the keys of some slots, in small steps, while the database changes between them.
 *
 * It meets every key at least once that was there from its beginning to its end; of any other key
 * slot_walk_is_past says whether the walk may still come to it. Only in cluster mode.
 */
#ifndef LARDER_KEYSPACE_SLOT_WALK_H
#define LARDER_KEYSPACE_SLOT_WALK_H

#include "cacheengine/keyspace/db.h"

struct slot_walk {
    const struct slot_set *slots; /* borrowed */
    uint32_t group;               /* of slots, where it stands; SLOT_GROUPS: it is at its end */
    uint64_t cursor;              /* of the index, within the group */
};

/* Begins one; the set must outlive it and not change. */
void slot_walk_init(struct slot_walk *w, const struct slot_set *slots);

static inline bool slot_walk_is_done(const struct slot_walk *w)
{
    return w->group == SLOT_GROUPS;
}

/* Calls `visit` for the keys of the next place, expired ones among them, and moves on. The database
 * must not change inside `visit`. */
void slot_walk_step(struct slot_walk *w, struct db *db, void (*visit)(void *ctx, struct entry *e),
                    void *ctx);

/* True when the walk does not come to a key of this hash any more, unless segments of the index
 * join before: then it may turn false again. */
bool slot_walk_is_past(const struct slot_walk *w, const struct db *db, uint64_t hash);

/* How many keys a slot has, expired ones among them; the same of a set. */
static inline uint32_t db_slot_count(const struct db *db, uint32_t slot)
{
    return db->index.slot_counts ? db->index.slot_counts[slot] : 0;
}
uint64_t db_slots_count(const struct db *db, const struct slot_set *slots);

/* All keys but the hidden ones. */
static inline uint64_t db_shown_count(const struct db *db)
{
    uint64_t hidden = db->ks->hidden ? db_slots_count(db, db->ks->hidden) : 0;

    return db_count(db) - hidden;
}

#endif
