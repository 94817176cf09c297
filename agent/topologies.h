/* What all nodes of a group are told alike stands once in an answer; private to the agent's link.
 */
#ifndef LARDER_AGENT_TOPOLOGIES_H
#define LARDER_AGENT_TOPOLOGIES_H

#include "base/err.h"

struct agent_group_topology_list;
struct agent_node_goal_list;
struct arena;

/* Puts it into each goal that names it, which then is as if it had been told so. Texts live in `a`
 * and in `told`. ERR_INVALID when one is named that was not told. */
must_use struct err topologies_resolve(struct arena *a,
                                       const struct agent_group_topology_list *told,
                                       struct agent_node_goal_list *goals);

#endif
