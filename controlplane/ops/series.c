/* From dimensions to the sources that they mean, and from packed hours to buckets. */
#include "controlplane/ops/series.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROLE_METRIC "IsMaster"

/* --- which sources --- */

enum role { ROLE_ANY, ROLE_PRIMARY, ROLE_REPLICA };

static const char *const role_names[] = {[ROLE_PRIMARY] = "Primary", [ROLE_REPLICA] = "Replica"};

struct choice {
    struct point_source_query query;
    enum role role;
};

static bool take_role(const char *value, enum role *out)
{
    for (enum role r = ROLE_PRIMARY; r <= ROLE_REPLICA; r++)
        if (strcmp(value, role_names[r]) == 0) {
            *out = r;
            return true;
        }
    return false;
}

static bool take_dimension(const struct cw_dimension *d, struct choice *out)
{
    const struct {
        const char *name;
        const char **to;
    } names[] = {
        {"CacheClusterId",     &out->query.cluster          },
        {"CacheNodeId",        &out->query.number           },
        {"ReplicationGroupId", &out->query.replication_group},
    };

    if (strcmp(d->name, "Role") == 0)
        return out->role == ROLE_ANY && take_role(d->value, &out->role);
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(d->name, names[i].name) == 0 && !*names[i].to && *d->value) {
            *names[i].to = d->value;
            return true;
        }
    return false;
}

/* False for dimensions that no metric has together. */
static bool choose(const struct cw_dimensions *dimensions, struct choice *out)
{
    *out = (struct choice){0};
    for (size_t i = 0; i < dimensions->count; i++)
        if (!take_dimension(&dimensions->items[i], out))
            return false;
    if (out->query.replication_group)
        return !out->query.cluster && !out->query.number;
    return out->query.cluster && out->role == ROLE_ANY;
}

const struct metric *series_metric(const char *name_space, const char *name)
{
    return strcmp(name_space, METRIC_NAMESPACE) == 0 ? metric_find(str_of(name)) : NULL;
}

/* --- samples --- */

struct sampled {
    size_t bucket;
    double value;
};

struct gathering {
    struct arena *arena;
    const struct metric *metric;
    const struct metric *role_metric; /* NULL when every sample counts */
    enum role role;
    const struct series_span *span;
    struct series_bucket *buckets;
    bool has_samples;
    struct {
        struct sampled *items;
        size_t count, capacity;
    } samples;
};

static void count_sample(struct gathering *g, int64_t at_ms, double value)
{
    int64_t since_ms = at_ms - g->span->from_ms;
    size_t i = (size_t)(since_ms / g->span->period_ms);

    if (since_ms < 0 || i >= g->span->count)
        return;
    struct series_bucket *b = &g->buckets[i];
    b->min = b->count == 0 || value < b->min ? value : b->min;
    b->max = b->count == 0 || value > b->max ? value : b->max;
    b->sum += value;
    b->count++;
    if (g->has_samples)
        *vec_add(g->arena, &g->samples) = (struct sampled){i, value};
}

static bool has_role(const struct gathering *g, const struct points_column *roles, int minute)
{
    if (!g->role_metric)
        return true;
    return (roles->minutes >> minute & 1) &&
           (roles->scaled[minute] != 0) == (g->role == ROLE_PRIMARY);
}

static struct err take_hour(void *context, int64_t hour, struct str packed)
{
    struct gathering *g = context;
    struct points_column values, roles = {0};

    struct err e = points_unpack_one(packed, g->metric->number, &values);
    if (!err_failed(e) && g->role_metric)
        e = points_unpack_one(packed, g->role_metric->number, &roles);
    if (err_failed(e))
        return OK; /* an hour that cannot be read has no points */
    for (int minute = 0; minute < POINTS_MINUTES; minute++)
        if ((values.minutes >> minute & 1) && has_role(g, &roles, minute))
            count_sample(g, hour * POINTS_HOUR_MS + minute * POINTS_MINUTE_MS,
                         (double)values.scaled[minute] / (double)g->metric->scale);
    return OK;
}

static int by_bucket(const void *a, const void *b)
{
    const struct sampled *one = a, *other = b;

    if (one->bucket != other->bucket)
        return one->bucket < other->bucket ? -1 : 1;
    return (one->value > other->value) - (one->value < other->value);
}

