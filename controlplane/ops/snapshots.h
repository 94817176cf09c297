/* Snapshots for all handlers that take or use one; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_SNAPSHOTS_H
#define LARDER_CONTROLPLANE_OPS_SNAPSHOTS_H

#include "contract/elasticache.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/snapshot.h"
#include "controlplane/ops/group_facts.h"

/* --- taking --- */

/*
 * Takes a manual snapshot of a group, or of a cluster that is no member of one, under that name;
 * `member_name` of the one that gives it, "" where that does not matter. Checks name and quota, not
 * the source's state. With `is_final` the caller's delete operation has the snapshot's id as its
 * data. The tags are the source's unless `in` has some. FAULT_SNAPSHOT_ALREADY_EXISTS,
 * FAULT_SNAPSHOT_QUOTA_EXCEEDED, FAULT_INVALID_PARAMETER_VALUE. An automatic one has a name that
 * nobody else may give, and no quota.
 */
struct snapshot_wish {
    const char *name;
    const char *member_name;
    bool is_final, is_automatic;
    const struct ec_tag_list *tags; /* NULL: none */
};
must_use struct err snapshots_take_group(struct call *c, const struct replication_group *g,
                                         const struct snapshot_wish *wish, struct snapshot *out);
must_use struct err snapshots_take_cluster(struct call *c, const struct cluster *cl,
                                           const struct snapshot_wish *wish, struct snapshot *out);

/* Takes the day's automatic snapshot of what has that name. FAULT_*_NOT_FOUND, and
 * FAULT_INVALID_*_STATE where it is not available. */
must_use struct err snapshots_back_up(struct call *c, bool is_group, const char *name);

/* By name in any case; FAULT_SNAPSHOT_NOT_FOUND. */
must_use struct err snapshots_find(struct call *c, const char *name, struct snapshot *out);

/* --- restoring --- */

/* What a new cache is to begin with; all zero: nothing. */
struct restore {
    bool has;
    struct snapshot snapshot; /* of which an import has no id before restore_record_import */
    struct snapshot_part_list parts;
};

/* Reads SnapshotName and SnapshotArns, which exclude each other. FAULT_SNAPSHOT_NOT_FOUND,
 * FAULT_INVALID_PARAMETER_VALUE, FAULT_INVALID_PARAMETER_COMBINATION; for a snapshot that cannot be
 * used now, FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err restore_read(struct call *c, const char *snapshot_name,
                                 const struct ec_snapshot_arns_list *arns, struct restore *out);

/* Whether the snapshot fits an engine and a size. FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err restore_check(struct call *c, const struct restore *r,
                                  const struct engine_version *version,
                                  const struct node_type *type, size_t shard_count,
                                  bool is_clustered);

/* Records an import, so that its parts have ids. Nothing for others. */
must_use struct err restore_record(struct call *c, struct restore *r);

/* The node begins with what the snapshot has of the slots ("": all). */
must_use struct err restore_seed(struct call *c, const struct restore *r, int64_t node_id,
                                 const char *slots);

/* The snapshot's tags, for a request that has none. */
must_use struct err restore_tags(struct call *c, const struct restore *r, struct tag **tags,
                                 size_t *count);

#endif
