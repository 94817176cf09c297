/*
 * The addresses that a running engine listens on: those of its node, and those of endpoints, which
 * come and go with its role.
 */
#ifndef LARDER_AGENT_DRIVERS_BINDING_H
#define LARDER_AGENT_DRIVERS_BINDING_H

struct agent_node_goal;
struct arena;
struct driver_now;
struct driver_orders;

/* To be called before and behind the orders of the role; `config` is what CONFIG is called. What is
 * as it was is not ordered: some engines open all anew. */
void binding_before_role(struct arena *a, struct driver_orders *orders, const char *config,
                         const struct agent_node_goal *goal, const struct driver_now *now);
void binding_behind_role(struct arena *a, struct driver_orders *orders, const char *config,
                         const struct agent_node_goal *goal, const struct driver_now *now);

#endif
