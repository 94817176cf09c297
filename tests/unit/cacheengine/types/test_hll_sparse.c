#include "base/rng.h"
#include "cacheengine/types/hll.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct sheet {
    struct hll_sparse sparse;
    uint8_t bytes[HLL_SPARSE_MAX + HLL_SPARSE_GROWTH];
    uint8_t registers[HLL_REGISTERS]; /* what it must say */
};

static void begin(struct sheet *s, size_t limit)
{
    memset(s, 0, sizeof(*s));
    s->sparse = (struct hll_sparse){.bytes = s->bytes, .len = HLL_EMPTY_BYTES, .limit = limit};
    hll_write_empty(s->bytes);
    hll_sparse_rewind(&s->sparse);
}

static struct str all(const struct sheet *s)
{
    return (struct str){(const char *)s->bytes, s->sparse.len};
}

/* Raises a register in both, which must agree on whether it rose. */
static void raise_both(struct sheet *s, uint32_t index, uint8_t value)
{
    bool rises = value > s->registers[index];
    struct hll_mark m = {index, value};
    struct hll_sparse seen = s->sparse;

    cr_assert_eq(hll_sparse_look(&seen, m), rises ? HLL_RAISED : HLL_SAME);
    cr_assert_eq(hll_sparse_raise(&s->sparse, m), rises ? HLL_RAISED : HLL_SAME);
    if (rises)
        s->registers[index] = value;
}

static void must_say_the_same(const struct sheet *s)
{
    static uint8_t registers[HLL_REGISTERS];

    memset(registers, 0, sizeof(registers));
    cr_assert(hll_merge(registers, all(s)));
    cr_assert_arr_eq(registers, s->registers, HLL_REGISTERS);
}

/* The runs in the words of PFDEBUG DECODE. */
static void must_be(const struct sheet *s, const char *words)
{
    const uint8_t *at = s->bytes + HLL_HEAD_BYTES, *end = s->bytes + s->sparse.len;
    char text[512];
    size_t len = 0;

    for (struct hll_run r; at < end; at += r.bytes) {
        r = hll_run_at(at, end);
        if (r.value)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "v:%u,%u ", r.value, r.count);
        else
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%c:%u ",
                                    r.bytes == 2 ? 'Z' : 'z', r.count);
    }
    cr_expect_str_eq(text, words);
}

Test(hll_sparse, runs_are_parted_and_joined)
{
    static const struct {
        uint32_t index;
        uint8_t value;
        const char *runs;
    } rows[] = {
        {100, 2,  "Z:100 v:2,1 Z:16283 "                       },
        {102, 2,  "Z:100 v:2,1 z:1 v:2,1 Z:16281 "             },
        {101, 2,  "Z:100 v:2,3 Z:16281 "                       },
        {103, 2,  "Z:100 v:2,4 Z:16280 "                       },
        {104, 2,  "Z:100 v:2,4 v:2,1 Z:16279 "                 },
        {102, 3,  "Z:100 v:2,2 v:3,1 v:2,2 Z:16279 "           },
        {104, 1,  "Z:100 v:2,2 v:3,1 v:2,2 Z:16279 "           },
        {60,  32, "z:60 v:32,1 z:39 v:2,2 v:3,1 v:2,2 Z:16279 "},
    };
    static struct sheet s;

    begin(&s, HLL_SPARSE_MAX);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hll_sparse_rewind(&s.sparse);
        raise_both(&s, rows[i].index, rows[i].value);
        must_be(&s, rows[i].runs);
        must_say_the_same(&s);
    }
}

Test(hll_sparse, registers_in_any_order_are_kept)
{
    static struct sheet s;
    struct rng rng;

    rng_seed(&rng, 7);
    begin(&s, HLL_SPARSE_MAX);
    for (unsigned i = 0; i < 4000; i++) {
        hll_sparse_rewind(&s.sparse);
        raise_both(&s, (uint32_t)rng_below(&rng, i % 2 ? 300 : HLL_REGISTERS),
                   (uint8_t)(rng_below(&rng, 4) + 1));
    }
    must_say_the_same(&s);
}

Test(hll_sparse, a_search_that_goes_on_finds_what_one_from_the_start_does)
{
    static struct sheet on, anew;
    struct rng rng;

    rng_seed(&rng, 8);
    begin(&on, HLL_SPARSE_MAX);
    begin(&anew, HLL_SPARSE_MAX);
    for (unsigned round = 0; round < 3; round++) {
        hll_sparse_rewind(&on.sparse);
        for (uint32_t i = 0; i < HLL_REGISTERS; i += 1 + (uint32_t)rng_below(&rng, 40)) {
            uint8_t value = (uint8_t)(rng_below(&rng, 3) + 1);

            hll_sparse_rewind(&anew.sparse);
            raise_both(&on, i, value);
            raise_both(&anew, i, value);
        }
        cr_assert_eq(on.sparse.len, anew.sparse.len);
        cr_assert_arr_eq(on.bytes, anew.bytes, on.sparse.len);
    }
}

Test(hll_sparse, what_does_not_fit_is_left_as_it_is)
{
    static struct sheet s;

    begin(&s, HLL_EMPTY_BYTES + 3);
    cr_expect_eq(hll_sparse_raise(&s.sparse, (struct hll_mark){500, 33}), HLL_TOO_BIG);
    raise_both(&s, 500, 5);
    hll_sparse_rewind(&s.sparse);
    cr_expect_eq(hll_sparse_raise(&s.sparse, (struct hll_mark){600, 5}), HLL_TOO_BIG);
    hll_sparse_rewind(&s.sparse);
    raise_both(&s, 500, 6);
    must_say_the_same(&s);
}

Test(hll_sparse, registers_that_are_not_there_are_damage)
{
    static struct sheet s;

    begin(&s, HLL_SPARSE_MAX);
    s.bytes[HLL_HEAD_BYTES] = 0x3f; /* 64 zeros, then as many as a byte that is not there says */
    s.bytes[HLL_HEAD_BYTES + 1] = 0x40;
    cr_expect_eq(hll_sparse_raise(&s.sparse, (struct hll_mark){5000, 1}), HLL_DAMAGED);
    cr_expect_eq(hll_sparse_look(&s.sparse, (struct hll_mark){5000, 1}), HLL_DAMAGED);
    cr_expect_eq(hll_sparse_look(&s.sparse, (struct hll_mark){50, 1}), HLL_RAISED);
}
