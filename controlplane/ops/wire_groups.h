/* Replication groups as clients see them; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_WIRE_GROUPS_H
#define LARDER_CONTROLPLANE_OPS_WIRE_GROUPS_H

#include "contract/elasticache.h"
#include "controlplane/ops/group_facts.h"

/* Fills `out` with text that is borrowed from the facts or lives in the call's arena. */
void wire_group(struct call *c, const struct group_facts *f, struct ec_replication_group *out);

/* The same in fresh memory. */
struct ec_replication_group *wire_group_new(struct call *c, const struct group_facts *f);

#endif
