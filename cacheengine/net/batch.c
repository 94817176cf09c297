/*
 * Batches. The one idea: the misses of a lookup are waited for together. Parsing a call asks for
 * the bucket of its key; when a batch is parsed, the entries that the buckets propose are asked
 * for, and then the members of big collections; so when a call runs, most of what it needs is there
 * or on its way.
 */
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/throttle.h"
#include "cacheengine/keyspace/db.h"
#include "cacheengine/net/loop.h"
#include "cacheengine/types/ahead.h"

static void batch_reset(struct batch *b)
{
    b->count = 0;
    b->room.args = b->args;
    b->room.args_end = b->args + BATCH_ARGS;
    b->room.hashes = b->hashes;
    b->room.hashes_end = b->hashes + BATCH_ARGS;
    b->room.arena = &b->arena;
    if (b->arena.total_bytes)
        arena_reset(&b->arena);
}

static void ask_ahead(const struct batch *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const struct cmd_call *call = &b->calls[i];

        for (uint32_t j = 0; j < call->key_count && j < KEYS_AHEAD; j++)
            db_prefetch_entry(call->db, call->hashes[j]);
    }
    types_ask_ahead(b->calls, b->count);
}

/* From this much on, replies are sent although more calls of the client are waiting. */
#define SEND_EARLY (1024 * 1024)

static void send_early(struct conn *c, size_t input_end)
{
    conn_write(c);
    if (acks_are_many(&c->client) && !c->is_parked && !c->client.is_killed)
        conn_park(c, input_end);
}

/* What the answer to a call will be is not known before it has run: it is paid for behind. */
static void run_counted(struct cmd_call *call)
{
    struct reply *r = &call->client->reply;
    uint64_t said = reply_place(r), before = engine_ticks();

    if (throttle_takes(call))
        return;
    call->run(call);
    uint64_t bytes = call->input_end - call->input_begin + (reply_place(r) - said);
    throttle_count(call->engine, call->client, bytes, engine_ticks() - before);
}

static void run_call(struct cmd_call *call)
{
    struct conn *c = conn_of(call->client);

    c->calls--;
    if (!c->client.is_closing && !c->client.is_killed && !c->is_parked) {
        if (__builtin_expect(call->engine->settings.work_limit >= 0, 0))
            run_counted(call);
        else
            call->run(call);
        /* A call that is postponed is cut from the input and run again. */
        if (__builtin_expect(c->client.is_postponed | c->client.goes_on, 0))
            conn_park(c, call->input_begin);
        else if (__builtin_expect(c->client.waiting != NULL, 0))
            conn_park(c, call->input_end);
        if (__builtin_expect(c->client.is_primary, 0) && !c->client.is_postponed)
            conn_note_used(c, call->input_end);
        if (reply_pending(&c->client.reply) >= SEND_EARLY)
            send_early(c, call->input_end);
    }
    if (c->calls == 0 && !c->is_feeding)
        conn_finish(c);
}

void batch_run(struct loop *l)
{
    struct batch *b = l->batch;

    if (b->count > 1 || (b->count == 1 && b->calls[0].key_count > 1))
        ask_ahead(b);
    for (b->at = 0; b->at < b->count; b->at++)
        if (b->calls[b->at].run)
            run_call(&b->calls[b->at]);
    batch_reset(b);
}

void batch_run_others(struct batch *b, const struct client *occupied)
{
    for (uint32_t i = b->at + 1; i < b->count; i++) {
        struct cmd_call *call = &b->calls[i];
        struct conn *c = conn_of(call->client);

        if (!call->run || call->client == occupied || client_is_obeyed(call->client))
            continue;
        run_call(call);
        call->run = NULL;
        /* One that is still being cut into calls is finished later, but hears now. */
        if (c->is_feeding && !c->client.is_killed)
            conn_write(c);
    }
}

static struct cmd_call *next_call(struct loop *l, struct conn *c)
{
    struct cmd_call *call = &l->batch->calls[l->batch->count];

    *call = (struct cmd_call){
        .reply = &c->client.reply,
        .ks = &l->engine->keyspace,
        .db = &l->engine->keyspace.dbs[c->client.db],
        .client = &c->client,
        .engine = l->engine,
        .scratch = &l->engine->scratch,
    };
    return call;
}

/* Adds one parsed call, whose bytes are the first `used` of what is being fed. */
static void add_call(struct loop *l, struct conn *c, struct cmd_call *call, size_t used)
{
    /* A request that stands alone in a buffer of its own may keep the buffer. */
    if (c->input && c->feed.ptr == c->input->bytes && used == c->input_len)
        call->backing = c->input;
    call->input_begin = (size_t)(c->feed.ptr - c->feed_begin);
    c->feed.ptr += used;
    c->feed.len -= used;
    call->input_end = (size_t)(c->feed.ptr - c->feed_begin);
    c->parse = (struct parse_state){0};
    c->calls++;
    l->batch->count++;
    if (l->batch->count == BATCH_CALLS)
        batch_run(l);
}

/* The owner of a memcached engine speaks both protocols. */
static const struct protocol *spoken(const struct loop *l, const struct conn *c)
{
    if (__builtin_expect(c->client.is_admin, 0) && c->feed.ptr[0] == '*')
        return &protocol_resp;
    return l->protocol;
}

void batch_feed(struct loop *l, struct conn *c)
{
    if (!l->batch->room.arena)
        batch_reset(l->batch);
    c->is_feeding = true;
    while (c->feed.len > 0 && !c->client.is_closing && !c->client.is_killed && !c->is_parked) {
        struct cmd_call *call = next_call(l, c);
        size_t used = 0;
        enum parse_result r = spoken(l, c)->parse(&c->client, l->engine, &c->parse, c->feed,
                                                  &l->batch->room, call, &used);

        if (r == PARSE_MORE)
            break;
        if (r == PARSE_CALL) {
            add_call(l, c, call, used);
            continue;
        }
        c->feed.ptr += used;
        c->feed.len -= used;
        c->parse = (struct parse_state){0};
    }
    c->is_feeding = false;
    if (c->calls == 0)
        conn_finish(c);
}
