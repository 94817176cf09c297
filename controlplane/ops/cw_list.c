/* ListMetrics. */
#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "contract/faults.h"
#include "contract/monitoring_handlers.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/series.h"

#include <string.h>

#define PAGE_METRICS 500
#define RECENTLY_MS  (3 * 3600 * (int64_t)1000)

struct metric_page {
    struct call *call;
    const struct cw_list_metrics_in *in;
    int64_t to_skip;
    int64_t seen; /* that pass */
    bool has_more;
    struct {
        struct cw_metric *items;
        size_t count, capacity;
    } found;
};

static bool has_dimension(const struct cw_dimension_filter *filter,
                          const struct cw_dimension *dimensions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(dimensions[i].name, filter->name) == 0)
            return !filter->value || strcmp(dimensions[i].value, filter->value) == 0;
    return false;
}

static bool passes(const struct cw_list_metrics_in *in, const struct metric *m,
                   const struct cw_dimension *dimensions, size_t count)
{
    if (in->metric_name && strcmp(in->metric_name, m->name) != 0)
        return false;
    for (size_t i = 0; i < in->dimensions.count; i++)
        if (!has_dimension(&in->dimensions.items[i], dimensions, count))
            return false;
    return true;
}

static bool take(void *context, const struct metric *m, const struct cw_dimension *dimensions,
                 size_t count)
{
    struct metric_page *p = context;
    struct arena *a = p->call->arena;

    if (!passes(p->in, m, dimensions, count) || p->seen++ < p->to_skip)
        return true;
    if (p->found.count == PAGE_METRICS) {
        p->has_more = true;
        return false;
    }
    *vec_add(a, &p->found) = (struct cw_metric){
        .namespace = METRIC_NAMESPACE,
        .metric_name = m->name,
        .dimensions = {true, count, arena_memdup(a, dimensions, count * sizeof(*dimensions))}
    };
    return true;
}

static struct err read_token(struct call *c, const char *token, int64_t *out)
{
    const char *text = "";

    *out = 0;
    if (!token)
        return OK;
    if (err_failed(page_marker_read(c, token, &text)) || !str_to_i64(str_of(text), out) || *out < 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "Invalid nextToken");
    return OK;
}

struct err cw_list_metrics(struct call *c, const struct cw_list_metrics_in *in,
                           struct cw_list_metrics_out *out)
{
    struct metric_page page = {.call = c, .in = in};
    int64_t since_ms = c->now_ms - (in->recently_active ? RECENTLY_MS : SERIES_LISTED_MS);
    bool is_ours = !in->namespace || strcmp(in->namespace, METRIC_NAMESPACE) == 0;

    TRY(read_token(c, in->next_token, &page.to_skip));
    if (is_ours && (!in->owning_account || strcmp(in->owning_account, c->caller->account) == 0))
        TRY(series_each(c, since_ms, take, &page));
    out->metrics = (struct cw_metrics){true, page.found.count, page.found.items};
    if (page.has_more)
        out->next_token = page_marker(
            c, arena_printf(c->arena, "%lld", (long long)(page.to_skip + PAGE_METRICS)));
    return OK;
}
