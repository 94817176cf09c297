/* Clusters as clients see them; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_WIRE_H
#define LARDER_CONTROLPLANE_OPS_WIRE_H

#include "contract/elasticache.h"
#include "controlplane/ops/facts.h"

/* Fills `out` with text that is borrowed from the facts or lives in the call's arena. */
void wire_cluster(struct call *c, const struct cluster_facts *f, bool shows_nodes,
                  struct ec_cache_cluster *out);

/* The same in fresh memory, without nodes, for the answers of calls that change something. */
struct ec_cache_cluster *wire_cluster_new(struct call *c, const struct cluster_facts *f);

#endif
