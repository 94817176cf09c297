/* A group is read whole: what becomes of a member depends on the others. */
#include "controlplane/reconcile/group_view.h"

#include "base/arena.h"
#include "controlplane/model/naming.h"
#include "controlplane/reconcile/restraint.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/leases.h"
#include "controlplane/store/slot_moves.h"
#include "controlplane/store/sources.h"
#include "controlplane/store/tasks.h"

#include <stdlib.h>
#include <string.h>

static struct err load_members(struct store_tx *tx, struct regions *regions, struct group_view *g)
{
    struct cluster *clusters;

    TRY(store_group_members(tx, &g->group.id, 1, &clusters, &g->member_count));
    g->members = arena_array(store_arena(tx), g->member_count, sizeof(*g->members));
    TRY(views_load(tx, clusters, g->member_count, g->now_ms, regions, g->members));
    if (g->member_count > 0)
        g->region = g->members[0].region;
    return OK;
}

static struct err load_shards(struct store_tx *tx, struct group_view *g)
{
    struct source_row *rows;
    size_t count;

    TRY(store_shard_list(tx, &g->group.id, 1, &g->shards));
    TRY(store_source_list(tx, &g->group.id, 1, &rows, &count));
    for (size_t i = 0; i < g->shards.count; i++)
        g->shards.items[i].goal.source = source_of_shard(rows, count, g->shards.items[i].id);
    return OK;
}

static struct err load_tasks(struct store_tx *tx, struct group_view *g)
{
    if (!g->has_operation || !group_operation_is_migration(g->operation.kind))
        return OK;
    const struct view *primary = g->shards.count > 0 ? shard_primary(g, &g->shards.items[0]) : NULL;
    const struct node *n = primary ? member_node(primary) : NULL;
    struct node_task *all;
    size_t count = 0;
    if (n)
        TRY(store_task_list(tx, n->id, &all, &count));
    g->tasks = arena_array(store_arena(tx), count, sizeof(*g->tasks));
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].kind, "AskSource") == 0)
            g->tasks[g->task_count++] = all[i];
    return OK;
}

static struct err load_promote_stale(struct store_tx *tx, struct group_view *g)
{
    const struct replication_group *rg = &g->group;
    const char *arn =
        arn_make(store_arena(tx), rg->region, rg->account, "replicationgroup", rg->name);

    return store_tag_get(tx, arn, PROMOTE_STALE_TAG, &g->promote_stale);
}

/* Groups may have hundreds of shards, and each member is asked after many times. */

static int by_member_id(const void *a, const void *b)
{
    int64_t x = (*(struct view *const *)a)->cluster.id, y = (*(struct view *const *)b)->cluster.id;
    return x < y ? -1 : x > y;
}

static int by_shard_id(const void *a, const void *b)
{
    int64_t x = (*(struct shard *const *)a)->id, y = (*(struct shard *const *)b)->id;
    return x < y ? -1 : x > y;
}

static void sort_by_id(struct arena *a, struct group_view *g)
{
    g->members_by_id = arena_array(a, g->member_count + 1, sizeof(struct view *));
    g->shards_by_id = arena_array(a, g->shards.count + 1, sizeof(struct shard *));
    for (size_t i = 0; i < g->member_count; i++)
        g->members_by_id[i] = &g->members[i];
    for (size_t i = 0; i < g->shards.count; i++)
        g->shards_by_id[i] = &g->shards.items[i];
    qsort(g->members_by_id, g->member_count, sizeof(struct view *), by_member_id);
    qsort(g->shards_by_id, g->shards.count, sizeof(struct shard *), by_shard_id);
}

static struct err load_alone(struct store_tx *tx, int64_t group_id, int64_t now_ms,
                             struct regions *regions, struct group_view *out)
{
    struct group_view g = {.now_ms = now_ms};

    TRY(store_group_get(tx, group_id, &g.group));
    TRY(load_promote_stale(tx, &g));
    TRY(load_shards(tx, &g));
    TRY(store_topology_get(tx, group_id, &g.topology));
    TRY(load_members(tx, regions, &g));
    TRY(store_slot_move_list(tx, &group_id, 1, &g.moves));
    TRY(store_promises_of_group(tx, group_id, &g.promises));
    struct err e = store_group_operation_running(tx, group_id, &g.operation);
    if (err_failed(e) && !err_is(e, ERR_NOT_FOUND))
        return e;
    g.has_operation = !err_failed(e);
    TRY(load_tasks(tx, &g));
    sort_by_id(store_arena(tx), &g);
    *out = g;
    return OK;
}

