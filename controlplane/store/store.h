/*
 * The only SQL in the house: one SQLite database (WAL, synchronous=FULL), one writer at a time, any
 * number of readers. Every function asks one question or states one fact, inside a transaction that
 * its caller began. Results live in the arena of the transaction.
 *
 * Errors: ERR_NOT_FOUND, ERR_EXISTS (a unique name is taken), ERR_IO (the disk refuses; nothing was
 * changed), ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_STORE_H
#define LARDER_CONTROLPLANE_STORE_STORE_H

#include "base/err.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/group.h"

#include <stdint.h>

struct arena;
struct store;
struct store_tx;

/* Opens or makes the database and brings it to the current schema. Errors: ERR_UNSUPPORTED when a
 * newer larderd wrote it, ERR_CORRUPT when it is damaged or not a database, ERR_IO (read-only, no
 * space, ...); `why` is a sentence for people and lives in `a`. */
must_use struct err store_open(struct arena *a, const char *path, struct store **out);
void store_close(struct store *s);

/* --- transactions --- */

/* A note is written like everything else, but its commit does not wait for the disk: should the
 * machine lose its power, the last ones may be gone, which is for what is said again (what agents
 * saw). The next commit of a STORE_WRITE makes all before it durable, too. */
enum store_mode { STORE_READ, STORE_WRITE, STORE_NOTE };

/* Begins; a writer waits for the writer before it. Read results are one consistent snapshot. */
must_use struct err store_begin(struct store *s, enum store_mode mode, struct arena *a,
                                struct store_tx **out);

/* Makes everything durable (but see STORE_NOTE), wakes those who wait, and ends the transaction; on
 * an error it was rolled back. `*tx` becomes NULL in both cases. */
must_use struct err store_commit(struct store_tx **tx);

/* Ends it without effect; NULL-safe, for scoped(). */
void store_rollback(struct store_tx **tx);

/* Tells states of the store apart: a number that grows with every commit that changed a row, before
 * anybody can see the change. Transactions that began at the same number read the same; 0 is said
 * while a commit is on its way, and when it is not known whether another control plane leads. */
uint64_t store_revision(struct store *s);

/* Tells apart what hosts there are and what they are like: another number after each commit that
 * changed one. What a writer read at the same number, it need not read again. */
uint64_t store_hosts_version(struct store *s);

struct arena *store_arena(const struct store_tx *tx);

/* --- waking --- */

/* A number that grows with every commit that touched something. */
uint64_t store_generation(struct store *s);

/* Sleeps until the generation differs from `seen` or the boot clock reaches `deadline_boot_ms`. */
void store_wait(struct store *s, uint64_t seen, int64_t deadline_boot_ms);

/* Raises the generation without a commit (a shutdown, a test). */
void store_wake(struct store *s);

/* Says that a cluster needs a look by the reconciler once this transaction is committed. */
void store_touch_cluster(struct store_tx *tx, int64_t cluster_id);

/* The same where nothing waits for that look: it is taken by store_take_touched_later. */
void store_touch_cluster_later(struct store_tx *tx, int64_t cluster_id);

/* Says that every cluster does (a host came or went). */
void store_touch_all(struct store_tx *tx);

/* Says that every cluster with a node on the host does, before all others. */
must_use struct err store_touch_host(struct store_tx *tx, const char *host_id);

/* Says that who may enter caches has changed: see users.h. */
void store_touch_access(struct store_tx *tx);

/* Whether anybody said so since the last call. At open, somebody did. */
bool store_take_access(struct store *s);

/* Takes the clusters touched since the last call, in ascending order without doubles; `*out_all`
 * when every cluster is meant. At open, every cluster is. */
void store_take_touched(struct store *s, struct arena *a, int64_t **out_ids, size_t *out_count,
                        bool *out_all);

/* Those that are to be looked at later: whether there are any, of which the first wakes; and all of
 * them, in ascending order without doubles. */
bool store_has_touched_later(struct store *s);
void store_take_touched_later(struct store *s, struct arena *a, int64_t **out_ids,
                              size_t *out_count);

