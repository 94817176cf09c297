/*
 * LZF. Long strings and all that is unpacked go through liblzf. Short ones, which most are, are
 * packed here: liblzf spreads the places it has seen over half a megabyte, which costs a miss for
 * every byte of them, while a table of their own size stays close.
 *
 * What LZF looks like: a byte below 32 is followed by so many bytes, and one more, as they are.
 * Others copy what came before: 3 bits of length and 13 of distance, in two bytes; the length 7
 * continues in a byte between them.
 */
#include "cacheengine/keyspace/lzf.h"

#include <endian.h>
#include <liblzf/lzf.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#define SHORT_MAX   8192 /* as far as a copy can look back */
#define LITERAL_MAX 32
#define COPY_MIN    3
#define COPY_MAX    264

/* Where a short string's packed bytes go. */
struct packed {
    uint8_t *to, *full;
};

/* Three bytes as a number; a fourth is read too. */
static inline uint32_t three_bytes(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return le32toh(v) << 8;
}

static bool put_literals(struct packed *p, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        size_t part = (size_t)(end - at) < LITERAL_MAX ? (size_t)(end - at) : LITERAL_MAX;

        if ((size_t)(p->full - p->to) <= part)
            return false;
        *p->to++ = (uint8_t)(part - 1);
        memcpy(p->to, at, part);
        p->to += part;
        at += part;
    }
    return true;
}

static bool put_copy(struct packed *p, size_t distance, size_t len)
{
    size_t back = distance - 1, more = len - 2;

    if (p->full - p->to < 3)
        return false;
    *p->to++ = (uint8_t)((more < 7 ? more : 7) << 5 | back >> 8);
    if (more >= 7)
        *p->to++ = (uint8_t)(more - 7);
    *p->to++ = (uint8_t)back;
    return true;
}

/* How far two places are alike, which they are for COPY_MIN. */
static size_t same_len(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    size_t max = (size_t)(end - b), len = COPY_MIN;

    if (max > COPY_MAX)
        max = COPY_MAX;
    while (len < max && a[len] == b[len])
        len++;
    return len;
}

static size_t pack_short(const uint8_t *from, size_t len, uint8_t *to, size_t room, unsigned bits)
{
    const uint8_t *at = from + 1, *end = from + len, *literals = from;
    struct packed p = {to, to + room};
    uint16_t seen[1 << 12]; /* places by a hash of three bytes; what was not seen is the first */

    memset(seen, 0, sizeof(*seen) << bits);
    while (at + COPY_MIN < end) {
        uint32_t three = three_bytes(at);
        uint16_t *place = &seen[three * 0x9e3779b1U >> (32 - bits)];
        const uint8_t *before = from + *place;

        *place = (uint16_t)(at - from);
        if (three_bytes(before) != three) {
            /* The longer nothing is alike, the less hope there is. */
            at += 1 + ((at - literals) >> 5);
            continue;
        }
        size_t same = same_len(before, at, end);
        if (!put_literals(&p, literals, at) || !put_copy(&p, (size_t)(at - before), same))
            return 0;
        at += same;
        literals = at;
    }
    return put_literals(&p, literals, end) ? (size_t)(p.to - to) : 0;
}

size_t lzf_pack(const void *from, size_t len, void *to, size_t room)
{
    if (len < COPY_MIN || len > UINT_MAX || room < 4 || room > UINT_MAX)
        return 0;
    if (len <= SHORT_MAX)
        return pack_short(from, len, to, room, len <= 256 ? 8 : len <= 2048 ? 10 : 12);
    return lzf_compress(from, (unsigned)len, to, (unsigned)room);
}

bool lzf_unpack(const void *from, size_t packed_len, void *to, size_t len)
{
    if (packed_len == 0 || len == 0 || packed_len > UINT_MAX || len > UINT_MAX)
        return false;
    return lzf_decompress(from, (unsigned)packed_len, to, (unsigned)len) == len;
}
