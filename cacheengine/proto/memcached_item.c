/*
 * Items as string keys. Three forms, told apart by the entry's own form:
 *
 *     PLAIN, NUMBER   the value and nothing else: flags 0, no cas given out
 *     EDITED          a mask byte, then flags (4) and cas (8) as the mask says, then the value
 *     OUTSIDE         a blob: flags (4), cas (8), then the value
 *
 * A big value taken over from the read buffer finds room for its 12 bytes in the command line that
 * stands in front of it there.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached.h"

enum { HAS_FLAGS = 1, HAS_CAS = 2 };

#define BLOB_PREFIX 12
#define BLOB_CAS_AT 4

/* ---- reading ---- */

static void read_edited(struct entry *e, struct mc_item *out)
{
    struct str bytes = entry_bytes(e);
    uint8_t mask = (uint8_t)bytes.ptr[0];
    size_t at = 1;

    if (mask & HAS_FLAGS) {
        memcpy(&out->flags, bytes.ptr + at, sizeof(out->flags));
        at += sizeof(out->flags);
    }
    if (mask & HAS_CAS) {
        memcpy(&out->cas, bytes.ptr + at, sizeof(out->cas));
        at += sizeof(out->cas);
    }
    out->value = (struct str){bytes.ptr + at, bytes.len - at};
}

static void read_outside(struct entry *e, struct mc_item *out)
{
    struct blob *b = entry_outside(e);
    struct str bytes = blob_str(b);

    memcpy(&out->flags, bytes.ptr, sizeof(out->flags));
    memcpy(&out->cas, bytes.ptr + BLOB_CAS_AT, sizeof(out->cas));
    out->value = (struct str){bytes.ptr + BLOB_PREFIX, bytes.len - BLOB_PREFIX};
    out->blob = b;
    out->blob_from = BLOB_PREFIX;
}

void mc_item_read(struct entry *e, struct mc_item *out)
{
    out->entry = e;
    out->blob = NULL;
    out->cas = 0;
    out->flags = 0;
    switch (entry_form(e)) {
    case FORM_PLAIN: out->value = entry_bytes(e); return;
    case FORM_NUMBER: out->value = db_string(e, &out->digits); return;
    case FORM_EDITED: read_edited(e, out); return;
    case FORM_OUTSIDE: read_outside(e, out); return;
    }
}

/* ---- writing ---- */

size_t mc_item_size(size_t key_len, uint32_t flags, size_t value_len)
{
    return MC_ITEM_HEAD + key_len + 1 + (flags ? sizeof(flags) : 0) + value_len + 2;
}

bool mc_item_fits(const struct engine *e, size_t key_len, uint32_t flags, size_t value_len)
{
    return mc_item_size(key_len, flags, value_len) <= (size_t)e->settings.memcached_item_max;
}

static bool stands_outside(struct key k, size_t value_len)
{
    return value_len + MC_VALUE_EXTRA > db_plain_max(k);
}

static void write_blob_prefix(struct blob *b, uint32_t flags, uint64_t cas)
{
    memcpy(blob_ptr(b), &flags, sizeof(flags));
    memcpy(blob_ptr(b) + BLOB_CAS_AT, &cas, sizeof(cas));
}

/* A blob with the two parts as its value. */
static struct blob *blob_of(struct cmd_call *c, uint32_t flags, struct str a, struct str b)
{
    size_t len = BLOB_PREFIX + a.len + b.len;
    struct blob *blob = blob_new(&c->ks->account, len, len);

    write_blob_prefix(blob, flags, 0);
    memcpy(blob_ptr(blob) + BLOB_PREFIX, a.ptr, a.len);
    memcpy(blob_ptr(blob) + BLOB_PREFIX + a.len, b.ptr, b.len);
    return blob;
}

/* Stores a short value with what stands in front of it. */
static struct entry *put_edited(struct cmd_call *c, struct key k, uint32_t flags, uint64_t cas,
                                struct str value, int64_t deadline_ms)
{
    char bytes[ENTRY_VALUE_MAX + MC_VALUE_EXTRA];
    size_t at = 1;

    bytes[0] = (char)((flags ? HAS_FLAGS : 0) | (cas ? HAS_CAS : 0));
    if (flags) {
        memcpy(bytes + at, &flags, sizeof(flags));
        at += sizeof(flags);
    }
    if (cas) {
        memcpy(bytes + at, &cas, sizeof(cas));
        at += sizeof(cas);
    }
    memcpy(bytes + at, value.ptr, value.len);
    return db_set_plain(c->db, k, TYPE_STRING, FORM_EDITED, bytes, at + value.len, deadline_ms);
}

static void store(struct cmd_call *c, struct key k, uint32_t flags, struct str value,
                  int64_t deadline_ms)
{
    if (stands_outside(k, value.len))
        db_set_blob(c->db, k, blob_of(c, flags, value, STR("")), deadline_ms);
    else if (flags)
        put_edited(c, k, flags, 0, value, deadline_ms);
    else
        db_set_string(c->db, k, value, deadline_ms);
}

