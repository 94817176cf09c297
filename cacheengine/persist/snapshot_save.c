/*
 * Writing snapshots. The one idea: keys stand scattered, so each one is asked of memory some keys
 * before it is written.
 */
#include "base/prefetch.h"
#include "cacheengine/keyspace/item.h"
#include "cacheengine/persist/snapshot.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define AHEAD       32  /* keys that are on their way from memory; a power of two */
#define KEYS_A_WORD 256 /* keys between two words to who wants to know; a power of two */

struct saving {
    struct record_writer w;
    struct keyspace *ks;
    struct db *db;
    uint32_t ahead[AHEAD]; /* references, a ring */
    uint64_t asked;        /* keys that were put into it */
    bool notes_idle, notes_frequency;
    bool has_items; /* keys are items of memcached */
    uint32_t flags; /* of items, as the reader knows them */
    const struct snapshot_options *options;
    uint64_t written; /* keys */
};

static void put_field(struct record_writer *w, const char *name, struct str value)
{
    record_put_byte(w, MARK_FIELD);
    record_put_string(w, str_of(name));
    record_put_string(w, value);
}

static void put_number_field(struct record_writer *w, const char *name, int64_t v)
{
    record_put_byte(w, MARK_FIELD);
    record_put_string(w, str_of(name));
    record_put_number(w, v);
}

static void put_head(struct saving *s, const struct snapshot_options *o)
{
    const struct settings *set = s->ks->settings;
    char magic[16];

    record_put_bytes(&s->w, magic,
                     (size_t)snprintf(magic, sizeof(magic),
                                      s->w.version == RECORD_VERSION_9 ? "VALKEY%03d" : "REDIS%04d",
                                      s->w.version));
    if (s->has_items)
        put_field(&s->w, SNAPSHOT_ITEMS_FIELD, str_of(set->memcached_version));
    else
        put_field(&s->w, set->brand == BRAND_VALKEY ? "valkey-ver" : "redis-ver",
                  str_of(set->engine_version));
    put_number_field(&s->w, "redis-bits", 64);
    put_number_field(&s->w, "ctime", s->ks->now_ms / 1000);
    put_number_field(&s->w, "used-mem", (int64_t)s->ks->account.used_bytes);
    for (size_t i = 0; i < o->field_count; i++)
        put_field(&s->w, o->fields[i].name, o->fields[i].value);
}

void snapshot_rest(int64_t key_delay_us, uint64_t keys)
{
    if (key_delay_us > 0)
        usleep((useconds_t)key_delay_us);
    else if (key_delay_us < 0 && keys % (uint64_t)-key_delay_us == 0)
        usleep(1);
}

/* ---- keys ---- */

static void put_flags(struct saving *s, uint32_t flags)
{
    if (flags != s->flags)
        put_number_field(&s->w, SNAPSHOT_FLAGS_FIELD, flags);
    s->flags = flags;
}

static void put_key(struct saving *s, struct entry *e)
{
    struct str key = entry_key(e);
    struct item item;

    if (s->has_items) {
        item_read(e, &item);
        put_flags(s, item.flags);
    }
    if (entry_has_deadline(e)) {
        record_put_byte(&s->w, MARK_END_MS);
        record_put_u64(&s->w, (uint64_t)entry_deadline(e));
    }
    if (s->notes_idle) {
        record_put_byte(&s->w, MARK_IDLE);
        record_put_length(&s->w, db_idle_s(s->db, e));
    }
    if (s->notes_frequency) {
        record_put_byte(&s->w, MARK_FREQUENCY);
        record_put_byte(&s->w, db_frequency(s->db, e));
    }
    s->w.key = &key;
    if (s->has_items)
        item_save(&s->w, &item);
    else
        check(value_save(&s->w, s->db, e));
    s->w.key = NULL;
}

static void tell(struct saving *s)
{
    if (!s->options->told(s->options->ctx, s->written) && !err_failed(s->w.failed))
        s->w.failed = err_make(ERR_UNAVAILABLE, "it was given up");
}

static void put_ref(struct saving *s, uint32_t ref)
{
    if (err_failed(s->w.failed))
        return;
    put_key(s, heap_at(&s->db->heap, ref));
    s->written++;
    if (__builtin_expect(s->options->key_delay_us != 0, 0))
        snapshot_rest(s->options->key_delay_us, s->written);
    if (s->options->told && (s->written % KEYS_A_WORD == 0 || s->options->key_delay_us != 0))
        tell(s);
}

static void visit(void *ctx, uint32_t ref)
{
    struct saving *s = ctx;
    const void *item = heap_at(&s->db->heap, ref);
    uint32_t *place = &s->ahead[s->asked % AHEAD];

    prefetch_lines(item, 2);
    if (s->asked++ >= AHEAD)
        put_ref(s, *place);
    *place = ref;
}

static void put_keys(struct saving *s)
{
    s->asked = 0;
    index_each(&s->db->index, visit, s);
    for (uint64_t i = s->asked > AHEAD ? s->asked - AHEAD : 0; i < s->asked; i++)
        put_ref(s, s->ahead[i % AHEAD]);
}

static void put_database(struct saving *s)
{
    record_put_byte(&s->w, MARK_DATABASE);
    record_put_length(&s->w, (uint64_t)s->db->id);
    record_put_byte(&s->w, MARK_SIZES);
    record_put_length(&s->w, db_count(s->db));
    record_put_length(&s->w, s->db->with_deadline);
    put_keys(s);
}

static void put_tail(struct saving *s)
{
    record_put_byte(&s->w, MARK_EOF);
    record_put_u64(&s->w, s->w.sums ? record_sum(&s->w) : 0);
}

/* Only where fields of hashes end is it what no reader before Valkey 9 understands. */
static int version_for(const struct keyspace *ks, const struct snapshot_options *o)
{
    for (int i = 0; i < ks->db_count && o->version == RECORD_VERSION; i++)
        if (ks->dbs[i].with_ends > 0 && !o->leaves_out_keys)
            return RECORD_VERSION_9;
    return o->version;
}

struct err snapshot_save(struct keyspace *ks, struct sink *to, const struct snapshot_options *o)
{
    int64_t policy = ks->settings->evict_policy;
    struct saving s = {.ks = ks, .options = o};

    s.has_items = ks->settings->protocol == PROTOCOL_MEMCACHED;

    s.notes_idle = policy == EVICT_ALLKEYS_LRU || policy == EVICT_VOLATILE_LRU;
    s.notes_frequency = policy == EVICT_ALLKEYS_LFU || policy == EVICT_VOLATILE_LFU;
    record_writer_init(&s.w, to);
    s.w.version = version_for(ks, o);
    s.w.compresses = o->compresses;
    s.w.sums = o->sums;
    put_head(&s, o);
    if (o->put_libraries)
        o->put_libraries(o->libraries, &s.w);
    for (int i = 0; i < ks->db_count; i++) {
        s.db = &ks->dbs[i];
        if (db_count(s.db) > 0 && !o->leaves_out_keys)
            put_database(&s);
    }
    put_tail(&s);
    struct err e = record_flush(&s.w);
    record_writer_fini(&s.w);
    return e;
}
