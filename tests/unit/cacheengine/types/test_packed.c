#include "base/err.h"
#include "base/rng.h"
#include "cacheengine/types/packed.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

static struct str text_of(const uint8_t *at, struct packed_digits *digits)
{
    struct packed_item item;

    packed_get(at, &item);
    return packed_text(&item, digits);
}

/* Makes a run of texts; returns its length. */
static size_t run_of(uint8_t *run, const char *const *texts, uint32_t count)
{
    uint8_t *at = run + PACKED_HEAD;

    for (uint32_t i = 0; i < count; i++) {
        struct packed_item item = packed_item_of(str_of(texts[i]));
        at = packed_put(at, &item);
    }
    packed_set_count(run, count);
    return (size_t)(at - run);
}

static const char *const words[] = {"apple",  "1",      "-1",   "63",
                                    "64",     "pear",   "",     "012",
                                    "999999", "banana", "-129", "9223372036854775807"};

Test(packed, elements_read_back_as_the_text_that_was_put)
{
    uint8_t run[512];
    size_t len = run_of(run, words, countof(words));
    const uint8_t *at = packed_first(run);

    for (size_t i = 0; i < countof(words); i++) {
        struct packed_digits digits;
        cr_expect(str_is(text_of(at, &digits), words[i]), "%s", words[i]);
        cr_expect_eq(packed_at(run, (uint32_t)i), at);
        at = packed_next(at);
    }
    cr_expect_eq(at, run + len);
    cr_expect(packed_is_sound(run, len, 1));
}

Test(packed, numbers_take_few_bytes)
{
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"0",                    1 },
        {"63",                   1 },
        {"64",                   2 },
        {"-1",                   2 },
        {"127",                  2 },
        {"128",                  3 },
        {"-128",                 2 },
        {"-129",                 3 },
        {"32767",                3 },
        {"32768",                4 },
        {"8388607",              4 },
        {"8388608",              5 },
        {"2147483647",           5 },
        {"2147483648",           6 },
        {"9223372036854775807",  9 },
        {"-9223372036854775808", 9 },
        {"9223372036854775808",  20},
        {"007",                  4 },
        {"+7",                   3 },
        {"-0",                   3 },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct packed_item item = packed_item_of(str_of(rows[i].text));
        uint8_t bytes[32];
        struct packed_digits digits;

        cr_expect_eq(packed_size_of(&item), rows[i].size, "%s", rows[i].text);
        cr_expect_eq(packed_put(bytes, &item), bytes + rows[i].size);
        cr_expect_eq(packed_size(bytes), rows[i].size);
        cr_expect(str_is(text_of(bytes, &digits), rows[i].text), "%s", rows[i].text);
    }
}

Test(packed, strings_of_every_length_class_read_back)
{
    static const uint32_t lens[] = {0, 1, 127, 128, 255, 256, 4095, 4096, 70000};
    uint8_t *bytes = malloc(80000);
    char *text = malloc(80000);

    memset(text, 'x', 80000);
    for (size_t i = 0; i < countof(lens); i++) {
        struct packed_item item = packed_item_of((struct str){text, lens[i]}), back;
        uint8_t *end = packed_put(bytes, &item);

        cr_expect_eq((size_t)(end - bytes), packed_size_of(&item));
        cr_expect_eq(packed_get(bytes, &back), end);
        cr_expect(packed_item_eq(&item, &back), "%u", lens[i]);
    }
    free(text);
    free(bytes);
}

Test(packed, doubles_read_back_bit_by_bit)
{
    static const double values[] = {0.0, -0.0, 1.5, -1e308, 5e-324};

    for (size_t i = 0; i < countof(values); i++) {
        struct packed_item item = packed_real(values[i]), back;
        uint8_t bytes[16];

        cr_expect_eq(packed_put(bytes, &item), bytes + 9);
        packed_get(bytes, &back);
        cr_expect(packed_item_eq(&item, &back));
    }
}

Test(packed, what_is_there_is_found_and_what_is_not_is_not)
{
    uint8_t run[512];
    size_t len = run_of(run, words, countof(words));
    static const char *const absent[] = {"app", "apples", "2", "00", "pea", "99999", "12"};

    for (size_t i = 0; i < countof(words); i++) {
        struct packed_item item = packed_item_of(str_of(words[i]));
        cr_expect_eq(packed_find(run, len, 1, &item), packed_at(run, (uint32_t)i), "%s", words[i]);
    }
    for (size_t i = 0; i < countof(absent); i++) {
        struct packed_item item = packed_item_of(str_of(absent[i]));
        cr_expect_null(packed_find(run, len, 1, &item), "%s", absent[i]);
    }
}

Test(packed, values_are_not_taken_for_fields)
{
    static const char *const pairs[] = {"a", "b", "b", "c", "c", "a"};
    uint8_t run[64];
    size_t len = run_of(run, pairs, countof(pairs));
    struct packed_item b = packed_item_of(STR("b"));

    cr_expect_eq(packed_find(run, len, 2, &b), packed_at(run, 2));
}

/* In long runs the bytes are searched first; what looks like an element inside another must not
 * be taken for one. */
Test(packed, bytes_inside_an_element_are_not_taken_for_one)
{
    uint8_t run[2048];
    char trap[101];
    struct packed_item want = packed_item_of(STR("key"));
    uint8_t *at = run + PACKED_HEAD;

    for (int i = 0; i < 100; i += 4)
        memcpy(trap + i, "\003key", 4);
    for (int i = 0; i < 10; i++) {
        struct packed_item item = packed_item_of((struct str){trap, 100});
        at = packed_put(at, &item);
    }
    packed_set_count(run, 10);
    cr_expect_null(packed_find(run, (size_t)(at - run), 1, &want));
    const uint8_t *there = at;
    at = packed_put(at, &want);
    cr_expect_eq(packed_find(run, (size_t)(at - run), 1, &want), there);
}

