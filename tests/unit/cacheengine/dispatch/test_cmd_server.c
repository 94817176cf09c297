#include "dispatch_test.h"

Test(cmd_server, flushing_removes_one_or_all_databases)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET a 1");
    resp_ask(&f, "SELECT 2");
    resp_ask(&f, "SET b 1");
    says(&f, "FLUSHDB nosuch", "-ERR syntax error\r\n");
    says(&f, "FLUSHDB SYNC", "+OK\r\n");
    says(&f, "DBSIZE", ":0\r\n");
    resp_ask(&f, "SELECT 0");
    says(&f, "DBSIZE", ":1\r\n");
    says(&f, "FLUSHALL ASYNC", "+OK\r\n");
    says(&f, "DBSIZE", ":0\r\n");
    resp_close(&f);
}

Test(cmd_server, databases_change_places)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET a 1");
    says(&f, "SWAPDB 0 1", "+OK\r\n");
    says(&f, "DBSIZE", ":0\r\n");
    says(&f, "SWAPDB 1 1", "+OK\r\n");
    says(&f, "SWAPDB x 1", "-ERR invalid first DB index\r\n");
    says(&f, "SWAPDB 1 00", "-ERR invalid second DB index\r\n");
    says(&f, "SWAPDB 1 99", "-ERR DB index is out of range\r\n");
    resp_close(&f);
}

Test(cmd_server, time_is_seconds_and_microseconds)
{
    struct resp_fixture f;
    long long seconds, micros;

    resp_open(&f, NULL);
    cr_assert_eq(
        sscanf(resp_ask(&f, "TIME"), "*2\r\n$10\r\n%lld\r\n$%*d\r\n%lld\r\n", &seconds, &micros),
        2);
    cr_assert(seconds > 1700000000 && micros >= 0 && micros < 1000000);
    resp_close(&f);
}

Test(cmd_server, shutdown_ends_the_engine)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "SHUTDOWN nosuch", "-ERR syntax error\r\n");
    cr_assert_not(f.engine.is_ending);
    says(&f, "SHUTDOWN NOSAVE", "");
    cr_assert(f.engine.is_ending);
    resp_close(&f);
}

Test(cmd_server, there_are_no_modules)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "MODULE LIST", "*0\r\n");
    says(&f, "MODULE LIST x", "-ERR wrong number of arguments for 'module|list' command\r\n");
    says(&f, "MODULE LOAD /tmp/x.so", "-ERR unknown subcommand 'LOAD'. Try MODULE HELP.\r\n");
    resp_close(&f);
}
