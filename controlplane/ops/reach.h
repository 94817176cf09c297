/* NetworkType and IpDiscovery of caches; private to ops/. Faults are
 * FAULT_INVALID_PARAMETER_COMBINATION. */
#ifndef LARDER_CONTROLPLANE_OPS_REACH_H
#define LARDER_CONTROLPLANE_OPS_REACH_H

#include "controlplane/model/catalog.h"
#include "controlplane/model/reach.h"
#include "controlplane/ops/call.h"
#include "controlplane/ops/siting.h"

/* Chooses for a new cache: what is not given (NULL) is ipv4, but
 * that nodes of ipv6 alone are told of by that. The
 * version, the type and every subnet must have what is asked for. */
must_use struct err reach_choose(struct call *c, const char *network_type, const char *discovery,
                                 const struct engine_version *v, const struct node_type *type,
                                 const struct siting *siting, struct reach *out);

/* What is given must be what a cache has that is there already. */
must_use struct err reach_same(struct call *c, const char *network_type, const char *discovery,
                               const struct reach *current);

/* Other addresses for clients, as far as its nodes have them; NULL changes nothing. */
must_use struct err reach_change(struct call *c, const char *discovery, struct reach *inout);

#endif
