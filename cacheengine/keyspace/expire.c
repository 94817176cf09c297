/*
 * Active expiry. The one idea: every home bucket knows the earliest tick at which one of its
 * entries is due, and the directory knows it of every segment, so a sweep reads two bytes per
 * segment and touches only buckets in which something really is due. Noting a deadline costs no
 * memory and is never undone: a note that is too early is found out, and corrected, when its time
 * has come.
 */
#include "base/prefetch.h"
#include "cacheengine/keyspace/internal.h"

#include <stdlib.h>
#include <time.h>

#define SWEEP_STEP 256 /* directory slots between looks at the clock */
#define DUE_MAX    512 /* keys collected before they are removed */
#define ENDED_MAX  64  /* keys collected of whose elements some have ended */
#define ENDED_STEP 64  /* elements removed between looks at the clock */

/* Notes are ticks of 16 bits, up to DUE_HORIZON_MS ahead: this much later some would seem to lie in
 * the future again. */
#define NOTES_HOLD_MS 300000

/* Keys that are hidden end when they are not any more: they are looked at again so much later. */
#define HIDDEN_MS 1000

struct due_keys {
    struct db *db;
    unsigned count, ended_count;
    uint32_t refs[DUE_MAX];
    uint32_t ended[ENDED_MAX];
};

/* What a collected entry's deadline is set to: it can be met again, as a stray of another home. */
#define COLLECTED_MS 0

static bool is_noted(const struct due_keys *due, uint32_t ref)
{
    for (unsigned i = 0; i < due->ended_count; i++)
        if (due->ended[i] == ref)
            return true;
    return false;
}

/* Collects a key whose first element has ended; else says when it does. */
static void settle_elements(struct due_keys *due, const struct entry *e, uint32_t ref,
                            int64_t *next_ms)
{
    int64_t end_ms = db_next_end(due->db, e);

    if (end_ms == NO_DEADLINE)
        return;
    if (end_ms > due->db->ks->now_ms) {
        if (end_ms < *next_ms)
            *next_ms = end_ms;
    } else if (keyspace_hides(due->db->ks, entry_key(e)) || due->ended_count == ENDED_MAX) {
        if (*next_ms > due->db->ks->now_ms + HIDDEN_MS)
            *next_ms = due->db->ks->now_ms + HIDDEN_MS;
    } else if (!is_noted(due, ref)) {
        due->ended[due->ended_count++] = ref;
    }
}

static uint16_t settle(void *ctx, const uint32_t *refs, unsigned count, bool *stop)
{
    struct due_keys *due = ctx;
    const struct db *db = due->db;
    int64_t next_ms = INT64_MAX;

    if ((due->count + count > DUE_MAX && due->count > 0) ||
        (due->ended_count + count > ENDED_MAX && due->ended_count > 0)) {
        *stop = true;
        return INDEX_NO_DUE;
    }
    for (unsigned i = 0; i < count; i++)
        prefetch(heap_at(&db->heap, refs[i]));
    for (unsigned i = 0; i < count; i++) {
        struct entry *e = heap_at(&db->heap, refs[i]);

        if (db->with_ends > 0 && !db_is_expired(db, e))
            settle_elements(due, e, refs[i], &next_ms);
        if (!entry_has_deadline(e) || entry_deadline(e) == COLLECTED_MS)
            continue;
        if (keyspace_hides(db->ks, entry_key(e))) {
            if (next_ms > db->ks->now_ms + HIDDEN_MS)
                next_ms = db->ks->now_ms + HIDDEN_MS;
        } else if (db_is_expired(db, e) && due->count < DUE_MAX) {
            entry_store_deadline(e, COLLECTED_MS);
            due->refs[due->count++] = refs[i];
        } else if (entry_deadline(e) < next_ms) {
            next_ms = entry_deadline(e);
        }
    }
    return next_ms == INT64_MAX ? INDEX_NO_DUE : due_tick_of_deadline(next_ms, db->ks->now_ms);
}

static void remove_collected(struct due_keys *due)
{
    struct db *db = due->db;

    for (unsigned i = 0; i < due->count; i++) {
        struct key k = keyspace_key(db->ks, entry_key(heap_at(&db->heap, due->refs[i])));

        db_expire_slot(db, k, db_slot(db, k));
    }
    due->count = 0;
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Removes ended elements of the collected keys, some of each at least. False where time does not
 * suffice for all: they are noted as due. */
static bool remove_elements(struct due_keys *due, int64_t end_us)
{
    struct db *db = due->db;
    bool is_done = true;

    for (unsigned i = 0; i < due->ended_count; i++) {
        struct entry *e = heap_at(&db->heap, due->ended[i]);
        const struct type_ops *ops = db->ks->types[entry_type(e)];
        struct key k = keyspace_key(db->ks, entry_key(e));
        int64_t next_ms;

        do
            next_ms = ops->expire_some(db, k, e, ENDED_STEP);
        while (next_ms != NO_DEADLINE && next_ms <= db->ks->now_ms && now_us() <= end_us);
        is_done = is_done && (next_ms == NO_DEADLINE || next_ms > db->ks->now_ms);
        if (next_ms != NO_DEADLINE)
            index_note_due(&db->index, k.hash,
                           next_ms <= db->ks->now_ms
                               ? due_tick(db->ks->now_ms)
                               : due_tick_of_deadline(next_ms, db->ks->now_ms));
    }
    due->ended_count = 0;
    return is_done;
}

/* When the clock was set or the sweep rested for long, the notes are made anew. */
static void doubt_notes(struct db *db)
{
    if (db->sweeps_all || llabs(db->ks->now_ms - db->swept_ms) <= NOTES_HOLD_MS)
        return;
    db->sweeps_all = true;
    db->sweep_at = 0;
}

/* Sweeps one database. False when the time was up first. */
static bool sweep_db(struct db *db, int64_t end_us)
{
    struct due_keys due = {.db = db};
    struct index_due_pass pass = {.tick = due_tick(db->ks->now_ms),
                                  .is_for_all = db->sweeps_all,
                                  .settle = settle,
                                  .ctx = &due};
    bool is_done = false;

    while (!is_done) {
        is_done = index_due_sweep(&db->index, &pass, &db->sweep_at, SWEEP_STEP);
        remove_collected(&due);
        if (!remove_elements(&due, end_us) || (!is_done && now_us() > end_us))
            return false;
        if (db->with_deadline == 0 && db->with_ends == 0)
            break;
    }
    return true;
}

bool keyspace_expire_some(struct keyspace *ks, int64_t budget_us)
{
    int64_t end_us = now_us() + budget_us;

    if (ks->is_expiry_paused || ks->hides_expired || ks->stands_still)
        return true;
    for (int i = 0; i < ks->db_count; i++) {
        struct db *db = &ks->dbs[ks->expire_db % ks->db_count];

        doubt_notes(db);
        if ((db->with_deadline > 0 || db->with_ends > 0) && !sweep_db(db, end_us))
            return false;
        db->sweeps_all = false;
        db->swept_ms = ks->now_ms;
        ks->expire_db = (ks->expire_db + 1) % ks->db_count;
    }
    return true;
}
