/*
 * The points of one source in one hour, a column for each metric, packed: what does not change from
 * minute to minute costs next to nothing. Pure.
 *
 * Packed form: a byte for the version; the minutes that have a sample, as bits of a varint; then
 * for each metric its number, the length of what follows, the minutes in which it is missing though
 * there is a sample, and its values: differences of scaled whole numbers as zigzag varints, a run
 * of equal values as 0 and how many more there are.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_POINTS_H
#define LARDER_CONTROLPLANE_MODEL_POINTS_H

#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/metrics.h"

#include <stdint.h>

struct arena;
struct buf;

#define POINTS_MINUTE_MS ((int64_t)60000)
#define POINTS_HOUR_MS   (60 * POINTS_MINUTE_MS)
#define POINTS_MINUTES   60

/* Points older than this are forgotten. */
#define POINTS_KEEP_MS (15 * 24 * POINTS_HOUR_MS)

struct points_column {
    uint64_t minutes; /* bit i: there is a value of minute i */
    int64_t scaled[POINTS_MINUTES];
};

struct points {
    uint64_t minutes;                              /* that have a sample */
    struct points_column *columns[METRIC_MAX + 1]; /* by the metric's number; NULL: none */
};

/* Sets one value; the minute is 0 to 59. Columns are made in `a`. What no whole number can hold is
 * held as the nearest that can. */
void points_set(struct arena *a, struct points *p, const struct metric *m, int minute,
                double value);

/* Adds the packed form to `out`. */
void points_pack(const struct points *p, struct buf *out);

/* Reads a packed form; ERR_CORRUPT. An empty one has nothing. */
must_use struct err points_unpack(struct arena *a, struct str packed, struct points *out);

/* The same of one metric only; a column without minutes when it is not there. */
must_use struct err points_unpack_one(struct str packed, int number, struct points_column *out);

#endif
