/* What a host is told: its nodes' goals in the words of the agent; private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_GOALS_H
#define LARDER_CONTROLPLANE_FLEET_GOALS_H

#include "base/err.h"

#include <stdint.h>

struct agent_node_goal_list;
struct store_tx;

/* The goals of the host that changed by a later generation than `since`, SINCE_EVER: all of them;
 * in the transaction's arena. Of topologies they have but the groups' numbers. */
must_use struct err goals_of_host(struct store_tx *tx, const char *host_id, int64_t since,
                                  struct agent_node_goal_list *out);

#endif
