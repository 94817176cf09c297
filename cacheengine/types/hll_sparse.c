/*
 * Sparse HyperLogLogs: runs of registers. The one idea: a register is set by putting up to three
 * runs in place of the one that it is in; then the runs near it are joined where they can be.
 *
 * Which runs are joined, and how far, is part of the format: other servers do the same, and strings
 * that took the same elements are to be equal.
 */
#include "cacheengine/types/hll.h"

#include <string.h>

#define VALUE_MAX     32 /* of a register in a sparse one */
#define VALUE_RUN_MAX 4
#define ZERO_RUN_MAX  64 /* of one byte */
#define JOIN_RUNS     5  /* that are looked at after a change */

static bool is_valued(uint8_t byte)
{
    return byte & 0x80;
}

struct hll_run hll_run_at(const uint8_t *at, const uint8_t *end)
{
    if (is_valued(*at))
        return (struct hll_run){.count = (*at & 3) + 1u, .value = (*at >> 2 & 31) + 1, .bytes = 1};
    if (!(*at & 0x40))
        return (struct hll_run){.count = *at + 1u, .bytes = 1};
    if (end - at < 2)
        return (struct hll_run){0};
    return (struct hll_run){.count = ((*at & 0x3fu) << 8 | at[1]) + 1, .bytes = 2};
}

/* Writes a run and returns the end of it; one of no registers is none. */
static uint8_t *run_write(uint8_t *to, uint32_t count, uint8_t value)
{
    if (count == 0)
        return to;
    if (value) {
        *to++ = (uint8_t)(0x80 | (value - 1) << 2 | (count - 1));
    } else if (count <= ZERO_RUN_MAX) {
        *to++ = (uint8_t)(count - 1);
    } else {
        *to++ = (uint8_t)(0x40 | (count - 1) >> 8);
        *to++ = (uint8_t)(count - 1);
    }
    return to;
}

void hll_sparse_rewind(struct hll_sparse *s)
{
    s->at = HLL_HEAD_BYTES;
    s->before = 0;
    s->first = 0;
}

/* A run that was searched for, with the two before it (0: none). */
struct place {
    size_t at, before, before_that;
    uint32_t first, first_before;
    struct hll_run run;
};

/* Where a search stands. */
struct steps {
    const uint8_t *at, *before, *before_that;
    uint32_t first, first_before;
};

/* Goes over one run unless the register is in it. Which kind of run comes next nobody can foretell,
 * so the run's length is found from its bits without asking. */
