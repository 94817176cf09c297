/* Files of logs; what stands in them is in tests/conformance/test_logs.py. */
#include "cacheengine/dispatch/logs.h"
#include "dispatch_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static ssize_t content(const char *path, char *to, size_t room)
{
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, to, room - 1);

    if (fd >= 0)
        close(fd);
    to[got > 0 ? got : 0] = 0;
    return got;
}

Test(logs, slow_lines_are_gathered_and_written_by_the_regular_work)
{
    static const char *const options[] = {"slowlog-log-slower-than 0", "slowlog-max-len 0", NULL};
    char path[] = "/tmp/larder-logs-XXXXXX", text[256];
    struct resp_fixture f;

    close(mkstemp(path));
    resp_open(&f, options);
    f.engine.settings.slowlog_file = path;
    cr_assert_not(err_failed(logs_open(&f.engine, &f.engine.scratch)));
    resp_ask(&f, "SET key value");
    cr_assert_eq(content(path, text, sizeof(text)), 0);
    engine_tick(&f.engine);
    cr_assert(content(path, text, sizeof(text)) > 0);
    cr_assert(strstr(text, ",SET ... (2 more arguments),"), "%s", text);
    f.engine.settings.slowlog_file = "";
    resp_close(&f);
    unlink(path);
}

Test(logs, a_file_that_cannot_be_opened_changes_nothing)
{
    static const char *const options[] = {"slowlog-log-slower-than 0", NULL};
    char path[] = "/tmp/larder-logs-XXXXXX", text[256];
    struct resp_fixture f;

    close(mkstemp(path));
    resp_open(&f, options);
    f.engine.settings.slowlog_file = path;
    cr_assert_not(err_failed(logs_open(&f.engine, &f.engine.scratch)));
    f.engine.settings.slowlog_file = "/tmp/larder-none/x";
    struct err e = logs_open(&f.engine, &f.engine.scratch);
    cr_assert(err_failed(e));
    resp_ask(&f, "PING");
    logs_flush(&f.engine);
    cr_assert(content(path, text, sizeof(text)) > 0);
    f.engine.settings.slowlog_file = "";
    resp_close(&f);
    unlink(path);
}

Test(logs, a_crash_report_names_what_runs_and_nothing_of_what_was_said)
{
    struct resp_fixture f;
    char text[64];

    resp_open(&f, NULL);
    size_t len = logs_describe_running(&f.engine, text, sizeof(text));
    cr_assert(str_is((struct str){text, len}, "no command"));
    resp_ask(&f, "MULTI");
    resp_ask(&f, "SET key secret");
    resp_ask(&f, "GET key");
    f.engine.running = &f.main.client;
    len = logs_describe_running(&f.engine, text, sizeof(text));
    cr_assert(str_is((struct str){text, len}, "client 1: get set get"), "%.*s", (int)len, text);
    cr_assert_eq(logs_describe_running(&f.engine, text, 5), 5);
    f.engine.running = NULL;
    resp_close(&f);
}
