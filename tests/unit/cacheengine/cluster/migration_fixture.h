/* A migration whose link has no network: what it sends is kept, and what it hears is given to it.
 */
#ifndef LARDER_TESTS_MIGRATION_FIXTURE_H
#define LARDER_TESTS_MIGRATION_FIXTURE_H

#include "../keyspace/keyspace_fixture.h"
#include "cacheengine/cluster/migration.h"
#include "cluster_fixture.h"

/* A link without a network: what is written is kept, what is to be read is given to it. */
struct wire {
    struct link link;
    struct buf sent;
    struct str answer;
    size_t pending;
    bool is_closed;
    int dials;
};

static inline struct wire *wire_of(const struct link *l)
{
    return container_of(l, struct wire, link);
}

static inline struct err wire_read(struct link *l, void *to, size_t max, size_t *got)
{
    struct str *s = &wire_of(l)->answer;

    *got = s->len < max ? s->len : max;
    if (*got)
        memcpy(to, s->ptr, *got);
    s->ptr += *got;
    s->len -= *got;
    return OK;
}

static inline void wire_write(struct link *l, const void *bytes, size_t len)
{
    buf_add(&wire_of(l)->sent, bytes, len);
}

static inline size_t wire_pending(const struct link *l)
{
    return wire_of(l)->pending;
}

static inline void wire_wake(struct link *l, int64_t ms)
{
    (void)l;
    (void)ms;
}

static inline void wire_close(struct link *l)
{
    wire_of(l)->is_closed = true;
}

static const struct link_host wire_host = {.read = wire_read,
                                           .write = wire_write,
                                           .pending = wire_pending,
                                           .wake_in = wire_wake,
                                           .close = wire_close};

static inline struct link *wire_dial(void *ctx, const struct link_target *to,
                                     const struct link_user *user, void *owner)
{
    struct wire *w = ctx;

    (void)to;
    w->link = (struct link){&wire_host, user, owner};
    w->is_closed = false;
    w->dials++;
    return &w->link;
}

static inline const struct str *no_keys(struct arena *a, const struct command *cmd,
                                        const struct str *argv, uint32_t argc, uint32_t *count)
{
    (void)a;
    (void)cmd;
    (void)argc;
    *count = 0;
    return argv;
}

static inline void changed(void *ctx)
{
    (void)ctx;
}

/* Where records go: a count of how often they were told, and whether they are there. */
struct keeper {
    int64_t told;
    bool is_slow;
};

static inline int64_t tell_records(void *ctx)
{
    struct keeper *k = ctx;

    return ++k->told;
}

static inline bool is_kept(void *ctx, int64_t mark)
{
    const struct keeper *k = ctx;

    return !k->is_slow && mark <= k->told;
}

struct moving {
    struct fixture f;
    struct arena arena;
    struct cluster cluster;
    struct wire wire;
    struct link_dialer dialer;
    struct keeper keeper;
    struct migration_host host;
    struct migration *m;
};

static inline void begin(struct moving *t, int keys)
{
    struct migration_order o = {.id = "7777777777777777777777777777777777777777",
                                .token = "abababababababababababababababababababab",
                                .to = 1,
                                .host = "127.0.0.1",
                                .port = 1};

    *t = (struct moving){0};
    fixture_begin(&t->f);
    keyspace_fini(&t->f.ks);
    t->f.settings.is_clustered = true;
    keyspace_init(&t->f.ks, &t->f.settings, 1, START_MS);
    t->f.db = &t->f.ks.dbs[0];
    cluster_init(&t->cluster, o.id, o.token);
    cr_assert_not(err_failed(set_topology(&t->cluster, &t->arena, "5 #1 " TWO_SHARDS)));
    slot_set_add(&o.slots, slot_of_key("bar", 3));
    for (int i = 0; i < keys; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "%d{bar}", i);

        db_set_string(t->f.db, keyspace_key(&t->f.ks, (struct str){name, (size_t)len}), STR("v"),
                      NO_DEADLINE);
    }
    t->dialer = (struct link_dialer){&t->wire, wire_dial};
    t->host = (struct migration_host){.ctx = &t->keeper,
                                      .dialer = &t->dialer,
                                      .keys = no_keys,
                                      .changed = changed,
                                      .tell = tell_records,
                                      .is_kept = is_kept};
    t->m = migration_start(&t->f.ks, &t->cluster, &t->host, &o);
}

static inline void end(struct moving *t)
{
    migration_free(t->m);
    cluster_fini(&t->cluster);
    arena_fini(&t->arena);
    buf_fini(&t->wire.sent);
    fixture_end(&t->f);
}

static inline void answer(struct moving *t, const char *text)
{
    t->wire.answer = str_of(text);
    t->wire.link.user->readable(&t->wire.link);
}

static inline int count_of(struct moving *t, const char *part)
{
    int count = 0;

    for (const char *at = buf_cstr(&t->wire.sent); (at = strstr(at, part)); at++)
        count++;
    return count;
}

static inline void greet(struct moving *t)
{
    t->wire.link.user->connected(&t->wire.link);
    cr_assert_eq(count_of(t, "larder-import"), 1);
    cr_assert_eq(count_of(t, "BEGIN"), 0);
    answer(t, "+OK\r\n");
    cr_assert_eq(count_of(t, "BEGIN"), 1);
    buf_clear(&t->wire.sent);
    answer(t, "+0\r\n");
}

#endif
