/* Making members of replication groups, for all handlers that do; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_MEMBERSHIP_H
#define LARDER_CONTROLPLANE_OPS_MEMBERSHIP_H

#include "controlplane/model/group.h"
#include "controlplane/ops/group_facts.h"

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

/* The same, with the tags that the group has. */
must_use struct err membership_add_tagged(struct call *c, const struct replication_group *g,
                                          const struct newcomer *n);

/* One that will have the name of another member: the name that it has until then is used again. */
must_use struct err membership_add_stand_in(struct call *c, const struct replication_group *g,
                                            const struct newcomer *n, int64_t *out_id);

/* A member is not wanted any more; the operation that takes it away is the caller's to begin. */
must_use struct err membership_let_go(struct call *c, struct cluster_facts *m);

/* Gives a member what members have in common. */
void membership_take_common(struct cluster *member, const struct cluster *common);

/* Begins a switch by plan: the replica is to be the primary of its shard. `pending` is what answers
 * show of it. */
must_use struct err membership_switch(struct call *c, struct group_facts *f,
                                      const struct cluster_facts *replica, const char *pending);

#endif
