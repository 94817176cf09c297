/*
 * Orders of the owner with any arguments, amid writes, logins and time. Lines are orders, '|'
 * stands between words, "#x" for an id; the first letter of a line says which, 'o' any that is
 * named behind it, '>' what another shard says that brings slots here. The first byte of the input
 * says whether writes are acknowledged by replicas and whether this is a cluster. Terms and epochs
 * may never go back, there is always a default user, and a lease that is over is never written
 * under.
 */
#include "../../unit/cacheengine/proto/resp_fixture.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/moving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 64

struct play {
    struct resp_fixture f;
    struct arena words; /* of one order */
    struct resp_client owner, client, source;
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

static struct str word_of(struct play *p, struct str text)
{
    if (text.len != 2 || text.ptr[0] != '#')
        return text;
    char *id = arena_alloc(&p->words, CLUSTER_ID_LEN);
    memset(id, text.ptr[1], CLUSTER_ID_LEN);
    return (struct str){id, CLUSTER_ID_LEN};
}

static size_t words_of(struct play *p, struct str rest, struct str *out, size_t count)
{
    while (rest.len > 0 && count < WORDS_MAX)
        out[count++] = word_of(p, str_cut(&rest, '|'));
    return count;
}

static void order(struct play *p, const char *name, const char *sub, struct str rest)
{
    struct str words[WORDS_MAX] = {str_of(name)};
    size_t count = 1;

    if (sub)
        words[count++] = str_of(sub);
    count = words_of(p, rest, words, count);
    run(p, &p->owner, words, count);
    arena_reset(&p->words);
}

/* Any of the owner's commands. What reads and writes files is not for here. */
static void order_named(struct play *p, struct str rest)
{
    struct str name = str_cut(&rest, '|');
    char text[64];

    snprintf(text, sizeof(text), "LARDER.%.*s", STR_ARG(str_shorten(name, 40)));
    order(p, text, NULL, rest);
}

/* What a source of slots says, once it is let in. */
static void import(struct play *p, struct str rest)
{
    struct str words[WORDS_MAX];
    size_t count = words_of(p, rest, words, 0);

    if (p->source.is_killed) {
        resp_client_close(&p->f, &p->source);
        resp_client_open(&p->f, &p->source, false);
    }
    if (count > 0 && !p->source.client.is_postponed)
        run(p, &p->source, words, count);
    arena_reset(&p->words);
}

/* Whatever was ordered: the records say of each slot what the cluster does. */
static void check_records(const struct engine *e)
{
    const struct cluster *c = e->cluster;

    for (size_t i = 0; c && i < c->handovers.count; i++) {
        const struct handover *one = &c->handovers.items[i];

        check(!slot_set_is_empty(&one->slots));
        check(one->stage != HANDOVER_TAKEN || slot_set_meets(&c->handed, &one->slots));
        check(one->stage != HANDOVER_EXPECTED || import_find(&e->moving->in, str_of(one->id)));
    }
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
    case 'o': order_named(p, rest); break;
    case '>': import(p, rest); break;
    case 'w': write_something(p); break;
    case 'k': acks_reached(e, rest.len % 4, (int64_t)rest.len * 100); break;
    default:
        e->stream.offset += 10;
        resp_advance(&p->f, line.ptr[0] * 10);
        (void)acks_expire(e);
        (void)engine_end_waits(e);
        (void)(e->moving && moving_tick(e));
    }
    check_records(e);
    check(e->authority.term >= term && e->users.epoch >= epoch);
    check(acl_find(&e->acl, STR("default")) == e->acl.preset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const options[] = {"larder-write-acks-memory 64kb", "maxmemory 64mb",
                                   "larder-iam-timeout 1000",
                                   size > 0 && data[0] & 2 ? "cluster-enabled yes" : NULL, NULL};
    struct play *p = calloc(1, sizeof(*p));
    struct str text = {(const char *)data, size};

    resp_open(&p->f, options);
    resp_client_open(&p->f, &p->owner, true);
    resp_client_open(&p->f, &p->client, false);
    resp_client_open(&p->f, &p->source, false);
    if (size > 0 && data[0] % 2) {
        p->f.engine.settings.write_acks = 1;
        acks_settle(&p->f.engine);
    }
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');

        if (line.len > 0)
            step(p, line);
    }
    resp_client_close(&p->f, &p->source);
    resp_client_close(&p->f, &p->client);
    resp_client_close(&p->f, &p->owner);
    arena_fini(&p->words);
    resp_close(&p->f);
    free(p);
    return 0;
}
