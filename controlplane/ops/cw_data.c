/*
 * GetMetricData: many queries, each for a metric or for an expression over others. Queries are
 * computed when they are first needed; what one comes to is a value for each period, NAN for none.
 */
#include "base/arena.h"
#include "base/shape_text.h"
#include "base/vec.h"
#include "contract/faults.h"
#include "contract/monitoring_handlers.h"
#include "controlplane/ops/metric_math.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/series.h"
#include "controlplane/ops/stats.h"

#include <math.h>
#include <string.h>

#define QUERIES_MAX    500
#define DATAPOINTS_MAX 100800  /* in one answer */
#define COMPUTED_MAX   1000000 /* in one call, pages behind it included */
#define MINUTE_MS      ((int64_t)60000)
#define MINUTE_S       60

enum query_state { QUERY_NEW, QUERY_RUNNING, QUERY_DONE };

struct data_query {
    const struct cw_metric_data_query *in;
    size_t number; /* in the request, from 1 */
    enum query_state state;
    struct series_span span;
    const double *values;
};

struct data_call {
    struct call *call;
    const struct cw_get_metric_data_in *in;
    struct data_query *queries;
    size_t count;
    struct data_query *running; /* the expression that is being computed */
};

static struct err invalid(struct data_call *d, const char *why)
{
    return fault(d->call, FAULT_VALIDATION_ERROR, "%s", why);
}

#define INVALID(d, ...) invalid((d), arena_printf((d)->call->arena, __VA_ARGS__))

/* --- what queries must be --- */

static bool is_id(const char *id)
{
    if (*id < 'a' || *id > 'z')
        return false;
    return id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] ==
           '\0';
}

static struct err check_period(struct data_call *d, const struct data_query *q, int64_t period_s)
{
    bool is_short =
        period_s == 1 || period_s == 5 || period_s == 10 || period_s == 20 || period_s == 30;

    if (is_short || (period_s > 0 && period_s % MINUTE_S == 0))
        return OK;
    return INVALID(d,
                   "The parameter MetricDataQueries.member.%zu.Period must be 1, 5, 10, 20, 30 or "
                   "a multiple of 60.",
                   q->number);
}

static struct err check_metric(struct data_call *d, const struct data_query *q)
{
    struct stat s;

    if (!stat_parse(q->in->metric_stat->stat, &s))
        return INVALID(d,
                       "The value %s for parameter MetricDataQueries.member.%zu.MetricStat.Stat is "
                       "not supported.",
                       q->in->metric_stat->stat, q->number);
    if (!q->in->metric_stat->metric->namespace || !q->in->metric_stat->metric->metric_name)
        return INVALID(
            d,
            "The parameters MetricDataQueries.member.%zu.MetricStat.Metric.Namespace and "
            "MetricName are required.",
            q->number);
    return check_period(d, q, q->in->metric_stat->period.value);
}

static struct err check_query(struct data_call *d, const struct data_query *q)
{
    if (!is_id(q->in->id))
        return INVALID(d,
                       "The value %s for parameter MetricDataQueries.member.%zu.Id is not matching "
                       "the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                       q->in->id, q->number);
    for (size_t i = 0; i + 1 < q->number; i++)
        if (strcmp(d->queries[i].in->id, q->in->id) == 0)
            return INVALID(d, "The values for parameter id in MetricDataQueries are not unique.");
    if (!q->in->metric_stat == !q->in->expression)
        return INVALID(d,
                       "Exactly one of the parameters MetricDataQueries.member.%zu.MetricStat and "
                       "MetricDataQueries.member.%zu.Expression must be specified.",
                       q->number, q->number);
    if (q->in->metric_stat)
        return check_metric(d, q);
    return q->in->period.has ? check_period(d, q, q->in->period.value) : OK;
}

static struct err check_call(struct data_call *d)
{
    if (d->in->start_time.value >= d->in->end_time.value)
        return invalid(d, "The parameter StartTime must be less than the parameter EndTime.");
    if (d->count == 0 || d->count > QUERIES_MAX)
        return INVALID(d, "The parameter MetricDataQueries must have 1 to %d members.",
                       QUERIES_MAX);
    if (d->in->max_datapoints.has &&
        (d->in->max_datapoints.value < 1 || d->in->max_datapoints.value > DATAPOINTS_MAX))
        return INVALID(d, "The parameter MaxDatapoints must be between 1 and %d.", DATAPOINTS_MAX);
    for (size_t i = 0; i < d->count; i++)
        TRY(check_query(d, &d->queries[i]));
    for (size_t i = 0; i < d->count; i++)
        if (!d->queries[i].in->return_data.has || d->queries[i].in->return_data.value)
            return OK;
    return invalid(d, "At least one of the queries must have ReturnData.");
}

/* --- grids --- */

static struct data_query *query_find(struct data_call *d, const char *id, size_t len)
{
    for (size_t i = 0; i < d->count; i++)
        if (strlen(d->queries[i].in->id) == len && memcmp(d->queries[i].in->id, id, len) == 0)
            return &d->queries[i];
    return NULL;
}

static struct series_span span_of(const struct data_call *d, int64_t period_s)
{
    int64_t period_ms = period_s < MINUTE_S ? MINUTE_MS : period_s * 1000;
    int64_t from_ms = d->in->start_time.value / period_ms * period_ms;

