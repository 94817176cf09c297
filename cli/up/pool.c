/* Cutting a block of addresses: a longer prefix for each host, counted up in the bits it gained. */
#include "cli/up/pool.h"

#include "base/arena.h"
#include "base/str.h"

#include <arpa/inet.h>

enum { IPV4_BITS = 32, POOL_PREFIX_MAX = 28 };

struct block {
    uint32_t first; /* host byte order */
    unsigned prefix;
};

static uint32_t host_mask(unsigned prefix)
{
    return prefix == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (IPV4_BITS - prefix)) - 1);
}

static bool block_parse(struct arena *a, const char *cidr, struct block *out)
{
    struct str rest = str_of(cidr);
    struct str address = str_cut(&rest, '/');
    struct in_addr bytes;
    uint64_t prefix;

    if (inet_pton(AF_INET, str_dup(a, address), &bytes) != 1)
        return false;
    if (!str_to_u64(rest, &prefix) || prefix > IPV4_BITS)
        return false;
    *out = (struct block){ntohl(bytes.s_addr), (unsigned)prefix};
    return (out->first & host_mask(out->prefix)) == 0;
}

static const char *block_text(struct arena *a, struct block b)
{
    return arena_printf(a, "%u.%u.%u.%u/%u", b.first >> 24, b.first >> 16 & 255, b.first >> 8 & 255,
                        b.first & 255, b.prefix);
}

struct err pool_split(struct arena *a, const char *cidr, size_t count, const char ***out)
{
    struct block whole;
    unsigned bits = 0;

    check(count > 0);
    if (!block_parse(a, cidr, &whole))
        return err_format(a, ERR_INVALID, "%s is no block of IPv4 addresses such as 127.77.0.0/16",
                          cidr);
    while (((size_t)1 << bits) < count)
        bits++;
    if (whole.prefix + bits > POOL_PREFIX_MAX)
        return err_format(a, ERR_LIMIT, "%s is too small for %zu hosts: give a /%u or larger", cidr,
                          count, bits < POOL_PREFIX_MAX ? POOL_PREFIX_MAX - bits : 0);

    const char **blocks = arena_array(a, count, sizeof(*blocks));
    const unsigned prefix = whole.prefix + bits;
    for (size_t i = 0; i < count; i++) {
        uint32_t first = whole.first + (uint32_t)((uint64_t)i << (IPV4_BITS - prefix));
        blocks[i] = block_text(a, (struct block){first, prefix});
    }
    *out = blocks;
    return OK;
}
