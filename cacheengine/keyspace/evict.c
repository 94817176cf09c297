/*
 * Eviction. The one idea: a bucket is a sample of up to twelve keys for one cache miss, and the
 * best candidates of earlier samples are kept in a small pool by hash, so that each victim is the
 * best of many although few are looked at.
 */
#include "base/prefetch.h"
#include "cacheengine/keyspace/internal.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define FREE_SLICE_US 500
#define POOL_SIZE     16
#define LFU_START     5
#define LATE_LIMIT_US 50
#define TRIES_MAX     64 /* empty samples of one database before another is tried */

struct evict_candidate {
    uint64_t hash;
    uint64_t score; /* the higher the better a victim */
    int db;
};

struct evict_pool {
    unsigned count;
    struct evict_candidate best[POOL_SIZE]; /* by score, ascending */
};

void evict_pool_free(struct evict_pool *pool)
{
    free(pool);
}

/* ---- recency and frequency ---- */

/* The counter after the minutes that have passed. */
static uint32_t lfu_decayed(const struct keyspace *ks, uint32_t age)
{
    uint32_t counter = age & 0xff;
    uint32_t passed = (ks->minutes_now - (age >> 8)) & 0xffff;
    int64_t step = ks->settings->lfu_decay_minutes;
    uint32_t periods = step > 0 ? passed / (uint32_t)step : 0;

    return periods >= counter ? 0 : counter - periods;
}

uint32_t age_touched(const struct keyspace *ks, uint32_t age)
{
    uint32_t counter = lfu_decayed(ks, age);
    uint32_t above = counter > LFU_START ? counter - LFU_START : 0;

    if (counter < 255) {
        /* One in (above * factor + 1) uses counts. The generator's state is not the policy's. */
        uint64_t chance = rng_next((struct rng *)&ks->rng) >> 32;
        uint64_t base = above * (uint64_t)ks->settings->lfu_log_factor + 1;

        counter += chance * base < 1ULL << 32;
    }
    return ks->minutes_now << 8 | counter;
}

uint32_t age_new(const struct keyspace *ks)
{
    return ks->counts_frequency ? ks->minutes_now << 8 | LFU_START : ks->age_now;
}

uint32_t db_idle_s(const struct db *db, const struct entry *e)
{
    return (db->ks->age_now - entry_age(e)) & (0xffffff & ~db->ks->read_mark);
}

uint8_t db_frequency(const struct db *db, const struct entry *e)
{
    return (uint8_t)lfu_decayed(db->ks, entry_age(e));
}

void db_set_idle_s(const struct db *db, struct entry *e, uint64_t idle_s)
{
    /* What is longer ago than can be noted is as long ago as can be noted. */
    if (!db->ks->counts_frequency)
        entry_set_age(e, (db->ks->age_now - (idle_s < 0xffffff ? (uint32_t)idle_s : 0xffffff)) &
                             0xffffff & ~db->ks->read_mark);
}

uint32_t db_unused_s(const struct db *db, const struct entry *e)
{
    if (!db->ks->counts_frequency)
        return db_idle_s(db, e);
    return 60 * ((db->ks->minutes_now - (entry_age(e) >> 8)) & 0xffff);
}

bool db_was_read(const struct db *db, const struct entry *e)
{
    if (db->ks->counts_frequency)
        return db_frequency(db, e) > LFU_START;
    return entry_age(e) & db->ks->read_mark;
}

void db_set_frequency(const struct db *db, struct entry *e, uint8_t frequency)
{
    if (db->ks->counts_frequency)
        entry_set_age(e, db->ks->minutes_now << 8 | frequency);
}

/* ---- policies ---- */

static uint64_t score_idle(const struct db *db, const struct entry *e)
{
    return db_idle_s(db, e);
}

/* Of keys used equally often, the one not used for longer. */
static uint64_t score_rare(const struct db *db, const struct entry *e)
{
    uint32_t idle_minutes = (db->ks->minutes_now - (entry_age(e) >> 8)) & 0xffff;

    return (uint64_t)(255 - db_frequency(db, e)) << 16 | idle_minutes;
}

static uint64_t score_soon(const struct db *db, const struct entry *e)
{
    (void)db;
    return UINT64_MAX - (uint64_t)entry_deadline(e);
}

