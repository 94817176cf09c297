/*
 * Bits, eight bytes at a time. The one idea: where order matters, a word is loaded with the first
 * byte at its top, so that its bits stand in the order in which clients count them.
 */
#include "cacheengine/types/bits.h"

#include <string.h>

#define BLOCK \
    8192 /* bytes that are combined over all runs before the next: they stay in the cache */

/* Eight bytes, the first at the top. */
static uint64_t load(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof(v));
    return __builtin_bswap64(v);
}

/* The same where fewer than eight may be left; zeros behind them. */
static uint64_t load_some(const uint8_t *at, uint64_t left)
{
    uint64_t v = 0;

    if (left >= sizeof(v))
        return load(at);
    memcpy(&v, at, (size_t)left);
    return __builtin_bswap64(v);
}

/* ---- counting ---- */

/* Four sums, so that one addition need not wait for the other. */
#define COUNT_BODY                                                     \
    uint64_t sums[4] = {0}, word;                                      \
                                                                       \
    for (; len >= 32; at += 32, len -= 32)                             \
        for (int i = 0; i < 4; i++) {                                  \
            memcpy(&word, at + 8 * i, sizeof(word));                   \
            sums[i] += (uint64_t)__builtin_popcountll(word);           \
        }                                                              \
    for (; len > 0; at += 8, len -= len < 8 ? len : 8)                 \
        sums[0] += (uint64_t)__builtin_popcountll(load_some(at, len)); \
    return sums[0] + sums[1] + sums[2] + sums[3];

static uint64_t count_plain(const uint8_t *at, size_t len)
{
    COUNT_BODY
}

#if defined(__x86_64__)
/* The oldest processors of this kind count bits by table; all that are in use have an instruction.
 */
__attribute__((target("popcnt"))) static uint64_t count_popcnt(const uint8_t *at, size_t len)
{
    COUNT_BODY
}
#endif

static uint64_t count_bytes(const uint8_t *at, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        return count_popcnt(at, len);
#endif
    return count_plain(at, len);
}

uint64_t bits_count(const void *bytes, uint64_t first, uint64_t end)
{
    const uint8_t *at = bytes;

    if (first >= end)
        return 0;
    uint64_t count = count_bytes(at + first / 8, (size_t)((end + 7) / 8 - first / 8));
    /* Less those of the first and last byte that are outside. */
    count -= (uint64_t)__builtin_popcount(at[first / 8] & ~(0xffU >> first % 8) & 0xff);
    if (end % 8)
        count -= (uint64_t)__builtin_popcount(at[end / 8] & (0xffU >> end % 8));
    return count;
}

/* ---- finding ---- */

int64_t bits_find(const void *bytes, uint64_t first, uint64_t end, bool is_set)
{
    const uint8_t *at = bytes;
    uint64_t flip = is_set ? 0 : ~0ULL, mask = ~0ULL >> first % 8;

    for (uint64_t place = first / 8 * 8; place < end; place += 64, mask = ~0ULL) {
        uint64_t left = (end + 7) / 8 - place / 8;
        uint64_t word = (load_some(at + place / 8, left) ^ flip) & mask;

        if (word) {
            place += (uint64_t)__builtin_clzll(word);
            return place < end ? (int64_t)place : -1;
        }
    }
    return -1;
}

/* ---- numbers ---- */

uint64_t bits_get(const void *bytes, size_t len, uint64_t at, unsigned width)
{
    uint8_t near[16] = {0};
    uint64_t from = at / 8;
    unsigned skip = at % 8;

    if (from < len)
        memcpy(near, (const uint8_t *)bytes + from, len - from < 9 ? (size_t)(len - from) : 9);
    uint64_t top = load(near) << skip;
    if (skip)
        top |= (uint64_t)near[8] >> (8 - skip);
    return top >> (64 - width);
}

void bits_put(void *bytes, uint64_t at, unsigned width, uint64_t v)
{
    uint8_t *to = bytes;

    /* From the low end, a byte or what is left of one at a time. */
    for (uint64_t end = at + width; end > at;) {
        unsigned below = (unsigned)((8 - end % 8) % 8); /* bits of the byte behind the number */
        unsigned part = 8 - below;

        if (part > end - at)
            part = (unsigned)(end - at);
        unsigned mask = ((1U << part) - 1) << below;
        uint8_t *byte = to + (end - 1) / 8;
        *byte = (uint8_t)((*byte & ~mask) | ((v << below) & mask));
        v >>= part;
        end -= part;
    }
}

/* ---- combining ---- */

#define COMBINE_WORDS(to, from, len, operation)              \
    do {                                                     \
        size_t i = 0;                                        \
                                                             \
        for (; i + 8 <= (len); i += 8) {                     \
            uint64_t a, b;                                   \
                                                             \
            memcpy(&a, (to) + i, 8);                         \
            memcpy(&b, (from) + i, 8);                       \
            a = a operation b;                               \
            memcpy((to) + i, &a, 8);                         \
        }                                                    \
        for (; i < (len); i++)                               \
            (to)[i] = (uint8_t)((to)[i] operation(from)[i]); \
    } while (0)

/* Joins a piece of one run, of which `have` bytes are there, to `len` bytes of the result. */
static void combine_piece(enum bits_operation operation, uint8_t *to, const uint8_t *from,
                          size_t have, size_t len)
{
    if (operation == BITS_AND) {
        COMBINE_WORDS(to, from, have, &);
        memset(to + have, 0, len - have);
    } else if (operation == BITS_OR) {
        COMBINE_WORDS(to, from, have, |);
    } else {
        COMBINE_WORDS(to, from, have, ^);
    }
}

/* What a run has of the `len` bytes from `at` on. */
static size_t piece_of(struct str run, size_t at, size_t len)
{
    size_t left = run.len > at ? run.len - at : 0;

    return left < len ? left : len;
}

void bits_combine(enum bits_operation operation, const struct str *runs, size_t count, void *out,
                  size_t len)
{
    for (size_t at = 0; at < len; at += BLOCK) {
        size_t part = len - at < BLOCK ? len - at : BLOCK;
        uint8_t *to = (uint8_t *)out + at;
        size_t have = piece_of(runs[0], at, part);

        if (have)
            memcpy(to, runs[0].ptr + at, have);
        memset(to + have, 0, part - have);
        if (operation == BITS_NOT)
            for (size_t i = 0; i < part; i++)
                to[i] = (uint8_t)~to[i];
        for (size_t i = 1; operation != BITS_NOT && i < count; i++) {
            have = piece_of(runs[i], at, part);
            combine_piece(operation, to, have ? (const uint8_t *)runs[i].ptr + at : to, have, part);
        }
    }
}
