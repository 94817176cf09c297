#include "resp_fixture.h"

#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/replica.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

static void facts(const struct client *c, struct client_facts *out)
{
    (void)c;
    *out = (struct client_facts){
        .fd = 7, .peer = "127.0.0.1:1", .local = "127.0.0.1:2", .events = "r"};
}

static void kill_client(struct client *c)
{
    container_of(c, struct resp_client, client)->is_killed = true;
    c->is_killed = true;
}

static void wake(struct client *c)
{
    (void)c;
}

/* What it has sent meanwhile runs with the next resp_send. */
static void resume(struct client *c)
{
    (void)c;
}

static const struct client_host host = {facts, kill_client, wake, resume, NULL, NULL};

void resp_client_open(struct resp_fixture *f, struct resp_client *c, bool is_admin)
{
    *c = (struct resp_client){.client.is_admin = is_admin};
    engine_client_add(&f->engine, &c->client, &host);
}

void resp_client_close(struct resp_fixture *f, struct resp_client *c)
{
    engine_client_remove(&f->engine, &c->client);
    buf_fini(&c->input);
}

void resp_open(struct resp_fixture *f, const char *const *options)
{
    struct arena a = {0};

    *f = (struct resp_fixture){0};
    config_init(&f->engine.config, &f->engine.settings);
    for (; options && *options; options++) {
        struct err e = config_load_text(&f->engine.config, &a, str_of(*options), "test");

        if (err_failed(e))
            fprintf(stderr, "%s\n", e.why);
        check(!err_failed(e));
    }
    arena_fini(&a);
    engine_init(&f->engine);
    hash_seed_fix(&f->engine.keyspace.seed, 5);
    rng_seed(&f->engine.keyspace.rng, 5);
    resp_client_open(f, &f->main, false);
}

void resp_close(struct resp_fixture *f)
{
    resp_client_close(f, &f->main);
    engine_fini(&f->engine);
    arena_fini(&f->batch);
    buf_fini(&f->out);
}

/* What may be sent: all but what is held. */
static void collect(struct resp_fixture *f, struct client *c)
{
    size_t left = acks_sendable(c);
    struct iovec iov;

    while (left > 0 && reply_gather(&c->reply, &iov, 1) == 1) {
        size_t len = iov.iov_len < left ? iov.iov_len : left;

        buf_add(&f->out, iov.iov_base, len);
        reply_sent(&c->reply, len);
        left -= len;
    }
    reply_settle(&c->reply);
}

struct str resp_send(struct resp_fixture *f, struct resp_client *c, const char *bytes, size_t len)
{
    struct parse_room room = {.arena = &f->batch};

    buf_clear(&f->out);
    buf_add(&c->input, bytes, len);
    while (c->input.len > 0 && !c->client.is_closing && !c->is_killed && !c->client.waiting) {
        struct cmd_call call = {.reply = &c->client.reply,
                                .ks = &f->engine.keyspace,
                                .db = &f->engine.keyspace.dbs[c->client.db],
                                .client = &c->client,
                                .engine = &f->engine,
                                .scratch = &f->engine.scratch};
        size_t used = 0;
        enum parse_result r = protocol_resp.parse(&c->client, &f->engine, &c->parse,
                                                  buf_str(&c->input), &room, &call, &used);

        if (r == PARSE_MORE)
            break;
        check(used > 0 && used <= c->input.len);
        if (r == PARSE_CALL)
            call.run(&call);
        if (c->client.is_primary && !c->is_killed)
            replica_note_bytes(&f->engine, (struct str){c->input.ptr, used});
        buf_consume(&c->input, used);
        c->parse = (struct parse_state){0};
        arena_reset(&f->batch);
    }
    if (c->is_killed)
        reply_drop(&c->client.reply);
    else
        collect(f, &c->client);
    return buf_str(&f->out);
}

const char *resp_ask_of(struct resp_fixture *f, struct resp_client *c, const char *line)
{
    struct buf bytes = BUF_EMPTY;

    buf_printf(&bytes, "%s\r\n", line);
    resp_send(f, c, bytes.ptr, bytes.len);
    buf_fini(&bytes);
    return buf_cstr(&f->out);
}

const char *resp_ask(struct resp_fixture *f, const char *line)
{
    return resp_ask_of(f, &f->main, line);
}

void resp_advance(struct resp_fixture *f, int64_t ms)
{
    engine_set_now(&f->engine, f->engine.keyspace.now_ms + ms, f->engine.keyspace.passed_ms + ms);
}
