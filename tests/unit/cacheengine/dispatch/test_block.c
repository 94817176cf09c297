#include "base/command.h"
#include "cacheengine/dispatch/block.h"
#include "dispatch_test.h"

#include <limits.h>

#define NOTHING          "*-1\r\n"
#define GOT(key, member) "*3\r\n$1\r\n" key "\r\n$1\r\n" member "\r\n$1\r\n1\r\n"

/* What was said to a client that waited, and to what it has sent meanwhile. */
static const char *heard(struct resp_fixture *f, struct resp_client *c)
{
    resp_send(f, c, "", 0);
    return buf_cstr(&f->out);
}
#define hears(f, c, answer)      cr_assert_str_eq(heard((f), (c)), (answer))
#define asks(f, c, line, answer) cr_assert_str_eq(resp_ask_of((f), (c), (line)), (answer))

Test(block, a_wait_ends_when_its_key_comes)
{
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "BZPOPMIN a b 0", "");
    cr_assert_eq(f.engine.waiting_count, 1);
    shows(&f, "INFO clients", "blocked_clients:1\r");
    shows(&f, "CLIENT LIST", "flags=b ");
    const struct command *cmd = engine_command(&f.engine, &f.main.client, &STR("bzpopmin"), 1);
    cr_assert_eq(f.engine.by_command[cmd->id].ticks, 0, "nothing is counted before it is done");
    says(&f, "ZADD c 1 x", ":1\r\n");
    hears(&f, &waiter, "");
    says(&f, "ZADD b 1 x", ":1\r\n");
    hears(&f, &waiter, GOT("b", "x"));
    cr_assert_eq(f.engine.waiting_count, 0);
    cr_assert_not(f.engine.keyspace.is_observed);
    says(&f, "EXISTS b", ":0\r\n");
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, who_came_first_is_served_first_and_once)
{
    struct resp_fixture f;
    struct resp_client waiters[3];

    resp_open(&f, NULL);
    for (int i = 0; i < 3; i++) {
        resp_client_open(&f, &waiters[i], false);
        /* A key may be named more than once. */
        asks(&f, &waiters[i], "BZPOPMIN k k j k 0", "");
    }
    says(&f, "ZADD k 1 a 1 b", ":2\r\n");
    hears(&f, &waiters[0], GOT("k", "a"));
    hears(&f, &waiters[1], GOT("k", "b"));
    hears(&f, &waiters[2], "");
    resp_client_close(&f, &waiters[2]);
    cr_assert_eq(f.engine.waiting_count, 0);
    says(&f, "ZADD k 1 c", ":1\r\n");
    says(&f, "ZCARD k", ":1\r\n");
    resp_client_close(&f, &waiters[0]);
    resp_client_close(&f, &waiters[1]);
    resp_close(&f);
}

Test(block, waits_end_when_their_time_is_up_soonest_first)
{
    static const char *const lines[] = {"BZPOPMIN k 0.3", "BZPOPMIN k 0.1", "BZPOPMIN k 0",
                                        "BZPOPMIN k 0.2", "BZPOPMIN k 0.15"};
    struct resp_fixture f;
    struct resp_client waiters[5];

    resp_open(&f, NULL);
    cr_assert_eq(engine_end_waits(&f.engine), INT_MAX);
    for (int i = 0; i < 5; i++) {
        resp_client_open(&f, &waiters[i], false);
        asks(&f, &waiters[i], lines[i], "");
    }
    cr_assert_eq(engine_end_waits(&f.engine), 100);
    resp_advance(&f, 160);
    cr_assert_eq(engine_end_waits(&f.engine), 40);
    hears(&f, &waiters[1], NOTHING);
    hears(&f, &waiters[4], NOTHING);
    hears(&f, &waiters[0], "");
    resp_advance(&f, 1000);
    cr_assert_eq(engine_end_waits(&f.engine), INT_MAX);
    hears(&f, &waiters[0], NOTHING);
    hears(&f, &waiters[3], NOTHING);
    hears(&f, &waiters[2], "");
    cr_assert_eq(f.engine.waiting_count, 1);
    for (int i = 0; i < 5; i++)
        resp_client_close(&f, &waiters[i]);
    resp_close(&f);
}

