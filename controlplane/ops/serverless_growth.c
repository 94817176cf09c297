/*
 * Shards share the limits of a cache evenly. While slots move those that were there go on with the
 * shares that they have, for they still hold the data; the new shares come when all slots are where
 * they belong.
 */
#include "controlplane/ops/serverless_growth.h"

#include "contract/faults.h"
#include "controlplane/ops/fitting.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/resharding.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define WORK_METRIC       "ElastiCacheProcessingUnits"
#define SECONDS_OF_MINUTE 60

struct err serverless_record_group(struct call *c, struct group_facts *g)
{
    TRY(store_group_update(c->tx, &g->group));
    for (size_t i = 0; i < g->member_count; i++) {
        struct cluster *cl = &g->members[i].cluster;
        membership_take_common(cl, &g->group.common);
        TRY(store_cluster_update(c->tx, cl));
        store_touch_cluster(c->tx, cl->id);
    }
    return OK;
}

static bool is_no_room(struct err e)
{
    return err_is(e, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY) ||
           err_is(e, FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED);
}

struct err serverless_add_shards(struct call *c, struct serverless_facts *f, int64_t shards)
{
    const struct resharding asked = {.count = shards, .subnets = f->cache.subnets};
    struct err e = resharding_begin(c, f->group, &asked);

    if (is_no_room(e))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "There is no capacity for %lld shards of the serverless cache %s: %s",
                     (long long)shards, f->cache.name, e.why);
    return e;
}

/* --- what they do --- */

static void add_data(const struct cluster_facts *m, struct serverless_use *use)
{
    const struct node *n = m->nodes.count > 0 ? &m->nodes.items[0] : NULL;
    int64_t bytes = n && n->saw.has && n->saw.used_bytes > 0 ? n->saw.used_bytes : 0;

    use->data_bytes += bytes;
    use->most_data_bytes = bytes > use->most_data_bytes ? bytes : use->most_data_bytes;
}

static struct err add_work(struct call *c, const struct cluster_facts *m,
                           struct serverless_use *use)
{
    int64_t work;

    TRY(fitting_number(c, &m->cluster, WORK_METRIC, &work));
    work = work > 0 ? work / SECONDS_OF_MINUTE : 0;
    use->work += work;
    use->most_work = work > use->most_work ? work : use->most_work;
    return OK;
}

static struct err read_use(struct call *c, const struct group_facts *g, struct serverless_use *out)
{
    *out = (struct serverless_use){0};
    for (size_t i = 0; i < g->member_count; i++) {
        if (!group_facts_is_primary(g, &g->members[i]))
            continue;
        add_data(&g->members[i], out);
        TRY(add_work(c, &g->members[i], out));
    }
    return OK;
}

struct err serverless_grow(struct call *c, const char *name, bool *out_did)
{
    struct serverless_facts f;
    struct serverless_use use;

    *out_did = false;
    TRY(serverless_facts_find(c, name, &f));
    if (!f.group || f.group->status != GROUP_STATUS_AVAILABLE)
        return OK;
    struct cluster *common = &f.group->group.common;
    int64_t shards = (int64_t)f.group->shard_count;
    struct allotment a = serverless_allotment(&f.cache.limits, shards);
    TRY(read_use(c, f.group, &use));
    int64_t needed = serverless_shards_needed(&f.cache.limits, &use, shards);
    *out_did = needed > shards || memcmp(&a, &common->allotment, sizeof(a)) != 0;
    if (needed > shards)
        return serverless_add_shards(c, &f, needed);
    if (!*out_did)
        return OK;
    common->allotment = a;
    return serverless_record_group(c, f.group);
}
