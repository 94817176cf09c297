/*
 * Reading snapshots. The one idea: keys are read a batch ahead of where they are put, so that the
 * buckets of a batch are fetched from memory all at once.
 */
#include "base/arena.h"
#include "cacheengine/keyspace/item.h"
#include "cacheengine/keyspace/slot.h"
#include "cacheengine/keyspace/value.h"
#include "cacheengine/persist/snapshot.h"

#include <string.h>

#define MAGIC_BYTES 9
#define BATCH_MAX   16

/* Versions from 5 on have a checksum at the end. */
#define VERSION_WITH_SUM 5

static const char no_snapshot[] = "this is no RDB file";

/* A key that was read and is not put yet. */
struct pending {
    struct record_text name;
    struct key key;
    int64_t deadline_ms;
    int64_t idle_s;    /* -1: not told */
    int64_t frequency; /* -1: not told */
    struct value value;
};

struct loading {
    struct record_reader r;
    struct keyspace *ks;
    struct snapshot_loading *l;
    struct arena *arena; /* of the caller */
    struct db *db;
    struct pending *batch; /* BATCH_MAX of them */
    struct pending *reads; /* the one that is being read */
    struct pending *bad;   /* the one that a failure is about, or NULL */
    struct record_text text[2];
    bool wants_items; /* the engine speaks memcached */
    bool has_items;   /* the snapshot is of such an engine */
    uint32_t flags;   /* of the items that follow */
};

/* ---- putting ---- */

static struct err put(struct loading *g, struct pending *p)
{
    uint64_t before = db_count(g->db);
    struct entry *e = value_put(g->db, p->key, &p->value, p->deadline_ms);

    if (db_count(g->db) == before && !g->l->allows_twins) {
        g->bad = p;
        return record_bad(&g->r, "the key comes twice");
    }
    if (p->frequency >= 0)
        db_set_frequency(g->db, e, (uint8_t)p->frequency);
    if (p->idle_s >= 0)
        db_set_idle_s(g->db, e, (uint64_t)p->idle_s);
    g->l->report.keys++;
    if (__builtin_expect(g->l->key_delay_us && *g->l->key_delay_us != 0, 0))
        snapshot_rest(*g->l->key_delay_us, g->l->report.keys);
    return OK;
}

/* Puts what is pending. After a failure the rest is dropped. */
static struct err put_batch(struct loading *g)
{
    struct err e = OK;

    for (struct pending *p = g->batch; p < g->reads; p++) {
        if (!err_failed(e))
            e = put(g, p);
        else
            value_drop(g->db, &p->value);
    }
    g->reads = g->batch;
    return e;
}

/* ---- reading ---- */

static void expect_key(struct loading *g)
{
    g->reads->deadline_ms = NO_DEADLINE;
    g->reads->idle_s = g->reads->frequency = -1;
}

static bool has_gone(const struct loading *g, const struct pending *p)
{
    return (g->l->drops_expired || g->l->expired) && p->deadline_ms != NO_DEADLINE &&
           p->deadline_ms < g->ks->now_ms;
}

static void leave_out(struct loading *g, struct pending *p)
{
    value_drop(g->db, &p->value);
    g->l->report.expired++;
    if (g->l->expired)
        g->l->expired(g->l->ctx, (int)(g->db - g->l->dbs), p->name.text);
}

static bool is_foreign(const struct loading *g, const struct pending *p)
{
    return __builtin_expect(g->l->slots != NULL, 0) &&
           !slot_set_has(g->l->slots, slot_of_key(p->name.text.ptr, p->name.text.len));
}

static void leave_foreign(struct loading *g, struct pending *p)
{
    value_drop(g->db, &p->value);
    g->l->report.foreign++;
}

static struct err read_value(struct loading *g, unsigned record_type, struct pending *p)
{
    if (__builtin_expect(!g->has_items, 1))
        return value_load(&g->r, record_type, g->db, p->key, &p->value);
    if (p->name.text.len == 0 || p->name.text.len > ITEM_KEY_MAX)
        return record_bad(&g->r, "no request of memcached can name the key");
    return item_load(&g->r, record_type, g->db, p->key, g->flags, &p->value);
}

/* Reads name and value of a key into the next place of the batch. */
static struct err read_key(struct loading *g, unsigned record_type)
{
    struct pending *p = g->reads;

