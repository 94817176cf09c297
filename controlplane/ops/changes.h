/* Changes of version and size, which may wait for the maintenance window; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_CHANGES_H
#define LARDER_CONTROLPLANE_OPS_CHANGES_H

#include "controlplane/model/parked.h"
#include "controlplane/ops/facts.h"

/* What a request says of them; NULL or "" for what it does not have. */
struct change_request {
    const char *noun; /* "cluster", "replication group" */
    const char *engine, *engine_version, *node_type, *parameter_group;
    bool is_immediate;
    bool may_change_engine;
    bool is_clustered; /* cluster mode is on */
};

/*
 * Checks a request and takes it into `p`, which holds what waits already. Asking for what `cl` has
 * takes back what waits. Faults: FAULT_INVALID_PARAMETER_COMBINATION,
 * FAULT_INVALID_PARAMETER_VALUE, FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND.
 */
must_use struct err changes_take(struct call *c, const struct change_request *r,
                                 const struct cluster *cl, struct parked *p);

/* Whether the parameter group goes over to another family with the version that waits. */
bool changes_family(const struct cluster *cl, const struct parked *p);

/* Gives version, parameter group and type to a cluster, or to what members of a group have in
 * common. Whether it has room is for the caller to ask. */
void changes_apply(const struct parked *p, struct cluster *cl);

/* Engines grow where they stand: each host must have room for what its nodes get more when
 * they go over to type `to`; a smaller one must hold their data, but for memcached. Also the faults
 * of fitting_check, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY. */
must_use struct err changes_claim_growth(struct call *c, const struct cluster_facts *members,
                                         size_t count, const struct cluster *cl, const char *to);

#endif
