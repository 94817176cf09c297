/* Reading for one look. However many members a group has, each table is asked once. */
#include "controlplane/reconcile/view.h"

#include "base/arena.h"
#include "controlplane/store/store.h"

#include <string.h>

/* It waits for a place, may get another one because its host is lost, or its room follows what it
 * uses. */
static bool needs_board(const struct view *v)
{
    for (size_t i = 0; i < v->nodes.count; i++) {
        const struct node *n = &v->nodes.items[i];
        const struct host *host = n->goal.has ? view_host(v, n->goal.host_id) : NULL;
        if (n->is_wanted && (!host || host->is_silent))
            return true;
    }
    return v->cluster.allotment.most_bytes > 0;
}

static void take_nodes(const struct view *v)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        if (v->nodes.items[i].goal.has)
            place_take_node(v->region->board, place_key(v->cluster.id, v->cluster.shard_id),
                            v->nodes.items[i].goal.host_id);
}

/* All are of one region. */
static struct err settle_region(struct store_tx *tx, struct regions *regions, struct view *views,
                                size_t count)
{
    const struct region_view *region;
    bool is_board_needed = false;

    if (count == 0)
        return OK;
    TRY(regions_view(regions, tx, views[0].cluster.region, &region));
    for (size_t i = 0; i < count; i++) {
        views[i].region = region;
        is_board_needed |= needs_board(&views[i]);
    }
    if (!is_board_needed)
        return OK;
    TRY(regions_need_board(regions, tx, region->region));
    for (size_t i = 0; i < count; i++)
        take_nodes(&views[i]);
    return OK;
}

struct err view_load(struct store_tx *tx, int64_t cluster_id, int64_t now_ms,
                     struct regions *regions, struct view *out)
{
    struct view v = {.now_ms = now_ms};

    TRY(store_cluster_get(tx, cluster_id, &v.cluster));
    TRY(store_node_list(tx, cluster_id, &v.nodes));
    struct err e = store_operation_running(tx, cluster_id, &v.operation);
    if (err_failed(e) && !err_is(e, ERR_NOT_FOUND))
        return e;
    v.has_operation = !err_failed(e);
    TRY(settle_region(tx, regions, &v, 1));
    *out = v;
    return OK;
}

/* Where the rows of a cluster begin among rows that are ordered by cluster. */
static size_t first_node(const struct node_list *all, int64_t cluster_id)
{
    size_t low = 0, high = all->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->items[middle].cluster_id < cluster_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct node_list nodes_of(const struct node_list *all, int64_t cluster_id)
{
    size_t first = first_node(all, cluster_id), end = first;

    while (end < all->count && all->items[end].cluster_id == cluster_id)
        end++;
    return (struct node_list){all->items + first, end - first};
}

static void take_operation(struct view *v, const struct operation *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].cluster_id == v->cluster.id) {
            v->has_operation = true;
            v->operation = all[i]; /* the newest comes last */
        }
}

struct err views_load(struct store_tx *tx, const struct cluster *clusters, size_t count,
                      int64_t now_ms, struct regions *regions, struct view *out)
{
    int64_t *ids = arena_array(store_arena(tx), count, sizeof(*ids));
    struct operation *operations;
    size_t operation_count;
    struct node_list nodes;

    for (size_t i = 0; i < count; i++)
        ids[i] = clusters[i].id;
    TRY(store_node_list_of(tx, ids, count, &nodes));
    TRY(store_operation_running_of(tx, ids, count, &operations, &operation_count));
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct view){
            .cluster = clusters[i], .nodes = nodes_of(&nodes, clusters[i].id), .now_ms = now_ms};
        take_operation(&out[i], operations, operation_count);
    }
    return settle_region(tx, regions, out, count);
}

const struct host *view_host(const struct view *v, const char *host_id)
{
    return region_host(v->region, host_id);
}
