/*
 * Fields that end. The one idea: whoever is told of a change is told HDEL with the names of what
 * went, some dozens at a time, before these are gone.
 */
#include "cacheengine/types/fields.h"

#include "base/buf.h"

#define NAMES_MAX 64 /* of one HDEL */

/* What is on its way out of one hash. */
struct going {
    struct db *db;
    struct key k;
    uint64_t count;
    uint32_t named;
    uint32_t lens[NAMES_MAX];
    struct buf names; /* behind each other */
};

static void tell_names(struct going *g)
{
    struct str argv[2 + NAMES_MAX] = {
        STR("HDEL"), {g->k.ptr, g->k.len}
    };
    const char *at = g->names.ptr;

    if (g->named == 0)
        return;
    for (uint32_t i = 0; i < g->named; at += g->lens[i++])
        argv[2 + i] = (struct str){at, g->lens[i]};
    effect_tell(g->db->ks, g->db->id, argv, 2 + g->named, EFFECT_FOR_ALL);
    buf_clear(&g->names);
    g->named = 0;
}

static void note_gone(void *ctx, const uint8_t *at)
{
    struct going *g = ctx;
    struct packed_item field;
    struct packed_digits digits;

    g->count++;
    if (!g->db->ks->effects.sinks)
        return;
    packed_get(at, &field);
    struct str name = packed_text(&field, &digits);
    buf_add_str(&g->names, name);
    g->lens[g->named++] = (uint32_t)name.len;
    if (g->named == NAMES_MAX)
        tell_names(g);
}

static void tell_event(struct db *db, struct key k, enum key_event kind, const char *name)
{
    if (db->ks->is_observed)
        db->ks->hooks.on_change(db->ks->hooks.ctx, db, k, kind, name);
}

int64_t fields_expire_some(struct db *db, struct key k, struct entry *e, uint32_t budget)
{
    struct going g = {.db = db, .k = k};
    struct table_sweep sweep = {db->ks->now_ms, budget, note_gone, &g};
    struct table *t = entry_outside(e);
    bool had_ends = t->ends > 0;

    table_sweep(db, t, &sweep);
    tell_names(&g);
    buf_fini(&g.names);
    db->with_ends -= had_ends && t->ends == 0;
    db->ks->dirty += g.count;
    db->ks->stats.expired_elements += g.count;
    if (g.count > 0)
        tell_event(db, k, EVENT_HASH, "hexpired");
    if (t->count > 0)
        return t->ends > 0 ? t->next_ms : NO_DEADLINE;
    tell_event(db, k, EVENT_GENERIC, "del");
    db_delete_entry(db, k, e, false);
    return NO_DEADLINE;
}

bool fields_meet_slow(struct collection *h)
{
    const struct keyspace *ks = h->db->ks;

    if (!ks->shows_expired)
        h->hides_ms = ks->now_ms;
    if (h->table->next_ms > ks->now_ms || h->table->groups > FIELDS_GROUPS_AT_ONCE ||
        !db_may_expire(h->db))
        return true;
    bool is_last = h->table->count == table_count_ended(h->db, h->table, ks->now_ms);
    fields_expire_some(h->db, h->k, h->e, UINT32_MAX);
    return !is_last;
}

/* One that a command writes to is removed before, so that others have the same to write to. */
static void expire_one(struct cmd_call *c, struct collection *h, const struct packed_item *field,
                       struct collection_place *place)
{
    struct packed_digits digits;

    if (call_is_told(c) && !c->ks->hides_expired) {
        struct str argv[3] = {
            STR("HDEL"), {h->k.ptr, h->k.len},
             packed_text(field, &digits)
        };
        effect_tell(c->ks, c->db->id, argv, 3, EFFECT_FOR_ALL);
    }
    collection_remove(h, place);
    place->at = NULL;
    c->ks->stats.expired_elements++;
    tell_event(h->db, h->k, EVENT_HASH, "hexpired");
}

bool fields_seek(struct cmd_call *c, struct collection *h, const struct packed_item *field,
                 struct collection_place *place)
{
    if (collection_find(h, field, place))
        return true;
    if (__builtin_expect(h->table && place->at, 0))
        expire_one(c, h, field, place);
    return false;
}
