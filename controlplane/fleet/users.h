/* Who may enter the caches of a host's nodes, in the words of the agent; private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_USERS_H
#define LARDER_CONTROLPLANE_FLEET_USERS_H

#include "controlplane/store/access.h"
#include "controlplane/store/users.h"

struct agent_node_users;

struct host_users {
    struct host_access *caches; /* by cluster */
    size_t cache_count;
    struct member_list members; /* of all user groups among them, by group */
};

/* Reads for all nodes of the host: two queries, however many they are. */
must_use struct err host_users_load(struct store_tx *tx, const char *host_id,
                                    struct host_users *out);

/* What the nodes of a cluster are told; NULL when anybody may enter and nobody ever said otherwise.
 * `*out_revision` is 0 then. In `a`. */
struct agent_node_users *host_users_of(struct arena *a, const struct host_users *h,
                                       int64_t cluster_id, bool is_bundled, int64_t *out_revision);

#endif
