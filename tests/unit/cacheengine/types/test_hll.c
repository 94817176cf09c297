#include "base/rng.h"
#include "cacheengine/types/hll.h"

#include <criterion/criterion.h>

#include <string.h>

#define CUT_OFF "HYLL\1\0\0\0\0\0\0\0\0\0\0\0"

static struct str text(const char *words)
{
    return (struct str){words, strlen(words)};
}

Test(hll, elements_are_hashed_as_other_servers_do)
{
    static const struct {
        const char *element;
        struct hll_mark mark;
    } rows[] = {
        {"",          {5938, 2}},
        {"123456789", {9293, 2}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hll_mark m = hll_mark_of(text(rows[i].element));

        cr_expect_eq(m.index, rows[i].mark.index, "%s: %u", rows[i].element, m.index);
        cr_expect_eq(m.value, rows[i].mark.value, "%s: %u", rows[i].element, m.value);
    }
}

/* Random registers, most of them low as true ones are. */
static void draw(uint8_t registers[HLL_REGISTERS], uint64_t seed)
{
    struct rng rng;

    rng_seed(&rng, seed);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        registers[i] = (uint8_t)(rng_next(&rng) % (i % 100 == 0 ? 64 : 7));
}

Test(hll, dense_registers_keep_what_they_are_given)
{
    static uint8_t registers[HLL_REGISTERS], dense[HLL_DENSE_BYTES], merged[HLL_REGISTERS];
    uint8_t head[HLL_EMPTY_BYTES];
    uint32_t a[HLL_REGISTER_MAX + 1], b[HLL_REGISTER_MAX + 1];
    struct str s = {(const char *)dense, sizeof(dense)};

    draw(registers, 1);
    hll_write_empty(head);
    hll_write_dense(registers, head, dense);
    cr_assert(hll_is_one(s) && hll_is_dense(s));
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        cr_assert_eq(hll_dense_get(dense, i), registers[i], "register %u", i);
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 3) {
        uint8_t value = (uint8_t)(i % 63 + 1), before = registers[i];

        cr_assert_eq(hll_dense_raise(dense, (struct hll_mark){i, value}), value > before);
        registers[i] = value > before ? value : before;
    }
    cr_assert(hll_merge(merged, s));
    cr_expect_arr_eq(merged, registers, HLL_REGISTERS);
    cr_assert(hll_histogram(s, a));
    hll_histogram_of(registers, b);
    cr_expect_arr_eq(a, b, sizeof(a));
}

Test(hll, merging_takes_the_higher_of_two)
{
    static uint8_t registers[2][HLL_REGISTERS], dense[HLL_DENSE_BYTES];

    draw(registers[0], 1);
    draw(registers[1], 2);
    hll_write_dense(registers[1], CUT_OFF, dense);
    static uint8_t merged[HLL_REGISTERS];
    memcpy(merged, registers[0], sizeof(merged));
    cr_assert(hll_merge(merged, (struct str){(const char *)dense, sizeof(dense)}));
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        cr_assert_eq(merged[i],
                     registers[0][i] > registers[1][i] ? registers[0][i] : registers[1][i]);
}

Test(hll, estimates_are_near_the_truth)
{
    static uint8_t dense[HLL_DENSE_BYTES];
    uint32_t histogram[HLL_REGISTER_MAX + 1];
    uint64_t checkpoint = 1;

    memcpy(dense, "HYLL", 4);
    for (uint64_t i = 1; i <= 100000; i++) {
        struct str element = {(const char *)&i, sizeof(i)};

        (void)hll_dense_raise(dense, hll_mark_of(element));
        if (i != checkpoint)
            continue;
        cr_assert(hll_histogram((struct str){(const char *)dense, sizeof(dense)}, histogram));
        double estimate = (double)hll_estimate(histogram);
        cr_expect_float_eq(estimate, (double)i, (double)i * 0.03, "%.0f of %lu", estimate, i);
        checkpoint *= 10;
    }
}

Test(hll, an_estimate_is_kept_until_it_is_out_of_date)
{
    uint8_t bytes[HLL_EMPTY_BYTES];
    struct str s = {(const char *)bytes, sizeof(bytes)};
    uint64_t estimate;

    hll_write_empty(bytes);
    cr_expect(!hll_known_estimate(s, &estimate));
    hll_set_estimate(bytes, 1234567);
    cr_expect(hll_known_estimate(s, &estimate));
    cr_expect_eq(estimate, 1234567);
    hll_outdate_estimate(bytes);
    cr_expect(!hll_known_estimate(s, &estimate));
}

Test(hll, what_is_none_is_told_from_what_is)
{
    static uint8_t dense[HLL_DENSE_BYTES + 1];
    uint8_t registers[HLL_REGISTERS] = {0};

    cr_expect(!hll_is_one(text("HYLL")));
    cr_expect(!hll_is_one((struct str){"HYLX\1\0\0\0\0\0\0\0\0\0\0\0", 16}));
    cr_expect(!hll_is_one((struct str){"HYLL\2\0\0\0\0\0\0\0\0\0\0\0", 16}));
    memcpy(dense, "HYLL", 4);
    cr_expect(hll_is_one((struct str){(const char *)dense, HLL_DENSE_BYTES}));
    cr_expect(!hll_is_one((struct str){(const char *)dense, HLL_DENSE_BYTES + 1}));
    /* Too few registers, too many, and a run that is cut off. */
    cr_expect(!hll_merge(registers, (struct str){CUT_OFF, 16}));
    cr_expect(!hll_merge(registers, (struct str){CUT_OFF "\x7f\xff\x80", 19}));
    cr_expect(!hll_merge(registers, (struct str){CUT_OFF "\x7f", 17}));
    cr_expect(hll_merge(registers, (struct str){CUT_OFF "\x7f\xff", 18}));
}
