/* LARDER.MIGRATE, by which the agent moves slots, and LARDER.IMPORT, by which a source speaks with
 * its target; cluster/migration.h says how both are used. */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/cluster/forget.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/redirect.h"
#include "contract/command_procs.h"

/* ---- arguments ---- */

static bool take_id(struct cmd_call *c, uint32_t arg, char out[CLUSTER_ID_LEN + 1])
{
    if (cluster_id_read(c->argv[arg], out))
        return true;
    reply_error(c->reply, "ERR an id or token has 40 digits of 0-9 and a-f");
    return false;
}

static bool take_epoch(struct cmd_call *c, uint32_t arg)
{
    uint64_t present = c->engine->cluster->topology->epoch, epoch;

    if (str_to_u64(c->argv[arg], &epoch) && epoch == present)
        return true;
    reply_errorf(c->reply, "ERR the epoch of the topology is %llu here",
                 (unsigned long long)present);
    return false;
}

static bool take_slots(struct cmd_call *c, uint32_t arg, struct slot_set *out)
{
    struct err e = slots_parse(c->scratch, c->argv[arg], out);

    if (err_failed(e))
        reply_errorf(c->reply, "ERR %s", e.why);
    else if (slot_set_is_empty(out))
        reply_error(c->reply, "ERR there is no slot to move");
    return !err_failed(e) && !slot_set_is_empty(out);
}

static bool has_words(struct cmd_call *c, uint32_t least, uint32_t most)
{
    if (c->argc >= least && c->argc <= most)
        return true;
    call_bad_arity(c);
    return false;
}

/* ---- LARDER.MIGRATE ---- */

static void expect(struct cmd_call *c)
{
    struct engine *e = c->engine;
    struct import i = {.state = IMPORT_EXPECTED};

    if (!has_words(c, 7, 7) || !take_id(c, 2, i.id) || !take_epoch(c, 3) ||
        !take_slots(c, 4, &i.slots) || !take_id(c, 5, i.from_shard) || !take_id(c, 6, i.token))
        return;
    uint64_t changes = e->cluster->handovers.changes;
    struct err err = import_expect(&e->moving->in, e->cluster, c->scratch, &i);
    if (err_failed(err)) {
        reply_errorf(c->reply, "ERR %s", err.why);
        return;
    }
    if (e->cluster->handovers.changes != changes)
        handed_tell(e);
    reply_ok(c->reply);
}

