/*
 * HyperLogLogs: elements, dense registers, estimates. The one idea: whatever the form, an estimate
 * needs no more than how many registers have each value.
 *
 * The estimator is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches",
 * arXiv:1702.01284), the hash Appleby's MurmurHash64A.
 */
#include "cacheengine/types/hll.h"

#include <math.h>
#include <string.h>

#define INDEX_BITS 14
#define VALUE_BITS (64 - INDEX_BITS)

enum { FORM_AT = 4, ESTIMATE_AT = 8, FORM_DENSE = 0, FORM_SPARSE = 1, OUTDATED = 0x80 };

/* ---- the whole ---- */

bool hll_is_one(struct str s)
{
    if (s.len < HLL_HEAD_BYTES || memcmp(s.ptr, "HYLL", 4) != 0)
        return false;
    return s.ptr[FORM_AT] == FORM_SPARSE ||
           (s.ptr[FORM_AT] == FORM_DENSE && s.len == HLL_DENSE_BYTES);
}

bool hll_is_dense(struct str s)
{
    return s.ptr[FORM_AT] == FORM_DENSE;
}

void hll_write_empty(uint8_t out[HLL_EMPTY_BYTES])
{
    memset(out, 0, HLL_EMPTY_BYTES);
    memcpy(out, "HYLL", 4);
    out[FORM_AT] = FORM_SPARSE;
    out[HLL_HEAD_BYTES] = 0x40 | (HLL_REGISTERS - 1) >> 8;
    out[HLL_HEAD_BYTES + 1] = (HLL_REGISTERS - 1) & 0xff;
    hll_outdate_estimate(out);
}

bool hll_known_estimate(struct str s, uint64_t *out)
{
    uint64_t v;

    memcpy(&v, s.ptr + ESTIMATE_AT, sizeof(v));
    *out = v;
    return !(v >> 63);
}

void hll_set_estimate(void *bytes, uint64_t estimate)
{
    memcpy((uint8_t *)bytes + ESTIMATE_AT, &estimate, sizeof(estimate));
}

void hll_outdate_estimate(void *bytes)
{
    ((uint8_t *)bytes)[ESTIMATE_AT + 7] |= OUTDATED;
}

/* ---- elements ---- */

static uint64_t murmur(struct str s, uint64_t seed)
{
    const uint64_t factor = UINT64_C(0xc6a4a7935bd1e995);
    uint64_t hash = seed ^ (s.len * factor), word;

    for (; s.len >= sizeof(word); s.ptr += sizeof(word), s.len -= sizeof(word)) {
        memcpy(&word, s.ptr, sizeof(word));
        word *= factor;
        word ^= word >> 47;
        hash = (hash ^ word * factor) * factor;
    }
    if (s.len > 0) {
        word = 0;
        memcpy(&word, s.ptr, s.len);
        hash = (hash ^ word) * factor;
    }
    hash = (hash ^ hash >> 47) * factor;
    return hash ^ hash >> 47;
}

struct hll_mark hll_mark_of(struct str element)
{
    uint64_t hash = murmur(element, UINT64_C(0xadc83b19));
    /* A bit behind the last one ends the count of those that are clear. */
    uint64_t rest = hash >> INDEX_BITS | UINT64_C(1) << VALUE_BITS;

    return (struct hll_mark){.index = (uint32_t)(hash & (HLL_REGISTERS - 1)),
                             .value = (uint8_t)(__builtin_ctzll(rest) + 1)};
}

/* ---- dense registers ---- */

/* A register may begin in one byte and end in the next; the last one ends with the last byte. */
uint8_t hll_dense_get(const void *bytes, uint32_t index)
{
    const uint8_t *at = (const uint8_t *)bytes + HLL_HEAD_BYTES + index * 6 / 8;
    unsigned shift = index * 6 % 8, pair = *at;

    if (shift > 2)
        pair |= (unsigned)at[1] << 8;
    return (uint8_t)(pair >> shift & HLL_REGISTER_MAX);
}

bool hll_dense_raise(void *bytes, struct hll_mark m)
{
    uint8_t *at = (uint8_t *)bytes + HLL_HEAD_BYTES + m.index * 6 / 8;
    unsigned shift = m.index * 6 % 8, mask = HLL_REGISTER_MAX << shift;
    unsigned value = (unsigned)m.value << shift;

    if (hll_dense_get(bytes, m.index) >= m.value)
        return false;
    at[0] = (uint8_t)((at[0] & ~mask) | value);
    if (shift > 2)
        at[1] = (uint8_t)((at[1] & ~(mask >> 8)) | value >> 8);
    return true;
}

/* Four registers are three bytes. */
static inline void unpack_four(const uint8_t *at, uint8_t out[4])
{
    unsigned all = at[0] | (unsigned)at[1] << 8 | (unsigned)at[2] << 16;

    out[0] = all & HLL_REGISTER_MAX;
    out[1] = all >> 6 & HLL_REGISTER_MAX;
    out[2] = all >> 12 & HLL_REGISTER_MAX;
    out[3] = (uint8_t)(all >> 18);
}

static void merge_dense(uint8_t *registers, const uint8_t *at)
{
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4, at += 3) {
        uint8_t four[4];

        unpack_four(at, four);
        for (unsigned j = 0; j < 4; j++)
            registers[i + j] = four[j] > registers[i + j] ? four[j] : registers[i + j];
    }
}

