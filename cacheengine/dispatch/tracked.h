/*
 * The table of keys that clients have read and may keep copies of: which clients, for each key.
 *
 * A client stands in it as its `struct tracker`, which outlives it until the last key has let go of
 * it. Databases are not told apart: a name stands for the key of all of them.
 */
#ifndef LARDER_DISPATCH_TRACKED_H
#define LARDER_DISPATCH_TRACKED_H

#include "cacheengine/keyspace/keyspace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot_set;
struct tracker;

/* A key with those who may have copies of it. */
struct tracked_key {
    struct tracked_key *next; /* of the same head */
    uint64_t hash;
    uint32_t len;
    uint32_t count, room; /* of holders; room 0: it is `one` */
    union {
        struct tracker *one;
        struct tracker **many;
    } holders;
    char name[];
};

struct tracked {
    struct account *account;
    struct tracked_key **heads; /* a power of two of them; NULL: none yet */
    size_t head_count;
    uint64_t keys, items; /* items: holders of all keys */
    uint64_t gone_items;  /* of which: of clients that track no more */
    size_t bytes;         /* of all of it, as booked */
    size_t swept;         /* the head where the sweep goes on */
};

/* Notes that a client may have a copy. */
void tracked_add(struct tracked *t, struct key k, struct tracker *holder);

/* Takes a key out; NULL when it is not there. The caller gives it to tracked_key_free. */
struct tracked_key *tracked_take(struct tracked *t, struct key k);

/* The same for a key of any chance, picked with a random number; NULL when there is none. */
struct tracked_key *tracked_take_any(struct tracked *t, uint64_t chance);

/* The same for a key of one of these slots, from the head *place on; NULL behind the last. */
struct tracked_key *tracked_take_of_slots(struct tracked *t, const struct slot_set *slots,
                                          size_t *place);

void tracked_key_free(struct tracked *t, struct tracked_key *k);

/* Who may have copies of a key, by number below k->count. */
static inline struct tracker *tracked_holder(const struct tracked_key *k, uint32_t i)
{
    return k->room ? k->holders.many[i] : k->holders.one;
}

/* Looks for clients that track no more in so many heads, and lets go of them. */
void tracked_sweep(struct tracked *t, size_t heads);

/* Forgets all keys. */
void tracked_clear(struct tracked *t);

#endif
