/* Making members of replication groups, for all handlers that do; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_MEMBERSHIP_H
#define LARDER_CONTROLPLANE_OPS_MEMBERSHIP_H

#include "controlplane/model/group.h"
#include "controlplane/ops/call.h"

/* A member that is to be made. */
struct newcomer {
    struct shard *shard; /* its next_member grows */
    const char *zone;    /* "" leaves it to placement */
    const char *name;    /* NULL: the next free one of the shard */
};

/* Inserts a member cluster with its node and tags. `c->caller` owns it. ERR_EXISTS when the name is
 * taken. */
must_use struct err membership_add(struct call *c, const struct replication_group *g,
                                   const struct newcomer *n, const struct tag *tags,
                                   size_t tag_count);

#endif