static struct err load_upstream(struct store_tx *tx, struct regions *regions, struct group_view *g)
{
    const struct global_member *primary =
        global_member_of_role(g->peers, g->peer_count, GLOBAL_PRIMARY);

    if (!primary || primary->group_id == g->group.id)
        return OK;
    g->upstream = arena_new(store_arena(tx), struct group_view);
    return load_alone(tx, primary->group_id, g->now_ms, regions, g->upstream);
}

static struct err load_followers(struct store_tx *tx, struct group_view *g)
{
    int64_t *ids = arena_array(store_arena(tx), g->peer_count, sizeof(*ids));
    size_t count = 0;

    if (g->self.role != GLOBAL_PRIMARY || g->group.mode != CLUSTER_MODE_ENABLED)
        return OK;
    for (size_t i = 0; i < g->peer_count; i++)
        if (g->peers[i].role == GLOBAL_SECONDARY)
            ids[count++] = g->peers[i].group_id;
    return count > 0 ? store_shard_list(tx, ids, count, &g->followers) : OK;
}

static struct err load_global(struct store_tx *tx, struct regions *regions, struct group_view *g)
{
    struct global_member *self;
    size_t count;

    TRY(store_global_members_of(tx, &g->group.id, 1, &self, &count));
    if (count == 0)
        return OK;
    g->is_global = true;
    g->self = *self;
    TRY(store_global_members(tx, &self->datastore_id, 1, &g->peers, &g->peer_count));
    TRY(load_followers(tx, g));
    return load_upstream(tx, regions, g);
}

struct err group_view_load(struct store_tx *tx, int64_t group_id, int64_t now_ms,
                           struct regions *regions, struct group_view *out)
{
    struct group_view g;

    TRY(load_alone(tx, group_id, now_ms, regions, &g));
    TRY(load_global(tx, regions, &g));
    *out = g;
    return OK;
}

struct node *member_node(const struct view *m)
{
    return m->nodes.count > 0 ? &m->nodes.items[0] : NULL;
}

static struct shard *find_shard(const struct group_view *g, int64_t id)
{
    const struct shard key = {.id = id}, *wanted = &key;

    if (g->shards_by_id) {
        struct shard **found =
            bsearch(&wanted, g->shards_by_id, g->shards.count, sizeof(struct shard *), by_shard_id);
        return found ? *found : NULL;
    }
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].id == id)
            return &g->shards.items[i];
    return NULL;
}

struct shard *member_shard(const struct group_view *g, const struct view *m)
{
    struct shard *s = find_shard(g, m->cluster.shard_id);

    check(s != NULL);
    return s;
}

struct view *group_member(const struct group_view *g, int64_t cluster_id)
{
    const struct view key = {.cluster = {.id = cluster_id}}, *wanted = &key;

    if (g->members_by_id) {
        struct view **found = bsearch(&wanted, g->members_by_id, g->member_count,
                                      sizeof(struct view *), by_member_id);
        return found ? *found : NULL;
    }
    for (size_t i = 0; i < g->member_count; i++)
        if (g->members[i].cluster.id == cluster_id)
            return &g->members[i];
    return NULL;
}

bool member_is_unheard(const struct view *m)
{
    const struct node *n = member_node(m);
    const struct host *host = n && n->goal.has ? view_host(m, n->goal.host_id) : NULL;

    return !host || host->is_silent || host->is_quiet;
}

struct view *shard_primary(const struct group_view *g, const struct shard *s)
{
    return s->goal.has ? group_member(g, s->goal.primary_id) : NULL;
}

int64_t group_patience_ms(const struct group_view *g, const struct shard *s)
{
    return promote_stale_ms(g->promote_stale, s->goal.acks.counted > 0);
}

bool group_takes_stale(const struct group_view *g, bool has_unheard)
{
    return (!has_unheard || g->promote_stale) && !restraint_is_in_doubt(g->region);
}
