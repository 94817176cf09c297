/*
 * Rank: the members of a big sorted set in order, by score and then by text.
 *
 * A B+-tree whose inner nodes count what is below them: finding by score, by text or by rank, and
 * saying the rank of a member, take one way down. A leaf holds up to RANK_LEAF_MAX scores, dense,
 * and 32-bit references of the members beside them, so a member is looked at only where scores are
 * equal. A member in order costs 12 bytes and what is free in its leaf, about 18.
 *
 * Members (struct rank_member) stand in the heap of the database, never move and belong to whoever
 * keeps the tree, but for rank_free_some, which frees both.
 *
 * The tree belongs to a database, which every call is told: it keeps no address of it. A zeroed
 * struct is an empty tree.
 */
#ifndef LARDER_TYPES_RANK_H
#define LARDER_TYPES_RANK_H

#include "cacheengine/keyspace/db.h"

#include <string.h>

#define RANK_LEAF_MAX   63
#define RANK_HEIGHT_MAX 10 /* nodes have at least 9 children but at the ends: 3e9 members */

/* A member: its score, the length of its text (1 byte, or 0xff and 4 bytes) and the text. */
struct rank_member {
    double score;
    uint8_t rest[];
};

struct rank {
    uint64_t count;  /* members */
    uint64_t held;   /* bytes of the nodes */
    uint32_t root;   /* 0 while empty */
    uint32_t height; /* of inner nodes above a leaf */
};

#define RANK_SHORT_MAX 254

static inline struct str rank_member_text(const struct rank_member *m)
{
    uint32_t len = m->rest[0];

    if (__builtin_expect(len <= RANK_SHORT_MAX, 1))
        return (struct str){(const char *)m->rest + 1, len};
    memcpy(&len, m->rest + 1, sizeof(len));
    return (struct str){(const char *)m->rest + 5, len};
}

static inline struct rank_member *rank_member_at(const struct db *db, uint32_t ref)
{
    return heap_at(&db->heap, ref);
}

/* A new member in the heap; whoever asks owns it. */
uint32_t rank_member_new(struct db *db, struct str text, double score);

/* Less than, equal to or greater than 0, by bytes and then by length. */
int rank_compare(struct str a, struct str b);

/* Adds a member that is not there. */
void rank_insert(struct db *db, struct rank *r, uint32_t ref);

/* Removes a member that is there. It is not freed. */
void rank_remove(struct db *db, struct rank *r, uint32_t ref);

/* Gives a member that is there another score, and its place. */
void rank_rescore(struct db *db, struct rank *r, uint32_t ref, double score);

/* Asks the processor for the leaf in which a score stands or would stand. */
void rank_prefetch(const struct db *db, const struct rank *r, double score);

/* How many members stand before one that is there. */
uint64_t rank_of(const struct db *db, const struct rank *r, uint32_t ref);

/* The member with a rank, which must be less than the count. */
uint32_t rank_at(const struct db *db, const struct rank *r, uint64_t n);

/* Where a range begins or ends: in front of (or, `is_behind`, behind) all members of this score,
 * or, `by_text`, of this text. Texts are in order only where scores are equal. */
struct rank_bound {
    double score;
    struct str text;
    bool by_text, is_behind;
};

/* How many members stand before a bound. */
uint64_t rank_below(const struct db *db, const struct rank *r, const struct rank_bound *bound);

/* True when something with this score and text stands before the bound. */
bool rank_is_below(double score, struct str text, const struct rank_bound *bound);

/* A walk in order; holds until the next change. */
struct rank_walk {
    const void *leaf; /* NULL at an end */
    uint32_t index;
    struct {
        const void *node;
        uint32_t at;
    } up[RANK_HEIGHT_MAX];
};

/* Begins at a rank, which must be less than the count. */
void rank_seek(const struct db *db, const struct rank *r, uint64_t n, struct rank_walk *walk);

/* The present member, and a step on or back. 0 at the end. */
uint32_t rank_next(const struct db *db, const struct rank *r, struct rank_walk *walk);
uint32_t rank_prev(const struct db *db, const struct rank *r, struct rank_walk *walk);

/* Takes `count` members from rank `first` on out of the tree and gives each to `taken`, which may
 * free it but must not touch the tree. */
void rank_cut(struct db *db, struct rank *r, uint64_t first, uint64_t count,
              void (*taken)(void *ctx, uint32_t ref), void *ctx);

/* Frees at most `budget` leaves with their members; true when the tree is empty. */
bool rank_free_some(struct db *db, struct rank *r, uint32_t budget);

#endif
