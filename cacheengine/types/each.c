/* All elements of a collection as plain texts, whatever its form: for digests and for files of
 * commands. */
#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/t_zset.h"

#include <stdio.h>

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

struct visiting {
    element_fn *visit;
    void *ctx;
};

static void visit_member(void *ctx, const struct zset_member *m)
{
    struct visiting *v = ctx;
    char score[40];
    int len = snprintf(score, sizeof(score), "%.17g", m->score);

    v->visit(v->ctx, m->text, (struct str){score, (size_t)len});
}

void zset_each_text(struct db *db, const struct entry *e, element_fn *visit, void *ctx)
{
    struct visiting v = {visit, ctx};
    struct zset z;

    zset_open(&z, db, keyspace_key(db->ks, entry_key(e)), (struct entry *)e);
    zset_each(&z, 0, zset_count(&z), false, visit_member, &v);
}