    return (struct series_span){
        from_ms, period_ms,
        (size_t)((d->in->end_time.value - from_ms + period_ms - 1) / period_ms)};
}

struct period_search {
    struct data_call *d;
    int64_t period_s; /* the longest of what it speaks of */
    int depth;
};

static void take_period(void *context, const char *id, size_t len)
{
    struct period_search *s = context;
    struct data_query *q = query_find(s->d, id, len);

    if (!q || s->depth > 8)
        return;
    if (q->in->metric_stat) {
        int64_t period_s = q->in->metric_stat->period.value;
        s->period_s = period_s > s->period_s ? period_s : s->period_s;
        return;
    }
    s->depth++;
    math_each_id(q->in->expression, take_period, s);
    s->depth--;
}

/* The period of an expression: its own, or that of the metrics in it, or that of all. */
static int64_t expression_period(struct data_call *d, const struct data_query *q)
{
    struct period_search s = {.d = d};

    if (q->in->period.has)
        return q->in->period.value;
    math_each_id(q->in->expression, take_period, &s);
    for (size_t i = 0; i < d->count && s.period_s == 0; i++)
        if (d->queries[i].in->metric_stat)
            s.period_s = d->queries[i].in->metric_stat->period.value;
    return s.period_s ? s.period_s : MINUTE_S;
}

static struct err set_grids(struct data_call *d)
{
    size_t total = 0;

    for (size_t i = 0; i < d->count; i++) {
        struct data_query *q = &d->queries[i];
        q->span = span_of(d, q->in->metric_stat ? q->in->metric_stat->period.value
                                                : expression_period(d, q));
        if (q->span.count > COMPUTED_MAX || (total += q->span.count) > COMPUTED_MAX)
            return INVALID(d,
                           "The queries ask for more than %d datapoints: give longer periods, a "
                           "shorter time, or fewer queries.",
                           COMPUTED_MAX);
    }
    return OK;
}

/* --- computing --- */

static struct err compute(struct data_call *d, struct data_query *q);

static struct err compute_metric(struct data_call *d, struct data_query *q)
{
    scoped(arena_fini) struct arena a = {0};
    const struct cw_metric_stat *in = q->in->metric_stat;
    const struct metric *m = series_metric(in->metric->namespace, in->metric->metric_name);
    struct series_bucket *buckets = arena_array(&a, q->span.count, sizeof(*buckets));
    double *values = arena_array(d->call->arena, q->span.count + 1, sizeof(*values));
    struct stat s;

    check(stat_parse(in->stat, &s));
    if (m && in->unit && strcmp(in->unit, m->unit) != 0)
        m = NULL; /* there are no points of another unit */
    struct err e = series_read(d->call, &a, m, &in->metric->dimensions, &q->span,
                               s.kind == STAT_PERCENTILE, buckets);
    if (err_failed(e))
        return err_keep(d->call->arena, e);
    for (size_t i = 0; i < q->span.count; i++)
        values[i] = buckets[i].count > 0 ? stat_of(&s, &buckets[i]) : NAN;
    q->values = values;
    return OK;
}

/* A query on the grid of the expression that speaks of it. */
static struct err on_grid(struct data_call *d, struct data_query *q, struct math_series *out)
{
    struct data_query *asking = d->running;

    if (q->state == QUERY_RUNNING)
        return err_format(d->call->arena, ERR_INVALID,
                          "Error in expression: '%s' depends on itself", q->in->id);
    if (q->span.period_ms != asking->span.period_ms)
        return err_format(d->call->arena, ERR_INVALID,
                          "Error in expression: '%s' has another period", q->in->id);
    TRY(compute(d, q));
    d->running = asking;
    out->values = q->values;
    return OK;
}

static struct err find_series(void *context, const char *id, struct math_series *out)
{
    struct data_call *d = context;
    struct data_query *q = query_find(d, id, strlen(id));

    return q ? on_grid(d, q, out)
             : err_format(d->call->arena, ERR_INVALID, "Undefined variable '%s' in expression", id);
}

static struct err find_metrics(void *context, struct math_series **out, size_t *out_count)
{
    struct data_call *d = context;

    *out = arena_array(d->call->arena, d->count + 1, sizeof(**out));
    *out_count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->queries[i].in->metric_stat)
            TRY(on_grid(d, &d->queries[i], &(*out)[(*out_count)++]));
    return OK;
}

static struct err compute_expression(struct data_call *d, struct data_query *q)
{
    const struct math math = {.arena = d->call->arena,
                              .count = q->span.count,
                              .period_s = q->span.period_ms / 1000,
                              .find = find_series,
                              .metrics = find_metrics,
                              .context = d};
    struct math_series series;