static const struct policy {
    uint64_t (*score)(const struct db *db, const struct entry *e); /* NULL: any key will do */
    bool is_volatile;
} policies[] = {
    [EVICT_ALLKEYS_LRU] = {score_idle, false},
      [EVICT_VOLATILE_LRU] = {score_idle, true },
    [EVICT_ALLKEYS_LFU] = {score_rare, false},
      [EVICT_VOLATILE_LFU] = {score_rare, true },
    [EVICT_ALLKEYS_RANDOM] = {NULL,       false},
      [EVICT_VOLATILE_RANDOM] = {NULL,       true },
    [EVICT_VOLATILE_TTL] = {score_soon, true },
};

/* Draws the keys of one place; keys that the policy spares are left out. */
static unsigned draw(struct db *db, const struct policy *p, struct entry **out)
{
    uint32_t refs[INDEX_SAMPLE_DUE_MAX];
    uint64_t chance = rng_next(&db->ks->rng);
    unsigned count = 0, drawn;

    if (p->is_volatile)
        drawn = index_sample_due(&db->index, chance, refs);
    else
        drawn = index_sample(&db->index, chance, refs);
    for (unsigned i = 0; i < drawn; i++)
        prefetch(heap_at(&db->heap, refs[i]));
    for (unsigned i = 0; i < drawn; i++) {
        struct entry *e = heap_at(&db->heap, refs[i]);

        /* What is on its way here is its present owner's to evict. */
        if ((!p->is_volatile || entry_has_deadline(e)) && !keyspace_hides(db->ks, entry_key(e)))
            out[count++] = e;
    }
    return count;
}

static uint64_t eligible(const struct db *db, const struct policy *p)
{
    return p->is_volatile ? db->with_deadline : db_count(db);
}

/* ---- the pool ---- */

static bool pool_has(const struct evict_pool *pool, uint64_t hash, int db)
{
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->best[i].hash == hash && pool->best[i].db == db)
            return true;
    return false;
}

/* Keeps a candidate when it is among the best. */
static void pool_offer(struct evict_pool *pool, struct evict_candidate c)
{
    unsigned at = 0;

    while (at < pool->count && pool->best[at].score < c.score)
        at++;
    if (pool->count < POOL_SIZE) {
        memmove(&pool->best[at + 1], &pool->best[at], (pool->count - at) * sizeof(c));
        pool->best[at] = c;
        pool->count++;
    } else if (at > 0) {
        memmove(&pool->best[0], &pool->best[1], (at - 1) * sizeof(c));
        pool->best[at - 1] = c;
    }
}

static void pool_sample(struct keyspace *ks, struct db *db, const struct policy *p)
{
    struct entry *drawn[INDEX_SAMPLE_DUE_MAX];
    struct evict_pool *pool = ks->evict_pool;
    unsigned seen = 0;

    for (int tries = 0; seen < (unsigned)ks->settings->evict_samples && tries < TRIES_MAX;
         tries++) {
        unsigned count = draw(db, p, drawn);

        seen += count;
        for (unsigned i = 0; i < count; i++) {
            struct evict_candidate c = {0, p->score(db, drawn[i]), db->id};

            if (pool->count == POOL_SIZE && c.score <= pool->best[0].score)
                continue;
            c.hash = keyspace_key(ks, entry_key(drawn[i])).hash;
            if (!pool_has(pool, c.hash, c.db))
                pool_offer(pool, c);
        }
    }
}

/* The slot of a candidate that is still there and still as good a victim. */
static uint32_t *pool_slot(struct keyspace *ks, const struct policy *p,
                           const struct evict_candidate *c)
{
    struct db *db = &ks->dbs[c->db];
    struct index_probe probe = index_probe_begin(&db->index, c->hash);

    for (uint32_t *slot; (slot = index_probe_next(&probe));) {
        const struct entry *e = heap_at(&db->heap, *slot);

        if (keyspace_key(ks, entry_key(e)).hash != c->hash)
            continue;
        if (p->is_volatile && !entry_has_deadline(e))
            return NULL;
        return p->score(db, e) >= c->score ? slot : NULL;
    }
    return NULL;
}

/* ---- evicting ---- */

static void evict_slot(struct db *db, uint32_t *slot)
{
    struct keyspace *ks = db->ks;
    struct key k = keyspace_key(ks, entry_key(heap_at(&db->heap, *slot)));

    if (ks->hooks.on_evict)
        ks->hooks.on_evict(ks->hooks.ctx, db, heap_at(&db->heap, *slot));
    db_tell_gone(db, k, EVENT_EVICTED, "evicted", ks->settings->lazy_evict);
    db_remove_slot(db, k.hash, slot, ks->settings->lazy_evict);
    ks->stats.evicted++;
}

