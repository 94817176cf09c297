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

static bool search(const struct hll_sparse *s, uint32_t index, struct place *p)
{
    const uint8_t *end = s->bytes + s->len;

    *p = (struct place){.at = s->at, .before = s->before, .first = s->first};
    while (p->at < s->len) {
        p->run = hll_run_at(s->bytes + p->at, end);
        if (p->run.bytes == 0)
            return false;
        if (index < p->first + p->run.count)
            return true;
        p->before_that = p->before;
        p->before = p->at;
        p->first_before = p->first;
        p->at += p->run.bytes;
        p->first += p->run.count;
    }
    return false;
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

/* The next search is for a higher register: it begins at the run in front of this one, which may be
 * joined with it. What stands before that stays as it is. */
static void advance(struct hll_sparse *s, const struct place *p)
{
    if (p->at == s->at) {
        hll_sparse_rewind(s);
        return;
    }
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
    if (p.run.value >= m.value)
        return HLL_SAME;
    end = run_write(end, m.index - p.first, p.run.value);
    end = run_write(end, 1, m.value);
    end = run_write(end, p.first + p.run.count - 1 - m.index, p.run.value);
    size_t len = (size_t)(end - runs);
    if (len > p.run.bytes && s->len + len - p.run.bytes > s->limit)
        return HLL_TOO_BIG;
    put(s, &p, runs, len);
    join_near(s, p.before ? p.before : HLL_HEAD_BYTES);
    hll_outdate_estimate(s->bytes);
    advance(s, &p);
    return HLL_RAISED;
}

enum hll_change hll_sparse_look(struct str s, struct hll_mark m)
{
    struct hll_sparse whole = {.bytes = (uint8_t *)s.ptr, .len = s.len};
    struct place p;

    hll_sparse_rewind(&whole);
    if (!search(&whole, m.index, &p))
        return HLL_DAMAGED;
    return p.run.value >= m.value ? HLL_SAME : HLL_RAISED;
}
