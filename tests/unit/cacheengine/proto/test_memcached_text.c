#include "cacheengine/proto/memcached.h"

#include <criterion/criterion.h>

Test(memcached_text, a_line_is_cut_at_its_spaces)
{
    struct str words[16];

    cr_assert_eq(mc_split(STR("get  a bb "), words), 3);
    cr_assert(str_is(words[0], "get") && str_is(words[1], "a") && str_is(words[2], "bb"));
    cr_assert_eq(mc_split(STR("   "), words), 0);
    cr_assert_eq(mc_split(STR(""), words), 0);
    cr_assert_eq(mc_split(STR("\tget\ta"), words), 1);
}

Test(memcached_text, unsigned_numbers_are_read_as_strtoull_reads_them)
{
    static const struct {
        const char *text;
        bool is_number;
        uint64_t value;
    } rows[] = {
        {"0",                     true,  0         },
        {"18446744073709551615",  true,  UINT64_MAX},
        {"18446744073709551616",  false, 0         },
        {"-1",                    false, 0         },
        {"-18446744073709551615", true,  1         },
        {"+5",                    true,  5         },
        {" 5",                    true,  5         },
        {"5 x",                   true,  5         },
        {"5\t",                   true,  5         },
        {"5x",                    false, 0         },
        {"",                      false, 0         },
        {"-",                     false, 0         },
        {"x",                     false, 0         },
        {"007",                   true,  7         },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        uint64_t v = 0;

        cr_expect_eq(mc_read_u64(str_of(rows[i].text), &v), rows[i].is_number, "%s", rows[i].text);
        cr_expect_eq(v, rows[i].value, "%s", rows[i].text);
    }
}

Test(memcached_text, narrow_numbers_keep_their_low_bits)
{
    uint32_t u = 0;
    int32_t i = 0;

    cr_assert(mc_read_u32(STR("4294967301"), &u));
    cr_assert_eq(u, 5);
    cr_assert_not(mc_read_u32(STR("-1"), &u));
    cr_assert(mc_read_i32(STR("4294967299"), &i));
    cr_assert_eq(i, 3);
    cr_assert(mc_read_i32(STR("-1"), &i));
    cr_assert_eq(i, -1);
    cr_assert(mc_read_i32(STR("-9223372036854775808"), &i));
    cr_assert_not(mc_read_i32(STR("9223372036854775808"), &i));
}

Test(memcached_text, an_exptime_is_relative_up_to_a_month_and_absolute_beyond)
{
    int64_t now_ms = 1700000000000;

    cr_assert_eq(mc_deadline(0, now_ms), NO_DEADLINE);
    cr_assert_eq(mc_deadline(-1, now_ms), MC_AT_ONCE);
    cr_assert_eq(mc_deadline(1, now_ms), now_ms + 1000);
    cr_assert_eq(mc_deadline(2592000, now_ms), now_ms + 2592000000LL);
    cr_assert_eq(mc_deadline(2592001, now_ms), MC_AT_ONCE);
    cr_assert_eq(mc_deadline(1700000010, now_ms), now_ms + 10000);
    cr_assert_eq(mc_deadline(1700000000, now_ms), MC_AT_ONCE);
}
