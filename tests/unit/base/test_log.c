#include "base/log.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What `say` writes to standard error. */
static void captured(void (*say)(void), char *text, size_t size)
{
    int ends[2], before = dup(STDERR_FILENO);

    cr_assert_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    say();
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t got = read(ends[0], text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    close(ends[0]);
}

static void say_fields(void)
{
    log_setup("tester", LOG_LEVEL_INFO);
    log_info("goal set", f_str("node", "n1"), f_int("port", 6379), f_str("none", NULL),
             f_err(err_sys(ENOENT, "cannot open")));
}

Test(log, an_event_is_one_line_of_fields)
{
    char text[1024];

    captured(say_fields, text, sizeof(text));
    const char *rest = strchr(text, ' ');
    cr_assert_not_null(rest);
    cr_assert_str_eq(rest, " tester info: goal set node=n1 port=6379 none=- "
                           "error=\"cannot open: No such file or directory\"\n");
}

static void say_hostile(void)
{
    log_setup("tester", LOG_LEVEL_DEBUG);
    log_debug("seen", f_str("text", "a \"b\"\nerror: fake"), f_str("empty", ""));
}

Test(log, no_value_can_end_the_line)
{
    char text[1024];

    captured(say_hostile, text, sizeof(text));
    cr_assert_not_null(strstr(text, "text=\"a \\\"b\\\"\\x0aerror: fake\" empty=\"\"\n"), "%s",
                       text);
    cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
}

static void say_below(void)
{
    log_setup("tester", LOG_LEVEL_WARN);
    log_info("quiet");
    log_debug("quiet");
}

Test(log, what_is_below_the_level_is_not_written)
{
    char text[1024];

    captured(say_below, text, sizeof(text));
    cr_assert_str_eq(text, "");
}

static void say_json(void)
{
    static const struct log_field always[] = {f_str("CacheNodeId", "0001"), {0}};

    log_setup("tester", LOG_LEVEL_INFO);
    log_shape(LOG_JSON, always);
    log_warn("it \"ends\"", f_int("port", 6379), f_str("none", NULL), f_str("bad", "a\nb"));
    log_shape(LOG_TEXT, NULL);
}

Test(log, json_is_one_object_a_line)
{
    char text[1024];

    captured(say_json, text, sizeof(text));
    cr_assert_eq(strstr(text, "{\"CacheNodeId\":\"0001\",\"LogLevel\":\"WARNING\",\"Time\":\""),
                 text, "%s", text);
    cr_assert_not_null(strstr(text, " UTC\",\"port\":6379,\"none\":null,\"bad\":\"a\\u000ab\","
                                    "\"Message\":\"it \\\"ends\\\"\"}\n"),
                       "%s", text);
}

Test(log, levels_are_read_by_name)
{
    enum log_level level;

    cr_assert(log_level_parse("warn", &level) && level == LOG_LEVEL_WARN);
    cr_assert_not(log_level_parse("loud", &level));
}
