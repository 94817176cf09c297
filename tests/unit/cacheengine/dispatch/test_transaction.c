#include "dispatch_test.h"

Test(transaction, queued_commands_run_together)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET a 1", "+QUEUED\r\n");
    says(&f, "INCR a", "+QUEUED\r\n");
    says(&f, "SELECT 1", "+QUEUED\r\n");
    says(&f, "SET b 2", "+QUEUED\r\n");
    says(&f, "EXEC", "*4\r\n+OK\r\n:2\r\n+OK\r\n+OK\r\n");
    says(&f, "DBSIZE", ":1\r\n");
    says(&f, "GET b", "$1\r\n2\r\n");
    resp_close(&f);
}

Test(transaction, misuse_is_said)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "EXEC", "-ERR EXEC without MULTI\r\n");
    says(&f, "DISCARD", "-ERR DISCARD without MULTI\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "MULTI", "-ERR MULTI calls can not be nested\r\n");
    says(&f, "WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n");
    says(&f, "DISCARD", "+OK\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "nosuch", "-ERR unknown command 'nosuch', with args beginning with: \r\n");
    says(&f, "SET a 1", "+QUEUED\r\n");
    says(&f, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    says(&f, "GET a", "$-1\r\n");
    resp_close(&f);
}

/* What another client does between WATCH and EXEC, and whether EXEC runs. */
static void watch_case(const char *before, const char *between, bool runs)
{
    struct resp_fixture f;
    struct resp_client other;

    resp_open(&f, NULL);
    resp_client_open(&f, &other, false);
    resp_ask(&f, before);
    says(&f, "WATCH k", "+OK\r\n");
    resp_ask_of(&f, &other, between);
    resp_ask(&f, "MULTI");
    resp_ask(&f, "PING");
    cr_assert_str_eq(resp_ask(&f, "EXEC"), runs ? "*1\r\n+PONG\r\n" : "*-1\r\n", "%s, %s", before,
                     between);
    cr_assert_eq(f.engine.keyspace.is_observed, false);
    resp_client_close(&f, &other);
    resp_close(&f);
}

Test(transaction, a_change_of_a_watched_key_forbids_it_and_nothing_else_does)
{
    watch_case("PING", "PING", true);
    watch_case("SET k 1", "SET k 2", false);
    watch_case("PING", "SET k 2", false);
    watch_case("SET k 1", "DEL k", false);
    watch_case("SET k 1", "EXPIRE k 100", false);
    watch_case("SET k 1", "APPEND k 1", false);
    watch_case("SET k 1", "RENAME k l", false);
    watch_case("SET l 1", "RENAME l k", false);
    watch_case("SET k 1", "FLUSHALL", false);
    watch_case("SET k 1", "FLUSHDB ASYNC", false);
    watch_case("PING", "FLUSHALL", true);
    watch_case("SET k 1", "SWAPDB 0 1", false);
    watch_case("PING", "SWAPDB 0 1", true);
    watch_case("SET k 1", "GET k", true);
    watch_case("SET k 1", "SET other 1", true);
    watch_case("SET k 1", "DEL other", true);
    watch_case("SET k 1", "MOVE k 1", false);
}

Test(transaction, a_watched_key_that_expires_is_a_change)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k 1 PX 100");
    resp_ask(&f, "WATCH k");
    resp_advance(&f, 200);
    resp_ask(&f, "MULTI");
    resp_ask(&f, "PING");
    says(&f, "EXEC", "*-1\r\n");
    resp_ask(&f, "SET k 1 PX 100");
    f.engine.keyspace.is_expiry_paused = true;
    resp_advance(&f, 200);
    resp_ask(&f, "WATCH k");
    resp_ask(&f, "MULTI");
    resp_ask(&f, "PING");
    says(&f, "EXEC", "*1\r\n+PONG\r\n");
    resp_close(&f);
}

/* Database 1 has, or has not, a key of its own that may have expired, and takes the place of the
 * watched one. */
static void swap_case(const char *here, const char *there, bool runs)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    f.engine.keyspace.is_expiry_paused = true;
    resp_ask(&f, here);
    resp_ask(&f, "SELECT 1");
    resp_ask(&f, there);
    resp_ask(&f, "SELECT 0");
    resp_advance(&f, 200);
    resp_ask(&f, "WATCH k");
    resp_ask(&f, "SWAPDB 0 1");
    resp_ask(&f, "MULTI");
    cr_assert_str_eq(resp_ask(&f, "EXEC"), runs ? "*0\r\n" : "*-1\r\n", "%s, %s", here, there);
    resp_close(&f);
}