static bool evict_best(struct keyspace *ks, const struct policy *p)
{
    if (!ks->evict_pool) {
        ks->evict_pool = calloc(1, sizeof(*ks->evict_pool));
        check(ks->evict_pool);
    }
    for (int round = 0; round < TRIES_MAX; round++) {
        for (int i = 0; i < ks->db_count; i++)
            if (eligible(&ks->dbs[i], p) > 0)
                pool_sample(ks, &ks->dbs[i], p);
        while (ks->evict_pool->count > 0) {
            struct evict_candidate c = ks->evict_pool->best[--ks->evict_pool->count];
            uint32_t *slot = pool_slot(ks, p, &c);

            if (!slot)
                continue;
            evict_slot(&ks->dbs[c.db], slot);
            return true;
        }
    }
    return false;
}

static bool evict_any(struct keyspace *ks, const struct policy *p)
{
    struct entry *drawn[INDEX_SAMPLE_DUE_MAX];

    for (int i = 0; i < ks->db_count; i++) {
        struct db *db =
            &ks->dbs[(unsigned)(ks->stats.evicted + (unsigned)i) % (unsigned)ks->db_count];

        while (eligible(db, p) > 0) {
            unsigned count = draw(db, p, drawn);

            if (count == 0)
                continue;
            struct entry *e = drawn[rng_below(&ks->rng, count)];
            evict_slot(db, db_slot(db, keyspace_key(ks, entry_key(e))));
            return true;
        }
    }
    return false;
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* How long one call may evict: 50 us per step of tenacity, then ever longer, at last without end.
 */
static int64_t time_limit_us(int64_t tenacity)
{
    if (tenacity <= 10)
        return 50 * tenacity;
    if (tenacity < 100)
        return (int64_t)(500.0 * pow(1.15, (double)tenacity - 10.0));
    return INT64_MAX / 2;
}

/* One round of the loop runs many commands: only the first of them that cannot get there may take
 * its whole time. */
static int64_t time_left_us(const struct keyspace *ks, int64_t limit_us)
{
    return ks->evict_late_ms == ks->passed_ms && limit_us > LATE_LIMIT_US ? LATE_LIMIT_US
                                                                          : limit_us;
}

static size_t limit_of(const struct keyspace *ks)
{
    return (size_t)ks->settings->max_memory + ks->account.exempt_bytes;
}

/* The time was up. */
static enum evict_result evict_later(struct keyspace *ks)
{
    if (ks->account.used_bytes <= limit_of(ks))
        return EVICT_ENOUGH;
    ks->evict_late_ms = ks->passed_ms;
    return EVICT_LATER;
}

/* Frees what is left of removed collections. False when the time was up. */
static bool free_leftovers(struct keyspace *ks)
{
    return keyspace_free_some(ks, time_left_us(ks, FREE_SLICE_US));
}

/* True while more must go. What is on its way out already counts as gone; what clients are told of
 * keys that went does not count, or each would drive out the next. */
static bool is_over(const struct keyspace *ks, size_t client_bytes_before)
{
    size_t now = ks->account.client_bytes;
    size_t told = now > client_bytes_before ? now - client_bytes_before : 0;

    return ks->account.used_bytes > limit_of(ks) + ks->lazyfree.known_bytes + told;
}

enum evict_result keyspace_evict_slow(struct keyspace *ks)
{
    size_t limit = limit_of(ks), client_bytes = ks->account.client_bytes;
    int64_t end_us = 0;

    if (ks->hides_expired && ks->settings->replica_ignores_memory)
        return EVICT_ENOUGH;
    if (keyspace_used_bytes(ks) <= limit)
        return EVICT_ENOUGH;
    if (!free_leftovers(ks) || ks->account.used_bytes <= limit)
        return evict_later(ks);
    if (ks->settings->evict_policy == EVICT_NONE)
        return EVICT_FAILED;
    const struct policy *p = &policies[ks->settings->evict_policy];
    for (unsigned done = 1; is_over(ks, client_bytes); done++) {
        if (!(p->score ? evict_best(ks, p) : evict_any(ks, p)))
            return atomic_load(&ks->lazyfree.pending) ? EVICT_LATER : EVICT_FAILED;
        /* What goes lazily must be gone before more is looked for. */
        if (!free_leftovers(ks))
            return evict_later(ks);
        if (done % 16 != 0)
            continue;
        lazyfree_settle(&ks->lazyfree, &ks->account);
        if (end_us == 0)
            end_us = now_us() + time_left_us(ks, time_limit_us(ks->settings->evict_tenacity));
        else if (now_us() > end_us)
            return evict_later(ks);
    }
    return EVICT_ENOUGH;
}
