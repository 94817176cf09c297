/* Availability zones as the EC2 calls name them; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_ZONES_H
#define LARDER_CONTROLPLANE_OPS_ZONES_H

#include "controlplane/model/network.h"
#include "controlplane/ops/call.h"

/* Zones of the caller's region: those of its hosts, and where none is there those that are usual
 * (a, b, c). */
must_use struct err zones_of_region(struct call *c, const char ***out, size_t *out_count);

/* "use1-az1" for us-east-1a: the number of the letter; other names stand for themselves. */
const char *zone_id(struct call *c, const char *zone);

/* The zone that a request names by name or id, or the one with the fewest subnets where it names
 * none. FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err zone_choose(struct call *c, const struct network *n, const char *name,
                                const char *id, const char **out);

#endif
