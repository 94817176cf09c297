#include "base/err.h"
#include "cacheengine/types/compact.h"

#include <criterion/criterion.h>

#include <stdlib.h>

static const int64_t numbers[] = {0,         1,         127,       128,         -1,       4095,
                                  -4096,     4096,      -4097,     32767,       -32768,   32768,
                                  -32769,    8388607,   -8388608,  8388608,     -8388609, INT32_MAX,
                                  INT32_MIN, INT64_MAX, INT64_MIN, 2147483648LL};
static const size_t lengths[] = {0, 1, 63, 64, 126, 127, 128, 4095, 4096, 16380, 16383, 70000};

static char text[70000];

/* Writes all of them; the caller frees. */
static uint8_t *everything(size_t *len)
{
    uint8_t *listpack = malloc(400000);
    uint8_t *at = listpack + LISTPACK_HEAD;

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < countof(numbers); i++) {
        struct packed_item item = packed_number(numbers[i]);
        at = listpack_put(at, &item);
    }
    for (size_t i = 0; i < countof(lengths); i++) {
        struct packed_item item = packed_item_of((struct str){text, lengths[i]});
        at = listpack_put(at, &item);
    }
    *len = listpack_close(listpack, at, countof(numbers) + countof(lengths));
    return listpack;
}

Test(compact, a_listpack_is_read_as_it_was_written)
{
    size_t len;
    uint8_t *listpack = everything(&len);
    struct packed_item item;
    struct compact c;

    compact_begin(&c, COMPACT_LISTPACK, (struct str){(char *)listpack, len});
    for (size_t i = 0; i < countof(numbers); i++) {
        cr_assert(compact_next(&c, &item));
        cr_expect(item.kind == PACKED_NUMBER && item.number == numbers[i], "%zu", i);
    }
    for (size_t i = 0; i < countof(lengths); i++) {
        cr_assert(compact_next(&c, &item));
        cr_expect(item.kind == PACKED_TEXT && item.len == lengths[i], "%zu", i);
    }
    cr_expect_not(compact_next(&c, &item));
    cr_expect(compact_is_sound(&c));
    free(listpack);
}

/* Walks what may be anything; true when it is sound. */
static bool is_sound(enum compact_kind kind, struct str bytes)
{
    struct packed_item item;
    struct compact c;

    compact_begin(&c, kind, bytes);
    while (compact_next(&c, &item))
        ;
    return compact_is_sound(&c);
}

Test(compact, a_listpack_that_was_cut_or_whose_frame_was_touched_is_refused)
{
    uint8_t listpack[100], bad[100];
    uint8_t *at = listpack + LISTPACK_HEAD;
    struct packed_item items[2] = {packed_number(1000), packed_item_of(STR("abc"))};

    at = listpack_put(listpack_put(at, &items[0]), &items[1]);
    size_t len = listpack_close(listpack, at, 2);
    cr_assert(is_sound(COMPACT_LISTPACK, (struct str){(char *)listpack, len}));
    for (size_t cut = 0; cut < len; cut++)
        cr_expect_not(is_sound(COMPACT_LISTPACK, (struct str){(char *)listpack, cut}));
    for (size_t i = 0; i < len; i++) {
        bool is_content = i == 7 || (i >= 10 && i < 13); /* low bits of the number; the letters */

        memcpy(bad, listpack, len);
        bad[i] ^= 0x20;
        cr_expect_eq(is_sound(COMPACT_LISTPACK, (struct str){(char *)bad, len}), is_content,
                     "byte %zu", i);
    }
}

Test(compact, texts_of_digits_become_numbers)
{
    struct packed_item item;
    struct compact c;

    compact_begin(&c, COMPACT_LISTPACK,
                  STR("\x0c\0\0\0\1\0\x83"
                      "123\4\xff"));
    cr_assert(compact_next(&c, &item));
    cr_expect_eq(item.kind, PACKED_NUMBER);
    cr_expect_eq(item.number, 123);
    cr_expect_not(compact_next(&c, &item));
    cr_expect(compact_is_sound(&c));
}

Test(compact, ziplists_have_seven_forms_of_numbers)
{
    static const char bytes[] = "\x2e\0\0\0\x23\0\0\0\x07\0"
                                "\x00\xf1"                                 /* 0 */
                                "\x02\xfd"                                 /* 12 */
                                "\x02\xfe\x80"                             /* -128 */
                                "\x03\xc0\x00\x80"                         /* -32768 */
                                "\x04\xf0\xff\xff\x7f"                     /* 8388607 */
                                "\x05\xd0\x00\x00\x00\x80"                 /* -2147483648 */
                                "\x06\xe0\xff\xff\xff\xff\xff\xff\xff\x7f" /* the largest */
                                "\xff";
    static const int64_t want[] = {0, 12, -128, -32768, 8388607, INT32_MIN, INT64_MAX};
    char copy[sizeof(bytes)];
    struct packed_item item;
    struct compact c;

    memcpy(copy, bytes, sizeof(bytes));
    copy[0] = sizeof(bytes) - 1;
    copy[4] = sizeof(bytes) - 1 - 11;
    compact_begin(&c, COMPACT_ZIPLIST, (struct str){copy, sizeof(bytes) - 1});
    for (size_t i = 0; i < countof(want); i++) {
        cr_assert(compact_next(&c, &item), "%zu", i);
        cr_expect_eq(item.number, want[i], "%zu", i);
    }
    cr_expect_not(compact_next(&c, &item));
    cr_expect(compact_is_sound(&c));
    copy[4]--;
    cr_expect_not(is_sound(COMPACT_ZIPLIST, (struct str){copy, sizeof(bytes) - 1}));
}

Test(compact, zipmaps_may_have_spare_bytes_behind_values)
{
    struct packed_item item;
    struct compact c;

    compact_begin(&c, COMPACT_ZIPMAP, STR("\1\1a\2\3xyfoo\xff"));
    cr_assert(compact_next(&c, &item));
    cr_expect_eq(item.ptr[0], 'a');
    cr_assert(compact_next(&c, &item));
    cr_expect(item.len == 2 && item.ptr[1] == 'y');
    cr_expect_not(compact_next(&c, &item));
    cr_expect(compact_is_sound(&c));
    cr_expect_not(is_sound(COMPACT_ZIPMAP, STR("\1\1a\2\4xyfoo\xff")));
    cr_expect_not(is_sound(COMPACT_ZIPMAP, STR("\1\1a\xff")));
    cr_expect_not(is_sound(COMPACT_ZIPMAP, STR("\2\1a\1\0b\xff")));
}

Test(compact, a_packed_run_becomes_the_listpack_of_its_texts)
{
    uint8_t run[64], listpack[LISTPACK_OF_RUN(64)];
    struct packed_item items[3] = {packed_item_of(STR("a")), packed_number(-5), packed_real(0.5)};
    struct packed_item item;
    struct compact c;
    uint8_t *at = run + PACKED_HEAD;

    for (size_t i = 0; i < 3; i++)
        at = packed_put(at, &items[i]);
    packed_set_count(run, 3);
    size_t len = listpack_of_run(listpack, run, (size_t)(at - run));
    compact_begin(&c, COMPACT_LISTPACK, (struct str){(char *)listpack, len});
    cr_assert(compact_next(&c, &item) && item.ptr[0] == 'a');
    cr_assert(compact_next(&c, &item) && item.number == -5);
    cr_assert(compact_next(&c, &item));
    cr_expect(str_is((struct str){item.ptr, item.len}, "0.5"));
    cr_expect(!compact_next(&c, &item) && compact_is_sound(&c));
}