Test(block, many_waits_end_in_the_order_of_their_times)
{
    enum { WAITERS = 200 };
    struct resp_fixture f;
    struct resp_client *waiters = calloc(WAITERS, sizeof(*waiters));
    char line[64];

    resp_open(&f, NULL);
    for (int i = 0; i < WAITERS; i++) {
        resp_client_open(&f, &waiters[i], false);
        snprintf(line, sizeof(line), "BZPOPMIN k%d 0.%03d", i, 1 + i * 37 % WAITERS);
        asks(&f, &waiters[i], line, "");
    }
    /* Some leave before. */
    for (int i = 0; i < WAITERS; i += 3)
        resp_client_close(&f, &waiters[i]);
    for (int ms = 1; ms <= WAITERS; ms++) {
        resp_advance(&f, 1);
        engine_end_waits(&f.engine);
        for (int i = 0; i < WAITERS; i++)
            if (i % 3 && 1 + i * 37 % WAITERS == ms)
                hears(&f, &waiters[i], NOTHING);
    }
    cr_assert_eq(f.engine.waiting_count, 0);
    for (int i = 0; i < WAITERS; i++)
        if (i % 3)
            resp_client_close(&f, &waiters[i]);
    resp_close(&f);
    free(waiters);
}

Test(block, keys_that_are_gone_again_or_of_another_type_end_nothing)
{
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "BZPOPMIN k 0", "");
    says(&f, "SADD k x", ":1\r\n");
    says(&f, "DEL k", ":1\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "ZADD k 1 x", "+QUEUED\r\n");
    says(&f, "DEL k", "+QUEUED\r\n");
    says(&f, "EXEC", "*2\r\n:1\r\n:1\r\n");
    hears(&f, &waiter, "");
    says(&f, "SELECT 1", "+OK\r\n");
    says(&f, "ZADD k 1 x", ":1\r\n");
    hears(&f, &waiter, "");
    says(&f, "SWAPDB 0 1", "+OK\r\n");
    hears(&f, &waiter, GOT("k", "x"));
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, what_was_sent_behind_a_wait_comes_after_it)
{
    static const char lines[] = "BZPOPMIN k 0\r\nPING\r\nBZPOPMIN k 0\r\nPING\r\n";
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    resp_client_open(&f, &waiter, false);
    resp_send(&f, &waiter, lines, sizeof(lines) - 1);
    cr_assert_str_eq(buf_cstr(&f.out), "");
    says(&f, "ZADD k 1 x 1 y", ":2\r\n");
    hears(&f, &waiter, GOT("k", "x") "+PONG\r\n" GOT("k", "y") "+PONG\r\n");
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, another_client_can_end_a_wait)
{
    struct resp_fixture f;
    struct resp_client waiter;
    char line[64];

    resp_open(&f, NULL);
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "BZPOPMIN k 0", "");
    snprintf(line, sizeof(line), "CLIENT UNBLOCK %d", (int)waiter.client.id);
    says(&f, line, ":1\r\n");
    says(&f, line, ":0\r\n");
    hears(&f, &waiter, NOTHING);
    asks(&f, &waiter, "BZPOPMIN k 0", "");
    snprintf(line, sizeof(line), "CLIENT UNBLOCK %d ERROR", (int)waiter.client.id);
    says(&f, line, ":1\r\n");
    hears(&f, &waiter, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    says(&f, "CLIENT UNBLOCK 5000", ":0\r\n");
    says(&f, "CLIENT UNBLOCK x", "-ERR value is not an integer or out of range\r\n");
    says(&f, "CLIENT UNBLOCK 1 NOW", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, a_command_that_waited_is_counted_once)
{
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "BZPOPMIN k 0", "");
    hides(&f, "INFO commandstats", "bzpopmin");
    says(&f, "ZADD k 1 x", ":1\r\n");
    hears(&f, &waiter, GOT("k", "x"));
    shows(&f, "INFO commandstats", "cmdstat_bzpopmin:calls=1,");
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, a_client_that_wants_no_answers_gets_none_from_a_wait)
{
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "CLIENT REPLY OFF", "");
    asks(&f, &waiter, "BZPOPMIN k 0", "");
    says(&f, "ZADD k 1 x", ":1\r\n");
    hears(&f, &waiter, "");
    cr_assert_eq(f.engine.waiting_count, 0);
    says(&f, "EXISTS k", ":0\r\n");
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, a_wait_behind_reply_skip_is_the_one_that_is_skipped)
{
    static const char *const endings[] = {"ZADD k 1 x", "CLIENT UNBLOCK 2",
                                          "CLIENT UNBLOCK 2 ERROR"};

    for (size_t i = 0; i < countof(endings); i++) {
        struct resp_fixture f;
        struct resp_client waiter;

        resp_open(&f, NULL);
        resp_client_open(&f, &waiter, false);
        cr_assert_eq(waiter.client.id, 2);
        asks(&f, &waiter, "CLIENT REPLY SKIP", "");
        asks(&f, &waiter, "BZPOPMIN k 0", "");
        says(&f, endings[i], ":1\r\n");
        hears(&f, &waiter, "");
        asks(&f, &waiter, "PING", "+PONG\r\n");
        resp_client_close(&f, &waiter);
        resp_close(&f);
    }
}

