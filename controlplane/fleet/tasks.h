/* Tasks of a host's nodes: told with the goals, heard of with the reports; private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_TASKS_H
#define LARDER_CONTROLPLANE_FLEET_TASKS_H

#include "base/err.h"

#include <stddef.h>

struct agent_node_goal_list;
struct agent_node_report;
struct store_tx;

/* Adds what the host's nodes are to do to their goals, in the transaction's arena. */
must_use struct err tasks_add(struct store_tx *tx, const char *host_id,
                              struct agent_node_goal_list *goals);

/* Records what the report says of tasks. FAULT_INVALID_PARAMETER_VALUE for a state that is none. */
must_use struct err tasks_record(struct store_tx *tx, const struct agent_node_report *report);

#endif
