/* Blocks of IPv4 addresses ("127.77.0.0/18"): what a host may give to its nodes. */
#ifndef LARDER_BASE_CIDR_H
#define LARDER_BASE_CIDR_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct cidr {
    uint32_t first; /* lowest address, in host byte order */
    int prefix;     /* 0 to 32 */
};

/* "a.b.c.d/n", or "a.b.c.d" for a block of one. False when malformed or when bits behind the prefix
 * are set. */
bool cidr_parse(struct str text, struct cidr *out);

/* Number of addresses in the block, all of them counted. */
uint64_t cidr_size(const struct cidr *c);

/* The address at `index` (0 = first), as text in `a`. */
char *cidr_address(struct arena *a, const struct cidr *c, uint64_t index);

/* Where an address stands in the block; false when it is not in it or not an address. */
bool cidr_index(const struct cidr *c, struct str address, uint64_t *out);

#endif