/* True when nothing is to be kept; what was there is removed. */
static bool is_gone_at_once(struct cmd_call *c, struct key k, int64_t deadline_ms)
{
    if (deadline_ms != MC_AT_ONCE)
        return false;
    if (db_delete(c->db, k, c->ks->settings->lazy_server_del))
        call_changed(c, k, EVENT_GENERIC, "del");
    return true;
}

void mc_item_put(struct cmd_call *c, struct key k, uint32_t flags, struct str value,
                 int64_t deadline_ms)
{
    if (is_gone_at_once(c, k, deadline_ms))
        return;
    store(c, k, flags, value, deadline_ms);
    call_changed(c, k, EVENT_STRING, "set");
}

/* The body's buffer as a blob, its prefix written over the end of the command line. */
static struct blob *take_body(struct cmd_call *c, uint32_t flags, uint32_t body_arg)
{
    struct blob *b = call_take(c, body_arg);

    if (!b)
        return NULL;
    if (b->skip < BLOB_PREFIX) {
        blob_drop(&c->ks->account, b);
        return NULL;
    }
    b->skip -= BLOB_PREFIX;
    b->len += BLOB_PREFIX;
    write_blob_prefix(b, flags, 0);
    return b;
}

void mc_item_put_body(struct cmd_call *c, struct key k, uint32_t flags, uint32_t body_arg,
                      int64_t deadline_ms)
{
    struct str body = c->argv[body_arg];
    struct blob *b;

    if (is_gone_at_once(c, k, deadline_ms))
        return;
    if (stands_outside(k, body.len) && (b = take_body(c, flags, body_arg)))
        db_set_blob(c->db, k, b, deadline_ms);
    else
        store(c, k, flags, body, deadline_ms);
    call_changed(c, k, EVENT_STRING, "set");
}

/* ---- the cas ---- */

/* Where the cas of an item stands that has room for one, or NULL. */
static char *cas_place(const struct mc_item *it)
{
    struct entry *e = it->entry;
    uint8_t mask;

    if (it->blob)
        return blob_ptr(it->blob) + BLOB_CAS_AT;
    if (entry_form(e) != FORM_EDITED)
        return NULL;
    mask = (uint8_t)entry_value(e)[0];
    return mask & HAS_CAS ? entry_value(e) + 1 + (mask & HAS_FLAGS ? sizeof(it->flags) : 0) : NULL;
}

uint64_t mc_item_cas(struct cmd_call *c, struct key k, struct mc_item *it)
{
    char *place = cas_place(it);
    uint64_t cas = it->cas;

    if (cas)
        return cas;
    cas = ++mc_state(c)->last_cas;
    if (place) {
        memcpy(place, &cas, sizeof(cas));
        it->cas = cas;
        return cas;
    }
    mc_item_read(put_edited(c, k, it->flags, cas, it->value, KEEP_DEADLINE), it);
    return cas;
}

static void forget_cas(struct mc_item *it)
{
    static const uint64_t none = 0;
    char *place = cas_place(it);

    if (place)
        memcpy(place, &none, sizeof(none));
}

/* ---- adding to a value ---- */

/* Both parts as one value in the scratch arena. */
static struct str joined(struct cmd_call *c, struct str a, struct str b)
{
    char *bytes = arena_alloc(c->scratch, a.len + b.len + 1);

    memcpy(bytes, a.ptr, a.len);
    memcpy(bytes + a.len, b.ptr, b.len);
    return (struct str){bytes, a.len + b.len};
}

/* Grows a blob that nobody else holds at its end. */
static void blob_append(struct cmd_call *c, struct mc_item *it, struct str more)
{
    struct blob *b = it->blob;
    size_t len = b->len + more.len;

    if (b->skip + len > b->room)
        b = blob_grow(&c->ks->account, b, len + len / 4);
    memcpy(blob_ptr(b) + b->len, more.ptr, more.len);
    b->len = len;
    write_blob_prefix(b, it->flags, 0);
    entry_set_outside(it->entry, b);
}

void mc_item_append(struct cmd_call *c, struct key k, struct mc_item *it, struct str more)
{
    enum entry_form form = entry_form(it->entry);
    size_t len = it->value.len + more.len;

    if (it->blob && !blob_is_shared(it->blob)) {
        blob_append(c, it, more);
    } else if (stands_outside(k, len)) {
        db_set_blob(c->db, k, blob_of(c, it->flags, it->value, more), KEEP_DEADLINE);
    } else if (form == FORM_PLAIN || form == FORM_EDITED) {
        size_t old = entry_value_len(it->entry);

        forget_cas(it);
        struct entry *e = db_resize(c->db, k, it->entry, old + more.len);
        memcpy(entry_value(e) + old, more.ptr, more.len);
    } else {
        store(c, k, it->flags, joined(c, it->value, more), KEEP_DEADLINE);
    }
    call_changed(c, k, EVENT_STRING, "append");
}

void mc_item_prepend(struct cmd_call *c, struct key k, struct mc_item *it, struct str more)
{
    if (stands_outside(k, it->value.len + more.len))
        db_set_blob(c->db, k, blob_of(c, it->flags, more, it->value), KEEP_DEADLINE);
    else
        store(c, k, it->flags, joined(c, more, it->value), KEEP_DEADLINE);
    call_changed(c, k, EVENT_STRING, "prepend");
}
