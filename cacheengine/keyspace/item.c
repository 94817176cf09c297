/* Items as string keys. What stands in front of a value is copied in and out, as it is not aligned.
 */
#include "cacheengine/keyspace/item.h"

#include "cacheengine/keyspace/internal.h"

enum { HAS_FLAGS = 1, HAS_CAS = 2 };

#define BLOB_CAS_AT 4

/* ---- reading ---- */

static void read_edited(struct entry *e, struct item *out)
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

static void read_outside(struct entry *e, struct item *out)
{
    struct blob *b = entry_outside(e);
    struct str bytes = blob_str(b);

    memcpy(&out->flags, bytes.ptr, sizeof(out->flags));
    memcpy(&out->cas, bytes.ptr + BLOB_CAS_AT, sizeof(out->cas));
    out->value = (struct str){bytes.ptr + ITEM_BLOB_PREFIX, bytes.len - ITEM_BLOB_PREFIX};
    out->blob = b;
    out->blob_from = ITEM_BLOB_PREFIX;
}

void item_read(struct entry *e, struct item *out)
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

char *item_cas_place(const struct item *it)
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

/* ---- storing ---- */

bool item_stands_outside(struct key k, size_t value_len)
{
    return value_len + ITEM_EXTRA > db_plain_max(k);
}

void item_blob_begin(struct blob *b, uint32_t flags)
{
    static const uint64_t no_cas = 0;

    memcpy(blob_ptr(b), &flags, sizeof(flags));
    memcpy(blob_ptr(b) + BLOB_CAS_AT, &no_cas, sizeof(no_cas));
}

struct blob *item_blob(struct account *account, uint32_t flags, struct str a, struct str b)
{
    size_t len = ITEM_BLOB_PREFIX + a.len + b.len;
    struct blob *blob = blob_new(account, len, len);

    item_blob_begin(blob, flags);
    memcpy(blob_ptr(blob) + ITEM_BLOB_PREFIX, a.ptr, a.len);
    memcpy(blob_ptr(blob) + ITEM_BLOB_PREFIX + a.len, b.ptr, b.len);
    return blob;
}

/* The bytes of an EDITED value into `to`, which has room for ITEM_EXTRA more than the value.
 * Returns how many. */
static size_t edit(char *to, uint32_t flags, uint64_t cas, struct str value)
{
    size_t at = 1;

    to[0] = (char)((flags ? HAS_FLAGS : 0) | (cas ? HAS_CAS : 0));
    if (flags) {
        memcpy(to + at, &flags, sizeof(flags));
        at += sizeof(flags);
    }
    if (cas) {
        memcpy(to + at, &cas, sizeof(cas));
        at += sizeof(cas);
    }
    memcpy(to + at, value.ptr, value.len);
    return at + value.len;
}

struct entry *item_set_edited(struct db *db, struct key k, uint32_t flags, uint64_t cas,
                              struct str value, int64_t deadline_ms)
{
    char bytes[ENTRY_VALUE_MAX + ITEM_EXTRA];
    size_t len = edit(bytes, flags, cas, value);

    return db_set_plain(db, k, TYPE_STRING, FORM_EDITED, bytes, len, deadline_ms);
}

struct entry *item_set(struct db *db, struct key k, uint32_t flags, struct str value,
                       int64_t deadline_ms)
{
    if (item_stands_outside(k, value.len))
        return db_set_blob(db, k, item_blob(&db->ks->account, flags, value, STR("")), deadline_ms);
    if (flags)
        return item_set_edited(db, k, flags, 0, value, deadline_ms);
    return db_set_string(db, k, value, deadline_ms);
}

/* ---- records ---- */

bool item_key_is_fine(struct str name)
{
    if (name.len == 0 || name.len > ITEM_KEY_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == ' ' || name.ptr[i] == '\n' || name.ptr[i] == '\0')
            return false;
    return true;
}

void item_save(struct record_writer *w, const struct item *it)
{
    record_put_type(w, RECORD_STRING);
    record_put_string(w, it->value);
}

static void value_of(struct db *db, struct key k, uint32_t flags, struct str text,
                     struct value *out)
{
    if (item_stands_outside(k, text.len)) {
        out->form = FORM_OUTSIDE;
        out->outside = item_blob(&db->ks->account, flags, text, STR(""));
    } else if (flags) {
        out->form = FORM_EDITED;
        out->len = edit(out->bytes, flags, 0, text);
    } else if (number_parse_i64(text.ptr, text.len, &out->number)) {
        out->form = FORM_NUMBER;
    } else {
        out->form = FORM_PLAIN;
        out->len = text.len;
        memcpy(out->bytes, text.ptr, text.len);
    }
}

struct err item_load(struct record_reader *r, unsigned record_type, struct db *db, struct key k,
                     uint32_t flags, struct value *out)
{
    struct record_text *t = &out->texts[0];

    if (record_type != RECORD_STRING)
        return record_fail(r, ERR_UNSUPPORTED, "it is no item of memcached");
    TRY(record_get_string(r, t));
    if (t->text.len > ITEM_VALUE_MAX)
        return record_fail(r, ERR_UNSUPPORTED, "it is larger than items of memcached may be");
    out->type = TYPE_STRING;
    value_of(db, k, flags, t->text, out);
    /* A long value is not kept twice until the next one. */
    if (out->form == FORM_OUTSIDE)
        record_text_fini(t);
    return OK;
}
