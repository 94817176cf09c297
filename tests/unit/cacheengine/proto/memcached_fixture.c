#include "memcached_fixture.h"

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

void mc_advance(struct mc_fixture *f, int64_t ms)
{
    engine_set_now(&f->engine, f->engine.keyspace.now_ms + ms, f->engine.keyspace.passed_ms + ms);
}

struct entry *mc_entry(struct mc_fixture *f, const char *key)
{
    return db_peek(&f->engine.keyspace.dbs[0], keyspace_key(&f->engine.keyspace, str_of(key)));
}
