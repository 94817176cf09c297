/* The databases as a whole: beginning, end, time, flushing and exchanging. */
#include "cacheengine/keyspace/keyspace.h"

#include "cacheengine/keyspace/internal.h"
#include "cacheengine/keyspace/leftover.h"

#include <stdlib.h>

static uint64_t hash_of_entry(const void *ctx, const void *item)
{
    const struct keyspace *ks = ctx;
    struct str key = entry_key(item);

    return keyspace_hash(ks, key.ptr, key.len);
}

static void db_init(struct db *db, struct keyspace *ks, int id)
{
    *db = (struct db){.ks = ks, .id = id};
    index_init(&db->index, &db->heap, hash_of_entry, ks);
    if (ks->has_slots) {
        db->index.slot_counts = calloc(SLOT_COUNT, sizeof(uint32_t));
        check(db->index.slot_counts);
    }
}

void keyspace_init(struct keyspace *ks, struct settings *settings, int db_count, int64_t now_ms)
{
    *ks = (struct keyspace){.settings = settings, .db_count = db_count};
    ks->has_slots = settings->is_clustered;
    if (ks->has_slots)
        account_add(&ks->account, (size_t)db_count * SLOT_COUNT * sizeof(uint32_t));
    hash_seed_draw(&ks->seed);
    rng_seed_system(&ks->rng);
    lazyfree_init(&ks->lazyfree);
    ks->dbs = calloc((size_t)db_count, sizeof(*ks->dbs));
    check(ks->dbs);
    account_add(&ks->account, (size_t)db_count * sizeof(*ks->dbs));
    for (int i = 0; i < db_count; i++)
        db_init(&ks->dbs[i], ks, i);
    keyspace_apply_settings(ks);
    keyspace_set_now(ks, now_ms);
    keyspace_set_passed(ks, now_ms);
}

void keyspace_fini(struct keyspace *ks)
{
    if (!ks->dbs)
        return;
    keyspace_flush(ks, -1, false);
    lazyfree_fini(&ks->lazyfree);
    evict_pool_free(ks->evict_pool);
    effects_fini(ks);
    for (int i = 0; i < ks->db_count; i++)
        free(ks->dbs[i].index.slot_counts);
    free(ks->dbs);
    *ks = (struct keyspace){0};
}

void keyspace_set_type(struct keyspace *ks, enum entry_type type, const struct type_ops *ops)
{
    ks->types[type] = ops;
}

void keyspace_set_now(struct keyspace *ks, int64_t now_ms)
{
    ks->now_ms = now_ms;
}

void keyspace_set_passed(struct keyspace *ks, int64_t passed_ms)
{
    ks->passed_ms = passed_ms;
    ks->age_now = (uint32_t)(passed_ms / 1000) & 0xffffff & ~ks->read_mark;
    ks->minutes_now = (uint32_t)(passed_ms / 60000) & 0xffff;
}

void keyspace_apply_settings(struct keyspace *ks)
{
    int64_t policy = ks->settings->evict_policy;

    ks->counts_frequency = policy == EVICT_ALLKEYS_LFU || policy == EVICT_VOLATILE_LFU;
    /* A counter of uses says it by itself. */
    ks->read_mark = ks->notes_reads && !ks->counts_frequency ? AGE_READ : 0;
    keyspace_set_passed(ks, ks->passed_ms);
}

void keyspace_note_reads(struct keyspace *ks)
{
    ks->notes_reads = true;
    keyspace_apply_settings(ks);
}

size_t keyspace_used_bytes(struct keyspace *ks)
{
    lazyfree_settle(&ks->lazyfree, &ks->account);
    return ks->account.used_bytes;
}

uint64_t keyspace_count(const struct keyspace *ks)
{
    uint64_t count = 0;

    for (int i = 0; i < ks->db_count; i++)
        count += db_count(&ks->dbs[i]);
    return count;
}

/* ---- flushing ---- */

/* A database cut loose from the keyspace: whoever holds it frees it. */
struct loose_db {
    struct db db;
    struct account account;   /* what it is booked to now */
    struct keyspace keyspace; /* the parts that type_ops may look at: types and settings */
};

