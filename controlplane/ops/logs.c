/*
 * A configuration is in force when every node has the settings of its revision; what agents could
 * not send on is told as its error. The cache itself stays usable meanwhile.
 */
#include "controlplane/ops/logs.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/settings.h"
#include "controlplane/ops/members.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

#define WHY_NOWHERE "The destination %s does not exist."

/* --- reading --- */

struct err log_facts_load(struct call *c, const struct cluster_facts *list, size_t count,
                          const struct log_facts **out)
{
    int64_t *clusters = arena_array(c->arena, count, sizeof(*clusters));
    int64_t *groups = arena_array(c->arena, count, sizeof(*groups));
    struct log_facts *facts = arena_new(c->arena, struct log_facts);
    size_t group_count = 0;

    for (size_t i = 0; i < count; i++) {
        clusters[i] = list[i].cluster.id;
        if (list[i].cluster.group_id)
            groups[group_count++] = list[i].cluster.group_id;
    }
    TRY(store_log_delivery_list(c->tx, clusters, count, groups, group_count, &facts->deliveries));
    if (facts->deliveries.count > 0)
        TRY(store_log_errors_of(c->tx, clusters, count, &facts->errors));
    *out = facts;
    return OK;
}

static const struct log_delivery *delivery_of(const struct log_facts *logs, int64_t cluster_id,
                                              int64_t group_id, const char *log_type)
{
    for (size_t i = 0; logs && i < logs->deliveries.count; i++) {
        const struct log_delivery *d = &logs->deliveries.items[i];
        if (d->cluster_id == cluster_id && d->group_id == group_id &&
            strcmp(d->log_type, log_type) == 0)
            return d;
    }
    return NULL;
}

bool logs_of_group_enabled(const struct log_facts *logs, int64_t group_id)
{
    for (size_t i = 0; logs && group_id && i < logs->deliveries.count; i++)
        if (logs->deliveries.items[i].group_id == group_id && logs->deliveries.items[i].is_enabled)
            return true;
    return false;
}

/* --- requests --- */

typedef struct ec_log_delivery_configuration_request request;

static bool is_on(const request *r)
{
    return !r->enabled.has || r->enabled.value;
}

/* The name of the destination, or NULL. */
static const char *destination_of(const request *r)
{
    const struct ec_destination_details *d = r->destination_details;

    if (!d || !r->destination_type)
        return NULL;
    if (strcmp(r->destination_type, LOG_TO_GROUP) == 0)
        return d->cloud_watch_logs_details ? d->cloud_watch_logs_details->log_group : NULL;
    return d->kinesis_firehose_details ? d->kinesis_firehose_details->delivery_stream : NULL;
}

static struct err check_one(struct call *c, const struct engine_version *v, const request *r)
{
    if (!r->log_type)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter LogType must be provided and must not be null.");
    TRY(log_delivery_check_engine(c->arena, r->log_type, v));
    if (!is_on(r))
        return OK;
    if (!r->destination_type || !r->log_format)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter %s must be provided for the log type %s.",
                     r->destination_type ? "LogFormat" : "DestinationType", r->log_type);
    if (!member_has_text(destination_of(r)))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "DestinationDetails of the log type %s must name a destination of the type "
                     "%s.",
                     r->log_type, r->destination_type);
    return OK;
}

struct err logs_check(struct call *c, const struct engine_version *v,
                      const struct ec_log_delivery_configuration_request_list *in)
{
    for (size_t i = 0; i < in->count; i++) {
        TRY(check_one(c, v, &in->items[i]));
        for (size_t k = 0; k < i; k++)
            if (strcmp(in->items[k].log_type, in->items[i].log_type) == 0)
                return COMBINATION("LogDeliveryConfigurations must not have more than one "
                                   "configuration of the log type %s.",
                                   in->items[i].log_type);
    }
    return OK;
}

static bool is_same(const struct log_delivery *a, const struct log_delivery *b)
{
    return a->is_enabled == b->is_enabled &&
           strcmp(a->destination_type, b->destination_type) == 0 &&
           strcmp(a->destination, b->destination) == 0 && strcmp(a->format, b->format) == 0 &&
           strcmp(a->url, b->url) == 0;
}

static struct err record_one(struct call *c, const struct log_delivery *now, struct log_delivery d,
                             const request *r)
{
    if (!is_on(r) && (!now || !now->is_enabled))
        return OK;
    if (is_on(r)) {
        d.destination_type = r->destination_type;
        d.destination = destination_of(r);
        d.format = r->log_format;
        d.url = log_destination_url(c->arena, c->conf->log_destinations, &d);
        d.is_changed = now && now->is_enabled;
    } else {
        d = *now;
    }
    d.is_enabled = is_on(r);
    return now && is_same(now, &d) ? OK : store_log_delivery_put(c->tx, &d);
}

