/*
 * Entries of one database. The one idea: `db_put` is the only place that lays out an entry;
 * everything that sets, grows, shrinks or re-dates a value goes through it, and it keeps the entry
 * where it stands whenever the size class allows.
 */
#include "cacheengine/keyspace/db.h"

#include "cacheengine/keyspace/internal.h"
#include "cacheengine/keyspace/leftover.h"
#include "cacheengine/keyspace/number.h"

#include <stdlib.h>

/* From here on a value is freed in the background when its key is removed lazily. */
#define LAZY_BLOB_BYTES 65536
#define LAZY_WEIGHT     64

/* ---- removing ---- */

static uint64_t blob_job(void *object)
{
    return blob_release(object);
}

/* An object outside comes to this database or leaves it. */
static void count_outside(struct db *db, enum entry_type type, const void *object, int by)
{
    const struct type_ops *ops = db->ks->types[type];

    db->outside += (uint64_t)by;
    if (ops && ops->next_end && ops->next_end(object) != NO_DEADLINE)
        db->with_ends += (uint64_t)by;
}

void db_drop_outside(struct db *db, enum entry_type type, void *object, bool lazily)
{
    const struct type_ops *ops = db->ks->types[type];
    struct blob *b = object;

    count_outside(db, type, object, -1);
    if (type != TYPE_STRING && lazily && ops->drop_some && ops->weight(object) > LAZY_WEIGHT)
        leftover_add(db, ops, object);
    else if (type != TYPE_STRING)
        ops->drop(db, object);
    else if (lazily && b->cost >= LAZY_BLOB_BYTES && !blob_is_shared(b)) {
        db->ks->lazyfree.known_bytes += b->cost;
        lazyfree_hand(&db->ks->lazyfree, blob_job, b, 1);
    } else
        blob_drop(&db->ks->account, b);
}

void db_remove_slot(struct db *db, uint64_t hash, uint32_t *slot, bool lazily)
{
    uint32_t ref = *slot;
    struct entry *e = heap_at(&db->heap, ref);

    if (entry_has_deadline(e))
        db->with_deadline--;
    if (entry_form(e) == FORM_OUTSIDE)
        db_drop_outside(db, entry_type(e), entry_outside(e), lazily);
    index_remove(&db->index, hash, slot);
    heap_free(&db->heap, ref);
}

void db_tell_gone(struct db *db, struct key k, enum key_event kind, const char *name, bool lazily)
{
    db->ks->dirty++;
    if (db->ks->effects.sinks)
        effect_tell_gone(db, k, lazily);
    if (db->ks->is_observed)
        db->ks->hooks.on_change(db->ks->hooks.ctx, db, k, kind, name);
}

void db_expire_slot(struct db *db, struct key k, uint32_t *slot)
{
    db_tell_gone(db, k, EVENT_EXPIRED, "expired", db->ks->settings->lazy_expire);
    db_remove_slot(db, k.hash, slot, db->ks->settings->lazy_expire);
    db->ks->stats.expired++;
}

bool db_delete(struct db *db, struct key k, bool lazily)
{
    uint32_t *slot = db_slot(db, k);

    if (!slot)
        return false;
    if (db_is_expired(db, heap_at(&db->heap, *slot)) && !db->ks->shows_expired) {
        if (db_may_expire(db))
            db_expire_slot(db, k, slot);
        return false;
    }
    db_remove_slot(db, k.hash, slot, lazily);
    return true;
}

void db_delete_entry(struct db *db, struct key k, struct entry *e, bool lazily)
{
    uint32_t *slot = db_slot(db, k);

    check(slot && heap_at(&db->heap, *slot) == e);
    db_remove_slot(db, k.hash, slot, lazily);
}

/* ---- finding ---- */

/* The entry of a key; an expired one is removed (or, on a replica, only not shown). */
static inline struct entry *find_live(struct db *db, struct key k)
{
    uint32_t *slot = db_slot(db, k);

    if (!slot)
        return NULL;
    struct entry *e = heap_at(&db->heap, *slot);
    if (__builtin_expect(!db_is_expired(db, e), 1))
        return e;
    if (db->ks->shows_expired)
        return e;
    if (db_may_expire(db))
        db_expire_slot(db, k, slot);
    return NULL;
}

struct entry *db_look(struct db *db, struct key k)
{
    struct entry *e = find_live(db, k);

    if (!e) {
        db->ks->stats.misses++;
        if (db->ks->is_observed)
            db->ks->hooks.on_change(db->ks->hooks.ctx, db, k, EVENT_MISS, "keymiss");
        return NULL;
    }
    db->ks->stats.hits++;
    return e;
}