Test(transaction, an_expired_key_is_as_good_as_none_when_databases_are_exchanged)
{
    static const char stale[] = "SET k 1 PX 100", fresh[] = "SET k 1", none[] = "PING";

    swap_case(none, stale, true);
    swap_case(stale, none, true);
    swap_case(stale, stale, true);
    swap_case(stale, fresh, false);
    swap_case(fresh, stale, false);
    swap_case(fresh, none, false);
    swap_case(none, fresh, false);
}

Test(transaction, valkey_8_ends_one_that_is_begun_twice)
{
    static const char *const options[] = {"larder-engine-name valkey",
                                          "larder-engine-version 8.0.1", NULL};

    for (int is_strict = 0; is_strict < 2; is_strict++) {
        struct resp_fixture f;

        resp_open(&f, is_strict ? options : NULL);
        resp_ask(&f, "MULTI");
        says(&f, "MULTI",
             is_strict ? "-ERR Command not allowed inside a transaction\r\n"
                       : "-ERR MULTI calls can not be nested\r\n");
        says(&f, "EXEC",
             is_strict ? "-EXECABORT Transaction discarded because of previous errors.\r\n"
                       : "*0\r\n");
        resp_close(&f);
    }
}

Test(transaction, unwatch_and_reset_forget)
{
    static const char *const words[] = {"UNWATCH", "RESET"};

    for (size_t i = 0; i < 2; i++) {
        struct resp_fixture f;

        resp_open(&f, NULL);
        resp_ask(&f, "WATCH k j k");
        resp_ask(&f, words[i]);
        resp_ask(&f, "SET k 1");
        resp_ask(&f, "MULTI");
        resp_ask(&f, "PING");
        says(&f, "EXEC", "*1\r\n+PONG\r\n");
        resp_close(&f);
    }
}

Test(transaction, memory_is_given_back_however_it_ends)
{
    static const char *const ends[] = {"EXEC", "DISCARD", "RESET", "PING"};

    for (size_t i = 0; i < 4; i++) {
        struct resp_fixture f;
        struct resp_client other;

        resp_open(&f, NULL);
        resp_client_open(&f, &other, false);
        size_t before = f.engine.keyspace.account.used_bytes;
        resp_ask_of(&f, &other, "WATCH a b c");
        resp_ask_of(&f, &other, "MULTI");
        resp_ask_of(&f, &other, "STRLEN a");
        resp_ask_of(&f, &other, "STRLEN b");
        cr_assert(f.engine.keyspace.account.used_bytes > before);
        resp_ask_of(&f, &other, ends[i]);
        resp_client_close(&f, &other);
        cr_assert(f.engine.keyspace.account.used_bytes <= before + 70000);
        cr_assert_eq(f.engine.keyspace.account.client_bytes,
                     f.engine.replies.spare ? f.engine.keyspace.account.client_bytes : 0);
        resp_close(&f);
    }
}

Test(transaction, one_that_queues_without_end_is_cut)
{
    static const char *const options[] = {"client-query-buffer-limit 1mb", NULL};
    struct resp_fixture f;
    struct resp_client c;
    char line[10016];
    int count = 0;

    resp_open(&f, options);
    resp_client_open(&f, &c, false);
    memset(line, 'x', sizeof(line));
    memcpy(line, "SET k ", 6);
    line[sizeof(line) - 1] = 0;
    resp_ask_of(&f, &c, "MULTI");
    while (!c.is_killed && count < 1000) {
        resp_ask_of(&f, &c, line);
        count++;
    }
    cr_assert_gt(count, 90);
    cr_assert_lt(count, 110);
    cr_assert_eq(f.engine.stats.query_limit_kills, 1);
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(transaction, queue_and_watches_are_in_the_clients_memory_and_leave_it)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "PING", "+PONG\r\n");
    size_t before = f.engine.keyspace.account.client_bytes;
    says(&f, "WATCH some_key_of_a_length another_key_of_a_length", "+OK\r\n");
    size_t watching = f.engine.keyspace.account.client_bytes;
    cr_assert_gt(watching, before + 40);
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET k v", "+QUEUED\r\n");
    cr_assert_gt(f.engine.keyspace.account.client_bytes, watching);
    says(&f, "EXEC", "*1\r\n+OK\r\n");
    cr_assert_eq(f.engine.keyspace.account.client_bytes, before);
    says(&f, "WATCH some_key_of_a_length", "+OK\r\n");
    says(&f, "UNWATCH", "+OK\r\n");
    cr_assert_eq(f.engine.keyspace.account.client_bytes, before);
    resp_close(&f);
}
