/* Forgetting the keys of slots that are another shard's, little by little. */
#ifndef LARDER_CLUSTER_FORGET_H
#define LARDER_CLUSTER_FORGET_H

#include "cacheengine/cluster/cluster.h"
#include "cacheengine/keyspace/db.h"

/*
 * Removes keys of slots that the topology gives to other shards and that are not on their way here,
 * for about `budget_us`; each is told as an effect. Nothing is removed on a replica: its primary
 * says what goes. True when there are none (left).
 */
bool cluster_forget_some(const struct cluster *c, struct db *db, int64_t budget_us);

#endif
