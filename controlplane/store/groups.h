/*
 * Replication groups, their shards and operations. Like store.h: one question or one fact each,
 * inside a transaction of the caller's, results in its arena. Errors: ERR_NOT_FOUND, ERR_EXISTS,
 * ERR_IO, ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_GROUPS_H
#define LARDER_CONTROLPLANE_STORE_GROUPS_H

#include "controlplane/model/group.h"
#include "controlplane/store/store.h"

/* --- want: groups (writer: ops) --- */

/* Inserts and sets g->id; ERR_EXISTS. */
must_use struct err store_group_insert(struct store_tx *tx, struct replication_group *g);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_group_find(struct store_tx *tx, const char *account, const char *region,
                                     const char *name, struct replication_group *out);
must_use struct err store_group_get(struct store_tx *tx, int64_t id, struct replication_group *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_group_list(struct store_tx *tx, const char *account, const char *region,
                                     const char *after, int limit, struct replication_group **out,
                                     size_t *out_count);

/* Those of the ids that are there, by id. */
must_use struct err store_group_list_of(struct store_tx *tx, const int64_t *ids, size_t count,
                                        struct replication_group **out, size_t *out_count);

/* Writes every settable column of `g` (all but id, account, region, name, secrets, created_ms). */
must_use struct err store_group_update(struct store_tx *tx, const struct replication_group *g);

/* Removes a group with its shards, goals, operations and tags of `arn`; its members must be gone or
 * members no more. (writer: reconcile, at the end of a delete) */
must_use struct err store_group_remove(struct store_tx *tx, int64_t id, const char *arn);

/* The member clusters of many groups, by group, then name. */
must_use struct err store_group_members(struct store_tx *tx, const int64_t *ids, size_t count,
                                        struct cluster **out, size_t *out_count);

/* --- want: shards (writer: ops) --- */

must_use struct err store_shard_insert(struct store_tx *tx, struct shard *s);

/* The shards of many groups with their goals, by group, then number. */
must_use struct err store_shard_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                     struct shard_list *out);

/* Writes slots, next_member and is_wanted. */
must_use struct err store_shard_update(struct store_tx *tx, const struct shard *s);
must_use struct err store_shard_remove(struct store_tx *tx, int64_t id);

/* --- goal (writer: reconcile) --- */

/* Sets who is the primary and all that goes with it, and raises the generation of the shard's hosts
 * where it is news to them, and of its voters where it is to these. */
must_use struct err store_shard_goal_set(struct store_tx *tx, const struct shard *s);

/* All addresses that endpoints of shards have. */
must_use struct err store_endpoint_addresses(struct store_tx *tx, const char *const **out,
                                             size_t *out_count);

/* The topology; all zero and "" while there is none. */
must_use struct err store_topology_get(struct store_tx *tx, int64_t group_id, struct topology *out);

/* Sets it, and raises the generation of every host of the group unless that is due later. */
must_use struct err store_topology_set(struct store_tx *tx, int64_t group_id,
                                       const struct topology *topology);

/* --- operations --- */

/* ERR_EXISTS while another one of the group runs. */
must_use struct err store_group_operation_insert(struct store_tx *tx, struct group_operation *o);
must_use struct err store_group_operation_update(struct store_tx *tx,
                                                 const struct group_operation *o);

/* The running one; ERR_NOT_FOUND. */
must_use struct err store_group_operation_running(struct store_tx *tx, int64_t group_id,
                                                  struct group_operation *out);

/* The newest of each of many groups; groups without one are left out; by group. */
must_use struct err store_group_operation_newest(struct store_tx *tx, const int64_t *group_ids,
                                                 size_t count, struct group_operation **out,
                                                 size_t *out_count);

/* How many switches the account began in the region since `since_ms`. */
must_use struct err store_group_switch_count(struct store_tx *tx, const char *account,
                                             const char *region, int64_t since_ms, int64_t *out);

#endif
