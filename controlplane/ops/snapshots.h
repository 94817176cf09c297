/* Snapshots for all handlers that take or use one; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_SNAPSHOTS_H
#define LARDER_CONTROLPLANE_OPS_SNAPSHOTS_H

#include "contract/elasticache.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/snapshot.h"
#include "controlplane/ops/group_facts.h"

/* --- two families --- */

/* What snapshots of nodes and those of serverless caches differ in: names of one do not meet those
 * of the other. */
struct snapshot_family {
    const char *owner;                   /* as in struct snapshot */
    const char *noun;                    /* "Snapshot" */
    const char *member;                  /* of requests that name a new one */
    int per_day;                         /* manual ones of one source */
    bool limits_copies;                  /* also by that number */
    int not_found, exists, quota, state; /* FAULT_* */
};
extern const struct snapshot_family snapshots_of_nodes, snapshots_of_serverless;

/* By name in any case; the family's `not_found`. */
must_use struct err snapshots_find(struct call *c, const struct snapshot_family *f,
                                   const char *name, struct snapshot *out);

/* One that can be copied and exported: also the family's `state`. */
must_use struct err snapshots_find_available(struct call *c, const struct snapshot_family *f,
                                             const char *name, struct snapshot *out);

/* --- taking --- */

/*
 * Takes a manual snapshot of a group, or of a cluster that is no member of one, under that name;
 * `member_name` of the one that gives it, "" where that does not matter. Checks name and quota, not
 * the source's state. With `is_final` the caller's delete operation has the snapshot's id as its
 * data. The tags are the source's unless `in` has some. What a serverless cache owns gives one of
 * its family. The family's `exists` and `quota`, FAULT_INVALID_PARAMETER_VALUE. An automatic one
 * has a name that nobody else may give, and no quota.
 */
struct snapshot_wish {
    const char *name;
    const char *member_name;
    bool is_final, is_automatic;
    const char *kms_key;            /* NULL: the source's */
    const struct ec_tag_list *tags; /* NULL: none */
};
must_use struct err snapshots_take_group(struct call *c, const struct replication_group *g,
                                         const struct snapshot_wish *wish, struct snapshot *out);
must_use struct err snapshots_take_cluster(struct call *c, const struct cluster *cl,
                                           const struct snapshot_wish *wish, struct snapshot *out);

/* The same of what stands behind a serverless cache. */
struct serverless_facts;
must_use struct err snapshots_take_cache(struct call *c, const struct serverless_facts *f,
                                         const struct snapshot_wish *wish, struct snapshot *out);

/* Takes the day's automatic snapshot. FAULT_*_NOT_FOUND, and FAULT_INVALID_*_STATE where it is not
 * available. */
struct due;
must_use struct err snapshots_back_up(struct call *c, const struct due *source);

/* --- what is done with them --- */

/*
 * A second one of that name. Under the same key (`kms_key` NULL) it is in the same files, and
 * nothing is written twice; under another one it gets files of its own soon after. The tags are
 * those of `from` unless `tags` has some. The family's `exists` and `quota`.
 */
must_use struct err snapshots_copy(struct call *c, const struct snapshot_family *f,
                                   const struct snapshot *from, const struct snapshot_wish *wish,
                                   struct snapshot *out);

/* To a bucket, as files of that name. FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err snapshots_export(struct call *c, const struct snapshot *from, const char *name,
                                     const char *bucket);

/* The family's `state` while it is used or made. */
must_use struct err snapshots_remove(struct call *c, const struct snapshot_family *f,
                                     const struct snapshot *s);

/* --- restoring --- */

/* What a new cache is to begin with; all zero: nothing. */
struct restore {
    bool has;
    struct snapshot snapshot; /* of which an import has no id before restore_record_import */
    struct snapshot_part_list parts;
};

/* Where from: each may be NULL or empty, and they exclude each other. */
struct restore_wish {
    const char *snapshot_name, *serverless_name;
    const struct ec_snapshot_arns_list *arns; /* of files in buckets */
};

/* FAULT_INVALID_PARAMETER_VALUE, also for a snapshot that is not there or cannot be used now;
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err restore_read(struct call *c, const struct restore_wish *wish,
                                 struct restore *out);

/* SnapshotArnsToRestore: files in buckets, or one snapshot of either family. The same faults. */
must_use struct err restore_read_arns(struct call *c, const struct ec_snapshot_arns_list *arns,
                                      struct restore *out);

/* Whether the snapshot fits an engine and so many shards that have room for so much each.
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err restore_check(struct call *c, const struct restore *r,
                                  const struct engine_version *version, int64_t shard_bytes,
                                  size_t shard_count, bool is_clustered);

/* Records an import, so that its parts have ids. Nothing for others. */
must_use struct err restore_record(struct call *c, struct restore *r);

/* The node begins with what the snapshot has of the slots ("": all). */
must_use struct err restore_seed(struct call *c, const struct restore *r, int64_t node_id,
                                 const char *slots);

/* The snapshot's tags, for a request that has none. */
must_use struct err restore_tags(struct call *c, const struct restore *r, struct tag **tags,
                                 size_t *count);

#endif
