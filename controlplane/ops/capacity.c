/*
 * A create is refused at once when it could not be placed. The reconciler places later, node by
 * node and in the order of requests; what it has not placed yet is played through here first, so
 * that both come to the same result.
 */
#include "controlplane/ops/capacity.h"

#include "base/arena.h"
#include "base/vec.h"
#include "contract/faults.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/place.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/serverless.h"
#include "controlplane/store/store.h"

#include <stdlib.h>
#include <string.h>

/* --- quotas --- */

struct err capacity_check_cluster(struct call *c, int64_t node_count)
{
    if (node_count <= quota(c, nodes_per_memcached))
        return OK;
    return fault(c, FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED,
                 "Cluster node quota exceeded. Each cluster can have at most %d nodes in this "
                 "region.",
                 quota(c, nodes_per_memcached));
}

struct err capacity_check_region(struct call *c, int64_t added)
{
    int64_t count = 0;

    TRY(store_node_count(c->tx, c->caller->account, c->caller->region, &count));
    if (count + added <= quota(c, nodes_per_region))
        return OK;
    return fault(c, FAULT_NODE_QUOTA_FOR_CUSTOMER_EXCEEDED,
                 "Customer node quota exceeded. You can have at most %d nodes in this region",
                 quota(c, nodes_per_region));
}

/* --- the board --- */

struct address_lookup {
    struct store_tx *tx;
    struct err error; /* the first that it met */
};

static bool is_taken(void *context, const char *address, int port)
{
    struct address_lookup *lookup = context;
    bool is_used = true;

    struct err e = store_address_is_used(lookup->tx, address, port, &is_used);
    if (err_failed(e) && !err_failed(lookup->error))
        lookup->error = e;
    return err_failed(e) || is_used;
}

void capacity_take_nodes(struct capacity *cap, const struct node_list *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].goal.has)
            place_take_node(cap->board, nodes->items[i].cluster_id, nodes->items[i].goal.host_id);
}

void capacity_take_member(struct capacity *cap, int64_t key, const struct node_list *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].goal.has)
            place_take_node(cap->board, key, nodes->items[i].goal.host_id);
}

/* Nodes that stand already matter where their cluster waits for more. */
static struct err take_siblings(struct call *c, struct capacity *cap,
                                const struct unplaced_node *waiting, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct node_list nodes;

    for (size_t i = 0; i < count; i++)
        ids[i] = waiting[i].cluster_id;
    if (count == 0)
        return OK;
    TRY(store_node_list_of(c->tx, ids, count, &nodes));
    capacity_take_nodes(cap, &nodes);
    return OK;
}

/* One that finds no place waits for a host to come, and takes nothing from others. */
static void place_waiting(struct call *c, struct capacity *cap, const struct unplaced_node *n)
{
    const struct cluster cluster = {
        .engine = n->engine,
        .engine_version = n->engine_version,
        .driver = n->driver,
        .node_type = n->node_type,
        .port = n->port,
        .owner = n->owner,
        .allotment = n->allotment,
    };
    struct place_choice choice;

    struct place_request request = {
        .cluster_id = place_key(n->cluster_id, n->shard_id),
        .keeps_apart = n->shard_id != 0,
        .node_id = n->node_id,
        .zone = n->zone,
        .memory_bytes = cluster_host_bytes(&cluster),
        .vcpus = cluster_vcpus(&cluster),
        .port = n->port,
        .second_port = cluster_reader_port(&cluster),
        .network = n->network,
        .is_cross_az = n->is_cross_az,
        .program = cluster_program(c->arena, &cluster),
    };
    (void)place_nodes(cap->board, &request, 1, &choice);
}

struct err capacity_open(struct call *c, const struct siting *siting, struct capacity *out)
{
    struct capacity *cap = arena_new(c->arena, struct capacity);
    struct unplaced_node *waiting;
    size_t count;

    TRY(store_host_list(c->tx, c->caller->region, &cap->hosts));
    TRY(store_node_unplaced(c->tx, c->caller->region, &waiting, &count));
    cap->board = place_new(c->arena, &cap->hosts);
    place_limit_vcpus(cap->board, c->conf->cpu_overcommit);
    cap->lookup = arena_new(c->arena, struct address_lookup);
    cap->lookup->tx = c->tx;
    place_ask_addresses(cap->board, is_taken, cap->lookup);
    TRY(take_siblings(c, cap, waiting, count));
    for (size_t i = 0; i < count; i++)
        place_waiting(c, cap, &waiting[i]);
    place_limit_zones(cap->board, siting->zones, siting->zone_count);
    cap->siting = siting;
    *out = *cap;
    return OK;
}

/* --- zones --- */

struct err capacity_check_zone(struct call *c, const struct capacity *cap, const char *zone)
{
    bool is_known =
        cap->hosts.count == 0; /* nobody knows the zones then; there is no room either */

    for (size_t i = 0; i < cap->hosts.count; i++)
        is_known |= strcmp(cap->hosts.items[i].zone, zone) == 0;
    if (!is_known)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "%s is not a valid availability zone.",
                     zone);
    if (!siting_has_zone(cap->siting, zone))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "%s is not a valid availability zone for the cache subnet group %s.", zone,
                     cap->siting->subnet_group);
    return OK;
}

/* What a zone has left, for choosing among zones. */
struct zone_room {
    const char *zone;
    int64_t free_bytes;
};

static int room_compare(const void *x, const void *y)
{
    const struct zone_room *a = x, *b = y;

    if (a->free_bytes != b->free_bytes)
        return a->free_bytes > b->free_bytes ? -1 : 1;
    return strcmp(a->zone, b->zone);
}