struct entry *db_read(struct db *db, struct key k)
{
    struct entry *e = db_look(db, k);

    if (e)
        entry_touch(db->ks, e);
    return e;
}

struct entry *db_find(struct db *db, struct key k)
{
    struct entry *e = find_live(db, k);

    if (e)
        entry_touch(db->ks, e);
    return e;
}

struct entry *db_peek(const struct db *db, struct key k)
{
    uint32_t *slot = db_slot(db, k);
    struct entry *e = slot ? heap_at(&db->heap, *slot) : NULL;

    return e && (!db_is_expired(db, e) || db->ks->shows_expired) ? e : NULL;
}

bool db_is_stale(const struct db *db, struct key k)
{
    const uint32_t *slot = db_slot(db, k);

    return slot && db_is_expired(db, heap_at(&db->heap, *slot));
}

struct entry *db_random(struct db *db)
{
    uint32_t refs[INDEX_SLOTS];

    /* Where nearly all keys have expired, any key is better than a search without end. */
    for (int tries = 0; db_count(db) > 0; tries++) {
        unsigned count = index_sample(&db->index, rng_next(&db->ks->rng), refs);

        if (count == 0)
            continue;
        struct entry *e = heap_at(&db->heap, refs[rng_below(&db->ks->rng, count)]);
        if (!db_is_expired(db, e))
            return e;
        if (!db_may_expire(db) && tries > 100)
            return e;
        if (db_may_expire(db)) {
            struct key k = keyspace_key(db->ks, entry_key(e));
            db_expire_slot(db, k, db_slot(db, k));
        }
    }
    return NULL;
}

/* ---- writing ---- */

/* What an entry is to look like. */
struct layout {
    enum entry_type type;
    enum entry_form form;
    const void *bytes; /* of the value; NULL: left unset */
    size_t len;
    int64_t deadline_ms;
};

static uint8_t layout_shape(struct key k, const struct layout *l)
{
    uint8_t shape = (uint8_t)(l->type | l->form << ENTRY_FORM_SHIFT);

    if (l->deadline_ms != NO_DEADLINE)
        shape |= ENTRY_DEADLINE;
    if (k.len > UINT8_MAX)
        shape |= ENTRY_WIDE_KEY;
    if (l->form <= FORM_EDITED && l->len > UINT8_MAX)
        shape |= ENTRY_WIDE_VALUE;
    return shape;
}

static uint8_t *store_length(uint8_t *at, size_t len, bool is_wide)
{
    uint32_t v = (uint32_t)len;

    if (!is_wide) {
        *at = (uint8_t)len;
        return at + 1;
    }
    memcpy(at, &v, sizeof(v));
    return at + sizeof(v);
}

/* Writes everything in front of the key. */
static void store_head(struct entry *e, uint8_t shape, struct key k, const struct layout *l)
{
    e->shape = shape;
    uint8_t *at = store_length(e->rest, k.len, shape & ENTRY_WIDE_KEY);
    if (entry_has_length(shape))
        at = store_length(at, l->len, shape & ENTRY_WIDE_VALUE);
    if (shape & ENTRY_DEADLINE)
        memcpy(at, &l->deadline_ms, sizeof(l->deadline_ms));
}

static struct entry *entry_new(struct db *db, uint8_t shape, struct key k, const struct layout *l,
                               size_t size)
{
    struct entry *e = heap_at(&db->heap, heap_alloc(&db->heap, size));
    char *at = (char *)e + entry_head_bytes(shape);

    store_head(e, shape, k, l);
    memcpy(at, k.ptr, k.len);
    if (l->bytes)
        memcpy(at + k.len, l->bytes, l->len);
    return e;
}

/* Lays the entry out anew over itself; its class is known to fit. The value's bytes are not its
 * own. */
static void entry_rewrite(struct entry *e, uint8_t shape, struct key k, const struct layout *l)
{
    uint32_t old_head = entry_head_bytes(e->shape);
    uint32_t head = entry_head_bytes(shape);

    if (head != old_head)
        memmove((char *)e + head, (char *)e + old_head, k.len);
    store_head(e, shape, k, l);
    if (l->bytes)
        memcpy((char *)e + head + k.len, l->bytes, l->len);
}

static void note_deadline(struct db *db, struct key k, int64_t deadline_ms)
{
    index_note_due(&db->index, k.hash, due_tick_of_deadline(deadline_ms, db->ks->now_ms));
}

struct populating {
    void *at;
    size_t bytes;
};

