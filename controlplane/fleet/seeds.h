/* What nodes of a host begin with; private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_SEEDS_H
#define LARDER_CONTROLPLANE_FLEET_SEEDS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_node_goal_list;
struct arena;
struct node_seed;
struct store_tx;

struct host_seeds {
    struct node_seed *items; /* by node */
    size_t count;
};

/* Of all nodes of the host, in the transaction's arena. */
must_use struct err seeds_load(struct store_tx *tx, const char *host_id, struct host_seeds *out);

/* Whether the node is still to begin with something. */
bool seeds_has(const struct host_seeds *seeds, int64_t node_id);

/* Adds them to the goals, in `a`. A node of which some is not here yet is to wait without a
 * process. */
void seeds_add(struct arena *a, const struct host_seeds *seeds, struct agent_node_goal_list *goals);

#endif
