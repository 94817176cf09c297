/* A block of IPv4 addresses in CIDR form, cut into equal blocks for the hosts of one machine. */
#ifndef LARDER_CLI_UP_POOL_H
#define LARDER_CLI_UP_POOL_H

#include "base/err.h"

#include <stddef.h>

struct arena;

/*
 * Cuts `cidr` ("127.77.0.0/16") into the smallest power of two of equal blocks that is at least
 * `count`, and gives the first `count` of them ("127.77.0.0/18", ...) in `a`. ERR_INVALID when the
 * text is no block with its host bits zero; ERR_LIMIT when less than 16 addresses would be left to
 * each.
 */
must_use struct err pool_split(struct arena *a, const char *cidr, size_t count, const char ***out);

/*
 * The same of a block of IPv6. NULL gives NULLs; a block of one address is shared by the first
 * `sharing` hosts, which are those of one region, and all others have none.
 */
must_use struct err pool6_split(struct arena *a, const char *cidr, size_t count, size_t sharing,
                                const char ***out);

#endif
