/* The statistics that CloudWatch's calls know; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_STATS_H
#define LARDER_CONTROLPLANE_OPS_STATS_H

#include "controlplane/ops/series.h"

enum stat_kind { STAT_COUNT, STAT_AVERAGE, STAT_SUM, STAT_MINIMUM, STAT_MAXIMUM, STAT_PERCENTILE };

struct stat {
    enum stat_kind kind;
    double percent; /* of STAT_PERCENTILE: 0 to 100 */
};

/* "Average", "p99.9"; false for what is none. */
bool stat_parse(const char *text, struct stat *out);

/* Of a bucket that has samples; STAT_PERCENTILE needs those themselves. */
double stat_of(const struct stat *s, const struct series_bucket *b);

#endif
