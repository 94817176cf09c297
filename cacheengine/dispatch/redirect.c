/*
 * The one idea: the slots of a plain command were read off its keys' hashes when it was parsed, so
 * for nearly all commands judging costs a look into one table; only what is queued, or has its keys
 * at odd places, is searched for keys.
 */
#include "cacheengine/dispatch/redirect.h"

#include "base/command.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "contract/command_procs.h"

struct cluster_view redirect_view(const struct engine *e, const struct client *c)
{
    return (struct cluster_view){
        .cluster = e->cluster,
        .settings = &e->settings,
        .is_tls = c && c->is_tls,
        .offset = e->stream.offset > 0 ? (uint64_t)e->stream.offset : 0,
    };
}

/* ---- the slots of a call ---- */

/* What the keys of a call, or of all calls of a transaction, have in common. Shard channels have
 * slots, and are like keys only in that. */
struct asked {
    bool has_keys, crosses;
    bool counts_channels; /* they are wanted, too; */
    bool has_channels;    /* there are some */
    uint32_t slot;
    bool is_many; /* more than one key */
    struct str first;
    uint32_t present, missing; /* counted by count_keys */
};

static void add_slot(struct asked *a, uint32_t slot)
{
    a->crosses |= a->has_keys && slot != a->slot;
    if (!a->has_keys)
        a->slot = slot;
    a->has_keys = true;
}

typedef void key_fn(struct asked *a, const struct cmd_call *call, struct str key);

static void each_key_of(struct asked *a, const struct cmd_call *call, const struct command *cmd,
                        const struct str *argv, uint32_t argc, key_fn *use)
{
    uint32_t count;
    const struct key_place *places = a->counts_channels
                                         ? slots_find(call->scratch, cmd, argv, argc, &count)
                                         : keys_find(call->scratch, cmd, argv, argc, &count);

    a->has_channels |= (cmd->flags & CMD_PUBSUB) && count > 0;
    for (uint32_t i = 0; i < count; i++)
        use(a, call, argv[places[i].arg]);
}

/* Only EXEC comes here while a transaction is open and stands for more than itself. */
static bool is_exec(const struct cmd_call *call)
{
    return transaction_is_open(call->client) && strcmp(call->cmd->name, "exec") == 0;
}

static void each_key(struct asked *a, const struct cmd_call *call, key_fn *use)
{
    if (!is_exec(call)) {
        each_key_of(a, call, call->cmd, call->argv, call->argc, use);
        return;
    }
    for (const struct queued_call *q = call->client->transaction->head; q; q = q->next)
        if (q->cmd->key_specs)
            each_key_of(a, call, q->cmd, q->argv, q->argc, use);
}

static void look_at_key(struct asked *a, const struct cmd_call *call, struct str key)
{
    (void)call;
    a->is_many |= a->has_keys && !str_eq(key, a->first);
    if (!a->has_keys)
        a->first = key;
    add_slot(a, slot_of_key(key.ptr, key.len));
}

static void count_key(struct asked *a, const struct cmd_call *call, struct str key)
{
    if (db_peek(call->db, keyspace_key(call->ks, key)))
        a->present++;
    else
        a->missing++;
}

/* Whether `hashes` are those of all keys. */
static bool knows_keys(const struct cmd_call *call)
{
    return call->key_count && !(call->cmd->flags & CMD_MOVABLEKEYS);
}

static struct asked look_at(const struct cmd_call *call)
{
    struct asked a = {.counts_channels = true};

    if (call->cmd->key_specs && knows_keys(call)) {
        a.has_channels = call->cmd->flags & CMD_PUBSUB;
        for (uint32_t i = 0; i < call->key_count; i++)
            add_slot(&a, slot_of_hash(call->hashes[i]));
    } else if (call->cmd->key_specs || is_exec(call)) {
        each_key(&a, call, look_at_key);
    }
    return a;
}

/* ---- judging ---- */

const char redirect_held[] = "TRYAGAIN the slot is being handed over";

