#include "base/arena.h"
#include "base/buf.h"
#include "base/jsonline.h"
#include "base/shim_protocol.h"

#include <criterion/criterion.h>

#include <string.h>

struct thing {
    const char *name;
    int64_t number;
    const char *other;
};

static const struct jsonline_member members[] = {
    {"name",   JSONLINE_TEXT,   offsetof(struct thing, name)  },
    {"number", JSONLINE_NUMBER, offsetof(struct thing, number)},
    {"other",  JSONLINE_TEXT,   offsetof(struct thing, other) },
};

static struct err parse(struct arena *a, const char *text, struct thing *out)
{
    *out = (struct thing){0};
    return jsonline_read(a, JSONLINE_OF(members), str_of(text), out);
}

Test(jsonline, what_is_written_is_read_again)
{
    static const char *const texts[] = {"plain", "", "\"quoted\" \\ and \t\n\r\x01",
                                        "\xc3\xa9\xe2\x82\xac"};
    struct arena a = {0};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct thing from = {texts[i], -7, NULL}, to;
        struct buf line = BUF_EMPTY;
        jsonline_write(JSONLINE_OF(members), &from, &line);
        cr_assert_eq(strchr(buf_cstr(&line), '\n'), line.ptr + line.len - 1, "one line");
        cr_assert_not(err_failed(parse(&a, buf_cstr(&line), &to)), "%s", buf_cstr(&line));
        cr_assert_str_eq(to.name, texts[i]);
        cr_assert_eq(to.number, -7);
        cr_assert_null(to.other);
        buf_fini(&line);
    }
    arena_fini(&a);
}

Test(jsonline, bytes_that_are_no_text_become_question_marks)
{
    struct buf line = BUF_EMPTY;

    jsonline_write(JSONLINE_OF(members), &(struct thing){"a\xff\x80z", 0, NULL}, &line);
    cr_assert_str_eq(buf_cstr(&line), "{\"name\":\"a??z\"}\n");
    buf_fini(&line);
}

Test(jsonline, other_members_and_spaces_are_passed_over)
{
    struct arena a = {0};
    struct thing t;

    cr_assert_not(err_failed(parse(
        &a,
        " { \"new\" : true , \"name\":\"x\\u0041\\u00e9\\/\", \"more\":\"y\", \"number\": 5 , \"other\":null } ",
        &t)));
    cr_assert_str_eq(t.name, "xA\xc3\xa9/");
    cr_assert_eq(t.number, 5);
    cr_assert_null(t.other);
    cr_assert_not(err_failed(parse(&a, "{}", &t)));
    arena_fini(&a);
}

Test(jsonline, anything_else_is_refused)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"name\"}",
        "{\"name\":}",
        "{\"name\":1}",
        "{\"number\":\"1\"}",
        "{name:1}",
        "{\"name\":\"x\"",
        "{\"name\":\"x}",
        "{\"name\":\"\\q\"}",
        "{\"name\":\"\\u12\"}",
        "{\"name\":\"\\u0000\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"x\",}",
        "{\"name\":\"x\" \"other\":\"y\"}",
        "{\"a\":{}}",
        "{\"a\":[1]}",
        "{\"number\":1.5}",
        "{\"number\":99999999999999999999}",
        "{} x",
        "{\"name\":\"\x80\"}",
    };
    struct arena a = {0};
    struct thing t;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect(err_failed(parse(&a, bad[i], &t)), "%s", bad[i]);
    arena_fini(&a);
}

Test(jsonline, the_longest_state_of_a_shim_is_shorter_than_a_line_may_be)
{
    char last[512], tag[201];
    struct buf line = BUF_EMPTY;

    memset(last, '"', sizeof(last) - 1);
    memset(tag, '\\', sizeof(tag) - 1);
    last[sizeof(last) - 1] = tag[sizeof(tag) - 1] = '\0';
    const struct shim_state state = {SHIM_STARTING,    tag,       INT64_MIN, INT64_MIN, INT64_MIN,
                                     SHIM_EXIT_STATUS, INT64_MIN, INT64_MIN, INT64_MIN, last};
    jsonline_write(SHIM_STATE_LINE, &state, &line);
    cr_assert_lt(line.len, SHIM_LINE_BYTES);
    buf_fini(&line);
}
