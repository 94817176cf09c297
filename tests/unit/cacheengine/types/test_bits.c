#include "base/rng.h"
#include "cacheengine/types/bits.h"

#include <criterion/criterion.h>

#include <string.h>

#define BYTES 300

/* The bit by itself, as slow as it is plain. */
static bool bit_at(const uint8_t *bytes, size_t len, uint64_t at)
{
    return at / 8 < len && bytes[at / 8] >> (7 - at % 8) & 1;
}

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
    struct rng rng;

    rng_seed(&rng, seed);
    for (size_t i = 0; i < len; i++) {
        uint64_t draw = rng_next(&rng);

        /* Rows of equal bytes too, so that whole words hold nothing. */
        bytes[i] = draw % 4 == 0 ? (uint8_t)(draw >> 8) : (uint8_t)(seed % 2 ? 0 : 0xff);
    }
}

Test(bits, every_range_is_counted_and_searched_as_bit_by_bit)
{
    uint8_t bytes[BYTES];

    for (unsigned seed = 1; seed <= 2; seed++) {
        fill(bytes, BYTES, seed);
        for (uint64_t first = 0; first <= 8 * 40; first += 1 + first % 7)
            for (uint64_t end = first; end <= 8 * BYTES; end += 1 + end % 61) {
                uint64_t count = 0;
                int64_t found[2] = {-1, -1};

                for (uint64_t i = end; i-- > first;) {
                    count += bit_at(bytes, BYTES, i);
                    found[bit_at(bytes, BYTES, i)] = (int64_t)i;
                }
                cr_assert_eq(bits_count(bytes, first, end), count);
                cr_assert_eq(bits_find(bytes, first, end, false), found[0]);
                cr_assert_eq(bits_find(bytes, first, end, true), found[1]);
            }
    }
}

Test(bits, numbers_of_every_width_stand_at_every_place)
{
    uint8_t bytes[24], before[24];

    fill(before, sizeof(before), 2);
    for (unsigned width = 1; width <= 64; width++)
        for (uint64_t at = 0; at + width <= 8 * sizeof(bytes); at += 3) {
            uint64_t v = 0x0123456789abcdefULL * (at + 1) & ~0ULL >> (64 - width);

            memcpy(bytes, before, sizeof(bytes));
            bits_put(bytes, at, width, v);
            cr_assert_eq(bits_get(bytes, sizeof(bytes), at, width), v, "%u bits at %lu", width,
                         (unsigned long)at);
            for (uint64_t i = 0; i < 8 * sizeof(bytes); i++)
                if (i < at || i >= at + width)
                    cr_assert_eq(bit_at(bytes, sizeof(bytes), i), bit_at(before, sizeof(bytes), i));
        }
}

Test(bits, behind_the_end_there_are_zeros)
{
    cr_expect_eq(bits_get("\xff", 1, 4, 8), 0xf0);
    cr_expect_eq(bits_get("\xff", 1, 8, 64), 0);
    cr_expect_eq(bits_get("", 0, 1000000, 1), 0);
}

Test(bits, runs_are_combined_byte_by_byte)
{
    static uint8_t a[20000], b[9000], c[3], out[20000];
    const struct str runs[] = {
        {(const char *)b, sizeof(b)},
        {(const char *)a, sizeof(a)},
        {(const char *)c, sizeof(c)},
        {NULL,            0        },
    };

    fill(a, sizeof(a), 1);
    fill(b, sizeof(b), 2);
    fill(c, sizeof(c), 3);
    for (size_t count = 1; count <= 4; count++)
        for (int operation = BITS_AND; operation <= BITS_NOT; operation++) {
            size_t len = count > 1 ? sizeof(a) : sizeof(b);

            bits_combine((enum bits_operation)operation, runs, count, out, len);
            for (size_t i = 0; i < len; i++) {
                uint8_t want = i < sizeof(b) ? b[i] : 0;

                for (size_t j = 1; j < count && operation != BITS_NOT; j++) {
                    uint8_t more = i < runs[j].len ? (uint8_t)runs[j].ptr[i] : 0;

                    want = operation == BITS_AND  ? want & more
                           : operation == BITS_OR ? want | more
                                                  : want ^ more;
                }
                cr_assert_eq(out[i], operation == BITS_NOT ? (uint8_t)~want : want);
            }
        }
}