static uint64_t populate(void *object)
{
    struct populating *p = object;

    heap_populate(p->at, p->bytes);
    free(p);
    return 0;
}

/* The first use of a huge page may take the system milliseconds: the background has it before. */
static void look_ahead(void *ctx, void *at, size_t bytes)
{
    struct populating *p = malloc(sizeof(*p));

    check(p);
    *p = (struct populating){at, bytes};
    lazyfree_hand(ctx, populate, p, 0);
}

void db_open_heap(struct db *db)
{
    if (db->heap.base)
        return;
    struct err e = heap_open(&db->heap, &db->ks->account);
    check(!err_failed(e));
    db->heap.ahead = look_ahead;
    db->heap.ahead_ctx = &db->ks->lazyfree;
}

static struct entry *put_new(struct db *db, struct key k, const struct layout *l, uint8_t shape,
                             size_t size)
{
    if (__builtin_expect(!db->heap.base, 0))
        db_open_heap(db);
    struct entry *e = entry_new(db, shape, k, l, size);
    entry_set_age(e, age_new(db->ks));
    index_insert(&db->index, k.hash, heap_ref(&db->heap, e));
    if (shape & ENTRY_DEADLINE) {
        db->with_deadline++;
        note_deadline(db, k, l->deadline_ms);
    }
    if (__builtin_expect(db->ks->tells_new, 0))
        db->ks->hooks.on_change(db->ks->hooks.ctx, db, k, EVENT_NEW, "new");
    return e;
}

/* True when `bytes` stand inside the item of `e`. */
static bool is_within(const struct entry *e, const void *bytes, size_t item_bytes)
{
    return (const char *)bytes >= (const char *)e &&
           (const char *)bytes < (const char *)e + item_bytes;
}

/* Replaces the entry in `slot`, in place or by another. What stood OUTSIDE is the caller's. */
static struct entry *put_over(struct db *db, struct key k, const struct layout *l, uint8_t shape,
                              size_t size, uint32_t *slot)
{
    uint32_t ref = *slot;
    struct entry *e = heap_at(&db->heap, ref);
    size_t item_bytes = heap_item_bytes(&db->heap, ref);
    int64_t old_deadline_ms = entry_deadline(e);

    db->with_deadline += (shape & ENTRY_DEADLINE) != 0;
    db->with_deadline -= entry_has_deadline(e);
    if (heap_class_bytes(size) == item_bytes && !(l->bytes && is_within(e, l->bytes, item_bytes))) {
        entry_rewrite(e, shape, k, l);
    } else {
        uint32_t age = entry_age(e);

        k.ptr = entry_key(e).ptr;
        e = entry_new(db, shape, k, l, size);
        entry_set_age(e, age);
        *slot = heap_ref(&db->heap, e);
        heap_free(&db->heap, ref);
    }
    if (l->deadline_ms != NO_DEADLINE && l->deadline_ms != old_deadline_ms)
        note_deadline(db, k, l->deadline_ms);
    return e;
}

void db_note_end(struct db *db, struct key k, int64_t end_ms)
{
    note_deadline(db, k, end_ms);
}

static void put_outside(struct db *db, struct key k, const struct entry *e)
{
    int64_t end_ms = db_next_end(db, e);

    count_outside(db, entry_type(e), entry_outside(e), 1);
    if (end_ms != NO_DEADLINE)
        note_deadline(db, k, end_ms);
}

/* Sets a key: new, or over what is there, whose value is dropped. */
static struct entry *db_put(struct db *db, struct key k, struct layout *l)
{
    uint32_t *slot = db_slot(db, k);
    struct entry *e = slot ? heap_at(&db->heap, *slot) : NULL;

    if (l->deadline_ms == KEEP_DEADLINE)
        l->deadline_ms = e && !db_is_expired(db, e) ? entry_deadline(e) : NO_DEADLINE;
    uint8_t shape = layout_shape(k, l);
    size_t size = entry_head_bytes(shape) + k.len + l->len;
    if (!e) {
        e = put_new(db, k, l, shape, size);
    } else {
        if (entry_form(e) == FORM_OUTSIDE)
            db_drop_outside(db, entry_type(e), entry_outside(e), db->ks->settings->lazy_server_del);
        e = put_over(db, k, l, shape, size, slot);
        entry_touch(db->ks, e);
    }
    if (l->form == FORM_OUTSIDE)
        put_outside(db, k, e);
    return e;
}

