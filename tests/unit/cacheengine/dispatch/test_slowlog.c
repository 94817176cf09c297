#include "dispatch_test.h"

Test(slowlog, what_took_long_is_kept_newest_first)
{
    static const char *const options[] = {"slowlog-log-slower-than 0", "slowlog-max-len 2", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    resp_ask(&f, "PING");
    resp_ask(&f, "SET key value");
    says(&f, "SLOWLOG LEN", ":2\r\n");
    shows(&f, "SLOWLOG GET", "$7\r\nSLOWLOG\r\n$3\r\nLEN\r\n");
    resp_ask(&f, "SET key value");
    shows(&f, "SLOWLOG GET 1", "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
    says(&f, "SLOWLOG GET 0", "*0\r\n");
    says(&f, "SLOWLOG GET -2", "-ERR count should be greater than or equal to -1\r\n");
    says(&f, "SLOWLOG GET x", "-ERR count should be greater than or equal to -1\r\n");
    resp_ask(&f, "CONFIG SET slowlog-log-slower-than -1");
    says(&f, "SLOWLOG RESET", "+OK\r\n");
    resp_ask(&f, "SET key value");
    says(&f, "SLOWLOG GET -1", "*0\r\n");
    resp_close(&f);
}

Test(slowlog, what_nobody_keeps_has_no_number)
{
    static const char *const options[] = {"slowlog-log-slower-than 0", "slowlog-max-len 0", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    resp_ask(&f, "PING");
    resp_ask(&f, "PING");
    says(&f, "CONFIG SET slowlog-max-len 1", "+OK\r\n");
    shows(&f, "SLOWLOG GET", "*1\r\n*6\r\n:0\r\n");
    resp_close(&f);
}

Test(slowlog, what_was_quick_is_not_kept)
{
    static const char *const options[] = {"slowlog-log-slower-than 10000", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    while (f.engine.ticks_per_ms == 0)
        engine_tick(&f.engine);
    resp_ask(&f, "SET key value");
    resp_ask(&f, "SLOWLOG RESET");
    says(&f, "GET key", "$5\r\nvalue\r\n");
    hides(&f, "SLOWLOG GET", "GET");
    resp_ask(&f, "DEBUG SLEEP 0.03");
    shows(&f, "SLOWLOG GET", "$5\r\nSLEEP\r\n");
    resp_close(&f);
}

Test(slowlog, long_arguments_and_many_are_cut)
{
    static const char *const options[] = {"slowlog-log-slower-than 0", NULL};
    struct resp_fixture f;
    char line[1000] = "DEL ";

    resp_open(&f, options);
    memset(line + 4, 'k', 200);
    line[204] = 0;
    resp_ask(&f, line);
    shows(&f, "SLOWLOG GET 1", "kkk... (72 more bytes)\r\n");
    strcpy(line, "DEL");
    for (int i = 0; i < 40; i++)
        strcat(line, " k");
    resp_ask(&f, line);
    shows(&f, "SLOWLOG GET 1", "*32\r\n$3\r\nDEL\r\n");
    shows(&f, "SLOWLOG GET 2", "... (10 more arguments)\r\n");
    resp_close(&f);
}

Test(slowlog, secrets_are_not_kept)
{
    static const char *const lines[] = {"AUTH nobody secret1", "ACL SETUSER ann >secret1 on",
                                        "CONFIG SET requirepass secret1 hz 10",
                                        "HELLO 2 AUTH default secret1"};
    static const char *const options[] = {"slowlog-log-slower-than 0", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        resp_ask(&f, lines[i]);
    hides(&f, "SLOWLOG GET -1", "secret1");
    shows(&f, "SLOWLOG GET -1", "$2\r\nhz\r\n$2\r\n10\r\n");
    shows(&f, "SLOWLOG GET -1", "(redacted)");
    resp_close(&f);
}
