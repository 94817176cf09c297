/* A block is its first address and the length of its prefix. */
#include "base/cidr.h"

#include "base/arena.h"

#include <arpa/inet.h>

#define ADDRESS_MAX 15 /* "255.255.255.255" */

static bool address_parse(struct str text, uint32_t *out)
{
    char copy[ADDRESS_MAX + 1];
    struct in_addr address;

    if (text.len == 0 || text.len > ADDRESS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.ptr[i];
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &address) != 1)
        return false;
    *out = ntohl(address.s_addr);
    return true;
}

bool cidr_parse(struct str text, struct cidr *out)
{
    uint64_t prefix = 32;
    uint32_t first;
    bool has_prefix = str_find(text, '/') != SIZE_MAX;
    struct str address = str_cut(&text, '/');

    if (!address_parse(address, &first))
        return false;
    if (has_prefix && (!str_to_u64(text, &prefix) || prefix > 32))
        return false;
    uint32_t rest = prefix == 32 ? 0 : UINT32_MAX >> prefix;
    if (first & rest)
        return false;
    *out = (struct cidr){.first = first, .prefix = (int)prefix};
    return true;
}

uint64_t cidr_size(const struct cidr *c)
{
    return 1ull << (32 - c->prefix);
}

char *cidr_address(struct arena *a, const struct cidr *c, uint64_t index)
{
    uint32_t address = c->first + (uint32_t)index;
    return arena_printf(a, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                        address & 255);
}

bool cidr_index(const struct cidr *c, struct str address, uint64_t *out)
{
    uint32_t value;
    if (!address_parse(address, &value) || value < c->first || value - c->first >= cidr_size(c))
        return false;
    *out = value - c->first;
    return true;
}