size_t db_plain_max(struct key k)
{
    size_t around = ENTRY_HEAD_MAX + (size_t)k.len;

    if (around >= ENTRY_BYTES_MAX)
        return 0;
    return ENTRY_BYTES_MAX - around < ENTRY_VALUE_MAX ? ENTRY_BYTES_MAX - around : ENTRY_VALUE_MAX;
}

struct entry *db_set_plain(struct db *db, struct key k, enum entry_type type, enum entry_form form,
                           const void *bytes, size_t len, int64_t deadline_ms)
{
    struct layout l = {type, form, bytes, len, deadline_ms};

    return db_put(db, k, &l);
}

struct entry *db_set_number(struct db *db, struct key k, int64_t value, int64_t deadline_ms)
{
    struct layout l = {TYPE_STRING, FORM_NUMBER, &value, sizeof(value), deadline_ms};

    return db_put(db, k, &l);
}

struct entry *db_set_outside(struct db *db, struct key k, enum entry_type type, void *object,
                             int64_t deadline_ms)
{
    struct layout l = {type, FORM_OUTSIDE, &object, sizeof(object), deadline_ms};

    return db_put(db, k, &l);
}

struct entry *db_set_blob(struct db *db, struct key k, struct blob *value, int64_t deadline_ms)
{
    return db_set_outside(db, k, TYPE_STRING, value, deadline_ms);
}

struct entry *db_set_string(struct db *db, struct key k, struct str value, int64_t deadline_ms)
{
    int64_t number;

    if (number_parse_i64(value.ptr, value.len, &number))
        return db_set_number(db, k, number, deadline_ms);
    if (value.len <= db_plain_max(k))
        return db_set_plain(db, k, TYPE_STRING, FORM_PLAIN, value.ptr, value.len, deadline_ms);
    struct blob *b = blob_new(&db->ks->account, value.len, value.len);
    memcpy(b->bytes, value.ptr, value.len);
    return db_set_blob(db, k, b, deadline_ms);
}

/* Lays an existing entry out anew; the bytes of a changed value are copied from the old one. */
static struct entry *relay(struct db *db, struct key k, struct entry *e, struct layout *l)
{
    uint32_t *slot = db_slot(db, k);
    uint8_t shape = layout_shape(k, l);
    size_t size = entry_head_bytes(shape) + k.len + l->len;
    size_t common = entry_value_len(e) < l->len ? entry_value_len(e) : l->len;

    check(slot && heap_at(&db->heap, *slot) == e);
    if (shape == e->shape && heap_class_bytes(size) == heap_item_bytes(&db->heap, *slot)) {
        l->bytes = NULL;
        return put_over(db, k, l, shape, size, slot);
    }
    /* The value moves within or out of its item: keep what stays over the move. */
    char kept[ENTRY_BYTES_MAX];
    memcpy(kept, entry_value(e), common);
    l->bytes = NULL;
    e = put_over(db, k, l, shape, size, slot);
    memcpy(entry_value(e), kept, common);
    return e;
}

struct entry *db_resize(struct db *db, struct key k, struct entry *e, size_t len)
{
    struct layout l = {entry_type(e), entry_form(e), NULL, len, entry_deadline(e)};

    return relay(db, k, e, &l);
}

struct entry *db_set_deadline(struct db *db, struct key k, struct entry *e, int64_t deadline_ms)
{
    struct layout l = {entry_type(e), entry_form(e), NULL, entry_value_len(e), deadline_ms};

    return relay(db, k, e, &l);
}

struct entry *db_move_outside(struct db *db, struct key k, struct entry *e, void *object)
{
    uint32_t *slot = db_slot(db, k);
    struct layout l = {entry_type(e), FORM_OUTSIDE, &object, sizeof(object), entry_deadline(e)};
    uint8_t shape = layout_shape(k, &l);

    check(slot && heap_at(&db->heap, *slot) == e && entry_form(e) != FORM_OUTSIDE);
    db->outside++;
    return put_over(db, k, &l, shape, entry_head_bytes(shape) + k.len + l.len, slot);
}

/* Puts a copy of a value whose bytes stand elsewhere; a longer key may leave no room for them
 * beside it. */
static struct entry *put_copy(struct db *db, struct key k, struct layout *l)
{
    bool is_plain = l->form == FORM_PLAIN || l->form == FORM_EDITED;

    if (!is_plain || l->len <= db_plain_max(k))
        return db_put(db, k, l);
    if (l->type != TYPE_STRING) {
        void *object = db->ks->types[l->type]->unpack(db, l->bytes, l->len);

        return db_set_outside(db, k, l->type, object, l->deadline_ms);
    }
    struct blob *b = blob_new(&db->ks->account, l->len, l->len);
    memcpy(b->bytes, l->bytes, l->len);
    return db_set_blob(db, k, b, l->deadline_ms);
}

