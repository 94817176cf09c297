/* Serverless caches as clients see them; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_WIRE_SERVERLESS_H
#define LARDER_CONTROLPLANE_OPS_WIRE_SERVERLESS_H

#include "contract/elasticache.h"
#include "controlplane/ops/serverless_facts.h"

/* Fills `out` with text that is borrowed from the facts or lives in the call's arena. */
void wire_serverless(struct call *c, const struct serverless_facts *f,
                     struct ec_serverless_cache *out);

/* The same in fresh memory. */
struct ec_serverless_cache *wire_serverless_new(struct call *c, const struct serverless_facts *f);

#endif
