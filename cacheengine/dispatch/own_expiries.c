/*
 * A replica's own deadlines. The one idea: what a client changed is told as effects to whoever
 * listens, so this is one more who listens, and needs no place in the commands.
 */
#include "cacheengine/dispatch/own_expiries.h"

#include "base/command.h"
#include "cacheengine/dispatch/client.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/keyspace/effect.h"

#include <stdlib.h>

#define HEADS         1024
#define LOOKS_A_TICK  256 /* names, so that a tick stays short */
#define FIELDS_A_LOOK 256

struct own_key {
    struct own_key *next;
    int db;
    uint64_t hash;
    uint32_t len;
    char name[];
};

struct own_expiries {
    struct effect_sink sink;
    struct engine *engine;
    struct own_key *heads[HEADS];
    uint64_t count;
    uint32_t at; /* the head that is looked at next */
};

static struct key key_of(const struct own_key *k)
{
    return (struct key){k->name, k->hash, k->len};
}

/* ---- names ---- */

static void note(struct own_expiries *x, struct db *db, struct key k)
{
    struct own_key **head = &x->heads[k.hash % HEADS];

    for (const struct own_key *o = *head; o; o = o->next)
        if (o->hash == k.hash && o->db == db->id && o->len == k.len &&
            memcmp(o->name, k.ptr, k.len) == 0)
            return;
    struct own_key *o = malloc(sizeof(*o) + k.len);
    check(o);
    *o = (struct own_key){.next = *head, .db = db->id, .hash = k.hash, .len = k.len};
    memcpy(o->name, k.ptr, k.len);
    *head = o;
    x->count++;
    account_add(&x->engine->keyspace.account, sizeof(*o) + k.len);
}

static void forget(struct own_expiries *x, struct own_key **at)
{
    struct own_key *o = *at;

    *at = o->next;
    x->count--;
    account_sub(&x->engine->keyspace.account, sizeof(*o) + o->len);
    free(o);
}

/* ---- what is told ---- */

/* True for a key that ends, or of which a part does. */
static bool ends(const struct db *db, const struct entry *e)
{
    return entry_has_deadline(e) || db_next_end(db, e) != NO_DEADLINE;
}

static void take(struct effect_sink *s, const struct effect *told)
{
    struct own_expiries *x = container_of(s, struct own_expiries, sink);
    struct engine *e = x->engine;
    const struct command *cmd = command_find(told->argv[0].ptr, told->argv[0].len);
    uint32_t count;

    /* The regular work removes, and the primary cares for what it sends. */
    if (!cmd || told->db < 0 || !e->running || client_is_obeyed(e->running))
        return;
    const struct key_place *places = keys_find(&e->scratch, cmd, told->argv, told->argc, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct db *db = &e->keyspace.dbs[told->db];
        struct key k = keyspace_key(&e->keyspace, told->argv[places[i].arg]);
        const struct entry *entry = db_peek(db, k);

        if ((entry && ends(db, entry)) || db_is_stale(db, k))
            note(x, db, k);
    }
}

/* ---- the regular work ---- */

/* Removes it if its time is up; true when there is nothing more to be seen to. */
static bool is_settled(struct engine *e, const struct own_key *o)
{
    struct db *db = &e->keyspace.dbs[o->db];
    struct key k = key_of(o);

    struct entry *entry = db_peek(db, k);
    int64_t end_ms = entry ? db_next_end(db, entry) : NO_DEADLINE;

    /* It is this node's to remove, as a primary would. */
    e->keyspace.hides_expired = false;
    if (!entry)
        (void)db_find(db, k);
    else if (end_ms != NO_DEADLINE && end_ms <= e->keyspace.now_ms)
        (void)e->keyspace.types[entry_type(entry)]->expire_some(db, k, entry, FIELDS_A_LOOK);
    e->keyspace.hides_expired = true;
    entry = db_peek(db, k);
    return !entry || !ends(db, entry);
}

void own_expiries_tick_slow(struct engine *e)
{
    struct own_expiries *x = e->own_expiries;
    uint32_t looks = 0;

    if (x->count == 0 || e->keyspace.stands_still || e->keyspace.is_expiry_paused)
        return;
    for (uint32_t i = 0; i < HEADS && looks < LOOKS_A_TICK; i++) {
        struct own_key **at = &x->heads[x->at++ % HEADS];

        while (*at) {
            looks++;
            if (is_settled(e, *at))
                forget(x, at);
            else
                at = &(*at)->next;
        }
    }
}

/* ---- beginning and end ---- */

void own_expiries_forget(struct engine *e)
{
    struct own_expiries *x = e->own_expiries;

    for (uint32_t i = 0; x && i < HEADS; i++)
        while (x->heads[i])
            forget(x, &x->heads[i]);
}

void own_expiries_apply(struct engine *e)
{
    bool is_wanted = e->replica && !e->settings.replica_is_read_only;

    if (!is_wanted) {
        own_expiries_fini(e);
        return;
    }
    if (e->own_expiries)
        return;
    e->own_expiries = calloc(1, sizeof(*e->own_expiries));
    check(e->own_expiries);
    e->own_expiries->engine = e;
    e->own_expiries->sink = (struct effect_sink){.take = take, .audience = EFFECT_FOR_COPIES};
    account_add(&e->keyspace.account, sizeof(*e->own_expiries));
    effect_sink_add(&e->keyspace, &e->own_expiries->sink);
}

uint64_t own_expiries_count(const struct engine *e)
{
    return e->own_expiries ? e->own_expiries->count : 0;
}

void own_expiries_fini(struct engine *e)
{
    if (!e->own_expiries)
        return;
    own_expiries_forget(e);
    effect_sink_remove(&e->keyspace, &e->own_expiries->sink);
    account_sub(&e->keyspace.account, sizeof(*e->own_expiries));
    free(e->own_expiries);
    e->own_expiries = NULL;
}
