/* The metrics that nodes have: names, units, and how exactly points are kept. Pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_METRICS_H
#define LARDER_CONTROLPLANE_MODEL_METRICS_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define METRIC_NAMESPACE "AWS/ElastiCache"
#define METRIC_MAX       255 /* numbers are from 1 to that */

struct metric {
    int number;       /* in stored points */
    const char *name; /* "CPUUtilization" */
    const char *unit; /* CloudWatch's word: "Percent" */
    int64_t scale;    /* points are kept as whole multiples of 1/scale */
};

/* All of them, by number. */
extern const struct metric metrics[];
extern const size_t metric_count;

/* By name, or NULL. */
const struct metric *metric_find(struct str name);

/* By number, or NULL for one that no longer is. */
const struct metric *metric_of(int number);

#endif
