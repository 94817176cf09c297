/*
 * Long lists: elements in the packed form (packed.h), some dozens to a node, the nodes in an array.
 *
 *     slots   [ - - (ref, count) (ref, count) (ref, count) - ]    room at both ends
 *     node    begin (2)  end (2)  room (2)  [ ...elements from begin to end... ]
 *
 * A node has room at both ends too, so pushing and popping move nothing. The array holds how many
 * elements each node has: an element is found by adding up counts that stand side by side, and
 * then by walking one node. Nodes grow with the list (512 bytes to 8 KiB), so that the array stays
 * short beside what it lists.
 *
 * Elements too big to be walked over stand alone, as blobs, with their address in the node.
 */
#ifndef LARDER_TYPES_QUICKLIST_H
#define LARDER_TYPES_QUICKLIST_H

#include "cacheengine/keyspace/db.h"
#include "cacheengine/types/packed.h"

/* Texts longer than this stand alone. */
#define QUICKLIST_INLINE_MAX 2048

struct quicklist_node {
    uint16_t begin, end; /* of the elements in `bytes` */
    uint16_t room;       /* of `bytes` */
    uint8_t bytes[];
};

struct quicklist_slot {
    uint32_t ref;   /* of the node */
    uint32_t count; /* of its elements */
};

struct quicklist {
    uint64_t count; /* elements */
    size_t bytes;   /* of all elements in their nodes */
    size_t texts;   /* of those that stand alone */
    size_t held;    /* memory of nodes, slots and blobs, booked */
    uint64_t away;  /* elements that stand alone */
    struct quicklist_slot *slots;
    uint32_t first, nodes, room; /* of the slots: where the first is, how many, of how many */
    bool is_shown_packed;        /* Redis would have it as a listpack still */
};

struct quicklist *quicklist_new(struct db *db);
void quicklist_free(struct db *db, struct quicklist *q);

/* How much work freeing it is. */
size_t quicklist_weight(const struct quicklist *q);

/* Frees about `budget` nodes and blobs, and the list with the last; true when all is freed. */
bool quicklist_free_some(struct db *db, struct quicklist *q, uint32_t budget);

struct quicklist *quicklist_copy(struct db *from, struct db *to, const struct quicklist *q);

/* Adds an element at an end. Its text is copied; the share of an AWAY item is taken over. */
void quicklist_push(struct db *db, struct quicklist *q, bool at_front,
                    const struct packed_item *item);

/* Puts an element in front of that with the index (count: at the end). */
void quicklist_insert(struct db *db, struct quicklist *q, uint64_t index,
                      const struct packed_item *item);

/* Puts another element in the place of one that is there. */
void quicklist_replace(struct db *db, struct quicklist *q, uint64_t index,
                       const struct packed_item *item);

/* Removes `count` elements that must be there. */
void quicklist_remove(struct db *db, struct quicklist *q, uint64_t index, uint64_t count);

/* What is to be removed by value: those equal to `item`, after the first `skip`, at most `most`
 * (counted down). */
struct quicklist_sieve {
    struct packed_item item;
    uint64_t skip, most;
};

/* True when the next element in order is to be removed; counts. */
static inline bool quicklist_sieve_takes(struct quicklist_sieve *s, const struct packed_item *item)
{
    if (s->most == 0 || !packed_item_eq(item, &s->item) || (s->skip > 0 && s->skip--))
        return false;
    s->most--;
    return true;
}

/* Removes what the sieve takes, from the first element on. */
void quicklist_sift(struct db *db, struct quicklist *q, struct quicklist_sieve *sieve);

/* A walk in one direction. Holds until the list changes. */
struct quicklist_walk {
    const struct db *db;
    const struct quicklist *q;
    const uint8_t *at; /* the next element (forward) */
    uint32_t slot;     /* of the node that is walked */
    uint32_t left;     /* elements of it to come */
    /* Backward only: where the elements of the node begin; in `a`. */
    struct arena *a;
    uint16_t *places;
    uint32_t places_room;
};

/* Begins at an element that is there: forward, or backward with an arena for its notes. */
void quicklist_walk_begin(struct quicklist_walk *w, const struct db *db, const struct quicklist *q,
                          uint64_t index);
void quicklist_walk_back(struct quicklist_walk *w, const struct db *db, const struct quicklist *q,
                         uint64_t index, struct arena *a);

/* The next element; false behind the last. The item borrows the list's bytes. */
bool quicklist_next(struct quicklist_walk *w, struct packed_item *out);
bool quicklist_previous(struct quicklist_walk *w, struct packed_item *out);

#endif
