/*
 * A list as one thing, whatever form it has:
 *
 *     a run of packed elements beside the key (packed_value.h), up to SEQUENCE_RUN_MAX bytes
 *     a quicklist outside (quicklist.h)
 *
 * OBJECT ENCODING says "listpack" as long as Redis would have the list in one (settings.h,
 * list_packed_size): of a run always, of a quicklist by its `is_shown_packed`.
 *
 * A struct sequence is a handle for the length of a command. Items that were read borrow the
 * list's bytes and hold until the next change of the database.
 */
#ifndef LARDER_TYPES_SEQUENCE_H
#define LARDER_TYPES_SEQUENCE_H

#include "cacheengine/types/packed_value.h"
#include "cacheengine/types/quicklist.h"

#define SEQUENCE_RUN_MAX 1024

struct sequence {
    struct db *db;
    struct key k;
    struct entry *e;     /* NULL: there is no such key yet */
    struct quicklist *q; /* NULL while it is a run */
};

/* Opens the list of an entry; with NULL one that the first push makes. */
void sequence_open(struct sequence *s, struct db *db, struct key k, struct entry *e);

uint64_t sequence_count(const struct sequence *s);

/* Says that `count` texts of `bytes` in all are about to be added: what it is said to be follows.
 */
void sequence_grows(struct sequence *s, size_t bytes, uint64_t count);

/* Says that elements were removed or replaced: the form may become a smaller one. */
void sequence_shrank(struct sequence *s);

/* Says that it is complete: it gets the form that what is in it asks for. */
void sequence_settle(struct sequence *s);

/* Adds texts at an end one after the other. They must not stand in the database. */
void sequence_push(struct sequence *s, bool at_front, const struct str *texts, uint32_t count);

/* Puts a text in front of the element with an index (count: at the end). */
void sequence_insert(struct sequence *s, uint64_t index, struct str text);

void sequence_replace(struct sequence *s, uint64_t index, struct str text);

/* Removes `count` elements that are there. The caller deletes a key that has none left. */
void sequence_remove(struct sequence *s, uint64_t index, uint64_t count);

/* Removes what the sieve takes. */
void sequence_sift(struct sequence *s, struct quicklist_sieve *sieve);

/* A walk in one direction. */
struct sequence_walk {
    struct quicklist_walk in; /* of a quicklist */
    bool is_back, is_run;
    const uint8_t *at;      /* of a run: the next element */
    const uint8_t **places; /* of a run, backward: where elements begin */
    uint64_t left;          /* of a run: elements to come */
};

/* Begins at an element that is there; backward, notes are made in the arena. */
void sequence_walk_begin(struct sequence_walk *w, const struct sequence *s, uint64_t index,
                         bool is_back, struct arena *a);

/* The next element in its direction; false behind the last. */
bool sequence_next(struct sequence_walk *w, struct packed_item *out);

/* The element with an index, which must be there. */
void sequence_at(const struct sequence *s, uint64_t index, struct packed_item *out);

/* What keyspace_set_type wants. */
extern const struct type_ops list_type_ops;

/* ---- for lists that are read from a file: parts without a key ---- */

/* A quicklist of the elements of a run. */
struct quicklist *sequence_unpack(struct db *db, const void *run, size_t len);

/* True when a list of so many elements in so many bytes may be a run beside a key. */
bool sequence_may_be_run(const struct db *db, struct key k, size_t len, uint64_t count);

/* All elements, and some (each.c). */
void sequence_each(struct db *db, const struct entry *e, element_fn *visit, void *ctx);
uint64_t sequence_some(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                       void *ctx);

/* Lists as records (value.h). */
void sequence_save(struct record_writer *w, struct db *db, const struct entry *e);
must_use struct err sequence_load(struct record_reader *r, unsigned record_type, struct db *db,
                                  struct key k, struct value *out);

#endif
