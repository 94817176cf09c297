/* By which kinds of addresses a cache can be reached, as plain data, and the interface's words for
 * it. */
#ifndef LARDER_CONTROLPLANE_MODEL_REACH_H
#define LARDER_CONTROLPLANE_MODEL_REACH_H

#include <stdbool.h>

/* "ipv4", "ipv6", "dual_stack": as stored and as the interface has it. */
enum network_type { NETWORK_IPV4, NETWORK_IPV6, NETWORK_DUAL_STACK };

/* "ipv4", "ipv6". */
enum ip_family { FAMILY_IPV4, FAMILY_IPV6 };

struct reach {
    enum network_type network;
    enum ip_family discovery; /* of the addresses that clients are told */
};

const char *network_type_name(enum network_type type);
bool network_type_parse(const char *name, enum network_type *out);
const char *ip_family_name(enum ip_family family);
bool ip_family_parse(const char *name, enum ip_family *out);

/* Whether nodes have addresses of that family. */
bool network_type_has(enum network_type type, enum ip_family family);

#endif
