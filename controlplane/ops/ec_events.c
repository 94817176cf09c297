/* DescribeEvents: what happened, newest first, within a span of time. */
#include "base/arena.h"
#include "base/str.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/page.h"
#include "controlplane/store/store.h"

#define MINUTE_MS   (60 * (int64_t)1000)
#define LAST_DAY_MS (253402300800 * (int64_t)1000) /* the end of the year 9999 */

/* Requests may name any time at all; beyond these there are no events. */
static int64_t bounded(int64_t ms)
{
    return ms < 0 ? 0 : ms > LAST_DAY_MS ? LAST_DAY_MS : ms;
}

static struct err check_span(struct call *c, const struct ec_describe_events_in *in)
{
    if (in->duration.has && (in->duration.value < 1 || in->duration.value > EVENTS_MAX_MINUTES))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for Duration. It must be between 1 and %d minutes.",
                     (long long)in->duration.value, EVENTS_MAX_MINUTES);
    if (in->duration.has && in->start_time.has && in->end_time.has)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Duration cannot be used together with both StartTime and EndTime.");
    if (in->start_time.has && in->end_time.has && in->start_time.value > in->end_time.value)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "StartTime must not be later than EndTime.");
    return OK;
}

/* Two of start, end and duration fix the span, both ends included; what is missing is now, or the
 * default. */
static void set_span(struct call *c, const struct ec_describe_events_in *in, struct event_query *q)
{
    int64_t length = (in->duration.has ? in->duration.value : EVENTS_DEFAULT_MINUTES) * MINUTE_MS;
    int64_t last = in->end_time.has ? bounded(in->end_time.value) : c->now_ms;

    q->from_ms = last - length;
    if (in->start_time.has) {
        q->from_ms = bounded(in->start_time.value);
        if (in->duration.has)
            last = q->from_ms + length;
    }
    q->to_ms = last + 1;
}

static struct err set_source(struct call *c, const struct ec_describe_events_in *in,
                             struct event_query *q)
{
    q->source_type = in->source_type ? in->source_type : "";
    q->source = in->source_identifier ? name_fold(c->arena, in->source_identifier) : "";
    if (*q->source && !*q->source_type)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "SourceIdentifier needs a SourceType.");
    return OK;
}

static void events_to_wire(struct call *c, const struct event *events, size_t count,
                           struct ec_event_list *out)
{
    out->has = true;
    out->count = count;
    out->items = arena_array(c->arena, count, sizeof(*out->items));
    for (size_t i = 0; i < count; i++)
        out->items[i] = (struct ec_event){
            .source_identifier = events[i].source,
            .source_type = events[i].source_type,
            .message = events[i].message,
            .date = TIME_OF(events[i].at_ms),
        };
}

struct err ec_describe_events(struct call *c, const struct ec_describe_events_in *in,
                              struct ec_describe_events_out *out)
{
    struct event_query q = {.account = c->caller->account, .region = c->caller->region};
    struct event *events;
    struct page page;
    size_t count;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && (!str_to_i64(str_of(page.after), &q.before_id) || q.before_id < 1))
        return page_bad_marker(c, in->marker);
    TRY(check_span(c, in));
    TRY(set_source(c, in, &q));
    set_span(c, in, &q);
    q.limit = page.limit + 1;
    TRY(store_event_list(c->tx, &q, &events, &count));
    if (count > (size_t)page.limit) {
        count = (size_t)page.limit;
        out->marker =
            page_marker(c, arena_printf(c->arena, "%lld", (long long)events[count - 1].id));
    }
    events_to_wire(c, events, count, &out->events);
    return OK;
}
