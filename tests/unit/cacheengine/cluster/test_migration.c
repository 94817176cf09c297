#include "../keyspace/keyspace_fixture.h"
#include "base/command.h"
#include "cacheengine/cluster/migration.h"
#include "cacheengine/cluster/migration_feed.h"
#include "cluster_fixture.h"

/* A link without a network: what is written is kept, what is to be read is given to it. */
struct wire {
    struct link link;
    struct buf sent;
    struct str answer;
    bool is_closed;
    int dials;
};

static struct wire *wire_of(const struct link *l)
{
    return container_of(l, struct wire, link);
}

static struct err wire_read(struct link *l, void *to, size_t max, size_t *got)
{
    struct str *s = &wire_of(l)->answer;

    *got = s->len < max ? s->len : max;
    if (*got)
        memcpy(to, s->ptr, *got);
    s->ptr += *got;
    s->len -= *got;
    return OK;
}

static void wire_write(struct link *l, const void *bytes, size_t len)
{
    buf_add(&wire_of(l)->sent, bytes, len);
}

static void wire_wake(struct link *l, int64_t ms)
{
    (void)l;
    (void)ms;
}

static void wire_close(struct link *l)
{
    wire_of(l)->is_closed = true;
}

static const struct link_host host = {
    .read = wire_read, .write = wire_write, .wake_in = wire_wake, .close = wire_close};

static struct link *wire_dial(void *ctx, const struct link_target *to, const struct link_user *user,
                              void *owner)
{
    struct wire *w = ctx;

    (void)to;
    w->link = (struct link){&host, user, owner};
    w->is_closed = false;
    w->dials++;
    return &w->link;
}

static const struct str *no_keys(struct arena *a, const struct command *cmd, const struct str *argv,
                                 uint32_t argc, uint32_t *count)
{
    (void)a;
    (void)cmd;
    (void)argc;
    *count = 0;
    return argv;
}

static void changed(void *ctx)
{
    (void)ctx;
}

struct moving {
    struct fixture f;
    struct arena arena;
    struct cluster cluster;
    struct wire wire;
    struct link_dialer dialer;
    struct migration *m;
};

static void begin(struct moving *t, int keys)
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
    struct migration_host h = {.dialer = &t->dialer, .keys = no_keys, .changed = changed};
    t->m = migration_start(&t->f.ks, &t->cluster, &h, &o);
}

static void end(struct moving *t)
{
    migration_free(t->m);
    cluster_fini(&t->cluster);
    arena_fini(&t->arena);
    buf_fini(&t->wire.sent);
    fixture_end(&t->f);
}

static void answer(struct moving *t, const char *text)
{
    t->wire.answer = str_of(text);
    t->wire.link.user->readable(&t->wire.link);
}

static int count_of(struct moving *t, const char *part)
{
    int count = 0;

    for (const char *at = buf_cstr(&t->wire.sent); (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void greet(struct moving *t)
{
    t->wire.link.user->connected(&t->wire.link);
    cr_assert_eq(count_of(t, "larder-import"), 1);
    cr_assert_eq(count_of(t, "BEGIN"), 0);
    answer(t, "+OK\r\n");
    cr_assert_eq(count_of(t, "BEGIN"), 1);
    buf_clear(&t->wire.sent);
    answer(t, "+0\r\n");
}

Test(migration, keys_go_and_the_slots_change_hands_when_all_are_confirmed)
{
    struct moving t;

    begin(&t, 3);
    greet(&t);
    cr_assert_eq(t.m->state, MIGRATION_PAUSES);
    cr_assert(t.cluster.paused);
    cr_assert_eq(count_of(&t, "SET\r\n"), 3);
    cr_assert_eq(count_of(&t, "SYNC"), 1);
    answer(&t, "+2\r\n");
    cr_assert_eq(count_of(&t, "TAKE"), 0);
    answer(&t, "+3\r\n");
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    answer(&t, "+TAK");
    cr_assert(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    answer(&t, "EN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    cr_assert_null(t.cluster.paused);
    cr_assert(t.wire.is_closed);
    end(&t);
}

Test(migration, a_new_link_goes_on_behind_what_the_target_has_run)
{
    struct moving t;

    begin(&t, 3);
    greet(&t);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert_eq(t.m->state, MIGRATION_CONNECTS);
    cr_assert_null(t.cluster.paused);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1000);
    migration_tick(t.m);
    cr_assert_eq(t.wire.dials, 2);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "+OK\r\n");
    cr_assert_eq(count_of(&t, "RESUME"), 1);
    buf_clear(&t.wire.sent);
    answer(&t, "+2\r\n");
    cr_assert_eq(count_of(&t, "SET\r\n"), 1);
    answer(&t, "+3\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, who_was_asked_to_take_and_cut_off_is_believed)
{
    struct moving t;

    begin(&t, 1);
    greet(&t);
    answer(&t, "+1\r\n");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert(t.cluster.paused);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 100000);
    migration_tick(t.m);
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "+OK\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, nonsense_of_the_target_ends_it)
{
    static const char *const rows[] = {"-OOM no room\r\n", "+2000\r\n", "+what\r\n", ":1\r\n",
                                       "\r\n"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin(&t, 3);
        greet(&t);
        answer(&t, rows[i]);
        cr_assert_eq(t.m->state, MIGRATION_FAILED, "%s", rows[i]);
        cr_assert_neq(*t.m->failure, 0);
        cr_assert_null(t.cluster.paused);
        cr_assert(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
        end(&t);
    }
}

Test(migration, one_that_connects_to_nobody_is_given_up)
{
    struct moving t;

    begin(&t, 3);
    for (int i = 0; i < 100 && !migration_is_over(t.m); i++) {
        if (!t.wire.is_closed)
            t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "nobody is there"));
        keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1000);
        migration_tick(t.m);
    }
    cr_assert_eq(t.m->state, MIGRATION_FAILED);
    cr_assert_str_eq(t.m->failure, "nobody is there");
    end(&t);
}
