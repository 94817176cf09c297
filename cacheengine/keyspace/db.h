/*
 * One database: finding, writing, removing and walking keys.
 *
 * Keys are found as `struct entry *` (entry.h), which holds until the next call that writes to this
 * database; functions that change an entry return where it stands now. Expiry is lazy here: a key
 * past its deadline is not found, and removed on the way (but on a replica only hidden).
 */
#ifndef LARDER_KEYSPACE_DB_H
#define LARDER_KEYSPACE_DB_H

#include "cacheengine/keyspace/keyspace.h"

/* ---- finding ---- */

/* For reading: counts hit or miss, notes the access. NULL when there is no such key. */
struct entry *db_read(struct db *db, struct key k);

/* For writing: notes the access, counts nothing. */
struct entry *db_find(struct db *db, struct key k);

/* For reading without using it (TTL, TYPE, EXISTS): counts hit or miss, does not note the access.
 */
struct entry *db_look(struct db *db, struct key k);

/* Without a trace: no counting, no noting, nothing removed. */
struct entry *db_peek(const struct db *db, struct key k);

/* True when the key is there but its deadline has passed. */
bool db_is_stale(const struct db *db, struct key k);

/* A key of any chance, or NULL when there is none (live). */
struct entry *db_random(struct db *db);

static inline uint64_t db_count(const struct db *db)
{
    return db->index.count;
}

/* Asks the processor for what db_read will touch: the bucket, and one step later the entry. */
static inline void db_prefetch_bucket(const struct db *db, uint64_t hash)
{
    index_prefetch(&db->index, hash);
}

static inline void db_prefetch_entry(const struct db *db, uint64_t hash)
{
    index_prefetch_item(&db->index, hash);
}

/* ---- writing ---- */

/* Opens the heap, which an untouched database does without: before what is not a key is put there.
 */
void db_open_heap(struct db *db);

#define KEEP_DEADLINE ((int64_t)-2)

/*
 * Sets a string: as a number when it is one in canonical form, in place when it fits, outside when
 * it is big. Replaces a value of any type. `deadline_ms` is a wall time, NO_DEADLINE or
 * KEEP_DEADLINE. `value` may point into the database itself.
 */
struct entry *db_set_string(struct db *db, struct key k, struct str value, int64_t deadline_ms);

/* The same with a blob, of which one share is taken over. */
struct entry *db_set_blob(struct db *db, struct key k, struct blob *value, int64_t deadline_ms);

struct entry *db_set_number(struct db *db, struct key k, int64_t value, int64_t deadline_ms);

/* Sets bytes of a type's own making (packed collections): at most db_plain_max of them. The bytes
 * must not stand in this database. `bytes` may be NULL: the value is then left unset for the caller
 * to fill. */
struct entry *db_set_plain(struct db *db, struct key k, enum entry_type type, enum entry_form form,
                           const void *bytes, size_t len, int64_t deadline_ms);

/* Sets a type's object outside; ownership passes to the database. */
struct entry *db_set_outside(struct db *db, struct key k, enum entry_type type, void *object,
                             int64_t deadline_ms);

/* The longest PLAIN value that a key of this length leaves room for. */
size_t db_plain_max(struct key k);

/* Gives the PLAIN or EDITED value of `e` a new length, up to db_plain_max; the common first bytes
 * stay, further ones are unset. */
struct entry *db_resize(struct db *db, struct key k, struct entry *e, size_t len);

/* Sets or removes the deadline of `e`. */
struct entry *db_set_deadline(struct db *db, struct key k, struct entry *e, int64_t deadline_ms);

/* Notes that an element of a key's value ends then, before all others. */
void db_note_end(struct db *db, struct key k, int64_t end_ms);

/* When the first element of a value ends by itself, or NO_DEADLINE. */
static inline int64_t db_next_end(const struct db *db, const struct entry *e)
{
    const struct type_ops *ops = db->ks->types[entry_type(e)];

    if (entry_form(e) != FORM_OUTSIDE || !ops || !ops->next_end)
        return NO_DEADLINE;
    return ops->next_end(entry_outside(e));
}

/* Turns the value of `e` into an OUTSIDE one of the same type; the old bytes are dropped. */
struct entry *db_move_outside(struct db *db, struct key k, struct entry *e, void *object);

/* Removes a key and its value; big values are freed in the background when `lazily`. False when
 * there was none (or it had expired). */
bool db_delete(struct db *db, struct key k, bool lazily);

/* Removes an entry just found. */
void db_delete_entry(struct db *db, struct key k, struct entry *e, bool lazily);

/* Moves the value (and its deadline) of `from` to key `to`, which replaces what is there. */
void db_rename(struct db *db, struct key from, struct key to);

/* Copies the value of `e` to a key of any database, where nothing may stand; returns the copy. */
struct entry *db_copy(struct db *from, struct entry *e, struct db *to, struct key k,
                      int64_t deadline_ms);

/* ---- strings ---- */

/* Room for the digits of a number. */
struct number_text {
    char text[24];
};

struct str number_digits(struct number_text *room, int64_t v);

/* The bytes of a string value; a NUMBER is written to `digits`. */
struct str db_string(const struct entry *e, struct number_text *digits);

/* ---- walking ---- */

/* Calls `visit` for the live keys of the next place; 0 begins, 0 ends. Guarantees are index_scan's.
 * The database must not change inside `visit`. */
uint64_t db_scan(struct db *db, uint64_t cursor, void (*visit)(void *ctx, struct entry *e),
                 void *ctx);

/* The same with keys that have expired and are still there. */
uint64_t db_scan_all(struct db *db, uint64_t cursor, void (*visit)(void *ctx, struct entry *e),
                     void *ctx);

/* Whether what has expired is removed when it is met. */
static inline bool db_may_expire(const struct db *db)
{
    return !db->ks->hides_expired && !db->ks->stands_still;
}

/* True when the deadline of `e` has passed. */
static inline bool db_is_expired(const struct db *db, const struct entry *e)
{
    return entry_has_deadline(e) && entry_deadline(e) <= db->ks->now_ms;
}

/* Seconds since the last access; the frequency counter after decay (0-255). */
uint32_t db_idle_s(const struct db *db, const struct entry *e);
uint8_t db_frequency(const struct db *db, const struct entry *e);

/* Seconds since the last access under every policy, as well as it is known. */
uint32_t db_unused_s(const struct db *db, const struct entry *e);

/* With keyspace_note_reads: whether an entry was read since it was made. Who reads one says so, and
 * who puts another value in the place of one. */
bool db_was_read(const struct db *db, const struct entry *e);

static inline void db_note_read(const struct db *db, struct entry *e)
{
    uint8_t mark = (uint8_t)(db->ks->read_mark >> 16);

    if ((e->age[2] & mark) != mark)
        e->age[2] |= mark;
}

static inline void db_note_new(const struct db *db, struct entry *e)
{
    if (db->ks->read_mark)
        entry_set_age(e, db->ks->age_now);
}

/* Notes either of them for a key that comes from elsewhere; what the policy does not count is
 * ignored. */
void db_set_idle_s(const struct db *db, struct entry *e, uint64_t idle_s);
void db_set_frequency(const struct db *db, struct entry *e, uint8_t frequency);

/* What OBJECT ENCODING and TYPE show. */
const char *db_encoding(const struct db *db, const struct entry *e);
const char *db_type_name(const struct db *db, const struct entry *e);
const char *db_name_of_type(const struct db *db, enum entry_type type);

/* Bytes that a key takes with all that belongs to it. */
size_t db_entry_bytes(const struct db *db, const struct entry *e);

#endif
