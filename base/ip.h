/* Addresses of either family as numbers, and blocks of them: what a host may give to its nodes. An
 * address of IPv4 is the one that it is mapped to in IPv6. */
#ifndef LARDER_BASE_IP_H
#define LARDER_BASE_IP_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct ip {
    uint64_t high, low;
};

/* "10.0.0.1", "fd00::1". False for anything else; addresses of IPv4 written as ones of IPv6 are
 * that. */
bool ip_parse(struct str text, struct ip *out);
bool ip_is_v6(const struct ip *address);
bool ip_is(const struct ip *x, const struct ip *y);

/* The shortest form; in `a`. */
char *ip_text(struct arena *a, const struct ip *address);

/* `first` + 0 .. `first` + count - 1. */
struct ip_block {
    struct ip first;
    uint64_t count; /* no more than 2^63, however large the block was */
};

/* "127.77.0.0/18", "fd00::/64", or an address for a block of one. False when malformed or when bits
 * behind the prefix are set. */
bool ip_block_parse(struct str text, struct ip_block *out);

/* `index` is below count. */
struct ip ip_block_at(const struct ip_block *block, uint64_t index);
bool ip_block_holds(const struct ip_block *block, const struct ip *address);

/* What of the block hosts may have as their addresses: where there is room, not the first one and
 * not the last one. */
struct ip_block ip_block_usable(const struct ip_block *block);

#endif