static void drop_visit(void *ctx, uint32_t ref)
{
    struct db *db = ctx;
    struct entry *e = heap_at(&db->heap, ref);

    if (entry_form(e) != FORM_OUTSIDE || !entry_outside(e))
        return;
    if (entry_type(e) == TYPE_STRING)
        blob_drop(db->heap.account, entry_outside(e));
    else
        db->ks->types[entry_type(e)]->drop(db, entry_outside(e));
    /* A scan may meet an entry twice. */
    entry_set_outside(e, NULL);
}

static uint64_t loose_db_free(void *object)
{
    struct loose_db *loose = object;
    struct db *db = &loose->db;
    uint64_t cursor = 0;

    leftover_drop(db);
    if (db->outside > 0)
        do
            cursor = index_scan(&db->index, cursor, drop_visit, db);
        while (cursor);
    index_fini(&db->index);
    free(db->index.slot_counts);
    heap_close(&db->heap);
    /* What stood outside was booked to the keyspace and has gone below zero here. */
    uint64_t outside_bytes = 0 - (uint64_t)loose->account.used_bytes;
    free(loose);
    return outside_bytes;
}

static struct loose_db *db_cut_loose(struct db *db)
{
    struct keyspace *ks = db->ks;
    struct loose_db *loose = calloc(1, sizeof(*loose));
    size_t directory_bytes = index_directory_bytes(&db->index);

    check(loose);
    loose->db = *db;
    loose->keyspace.settings = ks->settings;
    memcpy(loose->keyspace.types, ks->types, sizeof(ks->types));
    loose->keyspace.leftover_count = db->leftover_count;
    ks->leftover_count -= db->leftover_count;
    loose->db.ks = &loose->keyspace;
    loose->db.index.heap = &loose->db.heap;
    heap_rebook(&loose->db.heap, &loose->account);
    account_sub(&ks->account, directory_bytes);
    account_add(&loose->account, directory_bytes);
    db_init(db, ks, db->id);
    return loose;
}

static uint64_t db_flush(struct db *db, bool in_background)
{
    uint64_t count = db_count(db);

    if (!db->heap.base)
        return 0;
    struct loose_db *loose = db_cut_loose(db);
    if (in_background)
        lazyfree_hand(&db->ks->lazyfree, loose_db_free, loose, count);
    else
        account_sub(&db->ks->account, loose_db_free(loose));
    return count;
}

uint64_t keyspace_flush(struct keyspace *ks, int id, bool in_background)
{
    uint64_t count = 0;

    if (id >= 0)
        return db_flush(&ks->dbs[id], in_background);
    for (int i = 0; i < ks->db_count; i++)
        count += db_flush(&ks->dbs[i], in_background);
    return count;
}

void keyspace_flush_due(struct keyspace *ks)
{
    if (ks->flush_at_ms == 0 || ks->now_ms < ks->flush_at_ms)
        return;
    ks->flush_at_ms = 0;
    ks->dirty += keyspace_flush(ks, -1, true) + 1;
}

/* Exchanges what two databases hold; their numbers stay. */
static void db_exchange(struct db *a, struct db *b)
{
    struct db swap = *a;
    int a_id = a->id, b_id = b->id;

    *a = *b;
    *b = swap;
    a->id = a_id;
    b->id = b_id;
    a->index.heap = &a->heap;
    b->index.heap = &b->heap;
}

void keyspace_swap(struct keyspace *ks, int a, int b)
{
    db_exchange(&ks->dbs[a], &ks->dbs[b]);
}

/* ---- databases apart ---- */

struct db *keyspace_dbs_new(struct keyspace *ks)
{
    struct db *dbs = calloc((size_t)ks->db_count, sizeof(*dbs));

    check(dbs);
    for (int i = 0; i < ks->db_count; i++)
        db_init(&dbs[i], ks, i);
    return dbs;
}

void keyspace_dbs_exchange(struct keyspace *ks, struct db *apart)
{
    for (int i = 0; i < ks->db_count; i++)
        db_exchange(&ks->dbs[i], &apart[i]);
}

static void dbs_free(struct keyspace *ks, struct db *apart, bool in_background)
{
    for (int i = 0; apart && i < ks->db_count; i++)
        db_flush(&apart[i], in_background);
    for (int i = 0; apart && i < ks->db_count; i++)
        free(apart[i].index.slot_counts);
    free(apart);
}

void keyspace_dbs_free(struct keyspace *ks, struct db *apart)
{
    dbs_free(ks, apart, false);
}

void keyspace_dbs_free_aside(struct keyspace *ks, struct db *apart)
{
    dbs_free(ks, apart, true);
}