struct err logs_record(struct call *c, int64_t cluster_id, int64_t group_id,
                       const struct log_facts *now,
                       const struct ec_log_delivery_configuration_request_list *in)
{
    for (size_t i = 0; i < in->count; i++) {
        const char *type = in->items[i].log_type;
        const struct log_delivery d = {
            .cluster_id = cluster_id, .group_id = group_id, .log_type = type};
        TRY(record_one(c, delivery_of(now, cluster_id, group_id, type), d, &in->items[i]));
    }
    return OK;
}

/* --- answers --- */

struct log_view {
    struct call *call;
    const struct log_facts *logs;
    const struct cluster_facts *clusters;
    size_t count;
};

static bool has_revision(const struct node *n, int64_t revision)
{
    struct settings_version applied;

    return settings_version_parse(n->saw.applied_settings, &applied) && applied.logs >= revision;
}

/* True when all nodes have been told and have obeyed. */
static bool is_settled(const struct log_view *v, const struct log_delivery *d)
{
    for (size_t i = 0; i < v->count; i++)
        for (size_t k = 0; k < v->clusters[i].nodes.count; k++) {
            const struct node *n = &v->clusters[i].nodes.items[k];
            if (n->is_wanted && !has_revision(n, d->revision))
                return false;
        }
    return true;
}

/* What stands in the way of the log; NULL for nothing. */
static const char *error_of(const struct log_view *v, const struct log_delivery *d)
{
    if (!*d->url)
        return arena_printf(v->call->arena, WHY_NOWHERE, d->destination);
    for (size_t i = 0; i < v->logs->errors.count; i++) {
        const struct log_error *e = &v->logs->errors.items[i];
        if (strcmp(e->log_type, d->log_type) != 0)
            continue;
        for (size_t k = 0; k < v->count; k++)
            if (v->clusters[k].cluster.id == e->cluster_id)
                return e->why;
    }
    return NULL;
}

static struct ec_destination_details *details_of(struct call *c, const struct log_delivery *d)
{
    struct ec_destination_details *out = arena_new(c->arena, struct ec_destination_details);

    if (strcmp(d->destination_type, LOG_TO_GROUP) == 0) {
        out->cloud_watch_logs_details =
            arena_new(c->arena, struct ec_cloud_watch_logs_destination_details);
        out->cloud_watch_logs_details->log_group = d->destination;
    } else {
        out->kinesis_firehose_details =
            arena_new(c->arena, struct ec_kinesis_firehose_destination_details);
        out->kinesis_firehose_details->delivery_stream = d->destination;
    }
    return out;
}

static void wire_one(const struct log_view *v, const struct log_delivery *d,
                     struct ec_log_delivery_configuration_list *out,
                     struct ec_pending_log_delivery_configuration_list *pending)
{
    struct ec_destination_details *details = details_of(v->call, d);
    const char *why = d->is_enabled ? error_of(v, d) : NULL;
    bool is_pending = !why && !is_settled(v, d);

    if (!d->is_enabled && !is_pending)
        return;
    out->items[out->count++] = (struct ec_log_delivery_configuration){
        .log_type = d->log_type,
        .destination_type = d->destination_type,
        .destination_details = details,
        .log_format = d->format,
        .status = why              ? "error"
                  : !is_pending    ? "active"
                  : !d->is_enabled ? "disabling"
                  : d->is_changed  ? "modifying"
                                   : "enabling",
        .message = why,
    };
    if (is_pending && d->is_enabled)
        pending->items[pending->count++] = (struct ec_pending_log_delivery_configuration){
            d->log_type, d->destination_type, details, d->format};
}

void logs_to_wire(struct call *c, int64_t cluster_id, int64_t group_id,
                  const struct log_facts *logs, const struct cluster_facts *clusters, size_t count,
                  struct ec_log_delivery_configuration_list *out,
                  struct ec_pending_log_delivery_configuration_list *pending)
{
    const struct log_view view = {c, logs, clusters, count};
    static const char *const types[] = {LOG_SLOW, LOG_ENGINE};

    out->has = true;
    out->items = arena_array(c->arena, countof(types), sizeof(*out->items));
    pending->items = arena_array(c->arena, countof(types), sizeof(*pending->items));
    for (size_t i = 0; i < countof(types); i++) {
        const struct log_delivery *d = delivery_of(logs, cluster_id, group_id, types[i]);
        if (d)
            wire_one(&view, d, out, pending);
    }
    pending->has = pending->count > 0;
}
