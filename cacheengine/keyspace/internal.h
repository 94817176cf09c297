/* What the parts of this module know of each other. */
#ifndef LARDER_KEYSPACE_INTERNAL_H
#define LARDER_KEYSPACE_INTERNAL_H

#include "cacheengine/keyspace/db.h"

/* The slot of a key, expired or not; NULL when there is none. */
static inline uint32_t *db_slot(const struct db *db, struct key k)
{
    struct index_probe p = index_probe_begin(&db->index, k.hash);

    for (uint32_t *slot; (slot = index_probe_next(&p));)
        if (entry_key_is(heap_at(&db->heap, *slot), k.ptr, k.len))
            return slot;
    return NULL;
}

/* Removes what stands in a slot, value and all. */
void db_remove_slot(struct db *db, uint64_t hash, uint32_t *slot, bool lazily);

/* Frees the value of an entry that stands OUTSIDE. */
void db_drop_outside(struct db *db, enum entry_type type, void *object, bool lazily);

/* Counts and tells a key that goes by itself: while it is still there, for its name is the entry's.
 */
void db_tell_gone(struct db *db, struct key k, enum key_event kind, const char *name, bool lazily);

/* Removes an expired key: counted, told, and not seen again. */
void db_expire_slot(struct db *db, struct key k, uint32_t *slot);

/* The coarse time of the due notes: 128 ms a tick, never INDEX_NO_DUE. */
static inline uint16_t due_tick(int64_t ms)
{
    uint16_t t = (uint16_t)(ms >> 7);

    return t ? t : 1;
}

/* The tick that is noted for a deadline: not before it, and not so far away that ticks turn over.
 */
#define DUE_HORIZON_MS (30000LL << 7)
static inline uint16_t due_tick_of_deadline(int64_t deadline_ms, int64_t now_ms)
{
    if (deadline_ms > now_ms + DUE_HORIZON_MS)
        return due_tick(now_ms + DUE_HORIZON_MS);
    return due_tick((deadline_ms < now_ms ? now_ms : deadline_ms) + 127);
}

/* Takes half of the seconds that an age can count. */
#define AGE_READ 0x800000u

/* The recency of an entry just used or just made. */
uint32_t age_touched(const struct keyspace *ks, uint32_t age);
uint32_t age_new(const struct keyspace *ks);

static inline void entry_touch(const struct keyspace *ks, struct entry *e)
{
    uint32_t age = entry_age(e);
    uint32_t now =
        ks->counts_frequency ? age_touched(ks, age) : ks->age_now | (age & ks->read_mark);

    if (age != now && !ks->spares_age)
        entry_set_age(e, now);
}

void evict_pool_free(struct evict_pool *pool);

#endif
