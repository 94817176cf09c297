/* One space of 128 bits for both families, so that whoever counts addresses need not tell them
 * apart. */
#include "base/ip.h"

#include "base/arena.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#define V4_HIGH  0xffff00000000ull /* ::ffff:0:0 */
#define V4_MASK  0xffffffff00000000ull
#define BITS     128
#define V4_BITS  96 /* in front of one of IPv4 */
#define HALF     64
#define MOST_LOG 63 /* of what a block counts */

bool ip_parse(struct str text, struct ip *out)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;

    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strlen(copy) != text.len)
        return false;
    if (inet_pton(AF_INET, copy, &four) == 1) {
        *out = (struct ip){0, V4_HIGH | ntohl(four.s_addr)};
        return true;
    }
    if (inet_pton(AF_INET6, copy, &six) != 1)
        return false;
    memcpy(&out->high, six.s6_addr, sizeof(out->high));
    memcpy(&out->low, six.s6_addr + sizeof(out->high), sizeof(out->low));
    *out = (struct ip){be64toh(out->high), be64toh(out->low)};
    return true;
}

bool ip_is_v6(const struct ip *address)
{
    return address->high != 0 || (address->low & V4_MASK) != V4_HIGH;
}

bool ip_is(const struct ip *x, const struct ip *y)
{
    return x->high == y->high && x->low == y->low;
}

char *ip_text(struct arena *a, const struct ip *address)
{
    char text[INET6_ADDRSTRLEN];
    uint64_t halves[] = {htobe64(address->high), htobe64(address->low)};
    struct in_addr four = {htonl((uint32_t)address->low)};

    const char *done = ip_is_v6(address) ? inet_ntop(AF_INET6, halves, text, sizeof(text))
                                         : inet_ntop(AF_INET, &four, text, sizeof(text));
    check(done != NULL);
    return arena_strdup(a, text);
}

/* What of the lower half is behind a prefix. */
static uint64_t behind(int prefix)
{
    return prefix >= BITS ? 0 : prefix <= HALF ? UINT64_MAX : UINT64_MAX >> (prefix - HALF);
}

bool ip_block_parse(struct str text, struct ip_block *out)
{
    bool has_prefix = str_find(text, '/') != SIZE_MAX;
    struct str address = str_cut(&text, '/');
    uint64_t prefix = BITS;
    struct ip first;

    if (!ip_parse(address, &first))
        return false;
    int front = ip_is_v6(&first) ? 0 : V4_BITS;
    if (has_prefix && (!str_to_u64(text, &prefix) || prefix > (uint64_t)(BITS - front)))
        return false;
    if (has_prefix)
        prefix += (uint64_t)front;
    uint64_t high = prefix >= HALF ? 0 : UINT64_MAX >> prefix;
    if ((first.high & high) || (first.low & behind((int)prefix)))
        return false;
    int bits = BITS - (int)prefix;
    *out = (struct ip_block){first, 1ull << (bits < MOST_LOG ? bits : MOST_LOG)};
    return true;
}

struct ip ip_block_at(const struct ip_block *block, uint64_t index)
{
    return (struct ip){block->first.high, block->first.low + index};
}

bool ip_block_holds(const struct ip_block *block, const struct ip *address)
{
    return address->high == block->first.high && address->low >= block->first.low &&
           address->low - block->first.low < block->count;
}

struct ip_block ip_block_usable(const struct ip_block *block)
{
    if (block->count <= 2)
        return *block;
    return (struct ip_block){ip_block_at(block, 1), block->count - 2};
}
