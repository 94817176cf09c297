/*
 * ModifyServerlessCache. Everything takes effect while the cache serves; limits and users by an
 * operation of the group, so that the cache is available again when its engines have them.
 * CacheUsageLimits replace those that were there, as a whole.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/changes.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/serverless_growth.h"
#include "controlplane/ops/serverless_members.h"
#include "controlplane/ops/siting.h"
#include "controlplane/ops/wire_serverless.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

struct change {
    struct serverless_facts facts;
    bool is_slow;     /* engines have to take it on */
    bool is_upgraded; /* they begin anew, one after another */
    int64_t shards;   /* that there are to be, where these are more; else 0 */
};

typedef struct err (*change_fn)(struct call *c, const struct ec_modify_serverless_cache_in *in,
                                struct change *x);

static struct cluster *common_of(struct change *x)
{
    return x->facts.group ? &x->facts.group->group.common : &x->facts.cluster->cluster;
}

/* --- engine: only forward, as with replication groups --- */

static struct err change_engine(struct call *c, const struct ec_modify_serverless_cache_in *in,
                                struct change *x)
{
    struct serverless_cache *s = &x->facts.cache;
    const char *engine = member_has_text(in->engine) ? name_fold(c->arena, in->engine) : s->engine;
    const char *major = serverless_major(c->arena, s->engine, s->engine_version);
    const struct engine_version *to;

    if (!engine_is_known(engine))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid engine: %s. It must be redis, valkey or memcached.", in->engine);
    if (strcmp(engine, s->engine) == 0 && (!member_has_text(in->major_engine_version) ||
                                           strcmp(in->major_engine_version, major) == 0))
        return OK;
    if (x->facts.cluster)
        return COMBINATION("The engine of a memcached serverless cache cannot be changed.");
    TRY(serverless_choose_version(c, engine, in->major_engine_version, &to));
    const struct change_request asked = {.noun = "serverless cache",
                                         .engine = to->engine,
                                         .engine_version = to->version,
                                         .is_immediate = true,
                                         .may_change_engine = true,
                                         .is_clustered = true};
    struct parked parked = parked_nothing;
    TRY(changes_take(c, &asked, common_of(x), &parked));
    if (!member_has_text(in->user_group_id) && !in->remove_user_group.value)
        TRY(access_check_engine(c, x->facts.group->group.entry.user_group, to->engine,
                                to->reported));
    changes_apply(&parked, common_of(x));
    s->engine = to->engine;
    s->engine_version = to->reported;
    x->is_upgraded = true;
    return OK;
}

/* --- settings --- */

static struct err change_settings(struct call *c, const struct ec_modify_serverless_cache_in *in,
                                  struct change *x)
{
    TRY(serverless_check_description(c, in->description));
    if (in->description)
        x->facts.cache.description = in->description;
    return OK;
}

/* Snapshots that are older than they are kept now go at once. */
static struct err change_snapshots(struct call *c, const struct ec_modify_serverless_cache_in *in,
                                   struct change *x)
{
    struct serverless_cache *s = &x->facts.cache;
    int days = s->snapshot_retention;

    TRY(member_snapshot_retention(c, in->snapshot_retention_limit, &days));
    if (days < s->snapshot_retention)
        store_touch_snapshots(c->tx);
    s->snapshot_retention = common_of(x)->snapshot_retention = days;
    if (!in->daily_snapshot_time && *s->snapshot_time)
        return OK;
    if (in->daily_snapshot_time) {
        TRY(serverless_check_time(c, in->daily_snapshot_time));
        s->snapshot_time = in->daily_snapshot_time;
    }
    return serverless_set_window(c, s, common_of(x));
}

static struct err change_security_groups(struct call *c,
                                         const struct ec_modify_serverless_cache_in *in,
                                         struct change *x)
{
    struct siting siting;

    if (!in->security_group_ids.has || in->security_group_ids.count == 0)
        return OK;
    TRY(siting_change_groups(c, x->facts.cache.subnets, &in->security_group_ids, &siting));
    x->facts.cache.security_groups = siting.security_groups;
    common_of(x)->security_groups = siting.security_groups;
    return OK;
}

/* --- limits --- */

/* What the nodes of a host are to have at least, and have not, must be free there. */
static struct err check_growth_of(struct call *c, struct change *x, const struct host *h,
                                  int64_t least_bytes)
{
    int64_t free_bytes = h->memory_bytes - h->used_bytes;
    const struct cluster_facts *members =
        x->facts.group ? x->facts.group->members : x->facts.cluster;
    size_t count = x->facts.group ? x->facts.group->member_count : 1;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < members[i].nodes.count; k++) {
            const struct node_goal *goal = &members[i].nodes.items[k].goal;
            if (goal->has && strcmp(goal->host_id, h->id) == 0 && goal->memory_bytes < least_bytes)
                free_bytes -= least_bytes - goal->memory_bytes;
        }
    if (free_bytes < 0)
        return COMBINATION("There is no capacity for the DataStorage.Minimum of the serverless "
                           "cache.");
    return OK;
}

