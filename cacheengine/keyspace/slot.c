/*
 * Slots of keys, and sets of slots. The one idea: eight bytes of a key go into the checksum with
 * eight independent loads; what is missing at its front is made up with zeros, which leave a sum
 * that begins with zero alone.
 */
#include "cacheengine/keyspace/slot.h"

/* What each bit of a byte adds to the sum (CRC16, polynomial 0x1021) when so many bytes follow it;
 * of that, what every byte adds. */
#define BIT(v, n, c)  ((v) >> (n)&1 ? (c) : 0)
#define SUM1(v, a, b) (BIT(v, 0, a) ^ BIT(v, 1, b))
#define SUM(v, a, b, c, d, e, f, g, h) \
    (SUM1(v, a, b) ^ SUM1((v) >> 2, c, d) ^ SUM1((v) >> 4, e, f) ^ SUM1((v) >> 6, g, h))
#define SUM4(v, ...) \
    SUM(v, __VA_ARGS__), SUM(v + 1, __VA_ARGS__), SUM(v + 2, __VA_ARGS__), SUM(v + 3, __VA_ARGS__)
#define SUM16(v, ...)                                                         \
    SUM4(v, __VA_ARGS__), SUM4(v + 4, __VA_ARGS__), SUM4(v + 8, __VA_ARGS__), \
        SUM4(v + 12, __VA_ARGS__)
#define SUM64(v, ...)                                                              \
    SUM16(v, __VA_ARGS__), SUM16(v + 16, __VA_ARGS__), SUM16(v + 32, __VA_ARGS__), \
        SUM16(v + 48, __VA_ARGS__)
#define SLICE(...)                                                              \
    {                                                                           \
        SUM64(0, __VA_ARGS__), SUM64(64, __VA_ARGS__), SUM64(128, __VA_ARGS__), \
            SUM64(192, __VA_ARGS__)                                             \
    }

static const uint16_t slices[8][256] = {
    SLICE(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188),
    SLICE(0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98),
    SLICE(0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a),
    SLICE(0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38),
    SLICE(0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x22d0),
    SLICE(0x45a0, 0x8b40, 0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xd420),
    SLICE(0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0xabf9),
    SLICE(0x47d3, 0x8fa6, 0x0f6d, 0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xfd81),
};

static uint64_t load_big(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static uint64_t add_eight(uint64_t sum, uint64_t bytes)
{
    uint64_t v = bytes ^ sum << 48;

    return slices[7][v >> 56] ^ slices[6][v >> 48 & 255] ^ slices[5][v >> 40 & 255] ^
           slices[4][v >> 32 & 255] ^ slices[3][v >> 24 & 255] ^ slices[2][v >> 16 & 255] ^
           slices[1][v >> 8 & 255] ^ slices[0][v & 255];
}

static uint32_t crc16(const char *p, size_t len)
{
    size_t odd = len % 8;
    uint64_t head = 0, sum = 0;

    if (len >= 8 && odd) {
        head = load_big(p) >> (64 - 8 * odd);
        sum = add_eight(0, head);
    } else if (odd) {
        for (size_t i = 0; i < odd; i++)
            head = head << 8 | (unsigned char)p[i];
        sum = add_eight(0, head);
    }
    for (size_t at = odd; at < len; at += 8)
        sum = add_eight(sum, load_big(p + at));
    return (uint32_t)sum;
}

uint32_t slot_of_key(const char *key, size_t len)
{
    const char *open = len ? memchr(key, '{', len) : NULL;

    if (__builtin_expect(open != NULL, 0)) {
        const char *tag = open + 1;
        const char *close = memchr(tag, '}', len - (size_t)(tag - key));

        if (close && close > tag)
            return crc16(tag, (size_t)(close - tag)) % SLOT_COUNT;
    }
    return crc16(key, len) % SLOT_COUNT;
}

int slot_of_pattern(const char *pattern, size_t len)
{
    const char *tag = memchr(pattern, '{', len);
    const char *end = tag ? memchr(tag, '}', len - (size_t)(tag - pattern)) : NULL;
    size_t counts = end && end > tag + 1 ? (size_t)(end - pattern) : len;

    for (size_t i = 0; i < counts; i++)
        if (strchr("*?[\\", pattern[i]) && pattern[i])
            return -1;
    return (int)slot_of_key(pattern, len);
}

/* ---- sets ---- */

void slot_set_join(struct slot_set *s, const struct slot_set *other)
{
    for (size_t i = 0; i < SLOT_COUNT / 64; i++)
        s->words[i] |= other->words[i];
}

void slot_set_subtract(struct slot_set *s, const struct slot_set *other)
{
    for (size_t i = 0; i < SLOT_COUNT / 64; i++)
        s->words[i] &= ~other->words[i];
}

bool slot_set_meets(const struct slot_set *a, const struct slot_set *b)
{
    uint64_t common = 0;

    for (size_t i = 0; i < SLOT_COUNT / 64; i++)
        common |= a->words[i] & b->words[i];
    return common != 0;
}

uint32_t slot_set_count(const struct slot_set *s)
{
    int count = 0;

    for (size_t i = 0; i < SLOT_COUNT / 64; i++)
        count += __builtin_popcountll(s->words[i]);
    return (uint32_t)count;
}

bool slot_set_run(const struct slot_set *s, uint32_t from, uint32_t *first, uint32_t *last)
{
    uint32_t slot = from;

    while (slot < SLOT_COUNT && !slot_set_has(s, slot))
        slot += s->words[slot / 64] >> (slot % 64) ? 1 : 64 - slot % 64;
    if (slot >= SLOT_COUNT)
        return false;
    *first = slot;
    while (slot + 1 < SLOT_COUNT && slot_set_has(s, slot + 1))
        slot++;
    *last = slot;
    return true;
}
