#include "../keyspace/keyspace_fixture.h"
#include "base/command.h"
#include "cacheengine/cluster/migration.h"
#include "cacheengine/cluster/migration_feed.h"
#include "cacheengine/cluster/migration_pieces.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/stream_group.h"
#include "cacheengine/types/t_zset.h"
#include "cacheengine/types/types.h"
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

static size_t wire_pending(const struct link *l)
{
    return wire_of(l)->pending;
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

static const struct link_host host = {.read = wire_read,
                                      .write = wire_write,
                                      .pending = wire_pending,
                                      .wake_in = wire_wake,
                                      .close = wire_close};

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

/* Where records go: a count of how often they were told, and whether they are there. */
struct keeper {
    int64_t told;
    bool is_slow;
};

static int64_t tell_records(void *ctx)
{
    struct keeper *k = ctx;

    return ++k->told;
}

static bool is_kept(void *ctx, int64_t mark)
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
    t->host = (struct migration_host){.ctx = &t->keeper,
                                      .dialer = &t->dialer,
                                      .keys = no_keys,
                                      .changed = changed,
                                      .tell = tell_records,
                                      .is_kept = is_kept};
    t->m = migration_start(&t->f.ks, &t->cluster, &t->host, &o);
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
    /* Before the target is asked, nobody serves the slots. */
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    cr_assert_eq(t.cluster.handovers.items[0].stage, HANDOVER_GIVEN);
    cr_assert(t.cluster.hides_paused);
    answer(&t, "+TAK");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    answer(&t, "EN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_eq(t.cluster.handovers.items[0].stage, HANDOVER_HANDED);
    cr_assert_eq(t.keeper.told, 2);
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
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert(t.cluster.paused);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 100000);
    migration_tick(t.m);
    /* It does not serve again; who was held is sent there. */
    cr_assert_null(t.cluster.paused);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
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

/* ---- big collections ---- */

#define BIG      2000
#define BIG_LIST 20000 /* its elements are not counted, but its bytes */

static struct str name_of(char *text, int i)
{
    return (struct str){text, (size_t)sprintf(text, "e%d", i)};
}

static void fill(struct moving *t, enum entry_type type)
{
    struct key k = key_text(&t->f, "big{bar}");
    struct entry *e = NULL;
    char text[16];

    for (int i = 0; i < (type == TYPE_LIST ? BIG_LIST : BIG); i++) {
        struct str name = name_of(text, i);

        e = db_peek(t->f.db, k);
        if (type == TYPE_STREAM) {
            struct str words[2] = {name, name};

            db_open_heap(t->f.db);
            if (!e)
                e = db_set_outside(t->f.db, k, TYPE_STREAM, stream_new(t->f.db->heap.account),
                                   NO_DEADLINE);
            stream_add(t->f.db->heap.account, entry_outside(e), &t->f.settings,
                       (struct stream_id){(uint64_t)i + 1, 0}, words, 1);
        } else if (type == TYPE_LIST) {
            struct sequence s;

            sequence_open(&s, t->f.db, k, e);
            sequence_push(&s, false, &name, 1);
        } else {
            struct zset z;
            struct zset_place place;

            zset_open(&z, t->f.db, k, e);
            cr_assert_not(zset_find(&z, name, &place));
            zset_add(&z, &place, name, i);
        }
    }
}

/* Begins a migration with one big key, and goes so far that about half of it is sent. */
static void begin_big(struct moving *t, enum entry_type type)
{
    begin(t, 0);
    types_register(&t->f.ks);
    t->f.settings.list_packed_size = -2;
    t->f.settings.stream_node_entries = 5;
    fill(t, type);
    while (t->m->out.bytes < 15000 && !migration_feed_is_done(t->m))
        migration_feed_step(t->m);
    cr_assert(t->m->pieces.has_begun);
    cr_assert_not(migration_feed_is_done(t->m));
}

static void tell(struct moving *t, const char *line)
{
    struct str rest = str_of(line), argv[8];
    uint32_t argc = 0;

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    effect_tell(&t->f.ks, 0, argv, argc, EFFECT_FOR_ALL);
}

/* All that was put out, which is little and so in one block. */
static const char *out_of(struct moving *t)
{
    cr_assert_eq(t->m->out.first, t->m->out.last);
    return t->m->out.first ? buf_cstr(&t->m->out.first->bytes) : "";
}

static int count_out(struct moving *t, const char *part)
{
    int count = 0;

    for (const char *at = out_of(t); (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void finish(struct moving *t)
{
    while (!migration_feed_is_done(t->m))
        migration_feed_step(t->m);
}

Test(migration, a_big_sorted_set_goes_in_pieces_and_is_not_asked_for_again)
{
    struct moving t;
    char text[24], name[16];

    begin_big(&t, TYPE_ZSET);
    finish(&t);
    cr_assert_eq(count_out(&t, "UNLINK"), 1);
    cr_assert_geq(count_out(&t, "ZADD"), BIG / 64);
    cr_assert_eq(count_out(&t, "RESTORE"), 0);
    for (int i = 0; i < BIG; i++) {
        sprintf(text, "\r\n%s\r\n", name_of(name, i).ptr);
        cr_assert_eq(count_out(&t, text), 1, "%s", text);
    }
    cr_assert_eq(t.m->keys_sent, 1);
    end(&t);
}

Test(migration, elements_that_are_named_by_a_change_go_as_they_are_now)
{
    struct moving t;
    struct zset z;
    struct zset_place place;

    begin_big(&t, TYPE_ZSET);
    struct key k = key_text(&t.f, "big{bar}");
    zset_open(&z, t.f.db, k, db_peek(t.f.db, k));
    cr_assert(zset_find(&z, STR("e7"), &place));
    zset_rescore(&z, &place, STR("e7"), 77777);
    size_t before = t.m->out.bytes;
    tell(&t, "ZADD big{bar} GT CH 77777 e7 1 gone");
    tell(&t, "ZREM big{bar} e9");
    tell(&t, "PEXPIREAT big{bar} 4000000000000");
    cr_assert(t.m->pieces.has_begun);
    cr_assert(strstr(out_of(&t) + before, "77777\r\n$2\r\ne7\r\n"));
    cr_assert_eq(count_out(&t, "gone"), 0);
    cr_assert_eq(count_out(&t, "ZREM"), 1);
    cr_assert_eq(count_out(&t, "PEXPIREAT"), 0);
    finish(&t);
    cr_assert_eq(count_out(&t, "UNLINK"), 1);
    end(&t);
}

Test(migration, other_changes_begin_a_key_anew_and_at_last_it_goes_whole)
{
    struct moving t;
    int times = 0;

    begin_big(&t, TYPE_ZSET);
    for (; !migration_feed_is_done(t.m); times++) {
        tell(&t, "ZREMRANGEBYRANK big{bar} 0 0");
        cr_assert_not(t.m->pieces.has_begun);
        migration_feed_step(t.m);
        cr_assert_lt(times, 100);
    }
    cr_assert_eq(count_out(&t, "UNLINK"), times);
    cr_assert_eq(count_out(&t, "RESTORE"), 1);
    end(&t);
}

Test(migration, a_list_is_followed_at_its_ends)
{
    struct moving t;
    struct str more = STR("more");
    struct sequence s;

    begin_big(&t, TYPE_LIST);
    struct key k = key_text(&t.f, "big{bar}");
    uint64_t sent = t.m->pieces.cursor;
    sequence_open(&s, t.f.db, k, db_peek(t.f.db, k));
    sequence_push(&s, true, &more, 1);
    tell(&t, "LPUSH big{bar} more");
    cr_assert_eq(t.m->pieces.cursor, sent + 1);
    sequence_remove(&s, 0, 3);
    tell(&t, "LPOP big{bar} 3");
    cr_assert_eq(t.m->pieces.cursor, sent - 2);
    sequence_remove(&s, sequence_count(&s) - 1, 1);
    tell(&t, "RPOP big{bar}");
    sequence_push(&s, false, &more, 1);
    tell(&t, "RPUSH big{bar} more");
    cr_assert(t.m->pieces.has_begun);
    cr_assert_eq(count_out(&t, "RPOP"), 0);
    finish(&t);
    cr_assert_eq(count_out(&t, "UNLINK"), 1);
    cr_assert_eq(count_out(&t, "\r\nmore\r\n"), 2);
    cr_assert_eq(count_out(&t, "\r\ne19999\r\n"), 0);
    end(&t);
}

Test(migration, a_long_stream_goes_in_pieces_and_its_groups_go_last)
{
    struct moving t;

    begin_big(&t, TYPE_STREAM);
    struct stream *s = entry_outside(db_peek(t.f.db, key_text(&t.f, "big{bar}")));
    stream_group_add(t.f.db->heap.account, s, STR("g"), STREAM_ID_MIN, 0);
    tell(&t, "XGROUP CREATE big{bar} g 0");
    cr_assert(stream_remove(t.f.db->heap.account, s, (struct stream_id){BIG, 0}));
    tell(&t, "XDEL big{bar} 2000-0");
    cr_assert(t.m->pieces.has_begun);
    cr_expect_eq(count_out(&t, "XDEL"), 1);
    cr_expect_eq(count_out(&t, "XGROUP"), 0);
    finish(&t);
    cr_expect_eq(count_out(&t, "UNLINK"), 1);
    cr_expect_eq(count_out(&t, "XADD"), BIG - 1);
    cr_expect_eq(count_out(&t, "XSETID"), 1);
    cr_expect_eq(count_out(&t, "XGROUP"), 1);
    cr_expect_eq(count_out(&t, "RESTORE"), 0);
    /* From now on it is a key like any other. */
    tell(&t, "XGROUP SETID big{bar} g 5-0");
    cr_expect_eq(count_out(&t, "\r\nSETID\r\n"), 1);
    end(&t);
}

Test(migration, what_a_transaction_does_after_a_key_was_replaced_is_not_sent)
{
    struct moving t;

    begin_big(&t, TYPE_STREAM);
    while (!strstr(out_of(&t), "XSETID"))
        migration_feed_step(t.m);
    effects_begin(&t.f.ks, false);
    tell(&t, "RESTORE big{bar} 0 payload REPLACE");
    tell(&t, "XADD big{bar} 1-0 f v");
    tell(&t, "XADD big{bar} 2-0 f v");
    effects_end(&t.f.ks);
    cr_expect_not(t.m->pieces.has_begun);
    cr_expect_eq(count_out(&t, "XADD"), BIG);
    end(&t);
}

Test(migration, a_big_key_that_goes_is_removed_there_too)
{
    struct moving t;

    begin_big(&t, TYPE_ZSET);
    cr_assert(db_delete(t.f.db, key_text(&t.f, "big{bar}"), false));
    tell(&t, "DEL big{bar}");
    finish(&t);
    const char *out = out_of(&t);
    const char *last = out;
    for (const char *at = out; (at = strstr(at, "UNLINK")); at++)
        last = at;
    cr_assert_null(strstr(last, "ZADD"));
    cr_assert_geq(count_out(&t, "UNLINK"), 2);
    end(&t);
}

Test(migration, slots_that_were_taken_unconfirmed_are_the_targets)
{
    struct moving t;

    begin(&t, 1);
    greet(&t);
    answer(&t, "+1\r\n");
    answer(&t, "-UNCONFIRMED the write was made here\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    end(&t);
}

/* ---- who dies when ---- */

/* The target is asked to take over the slots. */
static void begin_taking(struct moving *t)
{
    begin(t, 1);
    greet(t);
    answer(t, "+1\r\n");
    cr_assert_eq(t->m->state, MIGRATION_TAKES);
}

/* On a new link, up to where it is asked how far it is. */
static void come_back(struct moving *t)
{
    t->wire.link.user->failed(&t->wire.link, err_make(ERR_IO, "for a test"));
    keyspace_set_passed(&t->f.ks, t->f.ks.passed_ms + 1000);
    migration_tick(t->m);
    buf_clear(&t->wire.sent);
    t->wire.link.user->connected(&t->wire.link);
    answer(t, "+OK\r\n");
    cr_assert_eq(count_of(t, "RESUME"), 1);
}

static bool is_mine(struct moving *t)
{
    return cluster_is_mine(&t->cluster, slot_of_key("bar", 3));
}

Test(migration, the_target_is_asked_when_the_record_is_kept_and_not_before)
{
    struct moving t;

    begin(&t, 1);
    t.keeper.is_slow = true;
    greet(&t);
    answer(&t, "+1\r\n");
    cr_assert_eq(t.m->state, MIGRATION_GIVES);
    cr_assert_not(is_mine(&t));
    cr_assert_eq(count_of(&t, "TAKE"), 0);
    t.keeper.is_slow = false;
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    answer(&t, "+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, a_record_that_is_not_kept_in_time_is_taken_back)
{
    struct moving t;

    begin(&t, 1);
    t.keeper.is_slow = true;
    greet(&t);
    answer(&t, "+1\r\n");
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1500);
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(t.m->state, MIGRATION_COPIES);
    cr_assert(is_mine(&t));
    cr_assert_null(t.cluster.paused);
    cr_assert_eq(t.cluster.handovers.count, 0);
    t.keeper.is_slow = false;
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(count_of(&t, "TAKE"), 0);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1500);
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    end(&t);
}

Test(migration, a_link_that_breaks_before_the_target_was_asked_changes_nothing)
{
    struct moving t;

    begin(&t, 1);
    t.keeper.is_slow = true;
    greet(&t);
    answer(&t, "+1\r\n");
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert_eq(t.m->state, MIGRATION_CONNECTS);
    cr_assert(is_mine(&t));
    cr_assert_eq(t.cluster.handovers.count, 0);
    end(&t);
}

Test(migration, a_target_that_has_not_taken_is_asked_again)
{
    struct moving t;

    begin_taking(&t);
    come_back(&t);
    cr_assert_not(is_mine(&t));
    answer(&t, "+1\r\n");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    answer(&t, "+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, with_a_target_that_lost_it_all_it_begins_anew)
{
    struct moving t;

    begin_taking(&t);
    come_back(&t);
    answer(&t, "+NONE\r\n");
    cr_assert(is_mine(&t));
    cr_assert_eq(t.cluster.handovers.count, 0);
    cr_assert_eq(count_of(&t, "BEGIN"), 1);
    answer(&t, "+0\r\n");
    cr_assert_eq(count_of(&t, "SET\r\n"), 1);
    answer(&t, "+1\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, who_knows_nothing_is_asked_until_somebody_does)
{
    static const char *const rows[] = {"-WRONGPASS who is that\r\n", "-TRYAGAIN no primary\r\n",
                                       "-NOAUTH Authentication required.\r\n", "nonsense\r\n"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin_taking(&t);
        t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
        for (int turn = 0; turn < 200; turn++) {
            keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1000);
            migration_tick(t.m);
            t.wire.link.user->connected(&t.wire.link);
            answer(&t, rows[i]);
            cr_assert_eq(t.m->state, MIGRATION_TAKES, "%s", rows[i]);
            cr_assert(t.wire.is_closed);
        }
        cr_assert_not(is_mine(&t));
        end(&t);
    }
}

Test(migration, a_target_that_refuses_to_take_leaves_the_slots_here)
{
    struct moving t;

    begin_taking(&t);
    answer(&t, "-ERR the slots can not be taken here now\r\n");
    cr_assert_eq(t.m->state, MIGRATION_FAILED);
    cr_assert(is_mine(&t));
    cr_assert_eq(t.cluster.handovers.count, 0);
    end(&t);
}

Test(migration, nonsense_while_the_target_takes_is_no_answer)
{
    static const char *const rows[] = {"+2000\r\n", "+what\r\n", ":1\r\n", "\r\n", "+NONE\r\n"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin_taking(&t);
        answer(&t, rows[i]);
        cr_assert_eq(t.m->state, MIGRATION_TAKES, "%s", rows[i]);
        cr_assert_not(is_mine(&t));
        cr_assert(t.wire.is_closed);
        end(&t);
    }
}

Test(migration, a_target_that_is_loading_is_waited_for)
{
    struct moving t;

    begin(&t, 1);
    greet(&t);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "-TRYAGAIN the data is not loaded yet\r\n");
    cr_assert_eq(t.m->state, MIGRATION_CONNECTS);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    cr_assert_eq(t.wire.dials, 3);
    end(&t);
}

Test(migration, a_topology_that_knows_better_ends_the_doubt)
{
    static const struct {
        const char *topology;
        enum migration_state state;
    } rows[] = {
        {"6 #1 SHARD #a 0-5060,5062-8191 NODE #1 primary 127.0.0.1 7001 0 - online "
         "SHARD #b 5061,8192-16383 NODE #3 primary ::1 7003 0 - online", MIGRATION_DONE  },
        {"6 #1 SHARD #a 0-16383 NODE #1 primary 127.0.0.1 7001 0 - online",       MIGRATION_FAILED},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin_taking(&t);
        cr_assert_eq(slot_of_key("bar", 3), 5061);
        cr_assert_not(err_failed(set_topology(&t.cluster, &t.arena, rows[i].topology)));
        migration_tick(t.m);
        cr_assert_eq(t.m->state, rows[i].state, "row %zu", i);
        cr_assert_null(t.cluster.paused);
        end(&t);
    }
}

/* Another process goes on with a record. */
static void revive(struct moving *t)
{
    begin_taking(t);
    struct handover left = t->cluster.handovers.items[0];
    migration_free(t->m);
    cr_assert_not(is_mine(t));
    buf_clear(&t->wire.sent);
    t->m = migration_revive(&t->f.ks, &t->cluster, &t->host, &left);
    t->wire.link.user->connected(&t->wire.link);
    cr_assert_eq(count_of(t, "larder-import"), 1);
    answer(t, "+OK\r\n");
    cr_assert_eq(count_of(t, "RESUME"), 1);
}

Test(migration, whoever_comes_after_the_source_asks_the_target)
{
    struct moving t;

    revive(&t);
    answer(&t, "+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_eq(t.cluster.handovers.items[0].stage, HANDOVER_HANDED);
    end(&t);
}

Test(migration, whoever_comes_after_the_source_has_the_target_take_what_it_has)
{
    struct moving t;

    revive(&t);
    answer(&t, "+71\r\n");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    come_back(&t);
    answer(&t, "+71\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, whoever_comes_after_the_source_begins_anew_where_the_target_has_nothing)
{
    struct moving t;

    revive(&t);
    answer(&t, "+NONE\r\n");
    cr_assert(is_mine(&t));
    answer(&t, "+0\r\n");
    cr_assert_eq(count_of(&t, "SET\r\n"), 1);
    answer(&t, "+1\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, whoever_comes_after_the_source_and_is_cut_off_before_it_asks_begins_anew)
{
    struct moving t;

    revive(&t);
    t.keeper.is_slow = true;
    answer(&t, "+71\r\n");
    cr_assert_eq(t.m->state, MIGRATION_GIVES);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert(is_mine(&t));
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    buf_clear(&t.wire.sent);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "+OK\r\n");
    cr_assert_eq(count_of(&t, "BEGIN"), 1);
    end(&t);
}
