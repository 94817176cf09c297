/*
 * A sorted set as one thing, whatever form it has:
 *
 *     a run of packed elements beside the key, in order, member and score in turn: "listpack"
 *     a tree outside: members in the heap, an index that finds them by text (index.h) and a counted
 *     tree that has them in order (rank.h): "skiplist"
 *
 * The forms change at the moments at which Redis changes its encodings, and OBJECT ENCODING names
 * them so. Where a limit allows more than fits beside a key, the sorted set is a tree before it is
 * said to be one.
 *
 * A struct zset is a handle for the length of a command. Texts that are added must not point into
 * the database; places hold until the next change.
 */
#ifndef LARDER_TYPES_ZSET_H
#define LARDER_TYPES_ZSET_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/packed_value.h"
#include "cacheengine/types/rank.h"

struct zset_tree {
    struct rank rank;
    struct index index;   /* members by the hash of their text */
    size_t member_bytes;  /* in the heap */
    bool is_shown_packed; /* it would be packed if there were room beside the key */
};

struct zset {
    struct db *db;
    struct key k;
    struct entry *e;        /* NULL: there is no such key yet */
    struct zset_tree *tree; /* NULL: packed */
};

/* A member that was looked for. */
struct zset_place {
    double score;
    uint64_t hash;     /* in trees */
    uint32_t *slot;    /* in trees: its slot in the index */
    const uint8_t *at; /* in packed runs: its element */
};

/* A member as it is read. */
struct zset_member {
    struct str text;
    double score;
    bool is_brief; /* the text holds only until the next one is read */
};

/* Opens the sorted set of an entry; NULL: of a key that is to be made. */
void zset_open(struct zset *z, struct db *db, struct key k, struct entry *e);

/* The sorted set in argument `arg` for reading (it counts hits and misses) or for writing. False
 * when there is none; *ok is false after WRONGTYPE was sent. */
bool zset_read(struct cmd_call *c, uint32_t arg, struct zset *z, bool *ok);
bool zset_write(struct cmd_call *c, uint32_t arg, struct zset *z, bool *ok);

uint64_t zset_count(const struct zset *z);

/* False when the member is not there; the place is then where zset_add puts it. */
bool zset_find(const struct zset *z, struct str text, struct zset_place *out);

/* The same for a member that will have this score: asks for its new place meanwhile. */
bool zset_find_for(const struct zset *z, struct str text, double score, struct zset_place *out);

/* Adds a member that is not there. Makes the key if need be. */
void zset_add(struct zset *z, const struct zset_place *place, struct str text, double score);

/* Gives a member another score. */
void zset_rescore(struct zset *z, const struct zset_place *place, struct str text, double score);

/* Removes a member that was found. The caller ends a key that has none left. */
void zset_remove(struct zset *z, const struct zset_place *place);

/* Removes `count` members from rank `first` on; likewise. */
void zset_cut(struct zset *z, uint64_t first, uint64_t count);

/* Makes it a tree, or the key a tree without members, and shown as one: many members will come. */
void zset_spread(struct zset *z);

/* How many members stand before one that was found. */
uint64_t zset_rank(const struct zset *z, const struct zset_place *place);

/* The end of a range; `beyond` says that it is before (-1) or behind (1) all there may be. */
struct zset_bound {
    struct rank_bound at;
    int beyond;
};

/* How many members stand before a bound. */
uint64_t zset_below(const struct zset *z, const struct zset_bound *bound);

/* Calls `visit` for `count` members from rank `first` on, or for the same ones backward. The
 * database must not change inside. */
void zset_each(const struct zset *z, uint64_t first, uint64_t count, bool is_backward,
               void (*visit)(void *ctx, const struct zset_member *m), void *ctx);

/* Sets a key to these members, which are in order and all different, in place of whatever it had.
 * The texts may stand in the database. */
void zset_store(struct db *db, struct key k, const struct zset_member *members, uint64_t count);

/* Orders members as sorted sets do. */
int zset_order(const void *a, const void *b);

/* Removes the key of a sorted set that has no members left, and tells. */
void zset_end_if_empty(struct cmd_call *c, struct zset *z);

/* What keyspace_set_type wants. */
extern const struct type_ops zset_type_ops;

/* Parts of it: all members, some, one (each.c); sorted sets as records (value.h). */
void zset_each_text(struct db *db, const struct entry *e, element_fn *visit, void *ctx);
uint64_t zset_some_text(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                        void *ctx);
void zset_one_text(struct db *db, const struct entry *e, struct str name, element_fn *visit,
                   void *ctx);
void zset_save(struct record_writer *w, struct db *db, const struct entry *e);
must_use struct err zset_load(struct record_reader *r, unsigned record_type, struct db *db,
                              struct key k, struct value *out);

/* ---- built apart from any key ---- */

/* An empty tree; what it is shown as is the caller's to set. */
struct zset_tree *zset_tree_new(struct db *db);
void zset_tree_free(struct db *db, struct zset_tree *t);

/* Adds a member; false when it was there. */
bool zset_tree_include(struct db *db, struct zset_tree *t, struct str text, double score);

/* The item that a score is in a packed run, and back. */
struct packed_item zset_item_of_score(double score);
double zset_score_of_item(const struct packed_item *item);

/* ---- what the commands share ---- */

/* What ZADD is told: the members stand in every `step`th argument from `first` on. */
struct zset_adding {
    bool if_absent, if_present, counts_changes;
    uint32_t first, step, count;
};

/* Adds them with these scores to the key in argument 1, as ZADD does, and answers. */
void zset_add_scored(struct cmd_call *c, const struct zset_adding *how, const double *scores);

/* How members are said: flat or as pairs, as protocol and command have it. */
struct zset_saying {
    struct reply *reply;
    bool with_scores, as_pairs;
};

/* Begins the answer of `count` members. */
struct zset_saying zset_say_begin(struct cmd_call *c, uint64_t count, bool with_scores);

/* Says one; fits zset_each with a struct zset_saying. */
void zset_say(void *ctx, const struct zset_member *m);

#endif
