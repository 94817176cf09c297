/* A replication group that is made as a secondary of a global datastore; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GLOBAL_JOIN_H
#define LARDER_CONTROLPLANE_OPS_GLOBAL_JOIN_H

#include "contract/elasticache.h"
#include "controlplane/ops/call.h"

/*
 * The request with all that the primary decides: engine, type, parameters, encryption, shards and
 * failover. `*out_datastore` is 0 where the request names no datastore, and is copied as it is.
 * FAULT_GLOBAL_REPLICATION_GROUP_NOT_FOUND, FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE,
 * FAULT_INVALID_PARAMETER_COMBINATION for what cannot be said beside it,
 * FAULT_INVALID_PARAMETER_VALUE.
 */
must_use struct err global_join(struct call *c, const struct ec_create_replication_group_in *in,
                                struct ec_create_replication_group_in *out, int64_t *out_datastore);

#endif
