/*
 * Snapshots, their parts and files, and what restored nodes begin with. Like store.h: one question
 * or one fact each, inside a transaction of the caller's, results in its arena. Errors:
 * ERR_NOT_FOUND, ERR_EXISTS, ERR_IO, ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_SNAPSHOTS_H
#define LARDER_CONTROLPLANE_STORE_SNAPSHOTS_H

#include "controlplane/model/snapshot.h"
#include "controlplane/store/store.h"

/* --- taking one --- */

/*
 * Begins a snapshot of a group, or of a cluster outside of groups: records it with a part of each
 * shard, and the operation that shows the source as `snapshotting` (with order->is_final the
 * caller's delete is that). The source must be available. The reconciler goes on from here.
 * ERR_EXISTS when the owner has a snapshot of that name. Tags are the caller's to put on it.
 */
must_use struct err store_snapshot_take_group(struct store_tx *tx,
                                              const struct replication_group *g,
                                              const struct snapshot_order *order,
                                              struct snapshot *out);
must_use struct err store_snapshot_take_cluster(struct store_tx *tx, const struct cluster *c,
                                                const struct snapshot_order *order,
                                                struct snapshot *out);

/* --- snapshots --- */

/* Inserts and sets s->id; ERR_EXISTS. */
must_use struct err store_snapshot_insert(struct store_tx *tx, struct snapshot *s);
must_use struct err store_snapshot_find(struct store_tx *tx, const char *account,
                                        const char *region, const char *owner, const char *name,
                                        struct snapshot *out);
must_use struct err store_snapshot_get(struct store_tx *tx, int64_t id, struct snapshot *out);

/* What DescribeSnapshots can ask for; "" and 0 mean any. */
struct snapshot_query {
    const char *account, *region, *owner;
    const char *after; /* names behind this one */
    const char *group_name, *cluster_name, *name;
    const char *source; /* "system" or "user" */
    int limit;
};

/* By name. */
must_use struct err store_snapshot_list(struct store_tx *tx, const struct snapshot_query *q,
                                        struct snapshot **out, size_t *out_count);

/* All that are being taken, of all accounts, the oldest first. */
must_use struct err store_snapshot_creating(struct store_tx *tx, struct snapshot **out,
                                            size_t *out_count);
must_use struct err store_snapshot_set_state(struct store_tx *tx, int64_t id,
                                             enum snapshot_state state, const char *why);

/* Removes it with its parts; files that nobody else is in go soon after. */
must_use struct err store_snapshot_remove(struct store_tx *tx, const struct snapshot *s,
                                          const char *arn);

/* Manual ones that were begun of the source since `since_ms`. */
must_use struct err store_snapshot_count(struct store_tx *tx, int64_t group_id, int64_t cluster_id,
                                         int64_t since_ms, int64_t *out);

/* Automatic ones older than their source keeps them now, or whose source is gone. */
must_use struct err store_snapshot_expired(struct store_tx *tx, int64_t now_ms,
                                           struct snapshot **out, size_t *out_count);

/* --- parts --- */

must_use struct err store_part_insert(struct store_tx *tx, struct snapshot_part *p);

/* Parts of many snapshots, by snapshot, then number. */
must_use struct err store_part_list(struct store_tx *tx, const int64_t *snapshot_ids, size_t count,
                                    struct snapshot_part_list *out);
must_use struct err store_part_get(struct store_tx *tx, int64_t id, struct snapshot_part *out);

/* Writes who is to give it: node, task, attempts, cluster_name, node_created_ms. */
must_use struct err store_part_assign(struct store_tx *tx, const struct snapshot_part *p);

/* --- files --- */

/* The part that the task is to bring and that has no file yet; ERR_NOT_FOUND. */
must_use struct err store_part_of_task(struct store_tx *tx, int64_t task_id,
                                       struct snapshot_part *out);

/* Records a file and that the part is in it, also where it was in another one; `*out_id` is the
 * file's number. */
struct kept_bytes {
    int64_t bytes; /* before they were sealed, as their fingerprint */
    const char *sha256;
    const char *data_key; /* 64 hexadecimal digits; "": it is plain */
};
must_use struct err store_part_keep(struct store_tx *tx, int64_t part_id,
                                    const struct kept_bytes *kept, int64_t now_ms, int64_t *out_id);

/* Files that no part is in: at most `limit`. */
must_use struct err store_file_unused(struct store_tx *tx, int limit, int64_t **out,
                                      size_t *out_count);
must_use struct err store_file_remove(struct store_tx *tx, int64_t id);

/* Every file that is to be there, by id. */
must_use struct err store_file_ids(struct store_tx *tx, int64_t **out, size_t *out_count);

/* Parts of available snapshots whose file was written for one under another key. */
must_use struct err store_part_miskeyed(struct store_tx *tx, struct snapshot_part_list *out);

/* Parts that are still to be fetched from buckets. */
must_use struct err store_part_wanted(struct store_tx *tx, struct snapshot_part_list *out);

/* --- seeds --- */

struct node_seed {
    int64_t node_id;
    const char *slots; /* "": all */
    struct snapshot_part part;
};

must_use struct err store_seed_insert(struct store_tx *tx, int64_t node_id, int64_t part_id,
                                      const char *slots);

/* The node of the oldest member of a shard: the one that becomes its primary. ERR_NOT_FOUND. */
must_use struct err store_node_first_of_shard(struct store_tx *tx, int64_t shard_id, int64_t *out);

/* Of all nodes of a host, by node, then part. */
must_use struct err store_seed_list_of_host(struct store_tx *tx, const char *host_id,
                                            struct node_seed **out, size_t *out_count);

/* Whether the node is still to be given something. */
must_use struct err store_seed_has(struct store_tx *tx, int64_t node_id, bool *out);

/* Forgets the seeds of nodes whose caches are made; hosts hear of it. `*out_is_left` tells whether
 * some nodes are not that far. Removes what was fetched for them alone. */
must_use struct err store_seed_settle(struct store_tx *tx, bool *out_is_left);

/* What was to be fetched for nodes cannot be had: their caches will not be made. */
must_use struct err store_seed_fail(struct store_tx *tx, int64_t snapshot_id, const char *why);

/* The part is here: hosts of the nodes that wait for it hear so. */
must_use struct err store_seed_arrived(struct store_tx *tx, int64_t part_id);

/* --- exports --- */

struct snapshot_export {
    int64_t id, snapshot_id;
    const char *bucket, *name;
};

must_use struct err store_export_insert(struct store_tx *tx, const struct snapshot_export *x,
                                        int64_t now_ms);

/* The oldest; ERR_NOT_FOUND. */
must_use struct err store_export_next(struct store_tx *tx, struct snapshot_export *out);
must_use struct err store_export_remove(struct store_tx *tx, int64_t id);

/* --- waking --- */

/* Says that snapshots changed: the reconciler looks at those under way, and files at theirs. */
void store_touch_snapshots(struct store_tx *tx);

/* Whether anybody said so since the last call; each looks for itself. At open, somebody did. */
bool store_take_snapshots(struct store *s);
bool store_take_files(struct store *s);

/* What was taken is not done: the next call finds it again. */
void store_leave_files(struct store *s);

#endif
