/* The caller's network inventory; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_NETWORK_H
#define LARDER_CONTROLPLANE_OPS_NETWORK_H

#include "controlplane/model/network.h"
#include "controlplane/ops/call.h"

/* True when the account lacks something that network_open would give it. */
must_use struct err network_is_due(struct call *c, bool *out);

/*
 * Reads the inventory. An account that calls for the first time is given a default VPC with its
 * default security group; each zone in which a host enrolled meanwhile (those of the region by name
 * where there is none) gets a default subnet, once. Needs a write transaction.
 */
must_use struct err network_open(struct call *c, struct network *out);

/*
 * Finds the subnets of those ids, in `*out`. All must be in one VPC, whose id is `*out_vpc`. Where
 * the service is open, ids that nobody named before are taken for subnets of the same VPC (the
 * default one where all are unknown), spread over the zones, and remembered. FAULT_INVALID_SUBNET.
 * `n` is read again when something was added.
 */
must_use struct err network_find_subnets(struct call *c, struct network *n, const char **ids,
                                         size_t count, const char **out_vpc);

/* The same for security groups, which must be in `vpc_id`: FAULT_INVALID_PARAMETER_VALUE,
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err network_find_security_groups(struct call *c, struct network *n,
                                                 const char **ids, size_t count,
                                                 const char *vpc_id);

/* Adds a VPC together with what each has from the start: the group named "default" and its rules.
 */
must_use struct err network_add_vpc(struct call *c, const struct vpc *v);

/* Adds a group, which lets everything out. */
must_use struct err network_add_group(struct call *c, const struct security_group *g);

/* A new id of that prefix. */
char *network_new_id(struct call *c, const char *prefix);

#endif
