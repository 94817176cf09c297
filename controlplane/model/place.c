/*
 * Placement: a board of hosts and taken addresses; each request takes the best seat that is left.
 * Greedy in the given order: whoever asked first chooses first, and asking again gives the same
 * answer.
 */
#include "controlplane/model/place.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/vec.h"
#include "controlplane/model/engine_driver.h"

#include <string.h>

enum { FAMILIES = FAMILY_IPV6 + 1 };

struct seat {
    const struct host *host;
    struct ip_block pools[FAMILIES]; /* what may be used of each */
    int64_t used_bytes;
};

struct taken {
    struct ip address;
    int port;
};

/* One of each family that the request is for. */
struct addresses {
    struct ip items[FAMILIES];
};

struct placed {
    int64_t cluster_id;
    const struct seat *seat;
};

struct place {
    struct arena *arena;
    struct seat *seats;
    size_t seat_count;
    vec_of(struct taken) taken;
    vec_of(struct placed) placed;
    const char *const *zones; /* that may be chosen; NULL for all */
    size_t zone_count;
};

int64_t place_key(int64_t cluster_id, int64_t shard_id)
{
    return shard_id ? -shard_id : cluster_id;
}

const char *place_result_text(enum place_result result)
{
    static const char *const texts[] = {
        [PLACE_OK] = "placed",
        [PLACE_NO_ZONE] = "no host is enrolled in the zone",
        [PLACE_NO_HOST] = "no host that runs the engine is in touch",
        [PLACE_TOO_LARGE] = "no host offers that much memory",
        [PLACE_NO_MEMORY] = "no host has that much memory left",
        [PLACE_NO_IPV6] = "no host has addresses of IPv6 for cache nodes",
        [PLACE_NO_ADDRESS] = "no host has an address left on which the port is free",
    };
    return texts[result];
}

/* An unreadable pool, or one of another family, has no addresses. */
static struct ip_block pool_parse(const char *text, enum ip_family family)
{
    struct ip_block block;

    if (!text || !ip_block_parse(str_of(text), &block) ||
        ip_is_v6(&block.first) != (family == FAMILY_IPV6))
        return (struct ip_block){0};
    return ip_block_usable(&block);
}

struct place *place_new(struct arena *a, const struct host_list *hosts)
{
    struct place *p = arena_new(a, struct place);

    p->arena = a;
    p->seat_count = hosts->count;
    p->seats = arena_array(a, hosts->count, sizeof(*p->seats));
    for (size_t i = 0; i < hosts->count; i++) {
        p->seats[i].host = &hosts->items[i];
        p->seats[i].pools[FAMILY_IPV4] = pool_parse(hosts->items[i].pool, FAMILY_IPV4);
        p->seats[i].pools[FAMILY_IPV6] = pool_parse(hosts->items[i].pool6, FAMILY_IPV6);
        p->seats[i].used_bytes = hosts->items[i].used_bytes;
    }
    return p;
}

void place_take_address(struct place *p, const char *address, int port)
{
    struct ip number;

    if (ip_parse(str_of(address), &number))
        *vec_add(p->arena, &p->taken) = (struct taken){number, port};
}

void place_take_node(struct place *p, int64_t cluster_id, const char *host_id)
{
    for (size_t i = 0; i < p->seat_count; i++)
        if (strcmp(p->seats[i].host->id, host_id) == 0)
            *vec_add(p->arena, &p->placed) = (struct placed){cluster_id, &p->seats[i]};
}

void place_limit_zones(struct place *p, const char *const *zones, size_t count)
{
    p->zones = zones;
    p->zone_count = count;
}

static bool zone_may_be_chosen(const struct place *p, const char *zone)
{
    for (size_t i = 0; i < p->zone_count; i++)
        if (strcmp(p->zones[i], zone) == 0)
            return true;
    return p->zones == NULL;
}

/* `port` 0 asks whether anybody uses the address at all. */
static bool address_is_taken(const struct place *p, const struct ip *address, int port)
{
    for (size_t i = 0; i < p->taken.count; i++)
        if (ip_is(&p->taken.items[i].address, address) &&
            (port == 0 || p->taken.items[i].port == port))
            return true;
    return false;
}

static bool ports_are_taken(const struct place *p, const struct ip *address, int port, int second)
{
    return address_is_taken(p, address, port) || (second && address_is_taken(p, address, second));
}

/* Walks round the pool from where `start` falls. Of any (taken + 1) addresses one is free. */
static bool address_walk(const struct place *p, const struct ip_block *pool, uint64_t start,
                         int port, int second, struct ip *out)
{
    uint64_t tries = pool->count < p->taken.count + 1 ? pool->count : p->taken.count + 1;

    for (uint64_t i = 0; i < tries; i++) {
        struct ip address = ip_block_at(pool, (start + i) % pool->count);
        if (!ports_are_taken(p, &address, port, second)) {
            *out = address;
            return true;
        }
    }
    return false;
}

/* An address of nobody is best: then a node is told apart by its address alone. */
static bool address_choose(const struct place *p, const struct ip_block *pool,
                           const struct place_request *r, struct ip *out)
{
    uint64_t start = r->node_id > 0 ? (uint64_t)r->node_id - 1 : 0;

    return address_walk(p, pool, start, 0, 0, out) ||
           address_walk(p, pool, start, r->port, r->second_port, out);
}

/* The addresses that the host has left for the node. */
static enum place_result addresses_choose(const struct place *p, const struct seat *s,
                                          const struct place_request *r, struct addresses *out)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (!network_type_has(r->network, (enum ip_family)family))
            continue;
        if (s->pools[family].count == 0 && family == FAMILY_IPV6)
            return PLACE_NO_IPV6;
        if (s->pools[family].count == 0 ||
            !address_choose(p, &s->pools[family], r, &out->items[family]))
            return PLACE_NO_ADDRESS;
    }
    return PLACE_OK;
}

