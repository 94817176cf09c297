/* What nodes of a host begin with; private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_SEEDS_H
#define LARDER_CONTROLPLANE_FLEET_SEEDS_H

#include "base/err.h"

struct agent_node_goal_list;
struct store_tx;

/* Adds it to the goals, in the transaction's arena. A node of which some is not here yet is to wait
 * without a process. */
must_use struct err seeds_add(struct store_tx *tx, const char *host_id,
                              struct agent_node_goal_list *goals);

#endif
