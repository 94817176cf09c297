/*
 * Items of the memcached protocol as string keys: a value with flags and a cas.
 *
 * Flags and cas cost nothing until they are used. Three forms, told apart by the entry's own form:
 *
 *     PLAIN, NUMBER   the value and nothing else: flags 0, no cas given out
 *     EDITED          a mask byte, then flags (4) and cas (8) as the mask says, then the value
 *     OUTSIDE         a blob: flags (4), cas (7), marks (1), then the value
 *
 * Marks are what meta commands remember of an item; EDITED has them in its mask. Every write of the
 * value ends cas and marks.
 */
#ifndef LARDER_KEYSPACE_ITEM_H
#define LARDER_KEYSPACE_ITEM_H

#include "cacheengine/keyspace/value.h"

#define ITEM_KEY_MAX     250
#define ITEM_VALUE_MAX   ((size_t)1 << 30) /* what larder-memcached-item-max may be at most */
#define ITEM_BLOB_PREFIX 12                /* bytes in front of the value of an OUTSIDE one */
#define ITEM_EXTRA       13                /* the most that stands in front of a value */

#define ITEM_CAS_MAX ((1ULL << 56) - 1)

enum item_mark {
    ITEM_STALE = 1,   /* is to be made anew by somebody */
    ITEM_TAKEN = 2,   /* and somebody was told that it is he */
    ITEM_ENCODED = 4, /* its key came in base64 */
};

struct item {
    struct entry *entry;
    struct str value;
    struct blob *blob; /* what `value` stands in, when it stands outside */
    size_t blob_from;  /* where in it */
    uint64_t cas;      /* 0 = none was given out since the last write */
    uint32_t flags;
    unsigned marks;
    struct number_text digits;
};

/* Fills `out` from an entry that was found; it holds until the next write. */
void item_read(struct entry *e, struct item *out);

/* Gives a cas and marks to an item as it stands (0: none); false when it has no room for them. */
bool item_note(struct item *it, uint64_t cas, unsigned marks);

/* ---- storing ---- */

/* True when a value of this length cannot stand in the entry. */
bool item_stands_outside(struct key k, size_t value_len);

/* Stores a value without a cas. The bytes may stand in the database. */
struct entry *item_set(struct db *db, struct key k, uint32_t flags, struct str value,
                       int64_t deadline_ms);

/* Stores a short value anew with flags, cas and marks of `it`. */
struct entry *item_set_edited(struct db *db, struct key k, const struct item *it, struct str value,
                              int64_t deadline_ms);

/* A blob with both parts as its value, and flags but no cas in front of it. */
struct blob *item_blob(struct account *account, uint32_t flags, struct str a, struct str b);

/* The same of a blob that has room for it where its bytes begin. */
void item_blob_begin(struct blob *b, uint32_t flags);

/* ---- records ---- */

/* True for what a line can name as it is: 1 to 250 bytes without blanks, ends of lines and NUL. */
bool item_key_is_fine(struct str name);

/* Writes type byte, pending key (w->key) and value: the record of a string. The flags are the
 * caller's to write (persist/snapshot.h); the cas is not written, see there. */
void item_save(struct record_writer *w, const struct item *it);

/* Reads such a record's value for a key of this length, with these flags, to be put or dropped as
 * any value. ERR_CORRUPT; ERR_UNSUPPORTED for what is no item. */
must_use struct err item_load(struct record_reader *r, unsigned record_type, struct db *db,
                              struct key k, uint32_t flags, struct value *out);

#endif
