/* Elements of a collection as plain texts, whatever its form, all of them or a few at a time: for
 * digests, for files of commands and for what moves to another node. */
#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/t_zset.h"

#include <stdio.h>

#define SOME_ELEMENTS 64 /* of a list */

static const struct str none = {"", 0};

void sequence_each(struct db *db, const struct entry *e, element_fn *visit, void *ctx)
{
    struct key k = keyspace_key(db->ks, entry_key(e));
    struct sequence s;
    struct sequence_walk walk;
    struct packed_item item;
    struct packed_digits digits;

    sequence_open(&s, db, k, (struct entry *)e);
    sequence_walk_begin(&walk, &s, 0, false, NULL);
    while (sequence_next(&walk, &item))
        visit(ctx, packed_text(&item, &digits), none);
}

uint64_t sequence_some(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                       void *ctx)
{
    struct sequence s;
    struct sequence_walk walk;
    struct packed_item item;
    struct packed_digits digits;
    uint64_t end = cursor + SOME_ELEMENTS;

    sequence_open(&s, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    if (cursor >= sequence_count(&s))
        return 0;
    sequence_walk_begin(&walk, &s, cursor, false, NULL);
    for (; cursor < end && sequence_next(&walk, &item); cursor++)
        visit(ctx, packed_text(&item, &digits), none);
    return cursor < sequence_count(&s) ? cursor : 0;
}

/* ---- hashes and sets ---- */

/* What is done with elements, by whom. */
struct visiting {
    element_fn *visit;
    void *ctx;
    bool has_values;
};

/* Gives the member that stands there, with the value behind it. */
static void visit_at(void *ctx, const uint8_t *at)
{
    const struct visiting *v = ctx;
    struct packed_item member, value;
    struct packed_digits digits, value_digits;

    at = packed_get(at, &member);
    if (v->has_values)
        packed_get(at, &value);
    v->visit(v->ctx, packed_text(&member, &digits),
             v->has_values ? packed_text(&value, &value_digits) : none);
}

uint64_t collection_some(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                         void *ctx)
{
    struct visiting v = {visit, ctx, entry_type(e) == TYPE_HASH};
    struct collection c;

    collection_open(&c, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    if (c.table)
        return table_scan(db, c.table, cursor, visit_at, &v);
    collection_each(db, e, visit, ctx);
    return 0;
}

void collection_one(struct db *db, const struct entry *e, struct str name, element_fn *visit,
                    void *ctx)
{
    struct packed_item member = packed_item_of(name), value;
    struct packed_digits digits;
    struct collection_place place;
    struct collection c;

    collection_open(&c, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    if (!collection_find(&c, &member, &place))
        return;
    if (entry_type(e) == TYPE_SET) {
        visit(ctx, name, none);
        return;
    }
    collection_value(&place, &value);
    visit(ctx, name, packed_text(&value, &digits));
}

int64_t collection_end_of(struct db *db, const struct entry *e, struct str name)
{
    struct packed_item member = packed_item_of(name);
    struct collection_place place;
    struct collection c;
    int64_t end_ms = PACKED_NO_END;

    collection_open(&c, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    if (collection_has_ends(&c) && collection_find(&c, &member, &place))
        end_ms = collection_end(&c, &place);
    return end_ms == PACKED_NO_END ? NO_DEADLINE : end_ms;
}

void collection_each(struct db *db, const struct entry *e, element_fn *visit, void *ctx)
{
    struct key k = keyspace_key(db->ks, entry_key(e));
    struct collection c;
    struct collection_walk walk = {0};
    struct packed_item member, value;
    struct packed_digits digits, value_digits;

    collection_open(&c, db, k, (struct entry *)e);
    while (collection_next(&c, &walk, &member)) {
        if (entry_type(e) == TYPE_SET) {
            visit(ctx, packed_text(&member, &digits), none);
            continue;
        }
        packed_get(walk.rest, &value);
        visit(ctx, packed_text(&member, &digits), packed_text(&value, &value_digits));
    }
}

/* ---- sorted sets ---- */

static void visit_member(void *ctx, const struct zset_member *m)
{
    struct visiting *v = ctx;
    char score[40];
    int len = snprintf(score, sizeof(score), "%.17g", m->score);

    v->visit(v->ctx, m->text, (struct str){score, (size_t)len});
}

void zset_each_text(struct db *db, const struct entry *e, element_fn *visit, void *ctx)
{
    struct visiting v = {visit, ctx, true};
    struct zset z;

    zset_open(&z, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    zset_each(&z, 0, zset_count(&z), false, visit_member, &v);
}

struct tree_visiting {
    struct visiting v;
    const struct db *db;
};

static void visit_ref(void *ctx, uint32_t ref)
{
    struct tree_visiting *v = ctx;
    const struct rank_member *m = rank_member_at(v->db, ref);
    struct zset_member member = {.text = rank_member_text(m), .score = m->score};

    visit_member(&v->v, &member);
}

uint64_t zset_some_text(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                        void *ctx)
{
    struct tree_visiting v = {
        {visit, ctx, true},
        db
    };
    struct zset z;

    zset_open(&z, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    if (z.tree)
        return index_scan(&z.tree->index, cursor, visit_ref, &v);
    zset_each_text(db, e, visit, ctx);
    return 0;
}

void zset_one_text(struct db *db, const struct entry *e, struct str name, element_fn *visit,
                   void *ctx)
{
    struct visiting v = {visit, ctx, true};
    struct zset_place place;
    struct zset z;

    zset_open(&z, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    if (zset_find(&z, name, &place))
        visit_member(&v, &(struct zset_member){.text = name, .score = place.score});
}