void hll_write_dense(const uint8_t registers[HLL_REGISTERS], const void *head,
                     uint8_t out[HLL_DENSE_BYTES])
{
    uint8_t *to = out + HLL_HEAD_BYTES;

    memcpy(out, head, HLL_HEAD_BYTES);
    out[FORM_AT] = FORM_DENSE;
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4, to += 3) {
        unsigned all = registers[i] | (unsigned)registers[i + 1] << 6 |
                       (unsigned)registers[i + 2] << 12 | (unsigned)registers[i + 3] << 18;

        to[0] = (uint8_t)all;
        to[1] = (uint8_t)(all >> 8);
        to[2] = (uint8_t)(all >> 16);
    }
}

/* ---- both forms ---- */

/* A walk over the runs of a sparse one; at its end `first` is HLL_REGISTERS, or it is damaged. */
struct walk {
    const uint8_t *at, *end;
    struct hll_run run;
    uint32_t first; /* register of the run */
};

static struct walk walk_begin(struct str s)
{
    const uint8_t *bytes = (const uint8_t *)s.ptr;

    return (struct walk){.at = bytes + HLL_HEAD_BYTES, .end = bytes + s.len};
}

static bool walk_next(struct walk *w)
{
    w->at += w->run.bytes;
    w->first += w->run.count;
    w->run = (struct hll_run){0};
    if (w->at >= w->end)
        return false;
    w->run = hll_run_at(w->at, w->end);
    if (w->run.bytes > 0 && w->first + w->run.count <= HLL_REGISTERS)
        return true;
    w->first = UINT32_MAX;
    return false;
}

bool hll_merge(uint8_t registers[HLL_REGISTERS], struct str s)
{
    struct walk w = walk_begin(s);

    if (hll_is_dense(s)) {
        merge_dense(registers, (const uint8_t *)s.ptr + HLL_HEAD_BYTES);
        return true;
    }
    while (walk_next(&w))
        for (uint32_t i = w.first; w.run.value && i < w.first + w.run.count; i++)
            registers[i] = w.run.value > registers[i] ? w.run.value : registers[i];
    return w.first == HLL_REGISTERS;
}

/* Several counters of each value, so that one need not wait for the one before it. */
struct counts {
    uint32_t of[4][HLL_REGISTER_MAX + 1];
};

static inline void count_four(struct counts *c, const uint8_t four[4])
{
    for (unsigned j = 0; j < 4; j++)
        c->of[j][four[j]]++;
}

static void counts_add(const struct counts *c, uint32_t *out)
{
    for (unsigned value = 0; value <= HLL_REGISTER_MAX; value++)
        out[value] = c->of[0][value] + c->of[1][value] + c->of[2][value] + c->of[3][value];
}

static void histogram_dense(const uint8_t *at, uint32_t *out)
{
    struct counts counts = {0};

    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4, at += 3) {
        uint8_t four[4];

        unpack_four(at, four);
        count_four(&counts, four);
    }
    counts_add(&counts, out);
}

bool hll_histogram(struct str s, uint32_t out[HLL_REGISTER_MAX + 1])
{
    struct walk w = walk_begin(s);

    if (hll_is_dense(s)) {
        histogram_dense((const uint8_t *)s.ptr + HLL_HEAD_BYTES, out);
        return true;
    }
    memset(out, 0, (HLL_REGISTER_MAX + 1) * sizeof(*out));
    while (walk_next(&w))
        out[w.run.value] += w.run.count;
    return w.first == HLL_REGISTERS;
}

void hll_histogram_of(const uint8_t registers[HLL_REGISTERS], uint32_t out[HLL_REGISTER_MAX + 1])
{
    struct counts counts = {0};
    uint32_t zeros = 0;

    for (uint32_t i = 0; i < HLL_REGISTERS; i += 8) {
        uint64_t eight;

        memcpy(&eight, registers + i, sizeof(eight));
        if (eight == 0) {
            zeros += 8;
            continue;
        }
        count_four(&counts, registers + i);
        count_four(&counts, registers + i + 4);
    }
    counts_add(&counts, out);
    out[0] += zeros;
}

/* ---- estimates ---- */

/* What registers that were never set stand for. */
static double sigma(double x)
{
    double sum = x, step = 1, before;

    if (x == 1)
        return INFINITY;
    do {
        before = sum;
        x *= x;
        sum += x * step;
        step += step;
    } while (sum != before);
    return sum;
}

/* What registers that can rise no more stand for. */
static double tau(double x)
{
    double sum = 1 - x, step = 1, before;

    if (x == 0 || x == 1)
        return 0;
    do {
        before = sum;
        x = sqrt(x);
        step *= 0.5;
        sum -= (1 - x) * (1 - x) * step;
    } while (sum != before);
    return sum / 3;
}

uint64_t hll_estimate(const uint32_t histogram[HLL_REGISTER_MAX + 1])
{
    const double half_by_ln2 = 0.721347520444481703680, all = HLL_REGISTERS;
    double z = all * tau((all - histogram[VALUE_BITS + 1]) / all);

    for (int value = VALUE_BITS; value >= 1; value--)
        z = (z + histogram[value]) * 0.5;
    z += all * sigma(histogram[0] / all);
    return (uint64_t)llroundl((long double)(half_by_ln2 * all * all / z));
}