Test(packed, long_runs_are_searched_as_short_ones_are)
{
    uint8_t *run = malloc(70000);
    uint8_t *at = run + PACKED_HEAD;
    char text[200];

    for (int i = 0; i < 2000; i++) {
        int len = snprintf(text, sizeof(text), i % 3 ? "field:%d" : "%d", i * 7919);
        struct packed_item item = packed_item_of((struct str){text, (size_t)len});
        at = packed_put(at, &item);
    }
    packed_set_count(run, 2000);
    for (int i = 0; i < 2000; i++) {
        int len = snprintf(text, sizeof(text), i % 3 ? "field:%d" : "%d", i * 7919);
        struct packed_item item = packed_item_of((struct str){text, (size_t)len});
        const uint8_t *found = packed_find(run, (size_t)(at - run), 1, &item);
        cr_assert_eq(found, packed_at(run, (uint32_t)i), "%s", text);
    }
    struct packed_item none = packed_item_of(STR("field:no"));
    cr_expect_null(packed_find(run, (size_t)(at - run), 1, &none));
    free(run);
}

Test(packed, gaps_are_opened_and_closed)
{
    static const char *const before[] = {"a", "b", "c"};
    uint8_t run[64], want[64];
    size_t len = run_of(run, before, 3);
    struct packed_item longer = packed_item_of(STR("beta"));

    len = packed_gap(run, len, 4, 2, packed_size_of(&longer));
    packed_put(run + 4, &longer);
    static const char *const after[] = {"a", "beta", "c"};
    cr_expect_eq(len, run_of(want, after, 3));
    cr_expect(memcmp(run, want, len) == 0);
    len = packed_gap(run, len, 4, packed_size_of(&longer), 0);
    packed_set_count(run, 2);
    static const char *const less[] = {"a", "c"};
    cr_expect_eq(len, run_of(want, less, 2));
    cr_expect(memcmp(run, want, len) == 0);
}

Test(packed, unsound_bytes_are_refused)
{
    static const struct {
        const char *why, *bytes;
        size_t len;
    } rows[] = {
        {"nothing",                         "",                         0 },
        {"half a count",                    "\0",                       1 },
        {"a wrong count",                   "\2\0\1a",                  4 },
        {"a cut string",                    "\1\0\5abc",                6 },
        {"a cut number",                    "\1\0\xc1\1",               4 },
        {"a number as text",
         "\1\0\1"
         "7",                                                           4 },
        {"a number too wide",               "\1\0\xc1\x7f\0",           5 },
        {"a small number with bytes",       "\1\0\xc0\5",               4 },
        {"a cut long string",               "\1\0\xd0",                 3 },
        {"a short string with a long head", "\1\0\xd0\1a",              5 },
        {"a very long head",                "\1\0\xe0\1\0\0\0a",        8 },
        {"a huge length",                   "\1\0\xe0\xff\xff\xff\xff", 7 },
        {"an address",                      "\1\0\xc9\0\0\0\0\0\0\0\0", 11},
        {"an unknown tag",                  "\1\0\xca",                 3 },
        {"an unknown tag at the end",       "\1\0\xff",                 3 },
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_not(packed_is_sound(rows[i].bytes, rows[i].len, 1), "%s", rows[i].why);
    cr_expect(packed_is_sound("\0\0", 2, 1));
    cr_expect(packed_is_sound("\1\0\1a", 4, 1));
    cr_expect_not(packed_is_sound("\1\0\1a", 4, 2), "a field without a value");
}

Test(packed, random_bytes_never_lead_outside)
{
    struct rng rng;

    rng_seed(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        size_t len = rng_below(&rng, 40);
        uint8_t *bytes =
            malloc(len + 1); /* exactly as long, so that the sanitizer sees a step out */

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rng_next(&rng);
        if (len >= 2)
            packed_set_count(bytes, (uint32_t)rng_below(&rng, 5));
        uint8_t *exact = realloc(bytes, len ? len : 1);
        if (packed_is_sound(exact, len, 1)) {
            const uint8_t *at = packed_first(exact);
            for (uint32_t i = 0; i < packed_count(exact); i++) {
                struct packed_digits digits;
                (void)text_of(at, &digits);
                at = packed_next(at);
            }
            cr_assert_eq(at, exact + len);
        }
        free(exact);
    }
}

Test(packed, an_end_stands_in_front_of_its_element_and_is_passed_over)
{
    const struct str texts[] = {STR(""), STR("x"), STR("63"), STR("-123456789"),
                                STR("a longer text")};
    const int64_t ends[] = {0, 1, 1795878013495, PACKED_END_MAX};
    uint8_t run[64];

    for (size_t i = 0; i < countof(texts) * countof(ends); i++) {
        struct packed_item item = packed_item_of(texts[i / countof(ends)]), got;
        int64_t end_ms = ends[i % countof(ends)];

        packed_set_count(run, 1);
        packed_put_end(run + PACKED_HEAD, end_ms);
        uint8_t *behind = packed_put(run + PACKED_HEAD + PACKED_END_SIZE, &item);
        cr_expect_eq(packed_end(run + PACKED_HEAD), end_ms);
        cr_expect_eq(packed_end(run + PACKED_HEAD + PACKED_END_SIZE), PACKED_NO_END);
        cr_expect_eq(packed_get(run + PACKED_HEAD, &got), behind);
        cr_expect(packed_item_eq(&item, &got));
        cr_expect_eq(packed_next(run + PACKED_HEAD), behind);
        /* From outside it is refused. */
        cr_expect_not(packed_is_sound(run, (size_t)(behind - run), 1));
    }
}