/* Gives each bucket its part of all samples. */
static void deal_samples(struct gathering *g)
{
    size_t count = g->samples.count, at = 0;
    double *values = arena_array(g->arena, count + 1, sizeof(*values));

    if (count)
        qsort(g->samples.items, count, sizeof(struct sampled), by_bucket);
    for (size_t i = 0; i < count; i++)
        values[i] = g->samples.items[i].value;
    for (size_t i = 0; i < g->span->count; i++) {
        g->buckets[i].samples = values + at;
        at += (size_t)g->buckets[i].count;
    }
}

static struct err gather(struct call *c, struct gathering *g, const struct point_source *s)
{
    const struct series_span *span = g->span;
    int64_t end_ms = span->from_ms + span->period_ms * (int64_t)span->count;

    return store_point_hours(c->tx, s->id, span->from_ms / POINTS_HOUR_MS,
                             (end_ms + POINTS_HOUR_MS - 1) / POINTS_HOUR_MS, take_hour, g);
}

struct err series_read(struct call *c, struct arena *a, const struct metric *m,
                       const struct cw_dimensions *dimensions, const struct series_span *span,
                       bool has_samples, struct series_bucket *out)
{
    struct gathering g = {
        .arena = a, .metric = m, .span = span, .buckets = out, .has_samples = has_samples};
    struct point_source *sources;
    struct choice choice;
    size_t count;

    memset(out, 0, span->count * sizeof(*out));
    if (!m || !choose(dimensions, &choice))
        return OK;
    g.role = choice.role;
    g.role_metric = choice.role == ROLE_ANY ? NULL : metric_find(STR(ROLE_METRIC));
    choice.query.account = c->caller->account;
    choice.query.region = c->caller->region;
    TRY(store_point_sources(c->tx, &choice.query, &sources, &count));
    for (size_t i = 0; i < count; i++)
        TRY(gather(c, &g, &sources[i]));
    if (has_samples)
        deal_samples(&g);
    return OK;
}

/* --- the list --- */

struct listing {
    series_fn take;
    void *context;
    bool is_over;
};

static void list_metrics(struct listing *l, const char *numbers,
                         const struct cw_dimension *dimensions, size_t count)
{
    for (size_t i = 0; i < metric_count && !l->is_over; i++) {
        char word[16];
        snprintf(word, sizeof(word), " %d ", metrics[i].number);
        if (strstr(numbers, word))
            l->is_over = !l->take(l->context, &metrics[i], dimensions, count);
    }
}

static void list_cluster(struct listing *l, const struct point_source *s, bool is_first)
{
    const struct cw_dimension dimensions[] = {
        {"CacheClusterId", s->cluster},
        {"CacheNodeId",    s->number }
    };

    if (is_first)
        list_metrics(l, s->metrics, dimensions, 1);
    list_metrics(l, s->metrics, dimensions, 2);
}

static void list_group(struct listing *l, const struct point_source *s)
{
    struct cw_dimension dimensions[] = {
        {"ReplicationGroupId", s->replication_group},
        {"Role",               ""                  }
    };

    list_metrics(l, s->metrics, dimensions, 1);
    for (enum role r = ROLE_PRIMARY; r <= ROLE_REPLICA; r++) {
        dimensions[1].value = role_names[r];
        list_metrics(l, s->metrics, dimensions, 2);
    }
}

/* True when none of the sources before is of the same group. */
static bool is_new_group(const struct point_source *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(all[k].replication_group, all[i].replication_group) == 0)
            return false;
    return *all[i].replication_group != '\0';
}

struct err series_each(struct call *c, int64_t since_ms, series_fn take, void *context)
{
    const struct point_source_query query = {
        .account = c->caller->account, .region = c->caller->region, .since_ms = since_ms};
    struct listing l = {take, context, false};
    struct point_source *sources;
    size_t count;

    TRY(store_point_sources(c->tx, &query, &sources, &count));
    for (size_t i = 0; i < count && !l.is_over; i++) {
        bool is_first = i == 0 || strcmp(sources[i - 1].cluster, sources[i].cluster) != 0;
        list_cluster(&l, &sources[i], is_first);
        if (is_new_group(sources, i))
            list_group(&l, &sources[i]);
    }
    return OK;
}
