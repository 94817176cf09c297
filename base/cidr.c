/* A block is its first address and the length of its prefix. */
#include "base/cidr.h"

#include "base/arena.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <string.h>

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

bool cidr_holds(const struct cidr *outer, const struct cidr *inner)
{
    return inner->prefix >= outer->prefix && inner->first >= outer->first &&
           inner->first - outer->first < cidr_size(outer);
}

/* Blocks are aligned to their size: two that meet are one inside of the other. */
bool cidr_overlaps(const struct cidr *x, const struct cidr *y)
{
    return cidr_holds(x, y) || cidr_holds(y, x);
}

char *cidr_text(struct arena *a, const struct cidr *c)
{
    return arena_printf(a, "%s/%d", cidr_address(a, c, 0), c->prefix);
}

/* --- IPv6 --- */

static bool bit_of(const unsigned char *address, int at)
{
    return address[at / 8] >> (7 - at % 8) & 1;
}

bool cidr6_parse(struct str text, struct cidr6 *out)
{
    char copy[INET6_ADDRSTRLEN];
    struct cidr6 c;
    uint64_t prefix;
    struct str address = str_cut(&text, '/');

    if (address.len == 0 || address.len >= sizeof(copy) || !str_to_u64(text, &prefix) ||
        prefix > 128)
        return false;
    memcpy(copy, address.ptr, address.len);
    copy[address.len] = '\0';
    if (inet_pton(AF_INET6, copy, c.first) != 1)
        return false;
    c.prefix = (int)prefix;
    for (int i = c.prefix; i < 128; i++)
        if (bit_of(c.first, i))
            return false;
    *out = c;
    return true;
}

bool cidr6_holds(const struct cidr6 *outer, const struct cidr6 *inner)
{
    if (inner->prefix < outer->prefix)
        return false;
    for (int i = 0; i < outer->prefix; i++)
        if (bit_of(outer->first, i) != bit_of(inner->first, i))
            return false;
    return true;
}

char *cidr6_text(struct arena *a, const struct cidr6 *c)
{
    char text[INET6_ADDRSTRLEN];

    check(inet_ntop(AF_INET6, c->first, text, sizeof(text)) != NULL);
    return arena_printf(a, "%s/%d", text, c->prefix);
}
