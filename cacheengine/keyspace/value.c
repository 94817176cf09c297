/* Values between records and entries; strings in full, the rest by their types. */
#include "cacheengine/keyspace/value.h"

#include "cacheengine/keyspace/internal.h"
#include "cacheengine/keyspace/number.h"

/* What a type byte stands for: the type that loads it, or why none does. */
static const struct record_kind {
    enum entry_type type;
    const char *refusal; /* NULL: it is loaded */
} kinds[RECORD_TYPES] = {
    [RECORD_STRING] = {TYPE_STRING, NULL                                                          },
    [RECORD_LIST] = {TYPE_LIST,   NULL                                                          },
    [RECORD_SET] = {TYPE_SET,    NULL                                                          },
    [RECORD_ZSET] = {TYPE_ZSET,   NULL                                                          },
    [RECORD_HASH] = {TYPE_HASH,   NULL                                                          },
    [RECORD_ZSET_2] = {TYPE_ZSET,   NULL                                                          },
    [RECORD_MODULE] = {0,           "it is the value of a module, which this engine does not have"},
    [RECORD_MODULE_2] = {0,           "it is the value of a module, which this engine does not have"},
    [8] = {0,           "its type is unknown"                                         },
    [RECORD_HASH_ZIPMAP] = {TYPE_HASH,   NULL                                                          },
    [RECORD_LIST_ZIPLIST] = {TYPE_LIST,   NULL                                                          },
    [RECORD_SET_INTSET] = {TYPE_SET,    NULL                                                          },
    [RECORD_ZSET_ZIPLIST] = {TYPE_ZSET,   NULL                                                          },
    [RECORD_HASH_ZIPLIST] = {TYPE_HASH,   NULL                                                          },
    [RECORD_LIST_QUICKLIST] = {TYPE_LIST,   NULL                                                          },
    [RECORD_STREAM] = {TYPE_STREAM, NULL                                                          },
    [RECORD_HASH_LISTPACK] = {TYPE_HASH,   NULL                                                          },
    [RECORD_ZSET_LISTPACK] = {TYPE_ZSET,   NULL                                                          },
    [RECORD_LIST_QUICKLIST_2] = {TYPE_LIST,   NULL                                                          },
    [RECORD_STREAM_2] = {TYPE_STREAM, NULL                                                          },
    [RECORD_SET_LISTPACK] = {TYPE_SET,    NULL                                                          },
    [RECORD_STREAM_3] = {TYPE_STREAM, NULL                                                          },
    [RECORD_HASH_2] = {TYPE_HASH,   NULL                                                          },
    [23] = {0,           "its type is unknown"                                         },
    [RECORD_HASH_ENDS] = {TYPE_HASH,   NULL                                                          },
    [RECORD_HASH_LISTPACK_ENDS] = {TYPE_HASH,   NULL                                                          },
};

/* What is said of a type without a loader. */
static const char *const absent[ENTRY_TYPES] = {
    [TYPE_LIST] = "it is a list, which this engine does not have yet",
    [TYPE_SET] = "it is a set, which this engine does not have yet",
    [TYPE_ZSET] = "it is a sorted set, which this engine does not have yet",
    [TYPE_HASH] = "it is a hash, which this engine does not have yet",
    [TYPE_STREAM] = "it is a stream, which this engine does not have yet",
};

/* ---- writing ---- */

bool value_save(struct record_writer *w, struct db *db, const struct entry *e)
{
    const struct type_ops *ops = db->ks->types[entry_type(e)];

    if (entry_type(e) != TYPE_STRING) {
        if (ops->save)
            ops->save(w, db, e);
        return ops->save;
    }
    record_put_type(w, RECORD_STRING);
    if (entry_form(e) == FORM_NUMBER)
        record_put_number(w, entry_number(e));
    else
        record_put_string(w, db_string(e, NULL));
    return true;
}

bool payload_save(struct record_writer *w, struct db *db, const struct entry *e)
{
    int version = w->version;

    if (db_next_end(db, e) != NO_DEADLINE)
        w->version = RECORD_VERSION_9;
    bool is_saved = value_save(w, db, e);
    if (is_saved) {
        record_put_byte(w, (uint8_t)w->version);
        record_put_byte(w, 0);
        record_put_u64(w, record_sum(w));
    }
    w->version = version;
    return is_saved;
}

/* ---- reading ---- */

static struct err string_load(struct record_reader *r, struct db *db, struct key k,
                              struct value *out)
{
    struct record_text *t = &out->texts[0];

    TRY(record_get_string(r, t));
    if (number_parse_i64(t->text.ptr, t->text.len, &out->number)) {
        out->form = FORM_NUMBER;
    } else if (t->text.len <= db_plain_max(k)) {
        out->form = FORM_PLAIN;
        out->len = t->text.len;
        memcpy(out->bytes, t->text.ptr, t->text.len);
    } else {
        struct blob *b = blob_new(&db->ks->account, t->text.len, t->text.len);

        memcpy(b->bytes, t->text.ptr, t->text.len);
        out->form = FORM_OUTSIDE;
        out->outside = b;
        /* A long string is not kept twice until the next one. */
        record_text_fini(t);
    }
    return OK;
}

struct err value_load(struct record_reader *r, unsigned record_type, struct db *db, struct key k,
                      struct value *out)
{
    const char *refusal =
        record_type < RECORD_TYPES ? kinds[record_type].refusal : "its type is unknown";

    /* Redis had another use for Valkey's number before it was released. */
    if (record_type == RECORD_HASH_2 && r->version == RECORD_VERSION_7_4)
        refusal = "its type is of a version of Redis that was never released";
    if (refusal)
        return record_fail(r, ERR_UNSUPPORTED, refusal);
    out->type = kinds[record_type].type;
    if (out->type == TYPE_STRING)
        return string_load(r, db, k, out);
    const struct type_ops *ops = db->ks->types[out->type];
    if (!ops || !ops->load)
        return record_fail(r, ERR_UNSUPPORTED, absent[out->type]);
    return ops->load(r, record_type, db, k, out);
}

struct entry *value_put(struct db *db, struct key k, struct value *v, int64_t deadline_ms)
{
    switch (v->form) {
    case FORM_NUMBER: return db_set_number(db, k, v->number, deadline_ms);
    case FORM_OUTSIDE: return db_set_outside(db, k, v->type, v->outside, deadline_ms);
    default: return db_set_plain(db, k, v->type, v->form, v->bytes, v->len, deadline_ms);
    }
}

void value_drop(struct db *db, struct value *v)
{
    if (v->form != FORM_OUTSIDE)
        return;
    if (v->type == TYPE_STRING)
        blob_drop(&db->ks->account, v->outside);
    else
        db->ks->types[v->type]->drop(db, v->outside);
    v->form = FORM_PLAIN;
    v->len = 0;
}

void value_fini(struct value *v)
{
    record_text_fini(&v->texts[0]);
    record_text_fini(&v->texts[1]);
}
