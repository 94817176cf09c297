/*
 * Metric math, as much of it as is common: numbers, ids of other queries, + - * / ^ and brackets,
 * and ABS AVG CEIL DIFF FILL FLOOR MAX METRICS MIN PERIOD RATE SUM. Private to ops/.
 */
#ifndef LARDER_CONTROLPLANE_OPS_METRIC_MATH_H
#define LARDER_CONTROLPLANE_OPS_METRIC_MATH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena;

/* Values over time, all of an expression on the same grid; NAN where there is none. */
struct math_series {
    const double *values;
};

struct math {
    struct arena *arena;
    size_t count; /* of values in each series */
    int64_t period_s;
    /* The series of a query by its id; an error is the expression's. */
    struct err (*find)(void *context, const char *id, struct math_series *out);
    /* Those of all queries for metrics, whose count goes to `*out_count`. */
    struct err (*metrics)(void *context, struct math_series **out, size_t *out_count);
    void *context;
};

/* Calls `take` for each id that an expression speaks of; ids that are not written well included. */
void math_each_id(const char *expression, void (*take)(void *context, const char *id, size_t len),
                  void *context);

/* Computes an expression, which must come to one series. ERR_INVALID with a sentence in the
 * arena. */
must_use struct err math_run(const struct math *m, const char *expression, struct math_series *out);

#endif
