/*
 * ElastiCache's parameters of the redis family as directives of the engines: which there are, what
 * an engine does without them, and what a goal makes of them, in the file that a process starts
 * with and by CONFIG SET while it runs.
 */
#ifndef LARDER_AGENT_DRIVERS_PARAMETERS_H
#define LARDER_AGENT_DRIVERS_PARAMETERS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct agent_node_goal;
struct arena;
struct driver_orders;

/* Which engine takes them. */
struct parameter_taker {
    bool is_bundled;
    int version;         /* of redis-server or valkey-server, as version_number */
    const char *without; /* a parameter that others set while the engine runs; NULL: none */
};

/* Adds the goal's parameters to what a process starts with; others than the table's mean nothing to
 * an engine of this family. */
void parameters_add_conf(struct arena *a, struct buf *conf, const struct agent_node_goal *goal,
                         const struct parameter_taker *taker);

/* Adds what can change while the engine runs, one order each (a CONFIG of the name `config`):
 * those that the goal does not have go back to what the engine does by itself. */
void parameters_add_orders(struct arena *a, struct driver_orders *orders, const char *config,
                           const struct agent_node_goal *goal, const struct parameter_taker *taker);

/* Adds what a process has to be started anew for, a line each; where nothing differs from the
 * engine's own values, nothing. */
void parameters_add_statics(struct arena *a, struct buf *statics,
                            const struct agent_node_goal *goal,
                            const struct parameter_taker *taker);

#endif
