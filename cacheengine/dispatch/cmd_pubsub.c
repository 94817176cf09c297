/* SUBSCRIBE and its kin, PUBLISH, PUBSUB. */
#include "base/command.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/keyspace/effect.h"
#include "cacheengine/keyspace/glob.h"
#include "contract/command_procs.h"

/* ---- subscribing ---- */

/* What an answer counts: channels and patterns together, shard channels for themselves. */
static int64_t counted(const struct client *c, enum pubsub_kind kind)
{
    if (kind == PUBSUB_SHARD)
        return (int64_t)pubsub_count_of(c, PUBSUB_SHARD);
    return (int64_t)(pubsub_count_of(c, PUBSUB_CHANNEL) + pubsub_count_of(c, PUBSUB_PATTERN));
}

/* For a client whose replies are off: this is none, it is a message. */
static void answer_muted(struct cmd_call *c, const char *word, const struct str *name, int64_t left)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    bool is_old = c->reply->resp == 2;

    buf_printf(&out, "%c3\r\n$%zu\r\n%s\r\n", is_old ? '*' : '>', strlen(word), word);
    if (name) {
        buf_printf(&out, "$%zu\r\n", name->len);
        buf_add_str(&out, *name);
    } else {
        buf_puts(&out, is_old ? "$-1" : "_");
    }
    buf_printf(&out, "\r\n:%lld\r\n", (long long)left);
    pubsub_push(c->engine, c->client, out.ptr, out.len);
}

static void answer(struct cmd_call *c, const char *word, const struct str *name,
                   enum pubsub_kind kind)
{
    if (c->client->reply_mode != CLIENT_REPLY_ON) {
        answer_muted(c, word, name, counted(c->client, kind));
        return;
    }
    reply_push(c->reply, 3);
    reply_bulk_text(c->reply, word);
    if (name)
        reply_bulk_str(c->reply, *name);
    else
        reply_null(c->reply);
    reply_int(c->reply, counted(c->client, kind));
}

static void subscribe(struct cmd_call *c, enum pubsub_kind kind, const char *word)
{
    for (uint32_t i = 1; i < c->argc; i++) {
        (void)pubsub_subscribe(c->engine, c->client, kind, c->argv[i]);
        answer(c, word, &c->argv[i], kind);
    }
}

static void unsubscribe(struct cmd_call *c, enum pubsub_kind kind, const char *word)
{
    if (!c->client->subscriber && c->engine->settings.brand == BRAND_VALKEY) {
        reply_errorf(c->reply, "NOSUB '%s' command executed not in subscribed mode", word);
        return;
    }
    for (uint32_t i = 1; i < c->argc; i++) {
        (void)pubsub_unsubscribe(c->engine, c->client, kind, c->argv[i]);
        answer(c, word, &c->argv[i], kind);
    }
    if (c->argc > 1)
        return;
    if (pubsub_count_of(c->client, kind) == 0)
        answer(c, word, NULL, kind);
    while (pubsub_count_of(c->client, kind) > 0) {
        struct str gone = pubsub_name_of(c->client, kind, 0);
        struct str name = {arena_memdup(c->scratch, gone.ptr, gone.len), gone.len};

        (void)pubsub_unsubscribe(c->engine, c->client, kind, name);
        answer(c, word, &name, kind);
    }
}

void cmd_subscribe(struct cmd_call *c)
{
    subscribe(c, PUBSUB_CHANNEL, "subscribe");
}

void cmd_unsubscribe(struct cmd_call *c)
{
    unsubscribe(c, PUBSUB_CHANNEL, "unsubscribe");
}

void cmd_psubscribe(struct cmd_call *c)
{
    subscribe(c, PUBSUB_PATTERN, "psubscribe");
}

void cmd_punsubscribe(struct cmd_call *c)
{
    unsubscribe(c, PUBSUB_PATTERN, "punsubscribe");
}

void cmd_ssubscribe(struct cmd_call *c)
{
    subscribe(c, PUBSUB_SHARD, "ssubscribe");
}

void cmd_sunsubscribe(struct cmd_call *c)
{
    unsubscribe(c, PUBSUB_SHARD, "sunsubscribe");
}

/* ---- publishing ---- */

static void publish(struct cmd_call *c, enum pubsub_kind kind)
{
    call_tell_always(c, EFFECT_FOR_REPLICAS);
    reply_int(c->reply, (int64_t)pubsub_publish(c->engine, kind, c->argv[1], c->argv[2]));
}

void cmd_publish(struct cmd_call *c)
{
    publish(c, PUBSUB_CHANNEL);
}

void cmd_spublish(struct cmd_call *c)
{
    publish(c, PUBSUB_SHARD);
}

/* ---- PUBSUB ---- */

struct listing {
    struct cmd_call *call;
    size_t count;
};

static void list_one(void *ctx, struct str name)
{
    struct listing *l = ctx;

    if (l->call->argc == 3 && !glob_match(l->call->argv[2], name))
        return;
    reply_bulk_str(l->call->reply, name);
    l->count++;
}

static void list(struct cmd_call *c, enum pubsub_kind kind)
{
    struct listing l = {.call = c};

    if (c->argc > 3) {
        call_bad_subcommand(c);
        return;
    }
    struct reply_mark mark = reply_open(c->reply);
    pubsub_each(c->engine, kind, list_one, &l);
    reply_close(c->reply, mark, '*', l.count);
}

static void count_listeners(struct cmd_call *c, enum pubsub_kind kind)
{
    reply_array(c->reply, 2 * (size_t)(c->argc - 2));
    for (uint32_t i = 2; i < c->argc; i++) {
        reply_bulk_str(c->reply, c->argv[i]);
        reply_int(c->reply, (int64_t)pubsub_listeners(c->engine, kind, c->argv[i]));
    }
}

void cmd_pubsub_channels(struct cmd_call *c)
{
    list(c, PUBSUB_CHANNEL);
}

void cmd_pubsub_shardchannels(struct cmd_call *c)
{
    list(c, PUBSUB_SHARD);
}

void cmd_pubsub_numsub(struct cmd_call *c)
{
    count_listeners(c, PUBSUB_CHANNEL);
}

void cmd_pubsub_shardnumsub(struct cmd_call *c)
{
    count_listeners(c, PUBSUB_SHARD);
}

void cmd_pubsub_numpat(struct cmd_call *c)
{
    reply_int(c->reply, (int64_t)pubsub_count(c->engine, PUBSUB_PATTERN));
}

void cmd_pubsub_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    The channels that have subscribers, all or those that match.",
        "NUMPAT",
        "    How many patterns are subscribed to.",
        "NUMSUB [<channel> ...]",
        "    How many subscribers the channels have, patterns left out.",
        "SHARDCHANNELS [<pattern>]",
        "    The shard channels that have subscribers, all or those that match.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    How many subscribers the shard channels have.",
        NULL,
    };

    reply_help(c->reply, "PUBSUB", lines);
}
