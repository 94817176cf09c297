#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/keyspace/slot.h"
#include "dispatch_test.h"

#define INVALID(len, name) ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" #len "\r\n" name "\r\n"
#define INVALID_ALL        ">2\r\n$10\r\ninvalidate\r\n_\r\n"

/* What has come for a client, and nothing else. */
#define hears(f, c, text) cr_assert_str_eq(resp_ask_of((f), (c), "ECHO ."), text "$1\r\n.\r\n")

static void open_both(struct resp_fixture *f, struct resp_client *other, const char *options)
{
    resp_open(f, NULL);
    resp_client_open(f, other, false);
    resp_ask(f, "HELLO 3");
    cr_assert_str_eq(resp_ask(f, options), "+OK\r\n");
}

static void close_both(struct resp_fixture *f, struct resp_client *other)
{
    resp_client_close(f, other);
    resp_close(f);
}

Test(tracking, a_change_is_told_once_and_to_readers_alone)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON");
    resp_ask(&f, "GET k");
    resp_ask_of(&f, &other, "MSET k 1 j 1");
    hears(&f, &f.main, INVALID(1, "k"));
    resp_ask_of(&f, &other, "MSET k 2 j 2");
    hears(&f, &f.main, "");
    hears(&f, &other, "");
    close_both(&f, &other);
}

Test(tracking, nothing_is_left_when_nobody_tracks)
{
    struct resp_client other;
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "PING"); /* the buffer of replies stays */
    size_t before = f.engine.keyspace.account.client_bytes;
    resp_client_open(&f, &other, false);
    cr_assert_not(f.engine.keyspace.is_observed);
    resp_ask_of(&f, &other, "CLIENT TRACKING ON BCAST PREFIX a PREFIX b");
    resp_ask(&f, "CLIENT TRACKING ON");
    resp_ask(&f, "MGET a b c");
    resp_ask(&f, "SET a 1");
    cr_assert(f.engine.keyspace.is_observed);
    cr_assert_gt(f.engine.keyspace.account.client_bytes, before);
    resp_ask(&f, "CLIENT TRACKING OFF");
    cr_assert_not_null(f.engine.tracking);
    resp_client_close(&f, &other);
    cr_assert_null(f.engine.tracking);
    cr_assert_not(f.engine.keyspace.is_observed);
    cr_assert_eq(f.engine.keyspace.account.client_bytes, before);
    resp_close(&f);
}

Test(tracking, what_a_client_has_read_before_it_tracked_anew_is_forgotten)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON");
    resp_ask_of(&f, &other, "CLIENT TRACKING ON");
    resp_ask(&f, "GET k");
    resp_ask(&f, "CLIENT TRACKING OFF");
    resp_ask(&f, "CLIENT TRACKING ON");
    resp_ask_of(&f, &other, "SET k 1");
    hears(&f, &f.main, "");
    resp_ask(&f, "MGET a b c");
    resp_ask(&f, "CLIENT TRACKING OFF");
    cr_assert_eq(f.engine.tracking->keys.gone_items, 3);
    cr_assert(tracking_tick(&f.engine));
    cr_assert_eq(f.engine.tracking->keys.keys, 0, "the regular work sweeps them out");
    close_both(&f, &other);
}

Test(tracking, one_that_asked_for_it_does_not_hear_of_its_own_changes)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON NOLOOP");
    resp_ask(&f, "MGET k j");
    says(&f, "SET k 1", "+OK\r\n");
    resp_ask_of(&f, &other, "SET j 1");
    hears(&f, &f.main, INVALID(1, "j"));
    resp_ask(&f, "SET k 1 PX 10");
    resp_ask(&f, "GET k");
    resp_advance(&f, 20);
    says(&f, "GET k", "_\r\n" INVALID(1, "k"));
    close_both(&f, &other);
}

Test(tracking, flushes_and_exchanges_are_one_word)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON");
    resp_ask(&f, "MGET a b c");
    resp_ask_of(&f, &other, "FLUSHDB");
    hears(&f, &f.main, INVALID_ALL);
    cr_assert_eq(f.engine.tracking->keys.keys, 0);
    resp_ask_of(&f, &other, "SWAPDB 0 1");
    hears(&f, &f.main, INVALID_ALL);
    says(&f, "FLUSHALL", "+OK\r\n" INVALID_ALL);
    close_both(&f, &other);
}

Test(tracking, changes_under_prefixes_are_told_together)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON BCAST PREFIX a PREFIX b");
    resp_ask(&f, "SET a2 1");
    resp_ask_of(&f, &other, "MSET b 1 a1 1 c 1");
    hears(&f, &f.main, "");
    tracking_broadcast(&f.engine);
    hears(&f, &f.main, ">2\r\n$10\r\ninvalidate\r\n*2\r\n$2\r\na1\r\n$2\r\na2\r\n" INVALID(1, "b"));
    tracking_broadcast(&f.engine);
    hears(&f, &f.main, "");
    close_both(&f, &other);
}

