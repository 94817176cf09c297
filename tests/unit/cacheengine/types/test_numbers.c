#include "base/err.h"
#include "base/rng.h"
#include "cacheengine/types/numbers.h"

#include <criterion/criterion.h>

#include <stdlib.h>

static size_t add(uint8_t *run, size_t len, int64_t v)
{
    uint32_t index;

    cr_assert_not(numbers_find(run, len, v, &index));
    size_t want = numbers_len_with(run, len, v);
    len = numbers_insert(run, len, index, v);
    cr_assert_eq(len, want);
    return len;
}

Test(numbers, they_stand_in_order_and_become_wider_when_they_must)
{
    static const int64_t values[] = {5, -3, 32767, -32768, 32768, 0, INT64_MIN, INT64_MAX, 7};
    static const unsigned widths[] = {2, 2, 2, 2, 4, 4, 8, 8, 8};
    uint8_t run[128];
    size_t len = numbers_begin(run);

    for (size_t i = 0; i < countof(values); i++) {
        len = add(run, len, values[i]);
        cr_expect_eq(numbers_width(run), widths[i]);
        cr_expect(numbers_are_sound(run, len));
    }
    for (size_t i = 0; i < countof(values); i++) {
        uint32_t index;
        cr_expect(numbers_find(run, len, values[i], &index));
        cr_expect_eq(numbers_at(run, index), values[i]);
    }
    uint32_t index;
    cr_expect_not(numbers_find(run, len, 6, &index));
    cr_expect_eq(numbers_at(run, index), 7, "the index is where it would stand");
}

Test(numbers, removed_numbers_are_not_found)
{
    uint8_t run[2048];
    size_t len = numbers_begin(run);
    uint32_t index;

    for (int64_t v = 0; v < 100; v++)
        len = add(run, len, v * 3);
    for (int64_t v = 0; v < 100; v += 2) {
        cr_assert(numbers_find(run, len, v * 3, &index));
        len = numbers_remove(run, len, index);
    }
    cr_expect_eq(numbers_count(run, len), 50);
    for (int64_t v = 0; v < 100; v++)
        cr_expect_eq(numbers_find(run, len, v * 3, &index), v % 2 == 1);
}

Test(numbers, unsound_bytes_are_refused)
{
    static const struct {
        const char *why, *bytes;
        size_t len;
    } rows[] = {
        {"nothing",        "",               0},
        {"half a head",    "\2",             1},
        {"a packed head",  "\2\0\1\0",       4},
        {"a width of 3",   "\3\x80\1\0\0",   5},
        {"a width of 0",   "\0\x80",         2},
        {"half a number",  "\4\x80\1\0",     4},
        {"twice the same", "\2\x80\1\0\1\0", 6},
        {"falling order",  "\2\x80\1\0\0\0", 6},
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_not(numbers_are_sound(rows[i].bytes, rows[i].len), "%s", rows[i].why);
    cr_expect(numbers_are_sound("\2\x80", 2));
    cr_expect(numbers_are_sound("\2\x80\xff\xff\1\0", 6));
}
