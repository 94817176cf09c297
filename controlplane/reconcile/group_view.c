/* A group is read whole: what becomes of a member depends on the others. */
#include "controlplane/reconcile/group_view.h"

#include "base/arena.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/slot_moves.h"

static struct err load_members(struct store_tx *tx, struct region_view **regions,
                               struct group_view *g)
{
    struct cluster *clusters;

    TRY(store_group_members(tx, &g->group.id, 1, &clusters, &g->member_count));
    g->members = arena_array(store_arena(tx), g->member_count, sizeof(*g->members));
    for (size_t i = 0; i < g->member_count; i++)
        TRY(view_load(tx, clusters[i].id, g->now_ms, regions, &g->members[i]));
    if (g->member_count > 0)
        g->region = g->members[0].region;
    return OK;
}

struct err group_view_load(struct store_tx *tx, int64_t group_id, int64_t now_ms,
                           struct region_view **regions, struct group_view *out)
{
    struct group_view g = {.now_ms = now_ms};

    TRY(store_group_get(tx, group_id, &g.group));
    TRY(store_shard_list(tx, &group_id, 1, &g.shards));
    TRY(store_topology_get(tx, group_id, &g.epoch, &g.topology));
    TRY(load_members(tx, regions, &g));
    TRY(store_slot_move_list(tx, &group_id, 1, &g.moves));
    struct err e = store_group_operation_running(tx, group_id, &g.operation);
    if (err_failed(e) && !err_is(e, ERR_NOT_FOUND))
        return e;
    g.has_operation = !err_failed(e);
    *out = g;
    return OK;
}

struct node *member_node(const struct view *m)
{
    return m->nodes.count > 0 ? &m->nodes.items[0] : NULL;
}

struct shard *member_shard(const struct group_view *g, const struct view *m)
{
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].id == m->cluster.shard_id)
            return &g->shards.items[i];
    check(!"a member without a shard");
    return NULL;
}

struct view *group_member(const struct group_view *g, int64_t cluster_id)
{
    for (size_t i = 0; i < g->member_count; i++)
        if (g->members[i].cluster.id == cluster_id)
            return &g->members[i];
    return NULL;
}

struct view *shard_primary(const struct group_view *g, const struct shard *s)
{
    return s->goal.has ? group_member(g, s->goal.primary_id) : NULL;
}
