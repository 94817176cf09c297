/* Cutting a block of addresses: a longer prefix for each host, counted up in the bits it gained. */
#include "cli/up/pool.h"

#include "base/arena.h"
#include "base/cidr.h"

enum { IPV4_BITS = 32, POOL_PREFIX_MAX = 28 };

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