/* Can this host take the node? The results are ordered by how near a host came to it. */
static enum place_result seat_test(const struct place *p, const struct seat *s,
                                   const struct place_request *r, struct addresses *out)
{
    if (!zone_may_be_chosen(p, s->host->zone) || (*r->zone && strcmp(s->host->zone, r->zone) != 0))
        return PLACE_NO_ZONE;
    if (s->host->is_silent || (*r->program && !programs_have(s->host->engines, r->program)))
        return PLACE_NO_HOST;
    if (r->memory_bytes > s->host->memory_bytes)
        return PLACE_TOO_LARGE;
    if (r->memory_bytes > s->host->memory_bytes - s->used_bytes)
        return PLACE_NO_MEMORY;
    return addresses_choose(p, s, r, out);
}

static size_t siblings_on(const struct place *p, int64_t cluster_id, const struct seat *s)
{
    size_t count = 0;

    for (size_t i = 0; i < p->placed.count; i++)
        count += p->placed.items[i].cluster_id == cluster_id && p->placed.items[i].seat == s;
    return count;
}

static size_t siblings_in_zone(const struct place *p, int64_t cluster_id, const char *zone)
{
    size_t count = 0;

    for (size_t i = 0; i < p->placed.count; i++)
        count += p->placed.items[i].cluster_id == cluster_id &&
                 strcmp(p->placed.items[i].seat->host->zone, zone) == 0;
    return count;
}

/* Negative when `x` is the better seat for the request. */
static int seat_compare(const struct place *p, const struct place_request *r, const struct seat *x,
                        const struct seat *y)
{
    size_t zone_x = siblings_in_zone(p, r->cluster_id, x->host->zone);
    size_t zone_y = siblings_in_zone(p, r->cluster_id, y->host->zone);
    size_t host_x = siblings_on(p, r->cluster_id, x);
    size_t host_y = siblings_on(p, r->cluster_id, y);
    int64_t free_x = x->host->memory_bytes - x->used_bytes;
    int64_t free_y = y->host->memory_bytes - y->used_bytes;

    if (r->keeps_apart && host_x != host_y)
        return host_x < host_y ? -1 : 1;
    if (r->is_cross_az && zone_x != zone_y)
        return zone_x < zone_y ? -1 : 1;
    if (host_x != host_y)
        return host_x < host_y ? -1 : 1;
    if (free_x != free_y)
        return free_x > free_y ? -1 : 1;
    return strcmp(x->host->name, y->host->name);
}

/* The first family that there is gives the first address. */
static void take_addresses(struct place *p, const struct place_request *r,
                           const struct addresses *addresses, struct place_choice *out)
{
    for (int family = 0; family < FAMILIES; family++) {
        const struct ip *address = &addresses->items[family];
        if (!network_type_has(r->network, (enum ip_family)family))
            continue;
        *vec_add(p->arena, &p->taken) = (struct taken){*address, r->port};
        if (r->second_port)
            *vec_add(p->arena, &p->taken) = (struct taken){*address, r->second_port};
        const char **text = out->address ? &out->second_address : &out->address;
        *text = ip_text(p->arena, address);
    }
}

static enum place_result place_one(struct place *p, const struct place_request *r,
                                   struct place_choice *out)
{
    enum place_result nearest = *r->zone ? PLACE_NO_ZONE : PLACE_NO_HOST;
    struct seat *best = NULL;
    struct addresses best_addresses = {0};

    for (size_t i = 0; i < p->seat_count; i++) {
        struct seat *s = &p->seats[i];
        struct addresses addresses = {0};
        enum place_result result = seat_test(p, s, r, &addresses);
        if (result != PLACE_OK) {
            nearest = result > nearest ? result : nearest;
        } else if (!best || seat_compare(p, r, s, best) < 0) {
            best = s;
            best_addresses = addresses;
        }
    }
    if (!best)
        return nearest;

    best->used_bytes += r->memory_bytes;
    *vec_add(p->arena, &p->placed) = (struct placed){r->cluster_id, best};
    *out = (struct place_choice){
        .host_id = best->host->id, .zone = best->host->zone, .second_address = ""};
    take_addresses(p, r, &best_addresses, out);
    return PLACE_OK;
}

bool place_grow(struct place *p, const char *host_id, int64_t bytes)
{
    for (size_t i = 0; i < p->seat_count; i++) {
        struct seat *s = &p->seats[i];
        if (strcmp(s->host->id, host_id) != 0)
            continue;
        if (bytes > s->host->memory_bytes - s->used_bytes)
            return false;
        s->used_bytes += bytes;
        return true;
    }
    return false;
}

enum place_result place_nodes(struct place *p, const struct place_request *requests, size_t count,
                              struct place_choice *out)
{
    struct seat *before = arena_memdup(p->arena, p->seats, p->seat_count * sizeof(*p->seats));
    size_t taken_before = p->taken.count, placed_before = p->placed.count;
    struct place_choice *choices = arena_array(p->arena, count, sizeof(*choices));
    enum place_result result = PLACE_OK;

    for (size_t i = 0; i < count && result == PLACE_OK; i++)
        result = place_one(p, &requests[i], &choices[i]);
    if (result == PLACE_OK) {
        if (count)
            memcpy(out, choices, count * sizeof(*out));
        return PLACE_OK;
    }

    if (p->seat_count)
        memcpy(p->seats, before, p->seat_count * sizeof(*p->seats));
    p->taken.count = taken_before;
    p->placed.count = placed_before;
    return result;
}
