/*
 * The numbers of nodes: one-minute points of 15 days, by the names that users know. (writer: fleet)
 *
 * A source is a node as its cluster's users know it. Points of one that was deleted stay until they
 * are old; a cluster that gets the same name goes on where it left off.
 */
#ifndef LARDER_CONTROLPLANE_STORE_POINTS_H
#define LARDER_CONTROLPLANE_STORE_POINTS_H

#include "controlplane/model/points.h"
#include "controlplane/store/store.h"

struct point_source {
    int64_t id;
    const char *cluster, *number;
    const char *replication_group; /* "" for none */
    const char *metrics;           /* " 1 2 17 ": the numbers of those that it ever had */
    int64_t last_ms;
};

/* One number of a sample. */
struct point_value {
    const struct metric *metric;
    double value;
};

/* Adds a sample of the minute that begins at `at_ms`; what is there of that minute already is
 * replaced. ERR_NOT_FOUND when the node no longer exists. */
must_use struct err store_point_add(struct store_tx *tx, int64_t node_id, int64_t at_ms,
                                    const struct point_value *values, size_t count);

/* Sources of an account and region that have had a point since `since_ms`, by cluster and node. */
struct point_source_query {
    const char *account, *region;
    const char *cluster, *number, *replication_group; /* NULL: any */
    int64_t since_ms;
};
must_use struct err store_point_sources(struct store_tx *tx, const struct point_source_query *q,
                                        struct point_source **out, size_t *out_count);

/* The packed points of a source in the hours from `from_hour` up to `to_hour`, without it; calls
 * `take` for each, the oldest first, and ends with its error when it has one. */
typedef struct err (*point_hour_fn)(void *context, int64_t hour, struct str packed);
must_use struct err store_point_hours(struct store_tx *tx, int64_t source_id, int64_t from_hour,
                                      int64_t to_hour, point_hour_fn take, void *context);

/* Forgets what is older than `before_ms`, and the oldest hours while all take more room than
 * `max_bytes`. */
must_use struct err store_point_prune(struct store_tx *tx, int64_t before_ms, int64_t max_bytes);

/* How much room packed points take. */
must_use struct err store_point_room(struct store_tx *tx, int64_t *out_bytes);

#endif
