/* Which node types a cluster or group could be scaled to, by the catalogue. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/scaling.h"
#include "controlplane/ops/fitting.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/ops/members.h"

#include <stdlib.h>
#include <string.h>

#define TIERED                                                                         \
    "r6gd" /* the family with a disk beside its memory: nothing else can take its data \
            */

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool may_become(const struct node_type *from, const struct node_type *to,
                       const struct engine_version *v)
{
    bool is_tiered = strcmp(from->family, TIERED) == 0;

    return to != from && to->is_offered && node_type_runs_version(to, v) &&
           (strcmp(to->family, TIERED) == 0) == is_tiered;
}

/* What is less must hold the data, as far as that is known. */
static struct err may_shrink(struct call *c, const struct cluster *cl, const struct node_type *to,
                             int64_t used_bytes, bool *out)
{
    *out = false;
    return used_bytes < 0 ? OK : fitting_has_room(c, cl, to, used_bytes, out);
}

static void add(struct ec_node_type_list *list, const char *name)
{
    list->items[list->count++] = name;
}

/* As much memory or more is up, less is down. */
static struct err list_types(struct call *c, const struct cluster *cl, int64_t used_bytes,
                             struct ec_list_allowed_node_type_modifications_out *out)
{
    const struct engine_version *v = engine_version_reported(cl->engine, cl->engine_version);
    const struct node_type *from = node_type_find(cl->node_type);
    struct ec_node_type_list *up = &out->scale_up_modifications;
    struct ec_node_type_list *down = &out->scale_down_modifications;
    size_t count;
    const struct node_type *types = node_type_all(&count);

    check(v != NULL && from != NULL);
    up->has = down->has = true;
    up->items = arena_array(c->arena, count, sizeof(*up->items));
    down->items = arena_array(c->arena, count, sizeof(*down->items));
    bool is_memcached = !engine_is_redis_like(cl->engine); /* which makes room by forgetting */
    if (is_memcached && version_compare(cl->engine_version, SCALE_MEMCACHED_SINCE) < 0)
        return OK;
    for (size_t i = 0; i < count; i++) {
        bool is_up = types[i].maxmemory_bytes >= from->maxmemory_bytes, fits = true;
        if (!may_become(from, &types[i], v))
            continue;
        if (!is_up && !is_memcached)
            TRY(may_shrink(c, cl, &types[i], used_bytes, &fits));
        if (fits)
            add(is_up ? up : down, types[i].name);
    }
    if (up->count > 0)
        qsort(up->items, up->count, sizeof(*up->items), by_text);
    if (down->count > 0)
        qsort(down->items, down->count, sizeof(*down->items), by_text);
    return OK;
}

struct err ec_list_allowed_node_type_modifications(
    struct call *c, const struct ec_list_allowed_node_type_modifications_in *in,
    struct ec_list_allowed_node_type_modifications_out *out)
{
    bool has_cluster = member_has_text(in->cache_cluster_id);
    bool has_group = member_has_text(in->replication_group_id);
    struct cluster_facts facts;
    struct group_facts group;
    int64_t used_bytes;

    if (has_cluster == has_group)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Exactly one of CacheClusterId and ReplicationGroupId must be given.");
    if (has_cluster) {
        TRY(facts_find(c, in->cache_cluster_id, &facts));
        TRY(fitting_used(c, &facts, 1, &used_bytes));
        return list_types(c, &facts.cluster, used_bytes, out);
    }
    TRY(group_facts_find(c, in->replication_group_id, &group));
    TRY(fitting_used(c, group.members, group.member_count, &used_bytes));
    return list_types(c, &group.group.common, used_bytes, out);
}
