/* What hosts are told of leases beside the roles of their nodes: private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_LEASES_H
#define LARDER_CONTROLPLANE_FLEET_LEASES_H

#include "base/err.h"

#include <stddef.h>

struct agent_node_goal_list;
struct agent_promise_list;
struct agent_role_lease;
struct arena;
struct host_node;
struct store_tx;

/* Where the control plane's own vote is; an address of NULL: nowhere. */
struct vote_place {
    const char *address;
    int port;
};

/* The lease of the node's shard, its voters without their places; NULL where it has none. */
struct agent_role_lease *lease_of_node(struct arena *a, const struct host_node *n);

/* Fills in where the voters of all these goals are. */
must_use struct err leases_locate(struct store_tx *tx, const struct vote_place *own,
                                  struct agent_node_goal_list *goals);

/* Terms that the host is asked to promise. */
must_use struct err leases_promises(struct store_tx *tx, const char *host_id,
                                    struct agent_promise_list *out);

/* What the host has promised, as it says. */
must_use struct err leases_record(struct store_tx *tx, const char *host_id,
                                  const struct agent_promise_list *promised);

#endif
