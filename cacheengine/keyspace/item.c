/* Items as string keys. What stands in front of a value is copied in and out, as it is not aligned.
 */
#include "cacheengine/keyspace/item.h"

#include "cacheengine/keyspace/internal.h"

enum { HAS_FLAGS = 1, HAS_CAS = 2, HAS_PARTS = HAS_FLAGS | HAS_CAS };

#define MARKS_SHIFT      2 /* in the mask */
#define BLOB_CAS_AT      4
#define BLOB_MARKS_SHIFT 56 /* in the 8 bytes of the cas */

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
    out->marks = mask >> MARKS_SHIFT;
    out->value = (struct str){bytes.ptr + at, bytes.len - at};
}

static void read_outside(struct entry *e, struct item *out)
{
    struct blob *b = entry_outside(e);
    struct str bytes = blob_str(b);

    memcpy(&out->flags, bytes.ptr, sizeof(out->flags));
    memcpy(&out->cas, bytes.ptr + BLOB_CAS_AT, sizeof(out->cas));
    out->marks = (unsigned)(out->cas >> BLOB_MARKS_SHIFT);
    out->cas &= ITEM_CAS_MAX;
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
    out->marks = 0;
    switch (entry_form(e)) {
    case FORM_PLAIN: out->value = entry_bytes(e); return;
    case FORM_NUMBER: out->value = db_string(e, &out->digits); return;
    case FORM_EDITED: read_edited(e, out); return;
    case FORM_OUTSIDE: read_outside(e, out); return;
    }
}

static bool note_edited(struct item *it, uint64_t cas, unsigned marks)
{
    char *at = entry_value(it->entry);
    uint8_t parts = (uint8_t)at[0] & HAS_PARTS;

    if (cas && !(parts & HAS_CAS))
        return false;
    if (parts & HAS_CAS)
        memcpy(at + 1 + (parts & HAS_FLAGS ? sizeof(it->flags) : 0), &cas, sizeof(cas));
    at[0] = (char)(parts | marks << MARKS_SHIFT);
    return true;
}

bool item_note(struct item *it, uint64_t cas, unsigned marks)
{
    bool is_noted = true;

    if (it->blob) {
        uint64_t both = cas | (uint64_t)marks << BLOB_MARKS_SHIFT;

        memcpy(blob_ptr(it->blob) + BLOB_CAS_AT, &both, sizeof(both));
    } else if (entry_form(it->entry) == FORM_EDITED) {
        is_noted = note_edited(it, cas, marks);
    } else {
        is_noted = cas == 0 && marks == 0;
    }
    if (is_noted) {
        it->cas = cas;
        it->marks = marks;
    }
    return is_noted;
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
static size_t edit(char *to, const struct item *it, struct str value)
{
    size_t at = 1;

    to[0] =
        (char)((it->flags ? HAS_FLAGS : 0) | (it->cas ? HAS_CAS : 0) | it->marks << MARKS_SHIFT);
    if (it->flags) {
        memcpy(to + at, &it->flags, sizeof(it->flags));
        at += sizeof(it->flags);
    }
    if (it->cas) {
        memcpy(to + at, &it->cas, sizeof(it->cas));
        at += sizeof(it->cas);
    }
    memcpy(to + at, value.ptr, value.len);
    return at + value.len;
}

struct entry *item_set_edited(struct db *db, struct key k, const struct item *it, struct str value,
                              int64_t deadline_ms)
{
    char bytes[ENTRY_VALUE_MAX + ITEM_EXTRA];
    size_t len = edit(bytes, it, value);

    return db_set_plain(db, k, TYPE_STRING, FORM_EDITED, bytes, len, deadline_ms);
}

struct entry *item_set(struct db *db, struct key k, uint32_t flags, struct str value,
                       int64_t deadline_ms)
{
    if (item_stands_outside(k, value.len))
        return db_set_blob(db, k, item_blob(&db->ks->account, flags, value, STR("")), deadline_ms);
    if (flags)
        return item_set_edited(db, k, &(struct item){.flags = flags}, value, deadline_ms);
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
        out->len = edit(out->bytes, &(struct item){.flags = flags}, text);
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