/* Why the slots can not be given; NULL: they can. */
static const char *objection(const struct engine *e, const struct migration_order *o)
{
    const struct topology *t = e->cluster->topology;
    uint32_t first, last = 0;

    if (o->to == topology_own_shard(t))
        return "ERR slots move to another shard only";
    if (t->has_migrations)
        return "ERR slots move key by key at present, as the topology says";
    if (e->guards & GUARD_REPLICA)
        return "ERR this node is a replica";
    for (uint32_t at = 0; slot_set_run(&o->slots, at, &first, &last); at = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            if (!cluster_is_mine(e->cluster, slot))
                return "ERR the slots are not all this node's";
    if (slot_set_meets(&e->cluster->handed, &o->slots))
        return "ERR a topology is to confirm first where some of the slots are";
    if (e->cluster->handovers.count >= HANDOVERS_MAX - IMPORTS_MAX)
        return "ERR a topology is to confirm first what was handed over";
    if (e->moving->out && !migration_is_over(e->moving->out))
        return "ERR another migration is under way";
    return NULL;
}

static bool take_target(struct cmd_call *c, struct migration_order *o)
{
    const struct topology *t = c->engine->cluster->topology;
    const struct topology_shard *to = topology_shard_find(t, c->argv[5]);
    uint64_t port;

    if (!to) {
        reply_error(c->reply, "ERR there is no such shard");
        return false;
    }
    if (c->argv[6].len == 0 || c->argv[6].len > HANDOVER_HOST_MAX ||
        memchr(c->argv[6].ptr, ' ', c->argv[6].len) || memchr(c->argv[6].ptr, 0, c->argv[6].len)) {
        reply_error(c->reply, "ERR a host has up to 255 letters");
        return false;
    }
    if (!str_to_u64(c->argv[7], &port) || port == 0 || port > UINT16_MAX) {
        reply_error(c->reply, "ERR a port is a number from 1 to 65535");
        return false;
    }
    o->to = (uint16_t)(to - t->shards);
    o->host = str_dup(c->scratch, c->argv[6]);
    o->port = (int)port;
    o->is_secure = c->argc == 10;
    if (!o->is_secure || call_is(c, 9, "tls"))
        return true;
    reply_syntax_error(c->reply);
    return false;
}

static void start(struct cmd_call *c)
{
    struct engine *e = c->engine;
    struct migration_order o = {0};
    struct migration *old = e->moving->out;

    if (!has_words(c, 9, 10) || !take_id(c, 2, o.id) || !take_epoch(c, 3) ||
        !take_slots(c, 4, &o.slots) || !take_target(c, &o) || !take_id(c, 8, o.token))
        return;
    /* Asked twice is asked once. */
    if (old && strcmp(old->order.id, o.id) == 0 && old->state != MIGRATION_FAILED) {
        reply_ok(c->reply);
        return;
    }
    const char *why = objection(e, &o);
    if (why) {
        reply_error(c->reply, why);
        return;
    }
    struct migration_host host = moving_host(e);
    migration_free(old);
    e->moving->out = migration_start(c->ks, e->cluster, &host, &o);
    log_info("migration begins", f_str("id", o.id), f_int("slots", slot_set_count(&o.slots)),
             f_str("host", o.host), f_int("port", o.port));
    reply_ok(c->reply);
}

/* The record of the id, and what this process knows beyond it. */
struct known {
    struct import *in;
    bool is_out;
    const struct handover *record;
};

static bool know(struct cmd_call *c, struct known *out)
{
    struct moving *m = c->engine->moving;
    struct str id = c->argv[2];

    *out = (struct known){
        .in = import_find(&m->in, id),
        .is_out = m->out && str_is(id, m->out->order.id),
        .record = handover_find(&c->engine->cluster->handovers, id),
    };
    if (out->in || out->is_out || out->record)
        return true;
    reply_error(c->reply, "ERR there is no such migration");
    return false;
}

/* Ends it on this side, whatever it has come to. The slots are whose the topology says. */
static void end(struct cmd_call *c, const struct known *k)
{
    struct engine *e = c->engine;
    struct moving *m = e->moving;

    if (k->in && k->in->client)
        k->in->client->host->kill(k->in->client);
    if (k->in)
        import_drop(&m->in, e->cluster, k->in);
    if (cluster_take_back(e->cluster, c->argv[2]))
        handed_tell(e);
    if (k->is_out) {
        migration_free(m->out);
        m->out = NULL;
    }
    redirect_apply(e);
    reply_ok(c->reply);
}

static void cancel(struct cmd_call *c)
{
    struct known k;

    if (!has_words(c, 3, 3) || !know(c, &k))
        return;
    if (k.record && (k.record->stage == HANDOVER_TAKEN || k.record->stage == HANDOVER_HANDED))
        reply_error(c->reply, "ERR the slots were taken: a topology is to confirm that");
    else
        end(c, &k);
}

/* The owner knows what is lost by it. */
static void give_back(struct cmd_call *c)
{
    struct known k;

    if (!has_words(c, 3, 3) || !know(c, &k))
        return;
    log_warn("slots that were handed over are returned by order",
             f_str("id", str_dup(c->scratch, c->argv[2])));
    end(c, &k);
}

static void say_text(struct reply *r, const char *name, const char *value)
{
    reply_bulk_text(r, name);
    reply_bulk_text(r, value);
}

static void say_number(struct reply *r, const char *name, uint64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, (int64_t)value);
}

static void say_out(struct cmd_call *c, const struct migration *m)
{
    int64_t until_ms = migration_is_over(m) ? m->ended_ms : c->ks->passed_ms;

    reply_map(c->reply, 12);
    say_text(c->reply, "id", m->order.id);
    say_text(c->reply, "direction", "out");
    say_text(c->reply, "state", migration_state_names[m->state]);
    say_text(c->reply, "shard", m->to_shard);
    say_number(c->reply, "slots", slot_set_count(&m->order.slots));
    say_number(c->reply, "keys", m->keys_sent);
    say_number(c->reply, "keys-here", db_slots_count(&c->ks->dbs[0], &m->order.slots));
    say_number(c->reply, "effects", m->effects_sent);
    say_number(c->reply, "bytes", m->bytes_sent);
    say_number(c->reply, "longest-pause-us", (uint64_t)m->longest_pause_us);
    say_number(c->reply, "ms", (uint64_t)(until_ms - m->started_ms));
    say_text(c->reply, "error", m->failure);
}

static void say_in(struct cmd_call *c, const struct import *i)
{
    reply_map(c->reply, 7);
    say_text(c->reply, "id", i->id);
    say_text(c->reply, "direction", "in");
    say_text(c->reply, "state", import_state_names[i->state]);
    say_text(c->reply, "shard", i->from_shard);
    say_number(c->reply, "slots", slot_set_count(&i->slots));
    say_number(c->reply, "commands", i->applied);
    say_text(c->reply, "error", i->failure);
}

/* What another process has left, or was given before the present one. */
static void say_record(struct cmd_call *c, const struct handover *one)
{
    reply_map(c->reply, 5);
    say_text(c->reply, "id", one->id);
    say_text(c->reply, "direction", "out");
    say_text(c->reply, "state", handover_stage_names[one->stage]);
    say_text(c->reply, "shard", one->to);
    say_number(c->reply, "slots", slot_set_count(&one->slots));
}

static bool is_said(const struct moving *m, const struct handover *one)
{
    bool is_out = m->out && strcmp(m->out->order.id, one->id) == 0;

    return is_out || import_find(&m->in, str_of(one->id));
}