static inline bool step_over(struct steps *p, uint32_t index)
{
    uint32_t byte = *p->at, is_long = byte >> 6 == 1;
    uint32_t count = (byte & (is_valued((uint8_t)byte) ? 3 : 63)) << (8 * is_long);

    count += 1 + (p->at[1] & -is_long);
    if (index < p->first + count)
        return false;
    p->before_that = p->before;
    p->before = p->at;
    p->first_before = p->first;
    p->at += 1 + is_long;
    p->first += count;
    return true;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Goes over eight runs of one byte each, so many registers, unless the register is in them. */
static inline bool step_over_eight(struct steps *p, uint64_t eight, uint32_t index)
{
    uint64_t mask = EACH(63) ^ (eight >> 7 & EACH(1)) * (63 ^ 3);
    uint64_t counts = (eight & mask) + EACH(1), pairs = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t sums = (counts & pairs) + (counts >> 8 & pairs);
    uint32_t sum = (uint32_t)(sums * UINT64_C(0x0001000100010001) >> 48);

    if (index < p->first + sum)
        return false;
    p->before_that = p->at + 6;
    p->before = p->at + 7;
    p->at += 8;
    p->first += sum;
    p->first_before = p->first - (uint32_t)(counts >> 56);
    return true;
}

static bool search(const struct hll_sparse *s, uint32_t index, struct place *out)
{
    const uint8_t *const end = s->bytes + s->len;
    struct steps p = {.at = s->bytes + s->at,
                      .before = s->bytes + s->before,
                      .before_that = s->bytes,
                      .first = s->first};

    while (end - p.at > 8) {
        uint64_t eight;

        memcpy(&eight, p.at, sizeof(eight));
        bool has_long = eight << 1 & ~eight & EACH(0x80);
        if (!(has_long ? step_over(&p, index) : step_over_eight(&p, eight, index)))
            break;
    }
    while (p.at + 1 < end && step_over(&p, index))
        continue;
    if (p.at >= end)
        return false;
    *out = (struct place){.at = (size_t)(p.at - s->bytes),
                          .before = (size_t)(p.before - s->bytes),
                          .before_that = (size_t)(p.before_that - s->bytes),
                          .first = p.first,
                          .first_before = p.first_before,
                          .run = hll_run_at(p.at, end)};
    return out->run.bytes > 0 && index < p.first + out->run.count;
}

/* Joins two runs of equal registers, where `at` and the byte behind it are such. */
static bool join(struct hll_sparse *s, size_t at)
{
    const uint8_t *end = s->bytes + s->len;
    struct hll_run a, b;

    if (at + 1 >= s->len || !is_valued(s->bytes[at + 1]))
        return false;
    a = hll_run_at(s->bytes + at, end);
    b = hll_run_at(s->bytes + at + 1, end);
    if (a.value != b.value || a.count + b.count > VALUE_RUN_MAX)
        return false;
    (void)run_write(s->bytes + at + 1, a.count + b.count, a.value);
    memmove(s->bytes + at, s->bytes + at + 1, s->len - at - 1);
    s->len--;
    return true;
}

static void join_near(struct hll_sparse *s, size_t at)
{
    for (int left = JOIN_RUNS; left > 0 && at < s->len; left--) {
        if (!is_valued(s->bytes[at]))
            at += s->bytes[at] & 0x40 ? 2 : 1;
        else if (!join(s, at))
            at++;
    }
}

/* Puts `len` bytes in place of the run at `p`. */
static void put(struct hll_sparse *s, const struct place *p, const uint8_t *runs, size_t len)
{
    uint8_t *at = s->bytes + p->at;

    memmove(at + len, at + p->run.bytes, s->len - p->at - p->run.bytes);
    memcpy(at, runs, len);
    s->len += len - p->run.bytes;
}

/* The next search is for a higher register: it begins at the run in front of this one, which may
 * have been joined with it. What stands before that stays as it is. Nothing is known of it where
 * the search ended as it began. */
static void advance(struct hll_sparse *s, const struct place *p)
{
    s->at = p->before;
    s->first = p->first_before;
    s->before = p->before_that;
}

enum hll_change hll_sparse_raise(struct hll_sparse *s, struct hll_mark m)
{
    uint8_t runs[HLL_SPARSE_GROWTH + 2], *end = runs;
    struct place p;

    if (m.value > VALUE_MAX)
        return HLL_TOO_BIG;
    if (!search(s, m.index, &p))
        return HLL_DAMAGED;
    bool is_new_place = p.at != s->at;
    if (p.run.value >= m.value) {
        if (is_new_place)
            advance(s, &p);
        return HLL_SAME;
    }
    end = run_write(end, m.index - p.first, p.run.value);
    end = run_write(end, 1, m.value);
    end = run_write(end, p.first + p.run.count - 1 - m.index, p.run.value);
    size_t len = (size_t)(end - runs);
    if (len > p.run.bytes && s->len + len - p.run.bytes > s->limit)
        return HLL_TOO_BIG;
    put(s, &p, runs, len);
    join_near(s, p.before ? p.before : HLL_HEAD_BYTES);
    hll_outdate_estimate(s->bytes);
    if (is_new_place)
        advance(s, &p);
    else
        hll_sparse_rewind(s);
    return HLL_RAISED;
}

enum hll_change hll_sparse_look(struct hll_sparse *s, struct hll_mark m)
{
    struct place p;

    hll_sparse_rewind(s);
    if (!search(s, m.index, &p))
        return HLL_DAMAGED;
    if (p.run.value >= m.value)
        return HLL_SAME;
    s->at = p.at;
    s->first = p.first;
    s->before = p.before;
    return HLL_RAISED;
}
