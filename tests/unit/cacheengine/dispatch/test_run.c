#include "dispatch_test.h"

Test(run, unknown_commands_are_named_with_their_arguments)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "nosuch a b", "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' \r\n");
    says(&f, "client nosuch", "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n");
    says(&f, "get", "-ERR wrong number of arguments for 'get' command\r\n");
    says(&f, "client", "-ERR wrong number of arguments for 'client' command\r\n");
    says(&f, "client id x", "-ERR wrong number of arguments for 'client|id' command\r\n");
    resp_close(&f);
}

Test(run, tenants_do_not_see_what_is_restricted_and_the_owner_does)
{
    static const char *const options[] = {"larder-restricted yes", NULL};
    struct resp_fixture f;
    struct resp_client admin;

    resp_open(&f, options);
    resp_client_open(&f, &admin, true);
    says(&f, "CONFIG GET maxmemory",
         "-ERR unknown command 'CONFIG', with args beginning with: 'GET' 'maxmemory' \r\n");
    says(&f, "debug sleep 0",
         "-ERR unknown command 'debug', with args beginning with: 'sleep' '0' \r\n");
    hides(&f, "COMMAND LIST", "config");
    says(&f, "COMMAND INFO config", "*1\r\n$-1\r\n");
    cr_assert(strstr(resp_ask_of(&f, &admin, "CONFIG GET maxmemory"), "maxmemory"));
    cr_assert(strstr(resp_ask_of(&f, &admin, "COMMAND LIST"), "config"));
    hides(&f, "CLIENT LIST", "id=2");
    resp_client_close(&f, &admin);
    resp_close(&f);
}

Test(run, a_password_stands_before_everything_but_for_the_owner)
{
    static const char *const options[] = {"requirepass secret", NULL};
    struct resp_fixture f;
    struct resp_client admin;

    resp_open(&f, options);
    resp_client_open(&f, &admin, true);
    says(&f, "GET k", "-NOAUTH Authentication required.\r\n");
    says(&f, "AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    says(&f, "AUTH nobody secret",
         "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    says(&f, "GET k", "-NOAUTH Authentication required.\r\n");
    says(&f, "AUTH secret", "+OK\r\n");
    says(&f, "GET k", "$-1\r\n");
    says(&f, "RESET", "+RESET\r\n");
    says(&f, "GET k", "-NOAUTH Authentication required.\r\n");
    says(&f, "AUTH default secret", "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &admin, "PING"), "+PONG\r\n");
    resp_client_close(&f, &admin);
    resp_close(&f);
}

Test(run, writes_are_refused_when_memory_is_full_and_reads_are_not)
{
    static const char *const options[] = {"maxmemory 1mb", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    for (int i = 0; i < 100; i++) {
        char line[20100];

        int len = snprintf(line, sizeof(line), "SET k%d ", i);
        memset(line + len, 'x', 20000);
        line[len + 20000] = 0;
        if (strncmp(resp_ask(&f, line), "-OOM", 4) == 0)
            break;
        cr_assert(i < 99);
    }
    says(&f, "SET a b", "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    says(&f, "STRLEN k0", ":20000\r\n");
    says(&f, "DEL k0 k1", ":2\r\n");
    says(&f, "SET a b", "+OK\r\n");
    resp_close(&f);
}

Test(run, silence_can_be_asked_for)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CLIENT REPLY SKIP", "");
    says(&f, "SET a 1", "");
    says(&f, "GET a", "$1\r\n1\r\n");
    says(&f, "CLIENT REPLY OFF", "");
    says(&f, "SET a 2", "");
    says(&f, "nosuch", "");
    says(&f, "CLIENT REPLY ON", "+OK\r\n");
    says(&f, "GET a", "$1\r\n2\r\n");
    says(&f, "CLIENT REPLY SKIP", "");
    says(&f, "CLIENT REPLY SKIP", "");
    says(&f, "PING", "");
    says(&f, "CLIENT REPLY SKIP", "");
    says(&f, "CLIENT REPLY ON", "+OK\r\n");
    says(&f, "PING", "+PONG\r\n");
    resp_close(&f);
}

Test(run, calls_failures_and_errors_are_counted)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET a x");
    resp_ask(&f, "INCR a");
    resp_ask(&f, "GET");
    resp_ask(&f, "nosuch");
    shows(&f, "INFO commandstats", "cmdstat_incr:calls=1,");
    shows(&f, "INFO commandstats", "rejected_calls=0,failed_calls=1");
    shows(&f, "INFO commandstats",
          "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1");
    shows(&f, "INFO errorstats", "errorstat_ERR:count=3");
    resp_ask(&f, "MULTI");
    resp_ask(&f, "INCR a");
    resp_ask(&f, "EXEC");
    shows(&f, "INFO errorstats", "errorstat_ERR:count=4");
    shows(&f, "INFO commandstats", "cmdstat_exec:calls=1,");
    hides(&f, "INFO commandstats",
          "cmdstat_exec:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1");
    resp_ask(&f, "CONFIG RESETSTAT");
    hides(&f, "INFO errorstats", "errorstat_ERR");
    resp_close(&f);
}

Test(run, a_browser_gets_no_answer)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "POST / HTTP/1.1", "");
    cr_assert(f.main.is_killed);
    resp_close(&f);
}

