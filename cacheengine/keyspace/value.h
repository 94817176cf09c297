/*
 * A value apart from any key: what a record says, ready to be put into a database, and the way from
 * an entry to a record. Strings are known here; other types bring `save` and `load` (type_ops).
 */
#ifndef LARDER_KEYSPACE_VALUE_H
#define LARDER_KEYSPACE_VALUE_H

#include "cacheengine/keyspace/db.h"
#include "cacheengine/keyspace/record.h"

struct value {
    enum entry_type type;
    enum entry_form form;
    union {
        int64_t number; /* NUMBER */
        void *outside;  /* OUTSIDE: a blob or the type's object, owned */
        size_t len;     /* PLAIN: of `bytes` */
    };
    struct record_text texts[2]; /* work of the loader, kept for the next value */
    char bytes[ENTRY_VALUE_MAX]; /* PLAIN */
};

/* Writes type byte, pending key (w->key) and value of an entry. False when its type has no record
 * yet that w->version allows; nothing is written then. */
bool value_save(struct record_writer *w, struct db *db, const struct entry *e);

/*
 * Reads a value of a type byte for a key of this length in this database, in the encoding that the
 * settings ask for. The value is zeroed before its first use (`bytes` need not be); it holds what
 * must be put or dropped only after success. ERR_CORRUPT; ERR_NOT_FOUND for an empty collection,
 * which files of old bugs have and which is then left out; ERR_UNSUPPORTED for what this engine
 * does not have. After a failure but ERR_NOT_FOUND the reader is of no more use.
 */
must_use struct err value_load(struct record_reader *r, unsigned record_type, struct db *db,
                               struct key k, struct value *out);

/* Sets a key to it, in place of whatever the key had. What the value owns passes to the database.
 */
struct entry *value_put(struct db *db, struct key k, struct value *v, int64_t deadline_ms);

/* Behind the value of a DUMP payload: its version (2 bytes) and checksum (8), low bytes first. */
#define PAYLOAD_FOOTER_BYTES 10

/* Writes a DUMP payload to a writer that has written nothing since it was made or restarted. False
 * as value_save. */
bool payload_save(struct record_writer *w, struct db *db, const struct entry *e);

/* Frees what it owns instead. */
void value_drop(struct db *db, struct value *v);

/* Frees the work of the loader. */
void value_fini(struct value *v);

#endif
