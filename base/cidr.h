/* Blocks of IPv4 addresses ("127.77.0.0/18"): what a host may give to its nodes, what a network is
 * made of. And blocks of IPv6 addresses, as far as networks need them. */
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

/* Every address of `inner` is in `outer`; some address is in both. */
bool cidr_holds(const struct cidr *outer, const struct cidr *inner);
bool cidr_overlaps(const struct cidr *x, const struct cidr *y);

/* "a.b.c.d/n" in `a`. */
char *cidr_text(struct arena *a, const struct cidr *c);

struct cidr6 {
    unsigned char first[16]; /* in network order */
    int prefix;              /* 0 to 128 */
};

/* "2001:db8::/56"; the prefix must be there. False as cidr_parse. */
bool cidr6_parse(struct str text, struct cidr6 *out);
bool cidr6_holds(const struct cidr6 *outer, const struct cidr6 *inner);

/* The shortest form, "2001:db8::/56"; in `a`. */
char *cidr6_text(struct arena *a, const struct cidr6 *c);

#endif
