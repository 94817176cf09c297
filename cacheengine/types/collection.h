/*
 * A hash or a set as one thing, whatever form it has:
 *
 *     a run of packed elements beside the key (packed_value.h): "listpack"
 *     a run of numbers beside the key (numbers.h), sets only: "intset"
 *     a table outside (table.h): "hashtable"
 *
 * The forms change at the moments at which Redis changes its encodings, by the limits that
 * parameters set, and OBJECT ENCODING names them so. Where a limit allows more than fits beside a
 * key, the collection is a table before it is said to be one (`shown` of struct table).
 *
 * A struct collection is a handle for the length of a command. It is opened on an entry, or begun
 * on a buffer to be stored when it is complete. Items that are added must not point into the
 * database; places and read items hold until the next change.
 */
#ifndef LARDER_TYPES_COLLECTION_H
#define LARDER_TYPES_COLLECTION_H

#include "cacheengine/keyspace/db.h"
#include "cacheengine/types/numbers.h"
#include "cacheengine/types/packed_value.h"
#include "cacheengine/types/table.h"

/* Values of `shown` of a table. */
enum shown { SHOWN_TABLE, SHOWN_PACKED, SHOWN_NUMBERS };

struct collection {
    struct db *db;
    struct key k;
    struct entry *e;     /* NULL while it is built apart */
    uint8_t *run;        /* while it is no table */
    size_t len;          /* of the run */
    struct table *table; /* NULL while it is a run */
    uint32_t width;      /* elements per member: 1 for a set, 2 for a hash */
    int64_t hides_ms;    /* fields that ended by this time are not shown; 0: all are */
};

/* An entry that was found; or after a failed search one that has ended and is hidden. */
struct collection_place {
    const uint8_t *at; /* the member's element; NULL in a run of numbers */
    uint64_t hash;     /* in tables */
    uint32_t index;    /* in runs of numbers */
};

#define COLLECTION_BUFFER ENTRY_VALUE_MAX /* bytes that collection_begin wants */

/* Opens the hash or set of an entry. */
void collection_open(struct collection *c, struct db *db, struct key k, struct entry *e);

/* Begins an empty one, as numbers (sets only) or packed. `buffer` is COLLECTION_BUFFER bytes and
 * lasts until the collection was stored or dropped. */
void collection_begin(struct collection *c, struct db *db, struct key k, enum entry_type type,
                      enum shown as, uint8_t *buffer);

/* Sets the key to what was built, in place of whatever it had. */
void collection_store(struct collection *c, int64_t deadline_ms);

/* Frees what was built and not stored. */
void collection_drop(struct collection *c);

uint64_t collection_count(const struct collection *c);

/* The same without what is hidden. */
uint64_t collection_count_shown(const struct collection *c);

/* False when the member is not there. */
bool collection_find(const struct collection *c, const struct packed_item *member,
                     struct collection_place *out);

bool collection_has(const struct collection *c, const struct packed_item *member);

/* Reads the value of an entry that was found (hashes). */
void collection_value(const struct collection_place *place, struct packed_item *out);

/* Adds a member that is not there, `width` items, as `place` of the failed search says. */
void collection_add(struct collection *c, const struct collection_place *place,
                    const struct packed_item *items);

/* Adds `width` items at the end of a packed run without a look for them; false, with nothing done,
 * where there is no room beside the key or, if it `obeys`, where the limits want a table. */
bool collection_append(struct collection *c, const struct packed_item *items, bool obeys);

/* True when the limits want a table for so many members. */
bool collection_is_big(const struct collection *c, uint64_t count);

/* Adds a member of a set; false when it was there. It may come from another collection while this
 * one is being built. */
bool collection_include(struct collection *c, const struct packed_item *member);

/* Sets the value of an entry that was found. */
void collection_replace(struct collection *c, const struct packed_item *member,
                        const struct collection_place *place, const struct packed_item *value);

/* Removes an entry that was found. The caller deletes a key that has none left. */
void collection_remove(struct collection *c, const struct collection_place *place);

/* ---- fields that end ---- */

/* Values of `end_ms`: a wall time up to PACKED_END_MAX, or PACKED_NO_END. A hash with fields that
 * end is a table and said to be one. */

/* True while there are such fields. */
static inline bool collection_has_ends(const struct collection *c)
{
    return c->table && c->table->ends > 0;
}

/* When an entry that was found ends. */
static inline int64_t collection_end(const struct collection *c,
                                     const struct collection_place *place)
{
    return c->table ? table_end(c->table, place->at) : PACKED_NO_END;
}

/* Sets when an entry ends that was found. The place holds afterwards. */
void collection_set_end(struct collection *c, const struct packed_item *member,
                        struct collection_place *place, int64_t end_ms);

/* Turns it into a table, said to be one or not. */
void collection_spread(struct collection *c, enum shown shown);

/* What OBJECT ENCODING has to say. */
enum shown collection_shown(const struct collection *c);

/* ---- reading ---- */

/* Asks the processor for what collection_find will touch for these members, at most
 * COLLECTION_BATCH. */
#define COLLECTION_BATCH 16
void collection_prefetch(const struct collection *c, const struct packed_item *members,
                         unsigned count);

/* A walk over all entries; zero begins. Runs are walked in their order. */
struct collection_walk {
    const uint8_t *at;
    uint32_t index;
    struct table_walk table;
    const uint8_t *rest; /* behind the member that was given last: its value */
};

/* The next member; false at the end. */
bool collection_next(const struct collection *c, struct collection_walk *walk,
                     struct packed_item *member);

/* A member of even chance, of those that are shown: at least one is. `rest` (may be NULL) is the
 * place of its value. */
void collection_random(const struct collection *c, struct rng *rng, struct packed_item *member,
                       const uint8_t **rest);

/* The entry with a number, in runs only: the order in which a walk meets them. */
void collection_nth(const struct collection *c, uint32_t n, struct packed_item *member,
                    const uint8_t **rest);

/* What keyspace_set_type wants. */
extern const struct type_ops hash_type_ops, set_type_ops;

/* Parts of it: all elements, some, one (each.c); hashes and sets as records (value.h). */
void collection_each(struct db *db, const struct entry *e, element_fn *visit, void *ctx);
uint64_t collection_some(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                         void *ctx);
void collection_one(struct db *db, const struct entry *e, struct str name, element_fn *visit,
                    void *ctx);
int64_t collection_end_of(struct db *db, const struct entry *e, struct str name);
void collection_save(struct record_writer *w, struct db *db, const struct entry *e);
must_use struct err collection_load(struct record_reader *r, unsigned record_type, struct db *db,
                                    struct key k, struct value *out);

#endif
