/* Tasks of nodes: asked for by operations and the reconciler, told to agents by fleet, which alone
 * records what became of them. */
#ifndef LARDER_CONTROLPLANE_STORE_TASKS_H
#define LARDER_CONTROLPLANE_STORE_TASKS_H

#include "base/err.h"
#include "controlplane/model/task.h"

#include <stdbool.h>
#include <stddef.h>

struct store_tx;

/* Inserts, sets t->id and lets the node's host hear of it. A node without a place gets it with its
 * place. */
must_use struct err store_task_insert(struct store_tx *tx, struct node_task *t);

/* ERR_NOT_FOUND: it was removed, or its node is gone. */
must_use struct err store_task_get(struct store_tx *tx, int64_t id, struct node_task *out);

/* Those of one node, the oldest first. */
must_use struct err store_task_list(struct store_tx *tx, int64_t node_id, struct node_task **out,
                                    size_t *out_count);

/* Those that nodes of a host are still to do, by node, then id. */
must_use struct err store_task_list_of_host(struct store_tx *tx, const char *host_id,
                                            struct node_task **out, size_t *out_count);

/* Forgets it; an agent that is at it breaks off. */
must_use struct err store_task_remove(struct store_tx *tx, int64_t id);

/*
 * Records what an agent says of a task of its node (writer: fleet); a task that is over stays as it
 * is, one that is gone is ignored. Touches the node's cluster when it says anything new; at the end
 * of a task its host's goals are without it.
 */
must_use struct err store_task_saw(struct store_tx *tx, int64_t node_id, int64_t id,
                                   enum task_state state, const char *why, int percent);

#endif
