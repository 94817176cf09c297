#include "base/arena.h"
#include "base/str.h"

#include <criterion/criterion.h>

Test(str, comparing_looks_at_all_bytes)
{
    cr_assert(str_eq(STR("abc"), str_of("abc")));
    cr_assert_not(str_eq(STR("abc"), STR("abd")));
    cr_assert_not(str_eq(STR("ab"), STR("abc")));
    cr_assert(str_is(str_of(NULL), ""));
    cr_assert(str_is_nocase(STR("READY"), "ready"));
    cr_assert(str_starts(STR("abc"), "ab") && !str_starts(STR("a"), "ab"));
    cr_assert(str_ends(STR("abc"), "bc") && !str_ends(STR("c"), "bc"));
}

Test(str, cutting_gives_each_part_once)
{
    struct str rest = STR("a,,b");

    cr_assert(str_is(str_cut(&rest, ','), "a"));
    cr_assert(str_is(str_cut(&rest, ','), ""));
    cr_assert(str_is(str_cut(&rest, ','), "b"));
    cr_assert_eq(rest.len, 0);
    cr_assert(str_is(str_cut(&rest, ','), ""));
}

Test(str, trimming_takes_blanks_off_both_ends_only)
{
    cr_assert(str_is(str_trim(STR(" \t a b\r\n")), "a b"));
    cr_assert(str_is(str_trim(STR(" \n")), ""));
}

Test(str, only_whole_decimal_numbers_that_fit_are_numbers)
{
    static const char *const bad[] = {"",   "-",   "+1",  " 1",
                                      "1 ", "1.0", "0x1", "9223372036854775808"};
    int64_t number;
    uint64_t positive;

    cr_assert(str_to_i64(STR("-9223372036854775808"), &number) && number == INT64_MIN);
    cr_assert(str_to_i64(STR("9223372036854775807"), &number) && number == INT64_MAX);
    cr_assert(str_to_u64(STR("18446744073709551615"), &positive) && positive == UINT64_MAX);
    cr_assert_not(str_to_u64(STR("18446744073709551616"), &positive));
    cr_assert_not(str_to_u64(STR("-1"), &positive));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(str_to_i64(str_of(bad[i]), &number), "%s", bad[i]);
}

Test(str, utf8_is_told_from_what_only_looks_like_it)
{
    static const char *const good[] = {
        "", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",         "\xc3",         "\xc0\xaf",
                                      "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff",         "\xe2\x82"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(str_is_utf8(str_of(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(str_is_utf8(str_of(bad[i])), "bad %zu", i);
}

Test(str, copies_are_terminated_and_may_be_lowered)
{
    struct arena a = {0};

    cr_assert_str_eq(str_dup(&a, (struct str){"abcdef", 2}), "ab");
    cr_assert_str_eq(str_dup(&a, (struct str){NULL, 0}), "");
    cr_assert_str_eq(str_lower(&a, STR("MiXed-\xc3\x89")), "mixed-\xc3\x89");
    arena_fini(&a);
}

Test(str, long_text_is_shortened_between_characters)
{
    cr_expect(str_eq(str_shorten(STR("abc"), 3), STR("abc")));
    cr_expect(str_eq(str_shorten(STR("abcd"), 3), STR("abc")));
    cr_expect(str_eq(str_shorten(STR("abü"), 3), STR("ab")));
    cr_expect(str_eq(str_shorten(STR("a☃b"), 4), STR("a☃")));
    cr_expect_eq(str_shorten(STR("🦜"), 3).len, 0);
}