    TRY(record_get_string(&g->r, &p->name));
    p->key = keyspace_key(g->ks, p->name.text);
    db_prefetch_bucket(g->db, p->key.hash);
    g->bad = p;
    struct err e = read_value(g, record_type, p);
    if (err_is(e, ERR_NOT_FOUND)) {
        g->l->report.empty++;
    } else {
        TRY(e);
        if (is_foreign(g, p))
            leave_foreign(g, p);
        else if (has_gone(g, p))
            leave_out(g, p);
        else
            g->reads++;
    }
    g->bad = NULL;
    if (g->reads == g->batch + BATCH_MAX)
        TRY(put_batch(g));
    expect_key(g);
    return OK;
}

static struct err read_end(struct loading *g, bool is_seconds)
{
    uint64_t v = 0;
    uint32_t seconds;

    if (is_seconds) {
        TRY(record_get_u32(&g->r, &seconds));
        g->reads->deadline_ms = (int64_t)(int32_t)seconds * 1000;
    } else {
        TRY(record_get_u64(&g->r, &v));
        g->reads->deadline_ms = (int64_t)v;
    }
    /* Before 1970 is before now; -1 and -2 mean something else here. */
    if (g->reads->deadline_ms < 0)
        g->reads->deadline_ms = 0;
    return OK;
}

static struct err read_idle(struct loading *g)
{
    uint64_t v;

    TRY(record_get_length(&g->r, &v));
    g->reads->idle_s = v < INT64_MAX ? (int64_t)v : INT64_MAX;
    return OK;
}

static struct err read_frequency(struct loading *g)
{
    uint8_t v;

    TRY(record_get_byte(&g->r, &v));
    g->reads->frequency = v;
    return OK;
}

static struct err note_items(struct loading *g)
{
    if (!g->wants_items)
        return record_fail(&g->r, ERR_UNSUPPORTED,
                           "it is a snapshot of memcached, and this engine is none");
    g->has_items = true;
    return OK;
}

static struct err note_flags(struct loading *g, struct str value)
{
    int64_t flags;

    if (!str_to_i64(value, &flags) || flags < 0 || flags > UINT32_MAX)
        return record_bad(&g->r, "the flags of items are no number of 32 bits");
    g->flags = (uint32_t)flags;
    return OK;
}

static struct err read_field(struct loading *g)
{
    int64_t memory;

    TRY(record_get_string(&g->r, &g->text[0]));
    TRY(record_get_string(&g->r, &g->text[1]));
    if (str_is(g->text[0].text, "used-mem") && str_to_i64(g->text[1].text, &memory) && memory > 0)
        g->l->report.used_memory = (uint64_t)memory;
    if (g->l->field)
        g->l->field(g->l->ctx, g->text[0].text, g->text[1].text);
    if (str_is(g->text[0].text, SNAPSHOT_ITEMS_FIELD))
        return note_items(g);
    return str_is(g->text[0].text, SNAPSHOT_FLAGS_FIELD) ? note_flags(g, g->text[1].text) : OK;
}

/* Keeps the text of a library: whoever loads knows what to do with it when all is read. */
static struct err read_library(struct loading *g)
{
    struct str *kept;

    TRY(record_get_string(&g->r, &g->text[0]));
    kept = vec_add(g->arena, &g->l->libraries);
    kept->ptr = arena_strndup(g->arena, g->text[0].text.ptr, g->text[0].text.len);
    kept->len = g->text[0].text.len;
    return OK;
}

static struct err read_database(struct loading *g)
{
    uint64_t id;

    TRY(record_get_length(&g->r, &id));
    TRY(put_batch(g));
    if (id >= (uint64_t)g->ks->db_count)
        return record_bad(&g->r, "it has more databases than this engine");
    if (g->has_items && id != 0)
        return record_bad(&g->r, "memcached has one database");
    g->db = &g->l->dbs[id];
    expect_key(g);
    return OK;
}

/* Some lengths that are of no use here. */
static struct err skip_lengths(struct loading *g, unsigned count)
{
    uint64_t v;

    while (count--)
        TRY(record_get_length(&g->r, &v));
    return OK;
}

/* What a snapshot is of stands in front of all else. */
static struct err check_kind(struct loading *g, uint8_t mark)
{
    if (g->wants_items && !g->has_items && mark != MARK_FIELD)
        return record_fail(&g->r, ERR_UNSUPPORTED,
                           "it is no snapshot of memcached, and this engine is one");
    return OK;
}