void db_rename(struct db *db, struct key from, struct key to)
{
    uint32_t *slot = db_slot(db, from);
    char kept[ENTRY_BYTES_MAX];

    check(slot);
    struct entry *e = heap_at(&db->heap, *slot);
    struct layout l = {entry_type(e), entry_form(e), kept, entry_value_len(e), entry_deadline(e)};
    memcpy(kept, entry_value(e), l.len);
    uint32_t age = entry_age(e);
    if (entry_form(e) == FORM_OUTSIDE) {
        /* The value changes hands: the old key must not drop it. */
        count_outside(db, entry_type(e), entry_outside(e), -1);
        e->shape = (uint8_t)((e->shape & ~ENTRY_FORM_MASK) | FORM_NUMBER << ENTRY_FORM_SHIFT);
    }
    db_remove_slot(db, from.hash, slot, false);
    e = put_copy(db, to, &l);
    entry_set_age(e, age);
}

struct entry *db_copy(struct db *from, struct entry *e, struct db *to, struct key k,
                      int64_t deadline_ms)
{
    char kept[ENTRY_BYTES_MAX];
    struct layout l = {entry_type(e), entry_form(e), kept, entry_value_len(e), deadline_ms};

    memcpy(kept, entry_value(e), l.len);
    if (l.form == FORM_OUTSIDE && l.type != TYPE_STRING) {
        void *copy = from->ks->types[l.type]->copy(from, to, entry_outside(e));

        return db_set_outside(to, k, l.type, copy, deadline_ms);
    }
    if (l.form == FORM_OUTSIDE) {
        struct blob *old = entry_outside(e);
        struct blob *b = blob_new(&to->ks->account, old->len, old->len);

        memcpy(b->bytes, blob_ptr(old), old->len);
        return db_set_blob(to, k, b, deadline_ms);
    }
    return put_copy(to, k, &l);
}

/* ---- strings ---- */

struct str number_digits(struct number_text *room, int64_t v)
{
    return (struct str){room->text, number_write_i64(room->text, v)};
}

struct str db_string(const struct entry *e, struct number_text *digits)
{
    switch (entry_form(e)) {
    case FORM_NUMBER: return number_digits(digits, entry_number(e));
    case FORM_OUTSIDE: return blob_str(entry_outside(e));
    default: return entry_bytes(e);
    }
}

const char *db_name_of_type(const struct db *db, enum entry_type type)
{
    if (type == TYPE_STRING)
        return "string";
    return db->ks->types[type] ? db->ks->types[type]->name : "";
}

const char *db_type_name(const struct db *db, const struct entry *e)
{
    return db_name_of_type(db, entry_type(e));
}

const char *db_encoding(const struct db *db, const struct entry *e)
{
    if (entry_type(e) != TYPE_STRING)
        return db->ks->types[entry_type(e)]->encoding(db, e);
    if (entry_form(e) == FORM_NUMBER)
        return "int";
    return entry_form(e) == FORM_PLAIN && entry_value_len(e) <= 44 ? "embstr" : "raw";
}

/* ---- walking ---- */

struct scan {
    struct db *db;
    void (*visit)(void *ctx, struct entry *e);
    void *ctx;
    bool with_expired;
};

static void scan_visit(void *ctx, uint32_t ref)
{
    struct scan *s = ctx;
    struct entry *e = heap_at(&s->db->heap, ref);

    if (s->with_expired || !db_is_expired(s->db, e))
        s->visit(s->ctx, e);
}

uint64_t db_scan(struct db *db, uint64_t cursor, void (*visit)(void *ctx, struct entry *e),
                 void *ctx)
{
    struct scan s = {db, visit, ctx, false};

    return index_scan(&db->index, cursor, scan_visit, &s);
}

uint64_t db_scan_all(struct db *db, uint64_t cursor, void (*visit)(void *ctx, struct entry *e),
                     void *ctx)
{
    struct scan s = {db, visit, ctx, true};

    return index_scan(&db->index, cursor, scan_visit, &s);
}

size_t db_entry_bytes(const struct db *db, const struct entry *e)
{
    size_t bytes = heap_item_bytes(&db->heap, heap_ref(&db->heap, e));

    if (entry_form(e) != FORM_OUTSIDE)
        return bytes;
    if (entry_type(e) == TYPE_STRING)
        return bytes + ((struct blob *)entry_outside(e))->cost;
    return bytes + db->ks->types[entry_type(e)]->bytes(db, entry_outside(e));
}
