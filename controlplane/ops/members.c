/* What the spec cannot say about single members. */
#include "controlplane/ops/members.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/shape_text.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/windows.h"
#include "controlplane/ops/parameters.h"

#include <string.h>

/* --- members that are not served --- */

static bool is_given(const struct shape_member *m, const void *in, const char *harmless)
{
    const void *value = (const char *)in + m->offset;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (m->shape->kind == SHAPE_LIST || m->shape->kind == SHAPE_MAP)
        return ((const struct shape_seq *)value)->count > 0;
    if (m->shape->kind == SHAPE_STRUCT)
        return *(void *const *)value != NULL;
    shape_text_write(&text, m->shape, value);
    return text.len > 0 && !(harmless && str_is(buf_str(&text), harmless));
}

struct err members_refuse(struct call *c, const char *op, const void *in,
                          const struct member_rule *rules, size_t count, const char *why)
{
    const struct op_desc *desc = service_op(&service_elasticache, op);

    check(desc != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct shape_member *m = shape_find(desc->in, rules[i].member);
        check(m != NULL);
        if (!is_given(m, in, rules[i].harmless))
            continue;
        struct str rest = str_of(why);
        struct str before = str_cut(&rest, '%');
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION, "%.*s%s%s", STR_ARG(before), m->name,
                     rest.len ? rest.ptr + 1 : "");
    }
    return OK;
}

/* --- single members --- */

struct err member_need(struct call *c, const char *name, const char *value)
{
    if (member_has_text(value))
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "The parameter %s must be provided and must not be null.", name);
}

struct err member_no_change(struct call *c, const char *noun, const char *member,
                            const char *current)
{
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                 "Changing %s is not supported by this version; the %s has %s.", member, noun,
                 current);
}

struct err member_same_version(struct call *c, const char *noun, const char *version,
                               const struct cluster *cl)
{
    const struct engine_version *v;

    if (!member_has_text(version) || strcmp(version, cl->engine_version) == 0)
        return OK;
    TRY(engine_version_choose(c->arena, cl->engine, version, &v));
    return strcmp(v->reported, cl->engine_version) == 0
               ? OK
               : member_no_change(c, noun, "EngineVersion", cl->engine_version);
}

struct err member_security_group_names(struct call *c,
                                       const struct ec_cache_security_group_name_list *in)
{
    if (in->count == 0)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "Use of cache security groups is not permitted in this API version for your "
                 "account.");
}

/* "sg-" and letters or digits. */
static bool is_security_group_id(const char *id)
{
    if (!id || strncmp(id, "sg-", 3) != 0 || id[3] == '\0')
        return false;
    for (id += 3; *id; id++)
        if (!((*id >= 'a' && *id <= 'z') || (*id >= '0' && *id <= '9')))
            return false;
    return true;
}

static bool is_repeated(const struct ec_security_group_ids_list *in, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(in->items[i], in->items[at]) == 0)
            return true;
    return false;
}

struct err member_security_groups(struct call *c, const struct ec_security_group_ids_list *in,
                                  const char **out)
{
    scoped(buf_fini) struct buf ids = BUF_EMPTY;

    for (size_t i = 0; i < in->count; i++) {
        if (!is_security_group_id(in->items[i]))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "Invalid security group id: %s. It must be of the form sg-0123abcd.",
                         in->items[i] ? in->items[i] : "");
        if (is_repeated(in, i))
            continue;
        if (ids.len > 0)
            buf_putc(&ids, ',');
        buf_puts(&ids, in->items[i]);
    }
    *out = str_dup(c->arena, buf_str(&ids));
    return OK;
}

struct err member_group_parameter_group(struct call *c, const char *name,
                                        const struct engine_version *v, const struct node_type *t,
                                        bool wants_cluster, struct cluster *cl,
                                        bool *out_is_cluster)
{
    struct parameter_facts facts;

    if (!member_has_text(name) && wants_cluster)
        name =
            arena_printf(c->arena, "%s.cluster.on", parameter_group_default(c->arena, v->family));
    TRY(parameters_choose(c, name, v, t, &facts));
    cl->parameter_group = facts.group.name;
    cl->parameter_revision = facts.group.revision;
    *out_is_cluster = parameter_values_are_clustered(&facts.values);
    return OK;
}

struct err member_parameter_group(struct call *c, const char *name, const struct engine_version *v,
                                  const struct node_type *t, struct cluster *cl)
{
    struct cluster changed = *cl;
    bool is_cluster;

    TRY(member_group_parameter_group(c, name, v, t, false, &changed, &is_cluster));
    if (is_cluster)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Cluster mode should be disabled in parameter group, but found it is "
                     "enabled.");
    *cl = changed;
    return OK;
}

