/*
 * How caches are entered: by users of a group, by a token, or by anybody. Like store.h: one
 * question or one fact each, inside a transaction of the caller's. Errors: ERR_NOT_FOUND, ERR_IO,
 * ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_ACCESS_H
#define LARDER_CONTROLPLANE_STORE_ACCESS_H

#include "controlplane/model/auth_token.h"
#include "controlplane/store/store.h"

/* One cache: a replication group or a cache cluster outside of groups. */
struct cache_access {
    int64_t replication_group_id, cluster_id; /* one of them; the other is 0 */
    int64_t user_group_id;                    /* 0: none is attached */
    struct auth_token token;
    int64_t revision; /* of all but the user group, which has its own */
};

/* What is known of a cache; all but the owner is empty, and the revision 0, where nobody has said
 * anything yet. */
must_use struct err store_access_get(struct store_tx *tx, int64_t replication_group_id,
                                     int64_t cluster_id, struct cache_access *out);

/* Sets everything. (writer: ops) */
must_use struct err store_access_put(struct store_tx *tx, const struct cache_access *x);

/* Of a cluster that becomes the first member of a group, or of a group whose last member stands
 * alone from now on: what is said of the one is said of the other, and nobody has to be told.
 * (writer: ops; reconcile) */
must_use struct err store_access_to_group(struct store_tx *tx, int64_t cluster_id,
                                          int64_t replication_group_id);
must_use struct err store_access_to_cluster(struct store_tx *tx, int64_t replication_group_id,
                                            int64_t cluster_id);

/* The caches that many user groups are attached to, by user group, then name. */
struct attachment {
    int64_t user_group_id;
    int64_t replication_group_id, cluster_id; /* one of them; the other is 0 */
    const char *cache;                        /* its name */
    const char *engine, *engine_version;
    struct owner owner; /* of a group: then that is what users know */
};
must_use struct err store_access_attachments(struct store_tx *tx, const int64_t *user_group_ids,
                                             size_t count, struct attachment **out,
                                             size_t *out_count);

/* --- goal (writer: reconcile) --- */

/* Raises the generation of every host with a node of a cache whose access changed since the last
 * call; `*out_any` becomes true when there are such caches. */
must_use struct err store_access_tell(struct store_tx *tx, bool *out_any);

/* --- saw --- */

/* The running nodes of all caches that a user group is attached to, but those of silent hosts, with
 * the revision that each should have in force. */
struct access_sight {
    const char *cluster, *number;
    int64_t revision;
    const char *applied_settings;
};
must_use struct err store_access_sights(struct store_tx *tx, int64_t user_group_id,
                                        struct access_sight **out, size_t *out_count);

/* How the caches of a host's nodes are entered; those that anybody may enter are left out. By
 * cluster. */
struct host_access {
    int64_t cluster_id, user_group_id;
    struct auth_token token;
    int64_t revision; /* the group's too */
};
must_use struct err store_host_access(struct store_tx *tx, const char *host_id,
                                      struct host_access **out, size_t *out_count);

/* Of which cache a node on that host is, when a user group is attached to it; ERR_NOT_FOUND. */
struct node_entry {
    const char *account, *region, *cache;
    int64_t user_group_id;
    bool is_serverless;
};
must_use struct err store_node_entry(struct store_tx *tx, int64_t node_id, const char *host_id,
                                     struct node_entry *out);

#endif
