/*
 * Asking ahead for members. The one idea: every step asks for all calls what the step before has
 * brought for all, so that the waits overlap.
 */
#include "cacheengine/types/ahead.h"

#include "base/command.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/t_zset.h"

/* Where a member of a big collection is looked for. */
struct target {
    const struct db *db;
    const struct table *table; /* of a hash or set */
    const struct index *index; /* of a sorted set */
    uint64_t hash;
};

/* The argument that names a member; 0 when there is none. */
static uint32_t member_of(const struct cmd_call *c)
{
    int32_t at = c->cmd ? c->cmd->member : 0;

    if (at < 0)
        at += (int32_t)c->argc;
    return at > 0 && (uint32_t)at < c->argc ? (uint32_t)at : 0;
}

/* False when the call names no member, or its collection is small or not there. */
static bool target_find(const struct cmd_call *c, struct target *out)
{
    uint32_t member = member_of(c);

    if (!member || !c->key_count)
        return false;
    struct key k = call_key(c, c->key_first);
    struct entry *e = db_peek(c->db, k);
    if (!e || entry_form(e) != FORM_OUTSIDE)
        return false;
    *out = (struct target){.db = c->db};
    if (entry_type(e) == TYPE_ZSET) {
        struct zset z;

        zset_open(&z, c->db, k, e);
        out->index = &z.tree->index;
        out->hash = keyspace_key(c->ks, c->argv[member]).hash;
        index_prefetch(out->index, out->hash);
        return true;
    }
    if (entry_type(e) != TYPE_HASH && entry_type(e) != TYPE_SET)
        return false;
    struct collection all;
    struct packed_item item = packed_item_of(c->argv[member]);

    collection_open(&all, c->db, k, e);
    out->table = all.table;
    out->hash = table_hash(c->db, &item);
    table_prefetch_slot(c->db, out->table, out->hash);
    return true;
}

unsigned types_ask_ahead(const struct cmd_call *calls, uint32_t count)
{
    struct target targets[TYPES_AHEAD_MAX];
    unsigned found = 0;

    for (uint32_t i = 0; i < count && found < TYPES_AHEAD_MAX; i++)
        found += target_find(&calls[i], &targets[found]);
    for (unsigned i = 0; i < found; i++) {
        const struct target *t = &targets[i];

        if (t->table)
            table_prefetch_run(t->db, t->table, t->hash);
        else
            index_prefetch_item(t->index, t->hash);
    }
    return found;
}
