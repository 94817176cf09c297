/*
 * A request is merged with what waits already; whether the sum is done now or at the maintenance
 * window, it is checked as a whole, and now.
 */
#include "controlplane/ops/changes.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/place.h"
#include "controlplane/model/scaling.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/fitting.h"
#include "controlplane/ops/members.h"
#include "controlplane/store/store.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

static const struct engine_version *version_of(const struct cluster *cl, const struct parked *p)
{
    const struct engine_version *v = *p->engine_version
                                         ? engine_version_reported(p->engine, p->engine_version)
                                         : engine_version_reported(cl->engine, cl->engine_version);

    check(v != NULL); /* the catalogue never loses a row */
    return v;
}

bool changes_family(const struct cluster *cl, const struct parked *p)
{
    return strcmp(version_of(cl, p)->family, version_of(cl, &parked_nothing)->family) != 0;
}

/* --- version --- */

static struct err find_version(struct call *c, const struct change_request *r, const char *engine,
                               const struct cluster *cl, const struct engine_version **out)
{
    if (member_has_text(r->engine_version)) {
        *out = engine_version_reported(engine, r->engine_version);
        if (*out && strcmp(r->engine_version, cl->engine_version) == 0)
            return OK; /* what the cluster has may be named in full */
    } else if (strcmp(engine, cl->engine) == 0) {
        *out = version_of(cl, &parked_nothing);
        return OK;
    }
    return engine_version_choose(c->arena, engine, r->engine_version ? r->engine_version : "", out);
}

static struct err take_version(struct call *c, const struct change_request *r,
                               const struct cluster *cl, struct parked *p)
{
    const struct engine_version *from = version_of(cl, &parked_nothing), *to;
    const char *engine = *p->engine ? p->engine : cl->engine;

    if (member_has_text(r->engine))
        engine = name_fold(c->arena, r->engine);
    if (!member_has_text(r->engine_version) &&
        strcmp(engine, *p->engine ? p->engine : cl->engine) == 0)
        return OK;
    if (strcmp(engine, cl->engine) != 0 && (!r->may_change_engine || !engine_is_known(engine)))
        return member_no_change(c, r->noun, "Engine", cl->engine);
    TRY(find_version(c, r, engine, cl, &to));
    TRY(engine_version_check_upgrade(c->arena, from, to));
    if (to != from)
        TRY(driver_refuse(c, cl->driver, "other versions than the one that the hosts have"));
    p->parameter_group = "";
    p->engine = to == from ? "" : to->engine;
    p->engine_version = to == from ? "" : to->reported;
    return OK;
}

/* --- parameter group: that of the new family --- */

static struct err take_parameter_group(struct call *c, const struct change_request *r,
                                       const struct cluster *cl, struct parked *p)
{
    const struct engine_version *v = version_of(cl, p);
    const char *type = *p->node_type ? p->node_type : cl->node_type;
    const char *name =
        member_has_text(r->parameter_group) ? r->parameter_group : p->parameter_group;
    const char *had_family;
    struct cluster changed = *cl;
    bool is_default_clustered, is_clustered;

    if (!changes_family(cl, p)) {
        p->parameter_group = "";
        return OK;
    }
    had_family = parameter_group_family(cl->parameter_group, &is_default_clustered);
    if (!*name && !had_family)
        return COMBINATION("Expected a parameter group of family %s but found one of family %s",
                           v->family, version_of(cl, &parked_nothing)->family);
    TRY(member_group_parameter_group(c, *name ? name : NULL, v, node_type_find(type),
                                     had_family && is_default_clustered, &changed, &is_clustered));
    if (is_clustered != r->is_clustered)
        return COMBINATION("The parameter group %s turns cluster mode %s, and the %s has it %s.",
                           changed.parameter_group, is_clustered ? "on" : "off", r->noun,
                           r->is_clustered ? "on" : "off");
    p->parameter_group = changed.parameter_group;
    return OK;
}

/* --- type --- */

static struct err take_type(struct call *c, const struct change_request *r,
                            const struct cluster *cl, struct parked *p)
{
    const struct engine_version *v = version_of(cl, p);
    const struct node_type *to;

    if (!member_has_text(r->node_type))
        return OK;
    if (strcmp(r->node_type, cl->node_type) == 0) {
        p->node_type = "";
        return OK;
    }
    TRY(node_type_choose(c->arena, r->node_type, v, &to));
    if (!engine_is_redis_like(cl->engine) &&
        version_compare(cl->engine_version, SCALE_MEMCACHED_SINCE) < 0)
        return COMBINATION("CacheNodeType can only be changed for memcached " SCALE_MEMCACHED_SINCE
                           " or later.");
    if (strcmp(to->family, "r6gd") == 0)
        return COMBINATION("The cache node type %s needs DataTieringEnabled, which is not "
                           "supported by this version.",
                           to->name);
    p->node_type = to->name;
    return OK;
}

/* --- together --- */

/* One that waits is not overtaken by the other one. */
static struct err check_order(struct call *c, const struct change_request *r,
                              const struct parked *before, const struct parked *after)
{
    bool asks_type = member_has_text(r->node_type) && *after->node_type;
    bool asks_version = member_has_text(r->engine_version) && *after->engine_version;

    if (r->is_immediate && asks_version && *before->node_type && !member_has_text(r->node_type))
        return COMBINATION("EngineVersion cannot be changed with ApplyImmediately while a change "
                           "of CacheNodeType waits for the maintenance window.");
    if (r->is_immediate && asks_type && *before->engine_version &&
        !member_has_text(r->engine_version))
        return COMBINATION("CacheNodeType cannot be changed with ApplyImmediately while a change "
                           "of EngineVersion waits for the maintenance window.");
    return OK;
}

struct err changes_take(struct call *c, const struct change_request *r, const struct cluster *cl,
                        struct parked *p)
{
    struct parked after = *p;

    TRY(take_version(c, r, cl, &after));
    TRY(take_type(c, r, cl, &after));
    TRY(take_parameter_group(c, r, cl, &after));
    TRY(check_order(c, r, p, &after));
    *p = after;
    return OK;
}

void changes_apply(const struct parked *p, struct cluster *cl)
{
    if (*p->parameter_group) {
        cl->parameter_group = p->parameter_group;
        cl->parameter_revision = 0; /* read alone */
    }
    if (*p->engine_version) {
        cl->engine = p->engine;
        cl->engine_version = p->engine_version;
    }
    if (*p->node_type)
        cl->node_type = p->node_type;
}

struct err changes_claim_growth(struct call *c, const struct cluster_facts *members, size_t count,
                                const struct cluster *cl, const char *to)
{
    const struct node_type *old = node_type_find(cl->node_type), *new = node_type_find(to);
    int64_t more_bytes = node_type_host_bytes(new) - node_type_host_bytes(old);
    int64_t more_vcpus = new->vcpus - old->vcpus;
    struct host_list hosts;

    if (new->maxmemory_bytes < old->maxmemory_bytes && engine_is_redis_like(cl->engine))
        TRY(fitting_check(c, members, count, cl, new));
    TRY(store_host_list(c->tx, c->caller->region, &hosts));
    struct place *board = place_new(c->arena, &hosts);
    place_limit_vcpus(board, c->conf->cpu_overcommit);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < members[i].nodes.count; k++) {
            const struct node *n = &members[i].nodes.items[k];
            if (n->is_wanted && n->goal.has &&
                !place_grow(board, n->goal.host_id, more_bytes, more_vcpus))
                return fault(c, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,
                             "The host of a cache node has no room for a larger cache node type.");
        }
    return OK;
}
