/* More shards for serverless caches, by what they are to do or do; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_SERVERLESS_GROWTH_H
#define LARDER_CONTROLPLANE_OPS_SERVERLESS_GROWTH_H

#include "controlplane/ops/call.h"
#include "controlplane/ops/serverless_facts.h"

/* Writes the group, and what its members have in common with it. */
must_use struct err serverless_record_group(struct call *c, struct group_facts *g);

/* Begins to give a cache of redis or valkey that is available so many shards, which are more than
 * it has. FAULT_INVALID_PARAMETER_COMBINATION when there is no room for them. */
must_use struct err serverless_add_shards(struct call *c, struct serverless_facts *f,
                                          int64_t shards);

/*
 * Gives a cache what it lacks: more shards where those that it has do too much, or the shares of
 * its limits that belong to the number of shards that it has now. `*out_did` when something was
 * written; nothing is of one that is not available. Also the fault of serverless_add_shards.
 */
must_use struct err serverless_grow(struct call *c, const char *name, bool *out_did);

#endif
