/*
 * A stream: entries with rising names, each some fields with values, and groups of consumers that
 * read them (stream_group.h).
 *
 *     nodes   name of the first entry, address        in order (id_map.h)
 *     node    [ fields | entry entry entry ... ]      up to stream-node-max-bytes and -entries
 *
 * What stands in a node are the elements of a listpack (compact.h), as Redis's nodes have them from
 * the number of fields on:
 *
 *     fields   number  field ...  0
 *     entry    flags  ms  seq  [number  field]  value ...  elements
 *
 * The fields are those of the first entry; entries that have the same leave them out. The name of
 * an entry is the distance from the node's. An entry that is removed is only marked, and the node
 * goes with its last one. `elements` says how many stand in front of it, for reading backward.
 *
 * Everything is booked to db->heap.account, which every call is told.
 */
#ifndef LARDER_TYPES_STREAM_H
#define LARDER_TYPES_STREAM_H

#include "cacheengine/keyspace/db.h"
#include "cacheengine/types/id_map.h"
#include "cacheengine/types/packed.h"

struct stream_group;

enum stream_flag {
    STREAM_DELETED = 1,
    STREAM_SAME_FIELDS = 2,
};

struct stream_node {
    uint32_t len, room;     /* bytes */
    uint32_t live, deleted; /* entries */
    uint32_t elements;      /* of the listpack */
    uint32_t fields_len;    /* bytes in front of the first entry */
    struct stream_id last;  /* name of the last entry, removed or not */
    uint8_t bytes[];
};

/* What `nodes` holds. */
struct stream_slot {
    struct stream_id first; /* what names in the node are counted from */
    struct stream_node *node;
};

struct stream {
    uint64_t length;              /* entries that are there */
    struct stream_id first;       /* of them; zero when there are none */
    struct stream_id last;        /* the highest name ever given */
    struct stream_id removed;     /* the highest one that XDEL took */
    uint64_t added;               /* entries ever added */
    struct id_map nodes;          /* of struct stream_slot */
    size_t node_bytes;            /* of all nodes, booked */
    struct stream_group **groups; /* by name */
    uint32_t group_count;
};

struct stream *stream_new(struct account *a);
void stream_free(struct account *a, struct stream *s);

/* The same in parts of about `budget` nodes, groups and waiting entries; true when all is freed. */
bool stream_free_some(struct account *a, struct stream *s, uint32_t budget);

struct stream *stream_copy(struct account *a, const struct stream *s);
size_t stream_bytes(const struct stream *s);
size_t stream_weight(const struct stream *s);

/* Adds an entry with a name above all others: `pairs` fields and values in turn. */
void stream_add(struct account *a, struct stream *s, const struct settings *settings,
                struct stream_id id, const struct str *words, uint32_t pairs);

/* Texts of one entry may have so many bytes in all. */
#define STREAM_ENTRY_MAX (1U << 30)

/* Removes an entry; false when there is none. */
bool stream_remove(struct account *a, struct stream *s, struct stream_id id);

/* What of the oldest entries is to go. */
struct stream_trim {
    bool by_name;  /* those below `least`, else all but `length` */
    bool is_rough; /* only whole nodes */
    uint64_t length;
    struct stream_id least;
    uint64_t limit; /* no node is looked at that would make it more than so many; 0: none */
};

/* Removes them; returns how many there were. */
uint64_t stream_cut(struct account *a, struct stream *s, const struct stream_trim *trim);

/* Finds out which entry is the first, after others went. */
void stream_note_first(struct stream *s);

/* The name of the first entry, removed or not; the greatest of all where there is none. */
struct stream_id stream_oldest(const struct stream *s);

/* ---- reading ---- */

/* An entry that was read. */
struct stream_entry {
    struct stream_id id;
    uint32_t fields;
    const uint8_t *at;    /* its next element */
    const uint8_t *names; /* its next field, where it shares them; NULL: they stand in it */
    uint8_t *flags;       /* of enum stream_flag; one byte */
    struct stream_node *node;
};

struct stream_walk {
    const struct stream *s;
    struct stream_id from, to;
    struct id_place place; /* of the node */
    const uint8_t
        *at; /* forward the next entry, backward the end of it; NULL: a node is to be begun */
    bool is_back, with_deleted;
};

/* A walk over the entries whose names are in a range, both ends included. */
struct stream_walk stream_walk_begin(const struct stream *s, struct stream_id from,
                                     struct stream_id to, bool is_back);

bool stream_next(struct stream_walk *w, struct stream_entry *out);

/* The next field and value of an entry, which has as many as `fields` says. */
void stream_pair(struct stream_entry *e, struct packed_item *field, struct packed_item *value);

bool stream_has(const struct stream *s, struct stream_id id);

/* The highest name of an entry that is there; zero when there is none. */
struct stream_id stream_newest(const struct stream *s);

/* ---- for streams that are read from a file ---- */

/* Adds a copy of a node behind all others; what it says of itself is taken as it is. */
void stream_add_node(struct account *a, struct stream *s, struct stream_id first,
                     const struct stream_node *node);

/* What keyspace_set_type wants. */
extern const struct type_ops stream_type_ops;

/* Parts of it: streams as records (value.h). */
void stream_save(struct record_writer *w, struct db *db, const struct entry *e);
must_use struct err stream_load(struct record_reader *r, unsigned record_type, struct db *db,
                                struct key k, struct value *out);

#endif