    d->running = q;
    struct err e = math_run(&math, q->in->expression, &series);
    if (err_is(e, ERR_INVALID))
        return INVALID(d, "%s", e.why);
    q->values = series.values;
    return e;
}

static struct err compute(struct data_call *d, struct data_query *q)
{
    if (q->state == QUERY_DONE)
        return OK;
    q->state = QUERY_RUNNING;
    TRY(q->in->metric_stat ? compute_metric(d, q) : compute_expression(d, q));
    q->state = QUERY_DONE;
    return OK;
}

/* --- the answer --- */

struct data_page {
    size_t to_skip, left;
    size_t end; /* points in front of the next page */
    bool has_more;
};

static const char *label_of(const struct cw_metric_data_query *in)
{
    if (in->label)
        return in->label;
    return in->metric_stat ? in->metric_stat->metric->metric_name : in->id;
}

static size_t count_points(const struct data_query *q)
{
    size_t count = 0;

    for (size_t i = 0; i < q->span.count; i++)
        count += !isnan(q->values[i]);
    return count;
}

/* The points of a query from `skip` on, at most `limit`. */
static void fill_result(struct data_call *d, const struct data_query *q, size_t skip, size_t limit,
                        struct cw_metric_data_result *out)
{
    bool is_ascending = d->in->scan_by && strcmp(d->in->scan_by, "TimestampAscending") == 0;
    struct arena *a = d->call->arena;
    size_t seen = 0;

    out->timestamps.has = out->values.has = true;
    out->timestamps.items = arena_array(a, limit + 1, sizeof(*out->timestamps.items));
    out->values.items = arena_array(a, limit + 1, sizeof(*out->values.items));
    for (size_t k = 0; k < q->span.count && out->values.count < limit; k++) {
        size_t i = is_ascending ? k : q->span.count - 1 - k;
        if (isnan(q->values[i]) || seen++ < skip)
            continue;
        int64_t at_ms = q->span.from_ms + (int64_t)i * q->span.period_ms;
        out->timestamps.items[out->timestamps.count++] = TIME_OF(at_ms);
        out->values.items[out->values.count++] = (struct opt_double){true, q->values[i]};
    }
}

static void add_result(struct data_call *d, struct data_query *q, struct data_page *page,
                       struct cw_get_metric_data_out *out)
{
    size_t count = count_points(q);

    if (page->has_more || (count <= page->to_skip && page->to_skip > 0)) { /* of another page */
        page->to_skip -= page->has_more ? 0 : count;
        return;
    }
    size_t shown = count - page->to_skip < page->left ? count - page->to_skip : page->left;
    struct cw_metric_data_result *result =
        &out->metric_data_results.items[out->metric_data_results.count++];
    *result = (struct cw_metric_data_result){.id = q->in->id, .label = label_of(q->in)};
    fill_result(d, q, page->to_skip, shown, result);
    page->has_more = page->to_skip + shown < count;
    result->status_code = page->has_more ? "PartialData" : "Complete";
    page->end += shown;
    page->left -= shown;
    page->to_skip = 0;
}

static struct err open_page(struct data_call *d, struct data_page *out)
{
    const char *text = "";
    int64_t at = 0;

    if (d->in->next_token && (err_failed(page_marker_read(d->call, d->in->next_token, &text)) ||
                              !str_to_i64(str_of(text), &at) || at < 1))
        return fault(d->call, FAULT_INVALID_NEXT_TOKEN, "The value of NextToken is not valid.");
    *out = (struct data_page){
        .to_skip = (size_t)at,
        .end = (size_t)at,
        .left = d->in->max_datapoints.has ? (size_t)d->in->max_datapoints.value : DATAPOINTS_MAX};
    return OK;
}

struct err cw_get_metric_data(struct call *c, const struct cw_get_metric_data_in *in,
                              struct cw_get_metric_data_out *out)
{
    struct data_call d = {.call = c, .in = in, .count = in->metric_data_queries.count};
    struct data_page page = {0};

    d.queries = arena_array(c->arena, d.count + 1, sizeof(*d.queries));
    for (size_t i = 0; i < d.count; i++)
        d.queries[i] =
            (struct data_query){.in = &in->metric_data_queries.items[i], .number = i + 1};
    TRY(check_call(&d));
    TRY(set_grids(&d));
    TRY(open_page(&d, &page));
    out->metric_data_results.has = out->messages.has = true;
    out->metric_data_results.items =
        arena_array(c->arena, d.count, sizeof(*out->metric_data_results.items));
    for (size_t i = 0; i < d.count; i++) {
        TRY(compute(&d, &d.queries[i]));
        if (!d.queries[i].in->return_data.has || d.queries[i].in->return_data.value)
            add_result(&d, &d.queries[i], &page, out);
    }
    if (page.has_more)
        out->next_token = page_marker(c, arena_printf(c->arena, "%lld", (long long)page.end));
    return OK;
}
