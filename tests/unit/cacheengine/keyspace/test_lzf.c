#include "cacheengine/keyspace/lzf.h"

#include <criterion/criterion.h>

#include <stdint.h>
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

/* Bytes of a few kinds of which some repeat, the same for the same seed. */
static void make_text(char *text, size_t len, uint32_t seed)
{
    uint32_t v = seed * 2654435761U + 1;

    for (size_t i = 0; i < len; i++) {
        v = v * 1664525 + 1013904223;
        text[i] = i > 10 && (v >> 28) < seed % 16 ? text[i - 1 - (v >> 20) % 10] : (char)(v >> 24);
    }
}

Test(lzf, strings_of_every_length_and_kind_come_back)
{
    static char text[20000], packed[20000], back[20000];
    size_t packed_some = 0;

    for (uint32_t seed = 0; seed < 32; seed++)
        for (size_t len = 0; len < sizeof(text); len = len < 300 ? len + 1 : len * 2 + 1) {
            make_text(text, len, seed);
            /* Bytes behind the room must stay as they are. */
            size_t room = len > 4 ? len - 4 : 0;
            packed[room] = 'E';
            size_t size = lzf_pack(text, len, packed, room);
            cr_assert_eq(packed[room], 'E', "length %zu", len);
            if (size == 0)
                continue;
            cr_assert_leq(size, room);
            cr_assert(lzf_unpack(packed, size, back, len), "length %zu", len);
            cr_assert_arr_eq(back, text, len, "length %zu", len);
            packed_some++;
        }
    cr_assert_gt(packed_some, 1000);
}

Test(lzf, every_room_from_none_to_enough_is_kept_to)
{
    char text[200], packed[200], back[200];

    make_text(text, sizeof(text), 13);
    size_t enough = lzf_pack(text, sizeof(text), packed, sizeof(text));
    cr_assert_gt(enough, 0);
    for (size_t room = 0; room < sizeof(packed); room++) {
        packed[room] = 'E';
        size_t size = lzf_pack(text, sizeof(text), packed, room);
        cr_expect_eq(packed[room], 'E', "room %zu", room);
        cr_expect(size == 0 || size == enough);
        cr_expect(room < enough + 4 || size == enough, "room %zu", room);
        if (size)
            cr_expect(lzf_unpack(packed, size, back, sizeof(text)));
    }
}