static void status(struct cmd_call *c)
{
    const struct handovers *h = &c->engine->cluster->handovers;
    const struct moving *m = c->engine->moving;
    size_t said = m->in.count + (m->out != NULL);

    if (!has_words(c, 2, 2))
        return;
    struct reply_mark mark = reply_open(c->reply);
    if (m->out)
        say_out(c, m->out);
    for (size_t i = 0; i < m->in.count; i++)
        say_in(c, m->in.items[i]);
    for (size_t i = 0; i < h->count; i++)
        if (!is_said(m, &h->items[i])) {
            say_record(c, &h->items[i]);
            said++;
        }
    reply_close(c->reply, mark, '*', said);
}

static const struct {
    const char *word;
    void (*run)(struct cmd_call *c);
} orders[] = {
    {"expect", expect   },
    {"start",  start    },
    {"cancel", cancel   },
    {"return", give_back},
    {"status", status   },
};

void cmd_larder_migrate(struct cmd_call *c)
{
    if (!c->engine->cluster) {
        reply_error(c->reply, "ERR This instance has cluster support disabled");
        return;
    }
    for (size_t i = 0; i < countof(orders); i++)
        if (call_is(c, 1, orders[i].word)) {
            orders[i].run(c);
            return;
        }
    reply_error(c->reply,
                "ERR LARDER.MIGRATE is told to EXPECT, START, CANCEL, RETURN or say STATUS");
}

/* ---- LARDER.IMPORT ---- */

/* True when no key of the slots is left; else the call is held until that may be so. */
static bool is_empty(struct cmd_call *c, struct import *i)
{
    struct engine *e = c->engine;

    if (db_slots_count(c->db, &i->slots) == 0)
        return true;
    i->state = IMPORT_EXPECTED;
    imports_settle(&e->moving->in, e->cluster);
    moving_postpone(c);
    return false;
}

static void receive(struct cmd_call *c, struct import *i)
{
    i->state = IMPORT_RECEIVES;
    imports_settle(&c->engine->moving->in, c->engine->cluster);
}

static void import_begin(struct cmd_call *c, struct import *i)
{
    if (i->state > IMPORT_RECEIVES) {
        reply_errorf(c->reply, "ERR the migration is over here: %s", import_state_names[i->state]);
    } else if (is_empty(c, i)) {
        i->applied = 0;
        receive(c, i);
        reply_status(c->reply, "0");
    }
}

static void import_forget(struct cmd_call *c, struct import *i)
{
    if (!is_empty(c, i))
        return;
    i->applied++;
    receive(c, i);
}

static void say_applied(struct cmd_call *c, struct import *i)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)i->applied);
    reply_status(c->reply, text);
}

/* Leaves when as many replicas as acknowledge writes have all that came. */
static void say_taken(struct cmd_call *c)
{
    uint64_t begin = reply_place(c->reply);

    reply_status(c->reply, "TAKEN");
    if (c->engine->watches_writes)
        acks_note(c->engine, c->client, begin);
}

static void import_resume(struct cmd_call *c, struct import *i)
{
    if (i->state == IMPORT_TAKEN)
        say_taken(c);
    else if (i->state == IMPORT_RECEIVES)
        say_applied(c, i);
    else
        reply_status(c->reply, "NONE");
}

static void import_takes(struct cmd_call *c, struct import *i)
{
    struct engine *e = c->engine;

    if (i->state == IMPORT_TAKEN) {
        say_taken(c);
        return;
    }
    if (i->state != IMPORT_RECEIVES || !topology_self(e->cluster->topology)->is_primary ||
        e->replica || guard_write_refusal(e) || !import_take(e->cluster, i)) {
        reply_error(c->reply, "ERR the slots can not be taken here now");
        return;
    }
    handed_tell(e);
    imports_settle(&e->moving->in, e->cluster);
    redirect_apply(e);
    log_info("slots taken", f_str("id", i->id), f_int("slots", slot_set_count(&i->slots)),
             f_int("commands", i->applied));
    /* As a write, it is answered when as many replicas as acknowledge writes have it. */
    reply_status(c->reply, "TAKEN");
}

static const struct {
    const char *word;
    bool names_id;
    void (*run)(struct cmd_call *c, struct import *i);
} words[] = {
    {"begin",  true,  import_begin },
    {"resume", true,  import_resume},
    {"sync",   false, say_applied  },
    {"forget", false, import_forget},
    {"take",   true,  import_takes },
};

void cmd_larder_import(struct cmd_call *c)
{
    struct moving *m = c->engine->moving;
    struct import *i = m ? import_of(&m->in, c->client) : NULL;

    if (!i) {
        reply_error(c->reply, "ERR nothing is expected of this connection");
        return;
    }
    for (size_t at = 0; at < countof(words); at++) {
        if (!call_is(c, 1, words[at].word) || c->argc != 2U + words[at].names_id)
            continue;
        if (words[at].names_id && !str_is(c->argv[2], i->id))
            break;
        words[at].run(c, i);
        return;
    }
    reply_error(c->reply, "ERR this makes no sense to the target of a migration");
}
