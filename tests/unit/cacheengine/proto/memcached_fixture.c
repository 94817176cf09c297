#include "memcached_fixture.h"

#include "cacheengine/proto/memcached_binary.h"

#include <stdlib.h>
#include <sys/uio.h>

/* Nobody is to be told; what was said is looked at. */
static void wake(struct client *c)
{
    (void)c;
}

static const struct client_host host = {.wake = wake};

void mc_open(struct mc_fixture *f, const char *const *options)
{
    *f = (struct mc_fixture){0};
    arena_init(&f->arena);
    config_init(&f->engine.config, &f->engine.settings);
    for (size_t i = 0; options && options[i]; i++) {
        struct str words[2], line = str_of(options[i]);

        words[0] = str_cut(&line, ' ');
        words[1] = line;
        struct err e = config_load_words(&f->engine.config, &f->arena, words, 2);
        check(!err_failed(e));
    }
    engine_init(&f->engine);
    f->engine.protocol = &protocol_memcached;
    protocol_memcached.init(&f->engine);
    engine_client_add(&f->engine, &f->client, &host);
}

void mc_close(struct mc_fixture *f)
{
    engine_client_remove(&f->engine, &f->client);
    protocol_memcached.fini(&f->engine);
    engine_fini(&f->engine);
    buf_fini(&f->in);
    buf_fini(&f->out);
    arena_fini(&f->arena);
}

static void collect(struct mc_fixture *f)
{
    struct iovec pieces[64];
    int count;

    while ((count = reply_gather(&f->client.reply, pieces, 64)) > 0) {
        size_t sent = 0;

        for (int i = 0; i < count; i++) {
            buf_add(&f->out, pieces[i].iov_base, pieces[i].iov_len);
            sent += pieces[i].iov_len;
        }
        reply_sent(&f->client.reply, sent);
    }
    reply_settle(&f->client.reply);
}

/* One request off the front; false when there is no complete one. */
static bool step(struct mc_fixture *f)
{
    struct parse_room room = {.arena = &f->arena};
    struct cmd_call call = {.client = &f->client,
                            .engine = &f->engine,
                            .ks = &f->engine.keyspace,
                            .db = &f->engine.keyspace.dbs[f->client.db],
                            .reply = &f->client.reply,
                            .scratch = &f->engine.scratch};
    size_t used = 0;
    enum parse_result result = protocol_memcached.parse(&f->client, &f->engine, &f->state,
                                                        buf_str(&f->in), &room, &call, &used);

    if (result == PARSE_MORE)
        return false;
    f->state = (struct parse_state){0};
    if (result == PARSE_CALL)
        call.run(&call);
    /* It would wait for the replies to be sent. */
    if (f->client.goes_on) {
        f->client.goes_on = false;
        return true;
    }
    buf_consume(&f->in, used);
    return f->in.len > 0 && !f->client.is_closing;
}

const char *mc_ask_bytes(struct mc_fixture *f, const char *bytes, size_t len)
{
    buf_clear(&f->out);
    buf_add(&f->in, bytes, len);
    while (step(f))
        continue;
    collect(f);
    arena_reset(&f->arena);
    return buf_cstr(&f->out);
}

const char *mc_ask(struct mc_fixture *f, const char *text)
{
    return mc_ask_bytes(f, text, strlen(text));
}

void mc_ask_binary(struct mc_fixture *f, const struct mc_binary *r)
{
    scoped(buf_fini) struct buf bytes = BUF_EMPTY;
    uint16_t key_len = htobe16((uint16_t)r->key.len);
    uint32_t body_len = htobe32((uint32_t)(r->extras.len + r->key.len + r->value.len));
    uint64_t cas = htobe64(r->cas);
    char head[MCB_HEAD] = {(char)MCB_REQUEST, (char)r->opcode, 0, 0, (char)r->extras.len};

    memcpy(head + 2, &key_len, sizeof(key_len));
    memcpy(head + 8, &body_len, sizeof(body_len));
    head[15] = 7;
    memcpy(head + 16, &cas, sizeof(cas));
    buf_add(&bytes, head, sizeof(head));
    buf_add_str(&bytes, r->extras);
    buf_add_str(&bytes, r->key);
    buf_add_str(&bytes, r->value);
    mc_ask_bytes(f, bytes.ptr, bytes.len);
}

unsigned mc_status(const struct mc_fixture *f)
{
    check(f->out.len >= MCB_HEAD);
    return (unsigned)(uint8_t)f->out.ptr[6] << 8 | (uint8_t)f->out.ptr[7];
}

uint64_t mc_reply_cas(const struct mc_fixture *f)
{
    check(f->out.len >= MCB_HEAD);
    return mcb_u64(f->out.ptr + 16);
}

struct str mc_body(const struct mc_fixture *f)
{
    check(f->out.len >= MCB_HEAD);
    return (struct str){f->out.ptr + MCB_HEAD, f->out.len - MCB_HEAD};
}

void mc_advance(struct mc_fixture *f, int64_t ms)
{
    engine_set_now(&f->engine, f->engine.keyspace.now_ms + ms, f->engine.keyspace.passed_ms + ms);
}

struct entry *mc_entry(struct mc_fixture *f, const char *key)
{
    return db_peek(&f->engine.keyspace.dbs[0], keyspace_key(&f->engine.keyspace, str_of(key)));
}
