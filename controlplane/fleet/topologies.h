/*
 * What all nodes of a group in cluster mode are told alike; private to fleet/. It may be long, and
 * all hosts of a group ask for it at once: it is read from the store once for each epoch, however
 * many they are, and told to each of them once, however many of the nodes it has.
 */
#ifndef LARDER_CONTROLPLANE_FLEET_TOPOLOGIES_H
#define LARDER_CONTROLPLANE_FLEET_TOPOLOGIES_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_group_topology_list;
struct agent_node_goal_list;
struct store_tx;

#define TOPOLOGIES_SLOTS      1024
#define TOPOLOGIES_MOST_BYTES ((size_t)32 << 20)

/* Of one group at most, by its number; of an epoch it is never another one. */
struct topology_slot {
    int64_t group_id, epoch;
    char *words; /* NULL: there is nothing here */
    size_t len;
};

struct topologies {
    pthread_mutex_t lock; /* guards all below */
    struct topology_slot slots[TOPOLOGIES_SLOTS];
    size_t bytes, hand; /* of all words; where those begin that go next when they are too many */
};

void topologies_init(struct topologies *t);
void topologies_fini(struct topologies *t);

/*
 * Completes goals_of_host's goals, in the same transaction: by one entry of `out` for each group
 * that they name or, unless the host `takes` that, by all words in each goal, which then names no
 * group.
 */
must_use struct err topologies_tell(struct topologies *t, struct store_tx *tx, bool takes,
                                    struct agent_node_goal_list *goals,
                                    struct agent_group_topology_list *out);

#endif
