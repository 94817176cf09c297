#include "cacheengine/keyspace/lzf.h"

#include <criterion/criterion.h>

#include <string.h>

Test(lzf, brings_back_what_it_packed)
{
    char text[1000], packed[1000], back[1000];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 7);
    size_t len = lzf_pack(text, sizeof(text), packed, sizeof(text) - 4);
    cr_assert(len > 0 && len < 100);
    cr_assert(lzf_unpack(packed, len, back, sizeof(back)));
    cr_assert_arr_eq(back, text, sizeof(text));
}

Test(lzf, says_when_it_does_not_get_shorter)
{
    cr_assert_eq(lzf_pack("abcdefghijklmnopqrstuvwxyz", 26, (char[26]){0}, 22), 0);
    cr_assert_eq(lzf_pack("", 0, (char[8]){0}, 8), 0);
}

Test(lzf, refuses_what_is_not_its_own)
{
    char packed[100], back[100];
    size_t len = lzf_pack("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40, packed, 36);

    cr_assert(lzf_unpack(packed, len, back, 40));
    cr_expect_not(lzf_unpack(packed, len, back, 39));
    cr_expect_not(lzf_unpack(packed, len, back, 41));
    cr_expect_not(lzf_unpack(packed, len - 1, back, 40));
    cr_expect_not(lzf_unpack("\xe0\x00\xff", 3, back, 9), "it points in front of the beginning");
    cr_expect_not(lzf_unpack("", 0, back, 10));
}