Test(run, what_was_freed_elsewhere_is_counted_from_a_reset_on)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    atomic_store(&f.engine.keyspace.lazyfree.freed, 7);
    shows(&f, "INFO memory", "lazyfreed_objects:7\r");
    resp_ask(&f, "CONFIG RESETSTAT");
    shows(&f, "INFO memory", "lazyfreed_objects:0\r");
    resp_close(&f);
}

Test(run, codes_that_scripts_make_up_do_not_crowd_out_others)
{
    struct resp_fixture f;
    char code[16];

    resp_open(&f, NULL);
    for (int i = 0; i < 300; i++) {
        snprintf(code, sizeof(code), "CODE%d", i);
        engine_count_script_error(&f.engine, code);
    }
    engine_count_script_error(&f.engine, "CODE5");
    shows(&f, "INFO errorstats", "errorstat_CODE127:count=1\r");
    hides(&f, "INFO errorstats", "errorstat_CODE128");
    shows(&f, "INFO errorstats", "errorstat_CODE5:count=2\r");
    shows(&f, "INFO errorstats", "errorstat_ERRORSTATS_OVERFLOW:count=172\r");
    shows(&f, "SET a b c", "-ERR syntax error");
    shows(&f, "INFO errorstats", "errorstat_ERR:count=1\r");
    shows(&f, "EVAL \"return {err='MINE is it'}\" 0", "-MINE is it");
    hides(&f, "INFO errorstats", "errorstat_MINE");
    shows(&f, "INFO errorstats", "errorstat_ERRORSTATS_OVERFLOW:count=173\r");
    resp_close(&f);
}

Test(run, tenants_of_a_serverless_cache_do_not_see_what_is_for_nodes_alone)
{
    static const char *const options[] = {"larder-serverless yes", NULL};
    struct resp_fixture f;
    struct resp_client admin;

    resp_open(&f, options);
    resp_client_open(&f, &admin, true);
    says(&f, "keys *", "-ERR unknown command 'keys', with args beginning with: '*' \r\n");
    says(&f, "MEMORY USAGE k",
         "-ERR unknown command 'MEMORY', with args beginning with: 'USAGE' 'k' \r\n");
    says(&f, "CLIENT LIST", "-ERR unknown command 'CLIENT', with args beginning with: 'LIST' \r\n");
    says(&f, "CLIENT SETNAME x", "+OK\r\n");
    says(&f, "EVAL \"return redis.pcall('keys','*').err\" 0",
         "$44\r\nERR Unknown Redis command called from script\r\n");
    hides(&f, "COMMAND LIST", "swapdb");
    says(&f, "COMMAND INFO swapdb", "*1\r\n$-1\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &admin, "KEYS *"), "*0\r\n");
    cr_assert(strstr(resp_ask_of(&f, &admin, "CLIENT LIST"), "id=2"));
    resp_client_close(&f, &admin);
    resp_close(&f);
}