/* Takes those of the hosts below that others wait for: with a new primary. In ascending order. */
void store_take_told_first(struct store *s, struct arena *a, uint64_t **out_keys,
                           size_t *out_count);

/* Takes the hosts whose goals were changed since the last call, as their keys, in ascending order
 * without doubles; `*out_all` when they were too many to remember. */
void store_take_told(struct store *s, struct arena *a, uint64_t **out_keys, size_t *out_count,
                     bool *out_all);

/* Tells hosts apart by a number. */
uint64_t store_host_key(const char *host_id);

/* --- want: clusters (writer: ops) --- */

/* Inserts and sets c->id; ERR_EXISTS. */
must_use struct err store_cluster_insert(struct store_tx *tx, struct cluster *c);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_cluster_find(struct store_tx *tx, const char *account, const char *region,
                                       const char *name, struct cluster *out);
must_use struct err store_cluster_get(struct store_tx *tx, int64_t id, struct cluster *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_cluster_list(struct store_tx *tx, const char *account, const char *region,
                                       const char *after, int limit, struct cluster **out,
                                       size_t *out_count);

/* The same without members of replication groups. */
must_use struct err store_cluster_list_single(struct store_tx *tx, const char *account,
                                              const char *region, const char *after, int limit,
                                              struct cluster **out, size_t *out_count);
must_use struct err store_cluster_ids(struct store_tx *tx, int64_t **out, size_t *out_count);

/* One of each group, and each that is in none. */
must_use struct err store_cluster_firsts(struct store_tx *tx, int64_t **out, size_t *out_count);

/* Writes every settable column of `c` (all but id, account, region, name, created_ms). */
must_use struct err store_cluster_update(struct store_tx *tx, const struct cluster *c);

/* Each has the name of the other from now on, and all that goes by names with it. */
must_use struct err store_cluster_exchange_names(struct store_tx *tx, const struct cluster *a,
                                                 const struct cluster *b);

/* Removes a cluster with its nodes, operations and tags of `arn`. (writer: reconcile, at the end of
 * a delete) */
must_use struct err store_cluster_remove(struct store_tx *tx, int64_t id, const char *arn);

/* --- want: nodes (writer: ops) --- */

must_use struct err store_node_insert(struct store_tx *tx, struct node *n);

/* All nodes of a cluster by number, goal and saw joined in. */
must_use struct err store_node_list(struct store_tx *tx, int64_t cluster_id, struct node_list *out);

/* Nodes of many clusters at once, ordered by cluster, then number. */
must_use struct err store_node_list_of(struct store_tx *tx, const int64_t *cluster_ids,
                                       size_t count, struct node_list *out);

/* Wanted nodes of a region that have no goal yet, oldest first, with their cluster's node type,
 * engine and port in the three parallel columns of `out`. */
struct unplaced_node {
    int64_t node_id, cluster_id, shard_id;
    const char *zone, *node_type, *engine, *engine_version, *driver;
    int port;
    bool is_cross_az;
    struct owner owner;
    struct allotment allotment;
    enum network_type network;
};
must_use struct err store_node_unplaced(struct store_tx *tx, const char *region,
                                        struct unplaced_node **out, size_t *out_count);

/* The nodes of a cluster that are to stay keep that type; a node takes its cluster's, which is
 * looked at again. (writers: ops; reconcile) */
must_use struct err store_node_keep_type(struct store_tx *tx, int64_t cluster_id, const char *type);
must_use struct err store_node_take_type(struct store_tx *tx, int64_t node_id);

must_use struct err store_node_want(struct store_tx *tx, int64_t node_id, bool is_wanted);
/* boot_count + 1 */
must_use struct err store_node_boot(struct store_tx *tx, int64_t node_id, int64_t now_ms);
/* Gives a node that had none the id by which cluster clients know it. */
must_use struct err store_node_identify(struct store_tx *tx, int64_t node_id,
                                        const char *engine_id);
must_use struct err store_node_remove(struct store_tx *tx, int64_t node_id);

/* Wanted nodes in the region, over all clusters of the account. */
must_use struct err store_node_count(struct store_tx *tx, const char *account, const char *region,
                                     int64_t *out);

/* --- want: tags (writer: ops) --- */

must_use struct err store_tag_put(struct store_tx *tx, const char *account, const char *region,
                                  const char *arn, const char *key, const char *value);
must_use struct err store_tag_remove(struct store_tx *tx, const char *arn, const char *key);
/* NULL where the resource has no such tag. */
must_use struct err store_tag_get(struct store_tx *tx, const char *arn, const char *key,
                                  const char **out);
must_use struct err store_tag_list(struct store_tx *tx, const char *arn, struct tag **out,
                                   size_t *out_count); /* by key */

/* A tag together with what it is on. */
struct arn_tag {
    const char *arn;
    struct tag tag;
};

/* Tags of all resources whose ARNs are from `first` up to `last`, without it; by ARN, then key. */
must_use struct err store_tag_range(struct store_tx *tx, const char *account, const char *region,
                                    const char *first, const char *last, struct arn_tag **out,
                                    size_t *out_count);

/* Takes all tags off a resource. */
must_use struct err store_tag_clear(struct store_tx *tx, const char *arn);

/* --- operations --- */

must_use struct err store_operation_insert(struct store_tx *tx, struct operation *o);

/* The running operation of a cluster (there is at most one); ERR_NOT_FOUND. */
must_use struct err store_operation_running(struct store_tx *tx, int64_t cluster_id,
                                            struct operation *out);

/* Those of several clusters, by cluster. */
must_use struct err store_operation_running_of(struct store_tx *tx, const int64_t *cluster_ids,
                                               size_t count, struct operation **out,
                                               size_t *out_count);

/* The newest one, running or not; ERR_NOT_FOUND. */
must_use struct err store_operation_newest(struct store_tx *tx, int64_t cluster_id,
                                           struct operation *out);
must_use struct err store_operation_update(struct store_tx *tx, const struct operation *o);

/* Newest operation of each of many clusters; clusters without one are left out; ordered by cluster.
 */
must_use struct err store_operation_newest_of(struct store_tx *tx, const int64_t *cluster_ids,
                                              size_t count, struct operation **out,
                                              size_t *out_count);

/* --- events --- */

/* With a topic and a notice, the topic is told, too (notices.h). */
must_use struct err store_event_add(struct store_tx *tx, const struct event *e);

struct event_query {
    const char *account, *region;
    const char *source_type, *source; /* "" = any */
    int64_t from_ms, to_ms;           /* from <= at < to */
    int64_t before_id;                /* 0 = from the newest; else only ids below it */
    int limit;
};

/* Newest first. */
must_use struct err store_event_list(struct store_tx *tx, const struct event_query *q,
                                     struct event **out, size_t *out_count);

/* Forgets what is older than `before_ms`. */
must_use struct err store_event_prune(struct store_tx *tx, int64_t before_ms);

/* --- goal (writer: reconcile) --- */

/* Sets or replaces a node's goal and raises its host's generation (the old host's too). */
must_use struct err store_goal_set(struct store_tx *tx, int64_t node_id, const struct node_goal *g);

/* Records what events said of the node, as it stands in the goal; raises no generation. */
must_use struct err store_goal_told(struct store_tx *tx, int64_t node_id,
                                    const struct node_goal *goal);
must_use struct err store_goal_remove(struct store_tx *tx, int64_t node_id);

/* 0 when the host has none. */
must_use struct err store_host_generation(struct store_tx *tx, const char *host_id, int64_t *out);

/* The last generation by which anything but goals of nodes changed that then say so: an agent with
 * an older one must be told all. */
must_use struct err store_host_whole(struct store_tx *tx, const char *host_id, int64_t *out);

/* One row per node placed on a host, with what the agent must know. */
struct host_node {
    int64_t node_id, cluster_id;
    int64_t shard_id; /* 0 for nodes outside of groups */
    const char *cluster, *number, *engine, *engine_version, *node_type;
    const char *driver;
    const char *engine_id;
    const char *parameter_group;
    int64_t parameter_group_id; /* 0 for a default group */
    int64_t parameter_revision;
    struct node_goal goal;
    /* Of members of replication groups; for others no role has a goal, and texts are "". */
    struct shard_goal role;
    struct shard_endpoints endpoints;
    struct shard_lease lease;
    const char *primary_address; /* "" while the primary has no place */
    int primary_port;
    const char *successor_address; /* of the member that it is to yield to; "" for none */
    int successor_port;
    bool has_siblings; /* there are other members of its shard */
    const char *replication_user, *replication_password;
    int64_t epoch;   /* 0: cluster mode is off */
    bool is_enabled; /* cluster mode is that: clients that know nothing of it are served no more */
    int64_t group_id;
    const char *data_key; /* "" where files are plain */
    enum tls_mode tls;
    struct node_certificate certificate;
    const char *nodes; /* what clients of memcached are told, see discovery.h; "" for others */
    int64_t nodes_version;
    struct owner owner; /* without its name */
    struct allotment allotment;
    bool is_seeded; /* it is still to load what it begins with; the reader's to find out */
};

#define SINCE_EVER (-1)

/* Those whose goals changed by a later generation than `since`. */
must_use struct err store_host_nodes(struct store_tx *tx, const char *host_id, int64_t since,
                                     struct host_node **out, size_t *out_count);

/* Whether a node has the address with that port, for readers too; or at all, with port 0. */
must_use struct err store_address_is_used(struct store_tx *tx, const char *address, int port,
                                          bool *out);

/* --- saw (writer: fleet) --- */

/* Inserts or updates by id; ERR_EXISTS when another host of the region has that name. */
must_use struct err store_host_put(struct store_tx *tx, const struct host *h);
must_use struct err store_host_get(struct store_tx *tx, const char *host_id, struct host *out);

/* Hosts of a region ("" = all) with what is used of them, by zone and name. */
must_use struct err store_host_list(struct store_tx *tx, const char *region, struct host_list *out);

/* The same by id. */
must_use struct err store_host_list_by_id(struct store_tx *tx, const char *region,
                                          struct host_list *out);
/* How late renewals of leases are there; -1: it does not say. */
must_use struct err store_host_late(struct store_tx *tx, const char *host_id, int64_t late_ms);

must_use struct err store_host_silence(struct store_tx *tx, const char *host_id, bool is_silent,
                                       int64_t now_ms);

/* Touches the clusters that have nodes there. */
must_use struct err store_host_quiet(struct store_tx *tx, const char *host_id, bool is_quiet);

/* The regions of which hosts_are_mostly_silent, by name. */
must_use struct err store_silent_regions(struct store_tx *tx, const char ***out, size_t *out_count);

/* Records what was seen of a node (ignored for a node that no longer exists); `*out_changed` tells
 * whether it says anything new. Touches the node's cluster when it does. */
must_use struct err store_saw_set(struct store_tx *tx, int64_t node_id, const struct node_saw *saw,
                                  bool *out_changed);

/* Nodes last seen on `host_id`: their ids. */
must_use struct err store_saw_of_host(struct store_tx *tx, const char *host_id, int64_t **out,
                                      size_t *out_count);

/* How far the node had come by the last word of its host; of one that was seen. Raises nothing and
 * touches nobody. */
must_use struct err store_saw_offset(struct store_tx *tx, int64_t node_id, int64_t offset);

/* Forgets a sight: the host no longer has the node. Touches the cluster. */
must_use struct err store_saw_remove(struct store_tx *tx, int64_t node_id);

/* Counts for /metrics: hosts, clusters, nodes by seen state. */
struct store_counts {
    int64_t hosts, silent_hosts, clusters;
    int64_t nodes[NODE_STATE_COUNT];
};
must_use struct err store_count(struct store_tx *tx, struct store_counts *out);

#endif