/* ASKING holds for one command, or for the transaction that it stands in front of. */
static bool take_asking(const struct cmd_call *call)
{
    struct client *c = call->client;
    bool is_asking = c->was_asking = c->is_asking;
    bool goes_on =
        strcmp(call->cmd->name, "multi") == 0 || (transaction_is_open(c) && !is_exec(call));

    c->is_asking = is_asking && goes_on;
    return is_asking || call->cmd->flags & CMD_ASKING;
}

static const char *sent(const struct cmd_call *call, const char *code, uint32_t slot,
                        uint16_t shard)
{
    struct cluster_view v = redirect_view(call->engine, call->client);

    return arena_printf(call->scratch, "%s %u %s", code, slot,
                        show_primary(&v, call->scratch, shard));
}

#define TRYAGAIN_TEXT "TRYAGAIN Multiple keys request during rehashing of slot"

/* A slot whose keys move one by one, on the side that had it. */
static const char *ask(const struct cmd_call *call, uint32_t slot, uint16_t shard)
{
    struct asked a = {0};

    each_key(&a, call, count_key);
    if (a.missing == 0)
        return NULL;
    return a.present ? TRYAGAIN_TEXT : sent(call, "ASK", slot, shard);
}

/* The same on the side that gets it. */
static const char *demand_all(const struct cmd_call *call)
{
    struct asked a = {0};

    each_key(&a, call, look_at_key);
    each_key(&a, call, count_key);
    return a.is_many && a.missing ? TRYAGAIN_TEXT : NULL;
}

static const char *judge(const struct cmd_call *call, bool is_asking)
{
    const struct engine *e = call->engine;
    struct asked a = look_at(call);
    struct route_query q = {.slot = a.slot,
                            .is_write = a.has_keys && guard_is_write(call),
                            .is_read = call->cmd->flags & CMD_READONLY,
                            .is_asking = is_asking,
                            .is_channel = a.has_channels,
                            .reads_replicas =
                                call->client->reads_replicas || e->settings.opens_replicas};
    uint16_t shard;

    if (!a.has_keys)
        return NULL;
    enum route route = cluster_route(e->cluster, &e->settings, &q, &shard);
    if (route == ROUTE_UNSERVED)
        return "CLUSTERDOWN Hash slot not served";
    if (a.crosses)
        return "CROSSSLOT Keys in request don't hash to the same slot";
    switch (route) {
    case ROUTE_DOWN: return "CLUSTERDOWN The cluster is down";
    case ROUTE_DOWN_WRITE: return "CLUSTERDOWN The cluster is down and only accepts read commands";
    case ROUTE_HELD: return redirect_held;
    case ROUTE_MOVED: return sent(call, "MOVED", a.slot, shard);
    case ROUTE_ASK: return ask(call, a.slot, shard);
    case ROUTE_WHOLE: return demand_all(call);
    default: return NULL;
    }
}

const char *redirect_refusal(const struct cmd_call *call)
{
    bool is_asking = __builtin_expect(call->client->is_asking, 0)
                         ? take_asking(call)
                         : (call->cmd->flags & CMD_ASKING) != 0;

    /* The agent reaches every key, and so does who brings them. */
    if (call->client->is_admin || call->client->is_importer)
        return NULL;
    return judge(call, is_asking);
}

/* Of clients that wait for keys: who changes nothing while it waits may go on with that. */
static const char *waiting_refusal(const struct cmd_call *call)
{
    const char *text = redirect_refusal(call);

    return text == redirect_held ? NULL : text;
}

void redirect_apply(struct engine *e)
{
    const struct slot_set *hidden = &e->cluster->hidden;

    e->keyspace.hidden = slot_set_is_empty(hidden) ? NULL : hidden;
    blocks_judge(e, waiting_refusal);
    if (!e->keyspace.hidden)
        return;
    pubsub_leave_slots(e, hidden);
    tracking_leave_slots(e, hidden);
}
