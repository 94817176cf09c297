/* Whether what caches hold fits into smaller nodes; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_FITTING_H
#define LARDER_CONTROLPLANE_OPS_FITTING_H

#include "controlplane/model/catalog.h"
#include "controlplane/ops/facts.h"

/* The most bytes that one node of the clusters uses, by the newest of their one-minute numbers;
 * 0 for caches that are too new to have any. -1: nothing is known, as no numbers came lately. */
must_use struct err fitting_used(struct call *c, const struct cluster_facts *members, size_t count,
                                 int64_t *out_bytes);

/* The newest of the one-minute numbers of a cluster of one node; -1 where none came lately. */
must_use struct err fitting_number(struct call *c, const struct cluster *cl, const char *metric,
                                   int64_t *out);

/* Whether so many bytes fit into nodes of the type with the parameters of `cl`. */
must_use struct err fitting_has_room(struct call *c, const struct cluster *cl,
                                     const struct node_type *to, int64_t bytes, bool *out);

/* For a change of node type: nothing is to be evicted by it. FAULT_INVALID_PARAMETER_COMBINATION
 * when data does not fit, or nobody knows. `cl` has what the members have in common. */
must_use struct err fitting_check(struct call *c, const struct cluster_facts *members, size_t count,
                                  const struct cluster *cl, const struct node_type *to);

#endif
