/*
 * Bytes of a RESP client, cut into reads of arbitrary length, up to running the commands: no input
 * may crash the engine, leave memory booked that is not held, or be held longer than its request
 * needs. The first byte of the input says how it is cut. The tenant's view is fuzzed: commands kept
 * from tenants (DEBUG, CONFIG, SHUTDOWN) would only stop the fuzzer.
 */
#include "base/buf.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/proto/protocol.h"

#include <stdlib.h>
#include <sys/uio.h>

struct session {
    struct engine engine;
    struct client client;
    struct parse_state state;
    struct arena arena;
    struct buf in;
};

/* A connection of no substance: what CLIENT LIST shows of it is empty, and it can be killed. */
static void no_facts(const struct client *c, struct client_facts *out)
{
    (void)c;
    *out = (struct client_facts){.fd = -1};
}

static void kill_it(struct client *c)
{
    c->is_killed = true;
}

static void wake_nobody(struct client *c)
{
    (void)c;
}

static const struct client_host nobody = {no_facts, kill_it, wake_nobody, wake_nobody, NULL, NULL};

static void load(struct session *s, const char *name, const char *value)
{
    struct str words[2] = {str_of(name), str_of(value)};
    struct err e = config_load_words(&s->engine.config, &s->arena, words, 2);
    check(!err_failed(e));
}

static void session_open(struct session *s)
{
    *s = (struct session){0};
    config_init(&s->engine.config, &s->engine.settings);
    load(s, "larder-restricted", "yes");
    load(s, "proto-max-bulk-len", "1mb");
    load(s, "maxmemory", "64mb");
    load(s, "databases", "4");
    engine_init(&s->engine);
    s->engine.protocol = &protocol_resp;
    if (protocol_resp.init)
        protocol_resp.init(&s->engine);
    engine_client_add(&s->engine, &s->client, &nobody);
}

static void session_close(struct session *s)
{
    engine_client_remove(&s->engine, &s->client);
    if (protocol_resp.fini)
        protocol_resp.fini(&s->engine);
    engine_fini(&s->engine);
    buf_fini(&s->in);
    arena_fini(&s->arena);
}

/* Replies are sent to nowhere. */
static void drain(struct session *s)
{
    struct iovec pieces[64];
    int count;

    while ((count = reply_gather(&s->client.reply, pieces, 64)) > 0) {
        size_t sent = 0;
        for (int i = 0; i < count; i++)
            sent += pieces[i].iov_len;
        reply_sent(&s->client.reply, sent);
    }
    reply_settle(&s->client.reply);
}

/* One request off the front; false when there is no complete one. */
static bool step(struct session *s)
{
    struct parse_room room = {.arena = &s->arena};
    struct cmd_call call = {.client = &s->client,
                            .engine = &s->engine,
                            .ks = &s->engine.keyspace,
                            .db = &s->engine.keyspace.dbs[s->client.db],
                            .reply = &s->client.reply,
                            .scratch = &s->engine.scratch};
    size_t used = 0;
    enum parse_result result = protocol_resp.parse(&s->client, &s->engine, &s->state,
                                                   buf_str(&s->in), &room, &call, &used);

    if (result == PARSE_MORE)
        return false;
    check(used <= s->in.len);
    s->state = (struct parse_state){0};
    if (result == PARSE_CALL)
        call.run(&call);
    buf_consume(&s->in, used);
    return s->in.len > 0 && !s->client.is_closing && !s->client.is_killed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session s;

    if (size < 1)
        return 0;
    size_t cut = data[0] ? data[0] : size;
    session_open(&s);
    for (size_t at = 1; at < size && !s.client.is_closing && !s.client.is_killed; at += cut) {
        buf_add(&s.in, data + at, size - at < cut ? size - at : cut);
        while (!s.client.waiting && step(&s))
            continue;
        drain(&s);
        arena_reset(&s.arena);
        /* Time passes with odd cuts: deadlines come. */
        int64_t ms = cut % 7 == 3 ? 1500 : 1;
        engine_set_now(&s.engine, s.engine.keyspace.now_ms + ms, s.engine.keyspace.passed_ms + ms);
        engine_end_waits(&s.engine);
    }
    keyspace_flush(&s.engine.keyspace, -1, false);
    check(keyspace_count(&s.engine.keyspace) == 0);
    session_close(&s);
    return 0;
}
