/* GetMetricStatistics: one metric, several statistics. */
#include "base/arena.h"
#include "contract/faults.h"
#include "contract/monitoring_handlers.h"
#include "controlplane/ops/series.h"
#include "controlplane/ops/stats.h"

#include <string.h>

#define POINTS_MAX 1440
#define MINUTE_MS  ((int64_t)60000)
#define MINUTE_S   60

static struct err check_times(struct call *c, const struct cw_get_metric_statistics_in *in)
{
    int64_t period_s = in->period.value;

    if (in->start_time.value >= in->end_time.value)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter StartTime must be less than the parameter EndTime.");
    if (period_s < MINUTE_S && period_s != 1 && period_s != 5 && period_s != 10 && period_s != 20 &&
        period_s != 30)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter Period must be a multiple of 60, or one of 1, 5, 10, 20, 30.");
    if (period_s >= MINUTE_S && period_s % MINUTE_S != 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter Period must be a multiple of 60.");
    int64_t points = (in->end_time.value - in->start_time.value) / (period_s * 1000);
    if (points > POINTS_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "You have requested up to %lld datapoints, which exceeds the limit of 1,440. "
                     "You may reduce the datapoints requested by increasing Period, or decreasing "
                     "the time range.",
                     (long long)points);
    return OK;
}

static struct err check_statistics(struct call *c, const struct cw_get_metric_statistics_in *in)
{
    struct stat s;

    if (in->statistics.count == 0 && in->extended_statistics.count == 0)
        return fault(c, FAULT_MISSING_REQUIRED_PARAMETER,
                     "At least one of the parameters Statistics and ExtendedStatistics must be "
                     "specified.");
    if (in->statistics.count > 0 && in->extended_statistics.count > 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "The parameters Statistics and ExtendedStatistics are mutually exclusive.");
    for (size_t i = 0; i < in->extended_statistics.count; i++)
        if (!stat_parse(in->extended_statistics.items[i], &s) || s.kind != STAT_PERCENTILE)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "The value %s for parameter ExtendedStatistics is not supported: give "
                         "percentiles such as p99.9.",
                         in->extended_statistics.items[i]);
    return OK;
}

static void set_statistic(const char *name, const struct series_bucket *b, struct cw_datapoint *out)
{
    struct opt_double *const places[] = {[STAT_COUNT] = &out->sample_count,
                                         [STAT_AVERAGE] = &out->average,
                                         [STAT_SUM] = &out->sum,
                                         [STAT_MINIMUM] = &out->minimum,
                                         [STAT_MAXIMUM] = &out->maximum};
    struct stat s;

    check(stat_parse(name, &s) && s.kind < countof(places)); /* the spec has the names */
    *places[s.kind] = (struct opt_double){true, stat_of(&s, b)};
}

static void set_percentiles(struct call *c, const struct cw_extended_statistics *names,
                            const struct series_bucket *b, struct cw_datapoint *out)
{
    struct shape_seq *map = (struct shape_seq *)&out->extended_statistics;
    struct stat s;

    map->has = true;
    map->count = names->count;
    out->extended_statistics.items =
        arena_array(c->arena, names->count, sizeof(*out->extended_statistics.items));
    for (size_t i = 0; i < names->count; i++) {
        check(stat_parse(names->items[i], &s));
        out->extended_statistics.items[i].key = names->items[i];
        out->extended_statistics.items[i].value = (struct opt_double){true, stat_of(&s, b)};
    }
}

static struct cw_datapoint datapoint(struct call *c, const struct cw_get_metric_statistics_in *in,
                                     const struct metric *m, int64_t at_ms,
                                     const struct series_bucket *b)
{
    struct cw_datapoint point = {.timestamp = TIME_OF(at_ms), .unit = m->unit};

    for (size_t i = 0; i < in->statistics.count; i++)
        set_statistic(in->statistics.items[i], b, &point);
    if (in->extended_statistics.count > 0)
        set_percentiles(c, &in->extended_statistics, b, &point);
    return point;
}

/* Minutes are the finest that there is: a shorter period has a point where a minute begins. */
static struct series_span span_of(const struct cw_get_metric_statistics_in *in)
{
    int64_t period_ms = in->period.value * 1000;

    if (period_ms < MINUTE_MS)
        period_ms = MINUTE_MS;
    int64_t from_ms = in->start_time.value / MINUTE_MS * MINUTE_MS;
    int64_t length_ms = in->end_time.value - from_ms;
    return (struct series_span){from_ms, period_ms,
                                (size_t)((length_ms + period_ms - 1) / period_ms)};
}

struct err cw_get_metric_statistics(struct call *c, const struct cw_get_metric_statistics_in *in,
                                    struct cw_get_metric_statistics_out *out)
{
    const struct metric *m = series_metric(in->namespace, in->metric_name);

    TRY(check_times(c, in));
    TRY(check_statistics(c, in));
    struct series_span span = span_of(in);
    struct series_bucket *buckets = arena_array(c->arena, span.count, sizeof(*buckets));
    bool is_other_unit = m && in->unit && strcmp(in->unit, m->unit) != 0;
    TRY(series_read(c, c->arena, is_other_unit ? NULL : m, &in->dimensions, &span,
                    in->extended_statistics.count > 0, buckets));
    out->label = in->metric_name;
    out->datapoints.has = true;
    out->datapoints.items = arena_array(c->arena, span.count, sizeof(*out->datapoints.items));
    for (size_t i = 0; i < span.count; i++)
        if (buckets[i].count > 0)
            out->datapoints.items[out->datapoints.count++] =
                datapoint(c, in, m, span.from_ms + (int64_t)i * span.period_ms, &buckets[i]);
    return OK;
}
