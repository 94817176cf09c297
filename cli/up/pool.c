/* Cutting a block of addresses: a longer prefix for each host, counted up in the bits it gained. */
#include "cli/up/pool.h"

#include "base/arena.h"
#include "base/cidr.h"
#include "base/ip.h"

enum { IPV4_BITS = 32, POOL_PREFIX_MAX = 28, IPV6_BITS = 128, POOL6_ADDRESSES = 16 };

struct err pool_split(struct arena *a, const char *cidr, size_t count, const char ***out)
{
    struct cidr whole;
    int bits = 0;

    check(count > 0);
    if (!cidr_parse(str_of(cidr), &whole))
        return err_format(a, ERR_INVALID, "%s is no block of IPv4 addresses such as 127.77.0.0/16",
                          cidr);
    while (((size_t)1 << bits) < count)
        bits++;
    if (whole.prefix + bits > POOL_PREFIX_MAX)
        return err_format(a, ERR_LIMIT, "%s is too small for %zu hosts: give a /%d or larger", cidr,
                          count, bits < POOL_PREFIX_MAX ? POOL_PREFIX_MAX - bits : 0);

    const char **blocks = arena_array(a, count, sizeof(*blocks));
    const int prefix = whole.prefix + bits;
    for (size_t i = 0; i < count; i++) {
        const uint64_t first = (uint64_t)i << (IPV4_BITS - prefix);
        blocks[i] = arena_printf(a, "%s/%d", cidr_address(a, &whole, first), prefix);
    }
    *out = blocks;
    return OK;
}

static int bits_of(uint64_t count)
{
    return count <= 1 ? 0 : 64 - __builtin_clzll(count - 1);
}

struct err pool6_split(struct arena *a, const char *cidr, size_t count, size_t sharing,
                       const char ***out)
{
    struct ip_block whole;

    *out = arena_array(a, count, sizeof(**out));
    if (!cidr)
        return OK;
    if (!ip_block_parse(str_of(cidr), &whole) || !ip_is_v6(&whole.first))
        return err_format(a, ERR_INVALID, "%s is no block of IPv6 addresses such as fd00:77::/64",
                          cidr);
    for (size_t i = 0; i < sharing && i < count && whole.count == 1; i++)
        (*out)[i] = cidr;
    if (whole.count == 1)
        return OK;
    const int bits = bits_of(whole.count) - bits_of(count);
    if (bits < bits_of(POOL6_ADDRESSES))
        return err_format(a, ERR_LIMIT, "%s is too small for %zu hosts: give a /%d or larger", cidr,
                          count, IPV6_BITS - bits_of(POOL6_ADDRESSES) - bits_of(count));
    for (size_t i = 0; i < count; i++) {
        const struct ip first = ip_block_at(&whole, (uint64_t)i << bits);
        (*out)[i] = arena_printf(a, "%s/%d", ip_text(a, &first), IPV6_BITS - bits);
    }
    return OK;
}
