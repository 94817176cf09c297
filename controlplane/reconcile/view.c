/* Reading for one pass. A region's hosts are read once per transaction, and so are its addresses,
 * which may be many, if a node is to be placed. */
#include "controlplane/reconcile/view.h"

#include "base/arena.h"
#include "controlplane/store/store.h"

#include <string.h>

static struct err take_host(struct store_tx *tx, struct place *board, const struct host *host)
{
    struct host_address *addresses;
    size_t count;

    TRY(store_host_addresses(tx, host->id, &addresses, &count));
    for (size_t i = 0; i < count; i++)
        place_take_address(board, addresses[i].address, addresses[i].port);
    return OK;
}

static struct err region_load(struct store_tx *tx, const char *region, struct region_view **regions,
                              struct region_view **out)
{
    for (struct region_view *r = *regions; r; r = r->next)
        if (strcmp(r->region, region) == 0) {
            *out = r;
            return OK;
        }

    struct region_view *r = arena_new(store_arena(tx), struct region_view);
    r->region = region;
    TRY(store_host_list(tx, region, &r->hosts));
    r->board = place_new(store_arena(tx), &r->hosts);
    r->next = *regions;
    *regions = r;
    *out = r;
    return OK;
}

static bool has_homeless(const struct node_list *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].is_wanted && !nodes->items[i].goal.has)
            return true;
    return false;
}

/* What was placed before in this transaction is in the store by now. */
static struct err addresses_load(struct store_tx *tx, struct region_view *r)
{
    if (r->has_addresses)
        return OK;
    r->has_addresses = true;
    for (size_t i = 0; i < r->hosts.count; i++)
        TRY(take_host(tx, r->board, &r->hosts.items[i]));
    return OK;
}

struct err view_load(struct store_tx *tx, int64_t cluster_id, int64_t now_ms,
                     struct region_view **regions, struct view *out)
{
    struct region_view *region;
    struct view v = {.now_ms = now_ms};

    TRY(store_cluster_get(tx, cluster_id, &v.cluster));
    TRY(store_node_list(tx, cluster_id, &v.nodes));
    struct err e = store_operation_running(tx, cluster_id, &v.operation);
    if (err_failed(e) && !err_is(e, ERR_NOT_FOUND))
        return e;
    v.has_operation = !err_failed(e);

    TRY(region_load(tx, v.cluster.region, regions, &region));
    v.region = region;
    if (has_homeless(&v.nodes))
        TRY(addresses_load(tx, region));
    for (size_t i = 0; i < v.nodes.count; i++)
        if (v.nodes.items[i].goal.has)
            place_take_node(region->board, place_key(cluster_id, v.cluster.shard_id),
                            v.nodes.items[i].goal.host_id);
    *out = v;
    return OK;
}

const struct host *view_host(const struct view *v, const char *host_id)
{
    for (size_t i = 0; i < v->region->hosts.count; i++)
        if (strcmp(v->region->hosts.items[i].id, host_id) == 0)
            return &v->region->hosts.items[i];
    return NULL;
}