Test(tracking, many_changes_are_told_before_they_take_much_memory)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON BCAST");
    resp_ask_of(&f, &other, "EVAL \"for i = 1, 10000 do redis.call('set', 'k' .. i, i) end\" 0");
    cr_assert_lt(f.engine.tracking->broadcast.key_count, BROADCAST_KEYS);
    const char *seen = resp_ask(&f, "PING");
    cr_assert(strstr(seen, "*4096\r\n"));
    tracking_broadcast(&f.engine);
    cr_assert(strstr(resp_ask(&f, "PING"), "*1808\r\n"));
    close_both(&f, &other);
}

Test(tracking, the_table_is_held_within_its_limits)
{
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON");
    resp_ask(&f, "EVAL \"for i = 1, 3000 do redis.call('get', 'k' .. i) end\" 0");
    cr_assert_eq(f.engine.tracking->keys.keys, 3000);
    resp_ask_of(&f, &other, "CONFIG SET tracking-table-max-keys 10");
    cr_assert_eq(f.engine.tracking->keys.keys, 2000, "a part at a time");
    cr_assert_not(tracking_tick(&f.engine));
    cr_assert(tracking_tick(&f.engine));
    cr_assert_eq(f.engine.tracking->keys.keys, 10);
    resp_ask_of(&f, &other, "CONFIG SET tracking-table-max-keys 0");
    resp_ask(&f, "EVAL \"for i = 1, 30 do redis.call('get', 'n' .. i) end\" 0");
    cr_assert_eq(f.engine.tracking->keys.keys, 40);
    close_both(&f, &other);
}

Test(tracking, keys_of_slots_that_went_are_told)
{
    struct slot_set gone = {0};
    struct resp_client other;
    struct resp_fixture f;

    open_both(&f, &other, "CLIENT TRACKING ON");
    resp_ask(&f, "MGET a b");
    slot_set_add(&gone, slot_of_key("b", 1));
    tracking_leave_slots(&f.engine, &gone);
    hears(&f, &f.main, INVALID(1, "b"));
    cr_assert_eq(f.engine.tracking->keys.keys, 1);
    close_both(&f, &other);
}

Test(tracking, targets_come_and_go)
{
    struct resp_client other, ear;
    struct resp_fixture f;
    char line[64];

    open_both(&f, &other, "CLIENT TRACKING ON");
    resp_client_open(&f, &ear, false);
    snprintf(line, sizeof(line), "CLIENT TRACKING ON REDIRECT %d", (int)ear.client.id);
    says(&f, line, "+OK\r\n");
    resp_ask(&f, "MGET k j l");
    resp_ask_of(&f, &other, "SET k 1");
    hears(&f, &ear, "");
    resp_ask_of(&f, &ear, "SUBSCRIBE c");
    resp_ask_of(&f, &other, "SET j 1");
    cr_assert_str_eq(resp_ask_of(&f, &ear, "PING"),
                     "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nj\r\n"
                     "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    resp_client_close(&f, &ear);
    resp_ask_of(&f, &other, "SET l 1");
    snprintf(line, sizeof(line), ">2\r\n$21\r\ntracking-redir-broken\r\n:%d\r\n$1\r\n.\r\n",
             (int)ear.client.id);
    cr_assert_str_eq(resp_ask(&f, "ECHO ."), line);
    shows(&f, "CLIENT INFO", "flags=tR ");
    close_both(&f, &other);
}

Test(tracking, clients_that_read_and_go_leave_nothing_behind)
{
    struct resp_client clients[20];
    struct resp_fixture f;
    char line[64];
    uint32_t chance = 1;

    resp_open(&f, NULL);
    resp_ask(&f, "PING"); /* the buffer of replies stays */
    size_t before = f.engine.keyspace.account.client_bytes;
    for (int i = 0; i < 20; i++)
        resp_client_open(&f, &clients[i], false);
    for (int i = 0; i < 20000; i++) {
        chance = chance * 1664525 + 1013904223;
        struct resp_client *c = &clients[chance >> 8 & 15];
        unsigned what = chance >> 16 & 15;

        if (what == 0) {
            resp_client_close(&f, c);
            resp_client_open(&f, c, false);
        } else if (what < 3) {
            static const char *const how[] = {"ON",
                                              "ON NOLOOP",
                                              "OFF",
                                              "ON BCAST PREFIX k1",
                                              "ON BCAST PREFIX k2 NOLOOP",
                                              "ON OPTOUT",
                                              "ON REDIRECT 20",
                                              "ON BCAST"};

            snprintf(line, sizeof(line), "CLIENT TRACKING %s", how[chance >> 20 & 7]);
            resp_ask_of(&f, c, line);
        } else {
            snprintf(line, sizeof(line), "%s k%u",
                     what < 10   ? "GET"
                     : what < 13 ? "INCR"
                                 : "HELLO 3\r\nDEL",
                     chance >> 22 & 63);
            resp_ask_of(&f, c, line);
        }
        if (i % 16 == 0)
            tracking_broadcast(&f.engine);
        if (i % 64 == 0)
            cr_assert(tracking_tick(&f.engine));
        if (i % 4000 == 0)
            resp_ask_of(&f, c, "FLUSHALL");
    }
    for (int i = 0; i < 20; i++)
        resp_client_close(&f, &clients[i]);
    cr_assert_null(f.engine.tracking);
    cr_assert_eq(f.engine.keyspace.account.client_bytes, before);
    resp_close(&f);
}