/* The zones with a host that is in touch, the emptiest first. Hosts come by zone. */
static size_t zones_by_room(struct call *c, const struct capacity *cap, struct zone_room **out)
{
    vec_of(struct zone_room) rooms = VEC_EMPTY;

    for (size_t i = 0; i < cap->hosts.count; i++) {
        const struct host *h = &cap->hosts.items[i];
        if (h->is_silent || !siting_has_zone(cap->siting, h->zone))
            continue;
        if (rooms.count == 0 || strcmp(rooms.items[rooms.count - 1].zone, h->zone) != 0)
            *vec_add(c->arena, &rooms) = (struct zone_room){h->zone, 0};
        rooms.items[rooms.count - 1].free_bytes += h->memory_bytes - h->used_bytes;
    }
    if (rooms.count > 0)
        qsort(rooms.items, rooms.count, sizeof(*rooms.items), room_compare);
    *out = rooms.items;
    return rooms.count;
}

/* --- claims --- */

static enum place_result place_claim(struct call *c, struct capacity *cap,
                                     const struct claim *claim, struct place_choice *choices)
{
    struct place_request *requests = arena_array(c->arena, claim->count, sizeof(*requests));

    for (size_t i = 0; i < claim->count; i++)
        requests[i] = (struct place_request){
            .cluster_id = claim->keys ? claim->keys[i] : claim->cluster_id,
            .keeps_apart = claim->keys != NULL,
            .zone = claim->zones[i],
            .memory_bytes =
                claim->memory_bytes ? claim->memory_bytes : node_type_host_bytes(claim->type),
            .vcpus = claim->is_allotted ? 0 : claim->type->vcpus,
            .port = claim->port,
            .second_port = claim->second_port,
            .network = claim->network,
            .is_cross_az = claim->is_cross_az,
            .program = claim->program ? claim->program : DRIVER_BUNDLED,
        };
    return place_nodes(cap->board, requests, claim->count, choices);
}

static void set_zones(const struct claim *claim, const char *zone)
{
    for (size_t i = 0; i < claim->count; i++)
        claim->zones[i] = zone;
}

/* Tries zone after zone until one has room for all. */
static enum place_result place_in_one_zone(struct call *c, struct capacity *cap,
                                           const struct claim *claim, struct place_choice *choices)
{
    struct zone_room *rooms;
    size_t count = zones_by_room(c, cap, &rooms);
    enum place_result result = PLACE_NO_HOST;

    for (size_t i = 0; i < count; i++) {
        set_zones(claim, rooms[i].zone);
        result = place_claim(c, cap, claim, choices);
        if (result == PLACE_OK)
            return PLACE_OK;
    }
    set_zones(claim, "");
    return result;
}

static bool zones_are_open(const struct claim *claim)
{
    for (size_t i = 0; i < claim->count; i++)
        if (*claim->zones[i])
            return false;
    return true;
}

static bool is_in_one_zone(const struct place_choice *choices, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(choices[i].zone, choices[0].zone) != 0)
            return false;
    return true;
}

/* Placement comes later and knows nothing of subnets: what must not go everywhere is told where. */
static void settle_zones(const struct capacity *cap, const struct claim *claim,
                         const struct place_choice *choices)
{
    bool is_limited = false;

    for (size_t i = 0; i < cap->hosts.count; i++)
        is_limited |= !siting_has_zone(cap->siting, cap->hosts.items[i].zone);
    for (size_t i = 0; is_limited && i < claim->count; i++)
        claim->zones[i] = choices[i].zone;
}

/* Whether each shard would have a member in another zone than its first. What stands already is not
 * looked at: it is the caller's to ask only for whole shards. */
static bool is_spread(const struct claim *claim, const struct place_choice *choices)
{
    for (size_t i = 0; i < claim->count; i++) {
        bool is_alone = true;
        for (size_t k = 0; k < claim->count && is_alone; k++)
            is_alone =
                claim->keys[k] != claim->keys[i] || strcmp(choices[k].zone, choices[i].zone) == 0;
        if (is_alone)
            return false;
    }
    return true;
}

static struct err no_capacity(struct call *c, const struct claim *claim, const char *why)
{
    bool names_zone = claim->count > 0 && *claim->zones[0];

    return fault(c, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,
                 "There is no capacity for %zu cache node%s of type %s in %s: %s.", claim->count,
                 claim->count == 1 ? "" : "s", claim->type->name,
                 names_zone ? claim->zones[0] : c->caller->region, why);
}

struct err capacity_claim(struct call *c, struct capacity *cap, const struct claim *claim)
{
    struct place_choice *choices = arena_array(c->arena, claim->count, sizeof(*choices));
    bool is_one_zone = !claim->is_cross_az && claim->count > 1 && zones_are_open(claim);
    enum place_result result = is_one_zone ? place_in_one_zone(c, cap, claim, choices)
                                           : place_claim(c, cap, claim, choices);

    TRY(cap->lookup->error);
    if (result != PLACE_OK)
        return no_capacity(c, claim, place_result_text(result));
    if (claim->keys && claim->is_multi_az && !is_spread(claim, choices))
        return no_capacity(c, claim, "only one availability zone has room for them");
    if (!claim->keys && claim->is_cross_az && claim->count > 1 &&
        is_in_one_zone(choices, claim->count))
        return no_capacity(c, claim, "only one availability zone has room for them");
    settle_zones(cap, claim, choices);
    return OK;
}