Test(block, transactions_do_not_wait)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "BZPOPMIN k 0", "+QUEUED\r\n");
    says(&f, "EXEC", "*1\r\n" NOTHING);
    cr_assert_eq(f.engine.waiting_count, 0);
    resp_close(&f);
}

Test(block, waits_do_not_care_what_the_clock_is_set_to)
{
    const int64_t day_ms = 86400000;

    for (int way = -1; way <= 1; way += 2) {
        struct resp_fixture f;
        struct resp_client waiter;

        resp_open(&f, NULL);
        resp_client_open(&f, &waiter, false);
        struct keyspace *ks = &f.engine.keyspace;
        asks(&f, &waiter, "BZPOPMIN a 10", "");
        engine_set_now(&f.engine, ks->now_ms + way * day_ms, ks->passed_ms + 9990);
        engine_end_waits(&f.engine);
        cr_assert_eq(f.engine.waiting_count, 1);
        shows(&f, "CLIENT LIST", " age=9 idle=9 ");
        engine_set_now(&f.engine, ks->now_ms, ks->passed_ms + 10);
        engine_end_waits(&f.engine);
        cr_assert_eq(f.engine.waiting_count, 0);
        hears(&f, &waiter, NOTHING);
        resp_client_close(&f, &waiter);
        resp_close(&f);
    }
}

Test(block, a_wait_is_counted_once_when_it_is_over)
{
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    says(&f, "CONFIG SET slowlog-log-slower-than 0", "+OK\r\n");
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "BLPOP k 0", "");
    hides(&f, "INFO commandstats", "cmdstat_blpop:");
    hides(&f, "SLOWLOG GET", "BLPOP");
    says(&f, "CLIENT UNBLOCK 2 TIMEOUT", ":1\r\n");
    hears(&f, &waiter, NOTHING);
    shows(&f, "INFO commandstats", "cmdstat_blpop:calls=1,");
    asks(&f, &waiter, "BLPOP k 0", "");
    says(&f, "CLIENT UNBLOCK 2 ERROR", ":1\r\n");
    shows(&f, "INFO commandstats", "rejected_calls=0,failed_calls=1");
    hears(&f, &waiter, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    asks(&f, &waiter, "BLPOP k 0", "");
    says(&f, "RPUSH k x", ":1\r\n");
    shows(&f, "INFO commandstats", "cmdstat_blpop:calls=3,");
    shows(&f, "SLOWLOG GET", "BLPOP");
    cr_assert_eq(waiter.client.commands, 3);
    resp_client_close(&f, &waiter);
    resp_close(&f);
}

Test(block, who_waited_comes_after_a_command_that_stood_still)
{
    struct resp_fixture f;
    struct resp_client waiter;

    resp_open(&f, NULL);
    f.engine.keyspace.is_expiry_paused = true;
    resp_client_open(&f, &waiter, false);
    asks(&f, &waiter, "BLPOP k 0", "");
    resp_ask(&f, "MULTI");
    resp_ask(&f, "RPUSH k x");
    resp_ask(&f, "PEXPIRE k 5");
    resp_ask(&f, "DEBUG SLEEP 0.02");
    resp_ask(&f, "EXEC");
    hears(&f, &waiter, "");
    cr_assert_eq(f.engine.waiting_count, 1);
    resp_client_close(&f, &waiter);
    resp_close(&f);
}
