/*
 * Who may log in, in the words of the redis family's rules: the tenants of the goal, the user by
 * which replicas come, and where an engine has no socket of the owner's, the agent itself.
 */
#ifndef LARDER_AGENT_DRIVERS_SECRETS_H
#define LARDER_AGENT_DRIVERS_SECRETS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct agent_node_goal;
struct arena;
struct driver_host;

/* Word `n` (of any number) that only this agent knows of this node: 64 digits of 0-9 and a-f. */
const char *secret_word(struct arena *a, const struct driver_host *host, int64_t node_id,
                        const char *n);

/* The password as rules have it, "#" and its digest. */
const char *password_rule(struct arena *a, const char *password);

/* ERR_INVALID for users of which one is no line, or that lack the default user: they would open the
 * node to everybody. */
must_use struct err users_check(struct arena *a, const struct agent_node_goal *goal);

/* The users as lines "user NAME RULE ..."; the default user is among them. `suffix` stands behind
 * the rules of each tenant. `replica_rules` are those of the user of the goal's role. */
void users_of_goal(struct arena *a, const struct agent_node_goal *goal, const char *suffix,
                   const char *replica_rules, const char *const **out, size_t *out_count);

#endif