struct err member_snapshot_retention(struct call *c, struct opt_int days, int *out)
{
    if (!days.has)
        return OK;
    if (days.value < 0 || days.value > SNAPSHOT_RETENTION_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for SnapshotRetentionLimit. It must be between 0 and %d.",
                     (long long)days.value, SNAPSHOT_RETENTION_MAX);
    *out = (int)days.value;
    return OK;
}

/* --- windows --- */

static struct rng rng_of_cluster(struct call *c, const struct cluster *cl)
{
    struct rng rng;

    rng_seed(&rng, name_hash(arn_make(c->arena, cl->region, cl->account, "cluster", cl->name)));
    return rng;
}

/* memcached clusters have only the one window. */
static struct err maintenance_alone(struct call *c, const char *text, struct cluster *cl)
{
    struct rng rng = rng_of_cluster(c, cl);
    struct window w;

    if (text)
        TRY(window_parse_maintenance(c->arena, text, &w));
    else
        w = window_random_maintenance(&rng, cl->region, NULL);
    cl->maintenance_window = window_maintenance_text(c->arena, w);
    cl->snapshot_window = "";
    return OK;
}

/* What was asked for comes first; what was not keeps away from it. */
struct err member_windows_both(struct call *c, const char *maintenance, const char *snapshot,
                               struct cluster *cl)
{
    struct rng rng = rng_of_cluster(c, cl);
    struct window weekly, daily;

    if (maintenance)
        TRY(window_parse_maintenance(c->arena, maintenance, &weekly));
    if (snapshot)
        TRY(window_parse_snapshot(c->arena, snapshot, &daily));
    if (maintenance && snapshot && windows_overlap(weekly, daily))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "The snapshot window %s and the maintenance window %s must not overlap.",
                     window_snapshot_text(c->arena, daily),
                     window_maintenance_text(c->arena, weekly));
    if (!maintenance)
        weekly = window_random_maintenance(&rng, cl->region, snapshot ? &daily : NULL);
    if (!snapshot)
        daily = window_random_snapshot(&rng, cl->region, &weekly);
    cl->maintenance_window = window_maintenance_text(c->arena, weekly);
    cl->snapshot_window = window_snapshot_text(c->arena, daily);
    return OK;
}

struct err member_windows(struct call *c, const char *maintenance, const char *snapshot,
                          struct cluster *cl)
{
    if (!maintenance && cl->maintenance_window && *cl->maintenance_window)
        maintenance = cl->maintenance_window;
    if (!engine_is_redis_like(cl->engine))
        return maintenance_alone(c, maintenance, cl);
    if (!snapshot && cl->snapshot_window && *cl->snapshot_window)
        snapshot = cl->snapshot_window;
    return member_windows_both(c, maintenance, snapshot, cl);
}

/* --- notifications --- */

/* "arn:aws:sns:us-east-1:000000000000:name" */
static bool is_own_topic(const struct call *c, const char *arn)
{
    struct str rest = str_of(arn);

    return str_is(str_cut(&rest, ':'), "arn") &&
           str_is(str_cut(&rest, ':'), arn_partition(c->caller->region)) &&
           str_is(str_cut(&rest, ':'), "sns") && str_is(str_cut(&rest, ':'), c->caller->region) &&
           str_is(str_cut(&rest, ':'), c->caller->account) && rest.len > 0 &&
           str_find(rest, ':') == SIZE_MAX && str_find(rest, ' ') == SIZE_MAX;
}

static struct err set_topic_status(struct call *c, const char *status, struct cluster *cl)
{
    if (strcmp(status, "active") != 0 && strcmp(status, "inactive") != 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %s for NotificationTopicStatus. It must be active or inactive.",
                     status);
    if (*cl->notification_topic == '\0')
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "NotificationTopicStatus needs a notification topic.");
    cl->notification_status = status;
    return OK;
}

struct err member_topic(struct call *c, const char *arn, const char *status, struct cluster *cl)
{
    if (arn && *arn && !is_own_topic(c, arn))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "%s is not the ARN of an Amazon SNS topic of the account %s in %s.", arn,
                     c->caller->account, c->caller->region);
    if (arn) {
        cl->notification_status = *arn ? "active" : "";
        cl->notification_topic = arn;
    }
    return member_has_text(status) ? set_topic_status(c, status, cl) : OK;
}
