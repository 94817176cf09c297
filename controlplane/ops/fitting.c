/* The one-minute numbers say how much memory engines use; parameters say how much of a node's
 * memory is for data. */
#include "controlplane/ops/fitting.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/effective.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/store/points.h"

#include <string.h>

#define METRIC   "BytesUsedForCache"
#define FRESH_MS (10 * POINTS_MINUTE_MS) /* older numbers say nothing of now */
#define NEW_MS   (5 * POINTS_MINUTE_MS)  /* a cache need not have numbers yet */

struct newest {
    const struct metric *metric;
    int64_t at_ms; /* -1 while there is none */
    int64_t value;
};

static struct err take_hour(void *context, int64_t hour, struct str packed)
{
    struct newest *n = context;
    struct points_column column;

    if (err_failed(points_unpack_one(packed, n->metric->number, &column)))
        return OK; /* an hour that cannot be read has no points */
    for (int minute = 0; minute < POINTS_MINUTES; minute++) {
        if (!(column.minutes >> minute & 1))
            continue;
        n->at_ms = hour * POINTS_HOUR_MS + minute * POINTS_MINUTE_MS;
        n->value = column.scaled[minute] / n->metric->scale;
    }
    return OK;
}

static struct err read_newest(struct call *c, const struct cluster *cl, const char *metric,
                              struct newest *out)
{
    const struct point_source_query query = {.account = cl->account,
                                             .region = cl->region,
                                             .cluster = cl->name,
                                             .since_ms = c->now_ms - FRESH_MS};
    int64_t hour = c->now_ms / POINTS_HOUR_MS;
    struct point_source *sources;
    size_t count;

    *out = (struct newest){.metric = metric_find(str_of(metric)), .at_ms = -1};
    check(out->metric != NULL);
    TRY(store_point_sources(c->tx, &query, &sources, &count));
    for (size_t i = 0; i < count; i++)
        TRY(store_point_hours(c->tx, sources[i].id, hour - 1, hour + 1, take_hour, out));
    return OK;
}

struct err fitting_used(struct call *c, const struct cluster_facts *members, size_t count,
                        int64_t *out_bytes)
{
    int64_t most = 0;
    bool is_known = true;

    for (size_t i = 0; i < count; i++) {
        const struct cluster *cl = &members[i].cluster;
        struct newest newest;
        if (!cl->is_wanted)
            continue;
        TRY(read_newest(c, cl, METRIC, &newest));
        bool is_fresh = newest.at_ms >= c->now_ms - FRESH_MS;
        if (is_fresh && newest.value > most)
            most = newest.value;
        is_known &= is_fresh || c->now_ms - cl->created_ms < NEW_MS;
    }
    *out_bytes = is_known ? most : -1;
    return OK;
}

struct err fitting_number(struct call *c, const struct cluster *cl, const char *metric,
                          int64_t *out)
{
    struct newest newest;

    TRY(read_newest(c, cl, metric, &newest));
    *out = newest.at_ms >= c->now_ms - FRESH_MS ? newest.value : -1;
    return OK;
}

struct err fitting_has_room(struct call *c, const struct cluster *cl, const struct node_type *to,
                            int64_t bytes, bool *out)
{
    const struct engine_version *v = engine_version_reported(cl->engine, cl->engine_version);
    struct effective_parameters effective;
    struct parameter_facts parameters;

    check(v != NULL);
    TRY(parameters_find(c, cl->parameter_group, &parameters));
    parameters_effective(c->arena, &parameters.values, v, to, &effective);
    *out = bytes <= effective.maxmemory_bytes;
    return OK;
}

struct err fitting_check(struct call *c, const struct cluster_facts *members, size_t count,
                         const struct cluster *cl, const struct node_type *to)
{
    int64_t bytes;
    bool has_room;

    TRY(fitting_used(c, members, count, &bytes));
    if (bytes < 0)
        return fault(
            c, FAULT_INVALID_PARAMETER_COMBINATION,
            "It is not known how much memory the data takes, and whether it would fit into "
            "the cache node type %s.",
            to->name);
    TRY(fitting_has_room(c, cl, to, bytes, &has_room));
    if (has_room)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                 "The data does not fit into the cache node type %s: a node uses %lld bytes.",
                 to->name, (long long)bytes);
}
