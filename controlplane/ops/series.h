/*
 * Metrics as CloudWatch's calls see them: which there are, and their samples over time; private to
 * ops/.
 *
 * A metric of a node has four faces: the node's own, that of its cluster (the samples of all
 * nodes), that of its replication group, and that of the group's primaries or replicas.
 */
#ifndef LARDER_CONTROLPLANE_OPS_SERIES_H
#define LARDER_CONTROLPLANE_OPS_SERIES_H

#include "contract/monitoring.h"
#include "controlplane/model/metrics.h"
#include "controlplane/ops/call.h"

/* Metrics without a point for so long are not listed. */
#define SERIES_LISTED_MS (14 * 24 * 3600 * (int64_t)1000)

/* Periods of time, one behind the other. */
struct series_span {
    int64_t from_ms, period_ms;
    size_t count;
};

/* What was sampled in one period; count 0: nothing. */
struct series_bucket {
    double count, sum, min, max;
    const double *samples; /* ascending; NULL unless they were asked for */
};

/* The metric that the names mean, or NULL when there is none such. */
const struct metric *series_metric(const char *name_space, const char *name);

/* Fills `out`, one bucket for each period, in `a`: its samples stay until `a` is given up. Names
 * that mean nothing have no samples. */
must_use struct err series_read(struct call *c, struct arena *a, const struct metric *m,
                                const struct cw_dimensions *dimensions,
                                const struct series_span *span, bool has_samples,
                                struct series_bucket *out);

/* Calls `take` for each metric that has had points since `since_ms`, in an order that stays, until
 * it says false. */
typedef bool (*series_fn)(void *context, const struct metric *m,
                          const struct cw_dimension *dimensions, size_t count);
must_use struct err series_each(struct call *c, int64_t since_ms, series_fn take, void *context);

#endif
