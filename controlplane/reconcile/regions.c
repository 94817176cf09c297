/* Hosts change seldom and may be a thousand; looks are many. */
#include "controlplane/reconcile/regions.h"

#include "controlplane/store/store.h"

#include <string.h>

void regions_init(struct regions *r, struct store *store, int64_t cpu_overcommit)
{
    *r = (struct regions){.store = store, .cpu_overcommit = cpu_overcommit};
}

void regions_fini(struct regions *r)
{
    arena_fini(&r->arena);
}

void regions_begin(struct regions *r)
{
    uint64_t version = store_hosts_version(r->store);

    r->error = OK;
    for (struct region_view *v = r->list; v; v = v->next)
        v->board = NULL; /* it lived as long as the last transaction */
    if (version == r->hosts_version)
        return;
    arena_reset(&r->arena);
    r->list = NULL;
    r->hosts_version = version;
}

static const char *keep(struct arena *a, const char *text)
{
    return text && *text ? arena_strdup(a, text) : "";
}

/* What was read lives as long as the transaction; this is kept for longer. */
static struct host host_keep(struct arena *a, const struct host *h)
{
    struct host kept = *h;

    kept.id = keep(a, h->id);
    kept.region = keep(a, h->region);
    kept.zone = keep(a, h->zone);
    kept.name = keep(a, h->name);
    kept.incarnation = keep(a, h->incarnation);
    kept.boot_id = keep(a, h->boot_id);
    kept.agent_version = keep(a, h->agent_version);
    kept.pool = keep(a, h->pool);
    kept.pool6 = keep(a, h->pool6);
    kept.engines = keep(a, h->engines);
    kept.peer_address = keep(a, h->peer_address);
    return kept;
}

static struct err region_load(struct regions *r, struct store_tx *tx, const char *region,
                              struct region_view **out)
{
    for (struct region_view *v = r->list; v; v = v->next)
        if (strcmp(v->region, region) == 0) {
            *out = v;
            return OK;
        }

    struct host_list read;
    TRY(store_host_list_by_id(tx, region, &read));
    struct region_view *v = arena_new(&r->arena, struct region_view);
    v->region = arena_strdup(&r->arena, region);
    v->hosts.count = read.count;
    v->hosts.items = arena_array(&r->arena, read.count, sizeof(*v->hosts.items));
    for (size_t i = 0; i < read.count; i++)
        v->hosts.items[i] = host_keep(&r->arena, &read.items[i]);
    v->next = r->list;
    r->list = v;
    *out = v;
    return OK;
}

struct err regions_view(struct regions *r, struct store_tx *tx, const char *region,
                        const struct region_view **out)
{
    struct region_view *v;

    TRY(region_load(r, tx, region, &v));
    *out = v;
    return OK;
}

/* What was placed before in this transaction is in the store by now. */
static bool is_taken(void *context, const char *address, int port)
{
    struct regions *r = context;
    bool is_used = true;

    struct err e = store_address_is_used(r->tx, address, port, &is_used);
    if (err_failed(e) && !err_failed(r->error))
        r->error = e;
    return err_failed(e) || is_used;
}

struct err regions_need_board(struct regions *r, struct store_tx *tx, const char *region)
{
    struct region_view *v;
    struct host_list *hosts;

    TRY(region_load(r, tx, region, &v));
    if (v->board)
        return OK;
    hosts = arena_new(store_arena(tx), struct host_list);
    TRY(store_host_list(tx, region, hosts));
    v->board = place_new(store_arena(tx), hosts);
    place_limit_vcpus(v->board, r->cpu_overcommit);
    r->tx = tx;
    place_ask_addresses(v->board, is_taken, r);
    return OK;
}

struct err regions_error(const struct regions *r)
{
    return r->error;
}

const struct host *region_host(const struct region_view *r, const char *host_id)
{
    size_t low = 0, high = r->hosts.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(r->hosts.items[middle].id, host_id);
        if (order == 0)
            return &r->hosts.items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
