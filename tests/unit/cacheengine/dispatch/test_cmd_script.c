#include "dispatch_test.h"

Test(cmd_script, a_script_runs_with_its_keys_and_arguments)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "EVAL \"return {KEYS[1], ARGV[1]}\" 1 a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    says(&f, "EVAL \"return redis.call('set', KEYS[1], ARGV[1])\" 1 k v", "+OK\r\n");
    says(&f, "GET k", "$1\r\nv\r\n");
    says(&f, "EVAL \"return 1\" x", "-ERR value is not an integer or out of range\r\n");
    says(&f, "EVAL \"return 1\" 1", "-ERR Number of keys can't be greater than number of args\r\n");
    says(&f, "EVAL \"return 1\" -1", "-ERR Number of keys can't be negative\r\n");
    says(&f, "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0",
         "-NOSCRIPT No matching script. Please use EVAL.\r\n");
    says(&f, "SCRIPT LOAD \"return 1\"", "$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n");
    says(&f, "EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0", ":1\r\n");
    says(&f, "SCRIPT SHOW e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "$8\r\nreturn 1\r\n");
    says(&f, "SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db x", "*2\r\n:1\r\n:0\r\n");
    says(&f, "SCRIPT FLUSH", "+OK\r\n");
    says(&f, "SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "*1\r\n:0\r\n");
    says(&f, "SCRIPT KILL", "-NOTBUSY No scripts in execution right now.\r\n");
    resp_close(&f);
}

Test(cmd_script, those_that_only_read_do_not_write)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "EVAL_RO \"return redis.call('set', 'k', 'v')\" 0",
          "-ERR Write commands are not allowed from read-only scripts. script: ");
    says(&f, "EVAL_RO \"#!lua\\nreturn 1\" 0",
         "-ERR Can not execute a script with write flag using *_ro command.\r\n");
    shows(&f, "EVAL \"#!lua flags=no-writes\\nreturn redis.call('set', 'k', 'v')\" 0",
          "-ERR Write commands are not allowed from read-only scripts.");
    says(&f, "EXISTS k", ":0\r\n");
    resp_close(&f);
}

Test(cmd_script, its_commands_meet_the_checks_of_a_client)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "EVAL \"return redis.call('nope')\" 0",
          "-ERR Unknown Redis command called from script script: ");
    shows(&f, "EVAL \"return redis.call('get')\" 0",
          "-ERR Wrong number of args calling Redis command from script script: ");
    says(&f, "DEBUG SET-DISABLE-DENY-SCRIPTS 1", "+OK\r\n");
    says(&f, "EVAL \"return redis.call('lastsave') > 0 and redis.call('client', 'id')\" 0",
         ":1\r\n");
    shows(&f, "EVAL \"return redis.call('script', 'flush')\" 0",
          "-ERR This Redis command is not allowed from script script: ");
    says(&f, "DEBUG SET-DISABLE-DENY-SCRIPTS 0", "+OK\r\n");
    shows(&f, "EVAL \"return redis.call('multi')\" 0",
          "-ERR This Redis command is not allowed from script script: ");
    shows(&f, "EVAL \"return redis.call('eval', 'return 1', 0)\" 0",
          "-ERR This Redis command is not allowed from script script: ");
    says(&f, "ACL SETUSER default resetkeys -@all +eval +set ~k*", "+OK\r\n");
    shows(&f, "EVAL \"return redis.call('get', 'k')\" 0",
          "-ERR ACL failure in script: User default has no permissions to run the 'get' command");
    shows(&f, "EVAL \"return redis.call('set', 'x', 'v')\" 0", "-ERR ACL failure in script: ");
    resp_close(&f);
}

Test(cmd_script, memory_that_is_full_stops_a_script_before_its_first_write_only)
{
    static const char *const options[] = {"maxmemory 1", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    shows(&f, "EVAL \"return redis.call('set', 'k', 'v')\" 0",
          "-OOM command not allowed when used memory > 'maxmemory'. script: ");
    says(&f, "EVAL \"redis.call('del', 'x') return redis.call('set', 'k', 'v')\" 0", "+OK\r\n");
    says(&f, "EVAL \"#!lua\\nreturn 1\" 0",
         "-OOM allow-oom flag is not set on the script, can not run it when used memory > "
         "'maxmemory'\r\n");
    says(&f, "EVAL \"#!lua flags=allow-oom\\nreturn redis.call('set', 'j', 'v')\" 0", "+OK\r\n");
    says(&f, "EVAL \"#!lua flags=no-writes\\nreturn 1\" 0", ":1\r\n");
    resp_close(&f);
}

Test(cmd_script, what_it_selects_and_speaks_is_its_own)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "EVAL \"redis.call('select', 3) return redis.call('set', 'k', 'v')\" 0", "+OK\r\n");
    says(&f, "EXISTS k", ":0\r\n");
    says(&f, "EVAL \"redis.setresp(3) return redis.call('hgetall', 'h')['map'] ~= nil\" 0",
         ":1\r\n");
    says(&f, "SELECT 3", "+OK\r\n");
    says(&f, "GET k", "$1\r\nv\r\n");
    resp_close(&f);
}

Test(cmd_script, it_sees_neither_the_time_go_by_nor_chance)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f,
         "EVAL \"local a = redis.call('time') for i = 1, 1000000 do end "
         "local b = redis.call('time') return a[1] == b[1] and a[2] == b[2]\" 0",
         ":1\r\n");
    says(&f, "SADD s c a aa b", ":4\r\n");
    says(&f, "EVAL \"return redis.call('sort', 's', 'by', '_')\" 0",
         "*4\r\n$1\r\na\r\n$2\r\naa\r\n$1\r\nb\r\n$1\r\nc\r\n");
    resp_close(&f);
}

Test(cmd_script, its_commands_are_counted_and_waiting_clients_served)
{
    struct resp_fixture f;
    struct resp_client other;

    resp_open(&f, NULL);
    resp_client_open(&f, &other, false);
    cr_assert_str_eq(resp_ask_of(&f, &other, "BLPOP l 0"), "");
    says(&f, "EVAL \"return redis.call('rpush', 'l', 'a')\" 0", ":1\r\n");
    cr_assert_null(other.client.waiting);
    shows(&f, "INFO commandstats", "cmdstat_rpush:calls=1,");
    shows(&f, "INFO commandstats", "cmdstat_eval:calls=1,");
    resp_client_close(&f, &other);
    resp_close(&f);
}

Test(cmd_script, an_error_of_a_command_is_counted_once)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "SET k v", "+OK\r\n");
    shows(&f, "EVAL \"return redis.call('incr', 'k')\" 0", "-ERR value is not an integer");
    shows(&f, "INFO errorstats", "errorstat_ERR:count=1\r\n");
    shows(&f, "INFO commandstats", "cmdstat_incr:calls=1,");
    shows(&f, "INFO memory", "number_of_cached_scripts:1\r\n");
    resp_close(&f);
}
