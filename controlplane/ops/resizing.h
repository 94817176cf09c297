/* A group that goes over to another node type: which of its members have to move for it; private to
 * ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_RESIZING_H
#define LARDER_CONTROLPLANE_OPS_RESIZING_H

#include "controlplane/ops/group_facts.h"

struct resizing {
    struct cluster_facts **movers; /* members whose hosts have no room for the new type */
    const char **zones;            /* where each is to go; "" leaves it to placement */
    size_t count;
};

/*
 * Chooses for a group whose `common` has the new type already, and its members not yet: who can
 * grows where it stands. Where data does not fit into a smaller type: the faults of fitting_check;
 * where there is no room, also not on other hosts: FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY.
 */
must_use struct err resizing_plan(struct call *c, const struct group_facts *f,
                                  struct resizing *out);

/* Makes a stand-in for each member that moves; members keep the type of before until they are told.
 * `*out_data` is that of a GROUP_SCALE. */
must_use struct err resizing_begin(struct call *c, struct group_facts *f, const struct resizing *r,
                                   const char **out_data);

#endif