static struct err read_mark(struct loading *g, uint8_t mark)
{
    switch (mark) {
    case MARK_END_MS: return read_end(g, false);
    case MARK_END_S: return read_end(g, true);
    case MARK_IDLE: return read_idle(g);
    case MARK_FREQUENCY: return read_frequency(g);
    case MARK_FIELD: return read_field(g);
    case MARK_DATABASE: return read_database(g);
    case MARK_SIZES: return skip_lengths(g, 2);
    case MARK_SLOT_INFO: return skip_lengths(g, 3);
    case MARK_FUNCTION:
        return g->has_items ? record_bad(&g->r, "memcached has no functions") : read_library(g);
    case MARK_FUNCTION_OLD:
        return record_fail(&g->r, ERR_UNSUPPORTED,
                           "it holds a library of functions in a form that was given up again");
    case MARK_MODULE:
        return record_fail(&g->r, ERR_UNSUPPORTED,
                           "it holds data of a module, which this engine does not have");
    case MARK_SLOT_IMPORT:
        return record_fail(&g->r, ERR_UNSUPPORTED,
                           "it was made while slots were being imported, and is not complete");
    default: return read_key(g, mark);
    }
}

/* ---- beginning and end ---- */

/* The number in digits; -1 when there are others between them. */
static int digits_of(const char *at, unsigned count)
{
    int v = 0;

    for (unsigned i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        v = v * 10 + at[i] - '0';
    }
    return v;
}

static struct err read_head(struct loading *g)
{
    char magic[MAGIC_BYTES];
    int version = -1;

    struct err e = record_get_bytes(&g->r, magic, sizeof(magic));

    if (err_failed(e))
        return err_is(e, ERR_CORRUPT) ? err_make(ERR_CORRUPT, no_snapshot) : e;
    bool is_valkey = memcmp(magic, "VALKEY", 6) == 0;
    if (is_valkey)
        version = digits_of(magic + 6, 3);
    else if (memcmp(magic, "REDIS", 5) == 0)
        version = digits_of(magic + 5, 4);
    if (version < 1)
        return record_bad(&g->r, no_snapshot);
    if (is_valkey ? version != RECORD_VERSION_9 : version > RECORD_VERSION_7_4)
        return record_fail(&g->r, ERR_UNSUPPORTED,
                           "its version is newer than what this engine reads");
    g->l->report.version = version;
    g->r.version = (unsigned)version;
    return OK;
}

static struct err read_tail(struct loading *g)
{
    uint64_t sum = record_read_sum(&g->r), told;

    if (g->l->report.version < VERSION_WITH_SUM)
        return OK;
    TRY(record_get_u64(&g->r, &told));
    if (told != 0 && told != sum && g->l->sums)
        return record_bad(&g->r, "the checksum is wrong (CRC error)");
    return OK;
}

static struct err read_all(struct loading *g)
{
    uint8_t mark;

    TRY(read_head(g));
    g->r.sums = g->l->sums && g->l->report.version >= VERSION_WITH_SUM;
    expect_key(g);
    for (;;) {
        TRY(record_get_byte(&g->r, &mark));
        TRY(check_kind(g, mark));
        if (mark == MARK_EOF)
            break;
        TRY(read_mark(g, mark));
    }
    TRY(put_batch(g));
    return read_tail(g);
}

/* The failure with where it was met. */
static struct err tell(const struct loading *g, struct err e, struct arena *a)
{
    unsigned long long where = record_where(&g->r);

    if (!g->bad)
        return err_format(a, e.code, "%s (at byte %llu)", err_text(a, e), where);
    struct str name = str_shorten(g->bad->name.text, 100);
    return err_format(a, e.code, "%s (key '%.*s' of database %d, at byte %llu)", err_text(a, e),
                      STR_ARG(name), g->db->id, where);
}

struct err snapshot_load(struct keyspace *ks, struct source *from, struct snapshot_loading *l,
                         struct arena *a)
{
    struct loading g = {.ks = ks, .l = l, .arena = a, .db = &l->dbs[0]};

    g.batch = arena_array(a, BATCH_MAX, sizeof(*g.batch));
    g.reads = g.batch;
    g.wants_items = ks->settings->protocol == PROTOCOL_MEMCACHED;
    l->report = (struct snapshot_report){0};
    record_reader_stream(&g.r, from);
    struct err e = read_all(&g);
    l->report.bytes = record_where(&g.r);
    if (err_failed(e)) {
        e = tell(&g, e, a);
        for (struct pending *p = g.batch; p < g.reads; p++)
            value_drop(g.db, &p->value);
    }
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        record_text_fini(&g.batch[i].name);
        value_fini(&g.batch[i].value);
    }
    record_text_fini(&g.text[0]);
    record_text_fini(&g.text[1]);
    record_reader_fini(&g.r);
    return e;
}
