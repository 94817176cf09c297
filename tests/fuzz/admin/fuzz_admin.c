/*
 * Orders of the owner with any arguments, amid writes, logins and time. Lines are orders, '|'
 * stands between words; the first letter of a line says which. Terms and epochs may never go back,
 * there is always a default user, and a lease that is over is never written under.
 */
#include "../../unit/cacheengine/proto/resp_fixture.h"
#include "cacheengine/dispatch/acks.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 64

struct play {
    struct resp_fixture f;
    struct resp_client owner, client;
};

static void run(struct play *p, struct resp_client *c, const struct str *words, size_t count)
{
    struct buf text = BUF_EMPTY;

    buf_printf(&text, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "$%zu\r\n", words[i].len);
        buf_add_str(&text, words[i]);
        buf_puts(&text, "\r\n");
    }
    resp_send(&p->f, c, text.ptr, text.len);
    buf_fini(&text);
}

static void order(struct play *p, const char *name, const char *sub, struct str rest)
{
    struct str words[WORDS_MAX] = {str_of(name)};
    size_t count = 1;

    if (sub)
        words[count++] = str_of(sub);
    while (rest.len > 0 && count < WORDS_MAX)
        words[count++] = str_cut(&rest, '|');
    run(p, &p->owner, words, count);
}

static void login(struct play *p, struct str rest)
{
    struct str words[3] = {STR("AUTH"), str_cut(&rest, '|'), rest};

    if (p->client.is_killed) {
        resp_client_close(&p->f, &p->client);
        resp_client_open(&p->f, &p->client, false);
    }
    run(p, &p->client, words, 3);
}

static void write_something(struct play *p)
{
    struct str words[] = {STR("INCR"), STR("n")};
    uint64_t before = p->f.engine.keyspace.dirty;

    if (p->client.is_killed || p->client.client.waiting)
        return;
    run(p, &p->client, words, 2);
    if (p->f.engine.keyspace.dirty != before)
        check(authority_left_ms(&p->f.engine) != 0 && p->f.engine.authority.fence_term == 0);
}

static void step(struct play *p, struct str line)
{
    struct engine *e = &p->f.engine;
    int64_t term = e->authority.term, epoch = e->users.epoch;
    struct str rest = {line.ptr + 1, line.len - 1};

    switch (line.ptr[0]) {
    case 'r': order(p, "LARDER.ROLE", NULL, rest); break;
    case 'l': order(p, "LARDER.LEASE", NULL, rest); break;
    case 'f': order(p, "LARDER.FENCE", NULL, rest); break;
    case 's': order(p, "LARDER.STATE", NULL, rest); break;
    case 'u': order(p, "LARDER.USERS", NULL, rest); break;
    case 'i': order(p, "LARDER.IAM", "LISTEN", rest); break;
    case 'v': order(p, "LARDER.IAM", "VERDICT", rest); break;
    case 'a': login(p, rest); break;
    case 'w': write_something(p); break;
    case 'k': acks_reached(e, rest.len % 4, (int64_t)rest.len * 100); break;
    default:
        e->stream.offset += 10;
        resp_advance(&p->f, line.ptr[0] * 10);
        (void)acks_expire(e);
        (void)engine_end_waits(e);
    }
    check(e->authority.term >= term && e->users.epoch >= epoch);
    check(acl_find(&e->acl, STR("default")) == e->acl.preset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"larder-write-acks-memory 64kb", "maxmemory 64mb",
                                          "larder-iam-timeout 1000", NULL};
    struct play *p = calloc(1, sizeof(*p));
    struct str text = {(const char *)data, size};

    resp_open(&p->f, options);
    resp_client_open(&p->f, &p->owner, true);
    resp_client_open(&p->f, &p->client, false);
    if (size > 0 && data[0] % 2) {
        p->f.engine.settings.write_acks = 1;
        acks_settle(&p->f.engine);
    }
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');

        if (line.len > 0)
            step(p, line);
    }
    resp_client_close(&p->f, &p->client);
    resp_client_close(&p->f, &p->owner);
    resp_close(&p->f);
    free(p);
    return 0;
}
