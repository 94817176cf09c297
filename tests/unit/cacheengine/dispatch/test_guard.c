#include "cacheengine/dispatch/guard.h"
#include "dispatch_test.h"

#define READONLY "READONLY You can't write against a read only replica."

Test(guard, a_replica_takes_no_writes_and_answers_reads)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    guard_set(&f.engine, GUARD_REPLICA, true);
    says(&f, "SET k v", "-" READONLY "\r\n");
    says(&f, "GET k", "$-1\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET k v", "-" READONLY "\r\n");
    says(&f, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    guard_set(&f.engine, GUARD_REPLICA, false);
    says(&f, "SET k v", "+OK\r\n");
    resp_close(&f);
}

Test(guard, a_replica_lets_go_of_who_writes_where_it_is_told_to)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    guard_set(&f.engine, GUARD_REPLICA, true);
    f.engine.settings.closes_on_replica_write = true;
    says(&f, "GET k", "$-1\r\n");
    cr_assert_not(f.main.client.is_closing);
    says(&f, "SET k v", "-" READONLY "\r\n");
    cr_assert(f.main.client.is_closing);
    resp_close(&f);
}

Test(guard, what_was_queued_before_is_refused_when_it_is_to_run)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET k v", "+QUEUED\r\n");
    guard_set(&f.engine, GUARD_REPLICA, true);
    says(&f, "EXEC", "-EXECABORT Transaction discarded because of: " READONLY "\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "GET k", "+QUEUED\r\n");
    says(&f, "EXEC", "*1\r\n$-1\r\n");
    resp_close(&f);
}

Test(guard, a_transaction_may_not_run_what_would_be_refused_alone)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "MULTI");
    resp_ask(&f, "GET k");
    f.engine.guards |= GUARD_STALE;
    shows(&f, "EXEC", "-EXECABORT Transaction discarded because of: MASTERDOWN");
    f.engine.guards = 0;
    resp_ask(&f, "MULTI");
    resp_ask(&f, "ECHO a");
    f.engine.guards |= GUARD_STALE;
    shows(&f, "EXEC", "*1\r\n$1\r\na\r\n");
    resp_close(&f);
}

Test(guard, a_script_of_who_listens_may_do_what_its_client_may)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "HELLO 3");
    resp_ask(&f, "SUBSCRIBE channel");
    says(&f, "GET k", "_\r\n");
    says(&f, "EVAL \"return redis.call('get', 'k')\" 0", "_\r\n");
    resp_close(&f);
}

Test(guard, a_replica_sends_on_who_can_follow)
{
    static const char *const valkey[] = {"larder-engine-name valkey", NULL};
    static const char there[] = "-REDIRECT 10.0.0.1:6380\r\n";
    struct resp_fixture f;
    struct resp_client plain;

    resp_open(&f, valkey);
    resp_client_open(&f, &plain, false);
    says(&f, "CLIENT CAPA", "-ERR wrong number of arguments for 'client|capa' command\r\n");
    says(&f, "CLIENT CAPA nosuch REDIRECT", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
    resp_ask(&f, "MULTI");
    resp_ask(&f, "SET k w");
    resp_ask_of(&f, &plain, "REPLICAOF 10.0.0.1 6380");
    says(&f, "EXEC", there);
    says(&f, "SET k v", there);
    says(&f, "GET k", there);
    says(&f, "PING", "+PONG\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "GET k", there);
    says(&f, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    says(&f, "EVAL \"#!lua\\nreturn 1\" 0", there);
    says(&f, "EVAL \"return redis.call('get', 'k')\" 0", "$1\r\nv\r\n");
    says(&f, "READONLY", "+OK\r\n");
    says(&f, "GET k", "$1\r\nv\r\n");
    says(&f, "SET k v", there);
    says(&f, "READWRITE", "+OK\r\n");
    says(&f, "GET k", there);
    cr_assert_str_eq(resp_ask_of(&f, &plain, "GET k"), "$1\r\nv\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &plain, "SET k v"), "-" READONLY "\r\n");
    resp_ask_of(&f, &plain, "REPLICAOF NO ONE");
    says(&f, "GET k", "$1\r\nv\r\n");
    resp_client_close(&f, &plain);
    resp_close(&f);
}

Test(guard, only_valkey_knows_what_clients_can_follow)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CLIENT CAPA REDIRECT", "-ERR unknown subcommand 'CAPA'. Try CLIENT HELP.\r\n");
    says(&f, "READONLY", "-ERR This instance has cluster support disabled\r\n");
    resp_close(&f);
}
