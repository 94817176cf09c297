#include "base/arena.h"
#include "base/json.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define MAX_DEPTH 8

static struct err parse(struct arena *a, const char *text, struct json *out)
{
    return json_parse(a, str_of(text), MAX_DEPTH, out);
}

Test(json, documents_are_read_into_a_tree)
{
    scoped(arena_fini) struct arena a = {0};
    struct json root;

    cr_assert(
        err_is(parse(&a, " {\"a\":[1,-2.5,true,null,\"\\u00fc\"],\"b\":{}} \n", &root), ERR_OK));
    const struct json *list = json_get(&root, "a");
    cr_assert_eq(list->count, 5);
    cr_expect_eq(list->items[1].number, -2.5);
    cr_expect(list->items[2].boolean);
    cr_expect_eq(list->items[3].kind, JSON_NULL);
    cr_expect_str_eq(list->items[4].text, "ü");
    cr_expect_eq(json_get(&root, "b")->kind, JSON_OBJECT);
    cr_expect_null(json_get(&root, "c"));
    cr_expect_null(json_get(list, "a"));
}

Test(json, what_is_no_json_is_refused_and_the_place_is_named)
{
    static const char *const bad[] = {
        "",      " ",           "{",        "}",           "{\"a\"}", "{\"a\":1,}",   "[1 2]",
        "nul",   "\"\\x\"",     "\"abc",    "[1]x",        "'a'",     "{a:1}",        "\"\xff\"",
        "1e999", "\"\\ud800\"", "[-1e999]", "\"\\u0000\"", "+1",      "\"\xc0\x80\"",
    };
    scoped(arena_fini) struct arena a = {0};
    struct json root = {.kind = JSON_BOOL};

    for (size_t i = 0; i < countof(bad); i++) {
        struct err e = parse(&a, bad[i], &root);
        cr_expect(err_is(e, ERR_INVALID), "%s", bad[i]);
        cr_expect(e.why && strstr(e.why, "JSON"), "%s", bad[i]);
    }
    cr_expect_eq(root.kind, JSON_BOOL, "the result is left alone on failure");
    cr_expect(strstr(parse(&a, "[1,x]", &root).why, "byte 4"));
}

Test(json, a_nul_byte_inside_of_the_text_is_refused)
{
    scoped(arena_fini) struct arena a = {0};
    struct json root;

    cr_expect(err_is(json_parse(&a, STR("[1]\0[2]"), MAX_DEPTH, &root), ERR_INVALID));
}

Test(json, nesting_has_a_limit_that_brackets_in_texts_do_not_count_for)
{
    scoped(arena_fini) struct arena a = {0};
    struct json root;

    cr_expect(err_is(parse(&a, "[[[[[[[[1]]]]]]]]", &root), ERR_OK));
    cr_expect(err_is(parse(&a, "[[[[[[[[[1]]]]]]]]]", &root), ERR_LIMIT));
    cr_expect(err_is(parse(&a, "{\"a\":[[[[[[[{}]]]]]]]}", &root), ERR_LIMIT));
    cr_expect(err_is(parse(&a, "[\"[[[[[[[[[[[\\\"[[\",[[]],[[]]]", &root), ERR_OK));
}

Test(json, whole_numbers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        bool is_whole;
        int64_t value;
    } rows[] = {
        {"0",                true,  0               },
        {"-7",               true,  -7              },
        {"1e3",              true,  1000            },
        {"9007199254740992", true,  9007199254740992},
        {"9007199254740994", false, 0               },
        {"1.5",              false, 0               },
        {"\"1\"",            false, 0               },
        {"true",             false, 0               },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct json v;
        int64_t value = 0;
        cr_assert(err_is(parse(&a, rows[i].text, &v), ERR_OK));
        cr_expect_eq(json_to_i64(&v, &value), rows[i].is_whole, "%s", rows[i].text);
        cr_expect_eq(value, rows[i].value, "%s", rows[i].text);
    }
}

static void write_sample(struct json_writer *w)
{
    json_begin_object(w);
    json_name_text(w, "a", "b\"\\\n\t\x01/ü");
    json_name(w, "l");
    json_begin_array(w);
    json_int(w, -5);
    json_double(w, 0.1);
    json_double(w, NAN);
    json_bool(w, true);
    json_null(w);
    json_begin_array(w);
    json_end_array(w);
    json_begin_object(w);
    json_end_object(w);
    json_end_array(w);
    json_name_int(w, "n", INT64_MIN);
    json_name_bool(w, "f", false);
    json_name_text(w, "x", NULL);
    json_end_object(w);
}

Test(json, values_are_written_on_one_line)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&out);

    write_sample(&w);
    cr_expect_str_eq(buf_cstr(&out),
                     "{\"a\":\"b\\\"\\\\\\n\\t\\u0001/ü\",\"l\":[-5,0.1,null,true,null,[],{}],"
                     "\"n\":-9223372036854775808,\"f\":false,\"x\":null}");
}

Test(json, values_are_written_indented)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct json_writer w = {.out = &out, .indent = 4};

    json_begin_object(&w);
    json_name(&w, "a");
    json_begin_array(&w);
    json_int(&w, 1);
    json_int(&w, 2);
    json_end_array(&w);
    json_name(&w, "e");
    json_begin_array(&w);
    json_end_array(&w);
    json_end_object(&w);
    cr_expect_str_eq(buf_cstr(&out),
                     "{\n    \"a\": [\n        1,\n        2\n    ],\n    \"e\": []\n}");
}

Test(json, what_is_written_reads_back_the_same)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf once = BUF_EMPTY, twice = BUF_EMPTY;
    struct json_writer w1 = JSON_WRITER(&once), w2 = JSON_WRITER(&twice);
    const char *text =
        "{\"a\":[1,0.1,1e+300,\"\\u0001\",{\"b\":null,\"c\":[true,false]}],\"d\":{}}";
    struct json first, second;

    cr_assert(err_is(parse(&a, text, &first), ERR_OK));
    json_value(&w1, &first);
    cr_assert(err_is(json_parse(&a, buf_str(&once), MAX_DEPTH, &second), ERR_OK));
    json_value(&w2, &second);
    cr_expect_str_eq(buf_cstr(&once), text);
    cr_expect_str_eq(buf_cstr(&twice), text);
}

/* Text is looked at several bytes at a time: what is to be escaped may stand anywhere in them. */
Test(json, what_needs_an_escape_is_found_at_each_place)
{
    static const struct {
        char byte;
        const char *escaped;
    } kinds[] = {
        {'"',    "\\\""   },
        {'\\',   "\\\\"   },
        {'\n',   "\\n"    },
        {0x1f,   "\\u001f"},
        {' ',    " "      },
        {'\x7f', "\x7f"   },
        {'\xc3', "\xc3"   },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t k = 0; k < countof(kinds); k++)
        for (size_t len = 1; len <= 20; len++)
            for (size_t i = 0; i < len; i++) {
                scoped(buf_fini) struct buf out = BUF_EMPTY;
                struct json_writer w = JSON_WRITER(&out);
                char *text = arena_strdup(&a, "aaaaaaaaaaaaaaaaaaaa");
                text[len] = '\0';
                text[i] = kinds[k].byte;
                json_text(&w, text);
                text[i] = '\0';
                cr_assert_str_eq(buf_cstr(&out), arena_printf(&a, "\"%s%s%s\"", text,
                                                              kinds[k].escaped, text + i + 1));
            }
}