static struct err check_growth(struct call *c, struct change *x, const struct allotment *a)
{
    struct host_list hosts;

    TRY(store_host_list(c->tx, c->caller->region, &hosts));
    for (size_t i = 0; i < hosts.count; i++)
        TRY(check_growth_of(c, x, &hosts.items[i], allotment_host_bytes(a->least_bytes)));
    return OK;
}

static struct err change_limits(struct call *c, const struct ec_modify_serverless_cache_in *in,
                                struct change *x)
{
    struct cluster *common = common_of(x);
    struct serverless_limits limits;

    if (!in->cache_usage_limits)
        return OK;
    TRY(serverless_read_limits(c, in->cache_usage_limits, &limits));
    int64_t shards = x->facts.group ? (int64_t)x->facts.group->shard_count : 1;
    if (x->facts.group && serverless_shards(&limits) > shards)
        x->shards = serverless_shards(&limits);
    if (x->shards && x->is_upgraded)
        return COMBINATION("The engine cannot be changed together with an ECPUPerSecond.Minimum "
                           "that needs more shards.");
    struct allotment a = serverless_allotment(&limits, shards);
    if (a.least_bytes > common->allotment.least_bytes)
        TRY(check_growth(c, x, &a));
    x->facts.cache.limits = limits;
    x->is_slow |= memcmp(&a, &common->allotment, sizeof(a)) != 0;
    common->allotment = a;
    return OK;
}

/* The order of the rows is the order in which mistakes are told. */
static const change_fn changes[] = {
    change_engine, change_settings, change_snapshots, change_security_groups, change_limits,
};

/* --- who may enter --- */

/* `*out_pending` is NULL when nothing changes. A group that is there goes when another one comes.
 */
static struct err change_entry(struct call *c, const struct ec_modify_serverless_cache_in *in,
                               struct change *x, const char **out_pending)
{
    *out_pending = NULL;
    if (x->facts.cluster) {
        if (member_has_text(in->user_group_id) || in->remove_user_group.value)
            return COMBINATION(WHY_NOT_MEMCACHED, "UserGroupId");
        return OK;
    }
    if (member_has_text(in->user_group_id) && in->remove_user_group.value)
        return COMBINATION("UserGroupId and RemoveUserGroup cannot be used together.");
    struct replication_group *g = &x->facts.group->group;
    const struct access_cache cache = {.replication_group_id = g->id,
                                       .engine = g->common.engine,
                                       .engine_version = g->common.engine_version,
                                       .has_tls = true};
    const struct access_request asked = {
        .add = &in->user_group_id,
        .add_count = member_has_text(in->user_group_id) ? 1 : 0,
        .removes_all = in->remove_user_group.value || member_has_text(in->user_group_id),
    };
    TRY(access_change(c, &cache, &asked, out_pending));
    return store_group_get(c->tx, g->id, g);
}

/* --- all of it --- */

static struct err record_cluster(struct call *c, struct cluster_facts *f)
{
    TRY(store_cluster_update(c->tx, &f->cluster));
    store_touch_cluster(c->tx, f->cluster.id);
    return OK;
}

struct err ec_modify_serverless_cache(struct call *c,
                                      const struct ec_modify_serverless_cache_in *in,
                                      struct ec_modify_serverless_cache_out *out)
{
    struct change x = {0};
    const char *pending;

    TRY(serverless_facts_for_change(c, in->serverless_cache_name, &x.facts));
    for (size_t i = 0; i < countof(changes); i++)
        TRY(changes[i](c, in, &x));
    TRY(store_serverless_update(c->tx, &x.facts.cache));
    TRY(x.facts.group ? serverless_record_group(c, x.facts.group)
                      : record_cluster(c, x.facts.cluster));
    TRY(change_entry(c, in, &x, &pending));
    if (x.shards)
        TRY(serverless_add_shards(c, &x.facts, x.shards));
    else if (x.is_upgraded)
        TRY(group_facts_operate(c, x.facts.group, GROUP_ROLL, ""));
    else if (x.facts.group && (x.is_slow || pending))
        TRY(group_facts_operate(c, x.facts.group, GROUP_MODIFY, ""));
    out->serverless_cache = wire_serverless_new(c, &x.facts);
    return OK;
}
