#include "base/arena.h"
#include "base/shape_json.h"
#include "sample.h"

#include <criterion/criterion.h>

#include <string.h>

#define WHOLE                                                                                      \
    "{\"Text\":\"abc\",\"AColor\":\"red\",\"Secret\":\"s\",\"Number\":5,\"Big\":9007199254740992," \
    "\"Ratio\":0.5,\"Flag\":false,\"When\":\"2015-02-02T09:30:00.123Z\",\"Bytes\":\"AP8=\","       \
    "\"Inner\":{\"Name\":\"n\"},\"Inners\":[{\"Name\":\"a\",\"Rank\":1},{}],\"Texts\":[],"         \
    "\"Flags\":{\"x\":true,\"y\":false}}"

static struct err parse(struct arena *a, const char *text, enum shape_unknown unknown,
                        struct sample *out)
{
    *out = (struct sample){0};
    return shape_json_parse(a, &sample_shape, str_of(text), unknown, out);
}

Test(shape_json, every_kind_reads_back_as_it_was_written)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&out);
    struct sample s;

    cr_assert(err_is(parse(&a, WHOLE, SHAPE_UNKNOWN_REFUSE, &s), ERR_OK));
    cr_expect_str_eq(s.inners.items[0].name, "a");
    cr_expect(s.texts.has && s.texts.count == 0);
    cr_expect_eq(s.when.value, 1422869400123);
    shape_json_write(&w, &sample_shape, &s);
    cr_expect_str_eq(buf_cstr(&out), WHOLE);
}

Test(shape_json, null_counts_as_absent)
{
    scoped(arena_fini) struct arena a = {0};
    struct sample s;

    cr_assert(
        err_is(parse(&a, "{\"Text\":null,\"Inner\":null,\"Texts\":null}", SHAPE_UNKNOWN_REFUSE, &s),
               ERR_OK));
    cr_expect(!s.text && !s.inner && !s.texts.has);
}

Test(shape_json, strangers_are_refused_or_ignored)
{
    scoped(arena_fini) struct arena a = {0};
    struct sample s;
    const char *text = "{\"Inners\":[{\"Name\":\"a\"},{\"Nmae\":1}]}";
    struct err e = parse(&a, text, SHAPE_UNKNOWN_REFUSE, &s);

    cr_assert(err_is(e, ERR_INVALID));
    cr_expect_str_eq(e.why, "Inners[1].Nmae is not a known member");
    cr_expect(err_is(parse(&a, text, SHAPE_UNKNOWN_IGNORE, &s), ERR_OK));
    cr_expect_eq(s.inners.count, 2);
}

Test(shape_json, wrong_types_are_named_with_their_place)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[]",                              "The body must be an object"          },
        {"{\"Text\":1}",                    "Text must be a string"               },
        {"{\"Number\":\"1\"}",              "Number must be an integer"           },
        {"{\"Number\":1.5}",                "Number must be an integer"           },
        {"{\"Number\":2147483648}",         "Number must be an integer of 32 bits"},
        {"{\"Big\":1e17}",                  "Big must be an integer"              },
        {"{\"Ratio\":\"x\"}",               "Ratio must be a number"              },
        {"{\"Flag\":0}",                    "Flag must be true or false"          },
        {"{\"When\":1}",                    "When must be a string"               },
        {"{\"Bytes\":\"?\"}",               "Bytes must be base64"                },
        {"{\"Inner\":[]}",                  "Inner must be an object"             },
        {"{\"Inner\":{\"Rank\":true}}",     "Inner.Rank must be an integer"       },
        {"{\"Inners\":{}}",                 "Inners must be an array"             },
        {"{\"Inners\":[null]}",             "Inners[0] must be an object"         },
        {"{\"Texts\":[\"a\",2]}",           "Texts[1] must be a string"           },
        {"{\"Flags\":{\"x\":1}}",           "Flags.x must be true or false"       },
        {"{\"Text\":\"a\",\"Text\":\"b\"}", "Text must not be given twice"        },
        {"{\"Inner\":{},\"Inner\":{}}",     "Inner must not be given twice"       },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct sample s;
        struct err e = parse(&a, rows[i].text, SHAPE_UNKNOWN_REFUSE, &s);
        cr_expect(err_is(e, ERR_INVALID), "%s", rows[i].text);
        cr_expect(e.why && strstr(e.why, rows[i].why), "%s: %s", rows[i].text, e.why);
    }
}

Test(shape_json, other_protocols_have_times_in_seconds)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = {.out = &text, .has_epochs = true};
    struct sample s = {0};

    cr_assert_not(err_failed(parse(&a, "{\"When\":1.25}", SHAPE_UNKNOWN_IGNORE, &s)));
    cr_assert_eq(s.when.value, 1250);
    shape_json_write(&w, &sample_shape, &s);
    cr_assert_str_eq(buf_cstr(&text), "{\"When\":1.25}");
    cr_assert(err_is(parse(&a, "{\"When\":1e300}", SHAPE_UNKNOWN_IGNORE, &s), ERR_INVALID));
}

Test(shape_json, a_timestamp_that_is_none_says_what_one_looks_like)
{
    scoped(arena_fini) struct arena a = {0};
    struct sample s;
    struct err e = parse(&a, "{\"When\":\"noon\"}", SHAPE_UNKNOWN_REFUSE, &s);

    cr_expect(strstr(e.why, "When must be a timestamp such as 2015-02-02T09:30:00Z"));
}
