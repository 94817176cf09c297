/*
 * Placement: a board of hosts and taken addresses; each request takes the best seat that is left.
 * Greedy in the given order: whoever asked first chooses first, and asking again gives the same
 * answer. Hosts may be a thousand and nodes ten thousand: what stands where is counted, never
 * searched for, and addresses are looked at on the seat that is chosen alone.
 */
#include "controlplane/model/place.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/vec.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/tally.h"

#include <stdlib.h>
#include <string.h>

#define ASKED_MOST 65536 /* more nodes than that have no host */

enum { FAMILIES = FAMILY_IPV6 + 1 };

struct seat {
    const struct host *host;
    size_t zone;                     /* all of one zone have the same number */
    struct ip_block pools[FAMILIES]; /* what may be used of each */
    int64_t used_bytes, used_vcpus;
    uint64_t full_for; /* the request that found no address, and why */
    enum place_result full_why;
};

/* One of each family that the request is for. */
struct addresses {
    struct ip items[FAMILIES];
};

/* What was counted, to be taken back. */
struct counted {
    struct tally *in;
    uint64_t key;
};

struct place {
    struct arena *arena;
    struct seat *seats;  /* in the order of the hosts given */
    struct seat **by_id; /* the same by the ids of their hosts */
    size_t seat_count;
    struct tally taken;            /* addresses, with a port and without */
    struct tally on_seat, in_zone; /* of each cluster */
    vec_of(struct counted) counted;
    place_is_taken_fn is_taken;
    void *context;
    const char *const *zones; /* that may be chosen; NULL for all */
    size_t zone_count;
    int64_t overcommit; /* of processors; 0: no limit */
    uint64_t request;   /* the number of the one that is looked at */
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
        [PLACE_NO_VCPUS] = "no host has that many processors left",
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

static int by_host_id(const void *a, const void *b)
{
    const struct seat *const *x = a, *const *y = b;

    return strcmp((*x)->host->id, (*y)->host->id);
}

static size_t zone_number(const struct place *p, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(p->seats[i].host->zone, p->seats[at].host->zone) == 0)
            return p->seats[i].zone;
    return at;
}

static void seat_init(struct place *p, size_t at, const struct host *host)
{
    struct seat *s = &p->seats[at];

    *s =
        (struct seat){.host = host, .used_bytes = host->used_bytes, .used_vcpus = host->used_vcpus};
    s->pools[FAMILY_IPV4] = pool_parse(host->pool, FAMILY_IPV4);
    s->pools[FAMILY_IPV6] = pool_parse(host->pool6, FAMILY_IPV6);
    bool is_as_before = at > 0 && strcmp(p->seats[at - 1].host->zone, host->zone) == 0;
    s->zone = is_as_before ? p->seats[at - 1].zone : zone_number(p, at);
    p->by_id[at] = s;
}

struct place *place_new(struct arena *a, const struct host_list *hosts)
{
    struct place *p = arena_new(a, struct place);

    p->arena = a;
    p->seat_count = hosts->count;
    p->seats = arena_array(a, hosts->count, sizeof(*p->seats));
    p->by_id = arena_array(a, hosts->count, sizeof(struct seat *));
    for (size_t i = 0; i < hosts->count; i++)
        seat_init(p, i, &hosts->items[i]);
    if (hosts->count)
        qsort(p->by_id, hosts->count, sizeof(struct seat *), by_host_id);
    return p;
}

static struct seat *seat_of(const struct place *p, const char *host_id)
{
    const struct host wanted = {.id = host_id};
    const struct seat key = {.host = &wanted}, *at = &key;
    struct seat **found =
        p->seat_count ? bsearch(&at, p->by_id, p->seat_count, sizeof(struct seat *), by_host_id)
                      : NULL;

    return found ? *found : NULL;
}

/* --- what is counted --- */

static void count(struct place *p, struct tally *in, uint64_t key)
{
    tally_add(p->arena, in, key);
    *vec_add(p->arena, &p->counted) = (struct counted){in, key};
}

static void uncount(struct place *p, size_t down_to)
{
    while (p->counted.count > down_to) {
        struct counted *last = &p->counted.items[--p->counted.count];
        tally_drop(last->in, last->key);
    }
}

static uint64_t address_key(const struct ip *address, int port)
{
    return tally_key(tally_key(address->high, address->low), (uint64_t)port);
}

static void take_address(struct place *p, const struct ip *address, int port)
{
    count(p, &p->taken, address_key(address, port));
    count(p, &p->taken, address_key(address, 0));
}

static void take_node(struct place *p, int64_t cluster_id, const struct seat *s)
{
    count(p, &p->on_seat, tally_key((uint64_t)cluster_id, (uint64_t)(s - p->seats)));
    count(p, &p->in_zone, tally_key((uint64_t)cluster_id, s->zone));
}

void place_take_address(struct place *p, const char *address, int port)
{
    struct ip number;

    if (ip_parse(str_of(address), &number))
        take_address(p, &number, port);
}

void place_ask_addresses(struct place *p, place_is_taken_fn is_taken, void *context)
{
    p->is_taken = is_taken;
    p->context = context;
}

void place_take_node(struct place *p, int64_t cluster_id, const char *host_id)
{
    const struct seat *s = seat_of(p, host_id);

    if (s)
        take_node(p, cluster_id, s);
}

void place_limit_zones(struct place *p, const char *const *zones, size_t count)
{
    p->zones = zones;
    p->zone_count = count;
}

void place_limit_vcpus(struct place *p, int64_t overcommit)
{
    p->overcommit = overcommit;
}

static bool has_vcpus(const struct place *p, const struct seat *s, int64_t vcpus)
{
    bool is_limited = p->overcommit > 0 && s->host->vcpus > 0 && vcpus > 0;
    return !is_limited || s->used_vcpus + vcpus <= p->overcommit * s->host->vcpus;
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
    if (tally_get(&p->taken, address_key(address, port)) > 0)
        return true;
    return p->is_taken && p->is_taken(p->context, ip_text(p->arena, address), port);
}

static bool ports_are_taken(const struct place *p, const struct ip *address, int port, int second)
{
    return address_is_taken(p, address, port) || (second && address_is_taken(p, address, second));
}

/* So many addresses are looked at: of more than are taken at least one is free. */
static uint64_t tries_of(const struct place *p, const struct ip_block *pool)
{
    uint64_t enough = p->is_taken ? ASKED_MOST : p->taken.used + 1;

    return pool->count < enough ? pool->count : enough;
}

/* Walks round the pool from where `start` falls. */
static bool address_walk(const struct place *p, const struct ip_block *pool, uint64_t start,
                         int port, int second, struct ip *out)
{
    uint64_t tries = tries_of(p, pool);

    for (uint64_t i = 0; i < tries; i++) {
        struct ip address = ip_block_at(pool, (start + i) % pool->count);
        if (!ports_are_taken(p, &address, port, second)) {
            *out = address;
            return true;
        }
    }
    return false;
}

/* An address of nobody is best: then a node is told apart by its address alone. For a node that has
 * no number yet the search begins where few are taken. */
static bool address_choose(const struct place *p, const struct seat *s, const struct ip_block *pool,
                           const struct place_request *r, struct ip *out)
{
    uint64_t start = (uint64_t)(r->node_id > 0 ? r->node_id - 1 : s->host->node_count);

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
            !address_choose(p, s, &s->pools[family], r, &out->items[family]))
            return PLACE_NO_ADDRESS;
    }
    return PLACE_OK;
}

/* Can this host take the node, if it has an address for it? The results are ordered by how near a
 * host came to it. */
static enum place_result seat_test(const struct place *p, const struct seat *s,
                                   const struct place_request *r)
{
    if (!zone_may_be_chosen(p, s->host->zone) || (*r->zone && strcmp(s->host->zone, r->zone) != 0))
        return PLACE_NO_ZONE;
    if (s->host->is_silent || (*r->program && !programs_have(s->host->engines, r->program)))
        return PLACE_NO_HOST;
    if (r->memory_bytes > s->host->memory_bytes)
        return PLACE_TOO_LARGE;
    if (r->memory_bytes > s->host->memory_bytes - s->used_bytes)
        return PLACE_NO_MEMORY;
    if (!has_vcpus(p, s, r->vcpus))
        return PLACE_NO_VCPUS;
    return s->full_for == p->request ? s->full_why : PLACE_OK;
}

static uint32_t siblings_on(const struct place *p, int64_t cluster_id, const struct seat *s)
{
    return tally_get(&p->on_seat, tally_key((uint64_t)cluster_id, (uint64_t)(s - p->seats)));
}

static uint32_t siblings_in_zone(const struct place *p, int64_t cluster_id, const struct seat *s)
{
    return tally_get(&p->in_zone, tally_key((uint64_t)cluster_id, s->zone));
}

/* Negative when `x` is the better seat for the request. */
static int seat_compare(const struct place *p, const struct place_request *r, const struct seat *x,
                        const struct seat *y)
{
    uint32_t zone_x = siblings_in_zone(p, r->cluster_id, x);
    uint32_t zone_y = siblings_in_zone(p, r->cluster_id, y);
    uint32_t host_x = siblings_on(p, r->cluster_id, x);
    uint32_t host_y = siblings_on(p, r->cluster_id, y);
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
    int64_t load_x = x->used_vcpus * y->host->vcpus, load_y = y->used_vcpus * x->host->vcpus;
    if (load_x != load_y)
        return load_x < load_y ? -1 : 1;
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
        take_address(p, address, r->port);
        if (r->second_port)
            take_address(p, address, r->second_port);
        const char **text = out->address ? &out->second_address : &out->address;
        *text = ip_text(p->arena, address);
    }
}

/* The best of those that can take the node; NULL, and how near one came to it, when none can. */
static struct seat *seat_choose(const struct place *p, const struct place_request *r,
                                enum place_result *nearest)
{
    struct seat *best = NULL;

    for (size_t i = 0; i < p->seat_count; i++) {
        struct seat *s = &p->seats[i];
        enum place_result result = seat_test(p, s, r);
        if (result != PLACE_OK)
            *nearest = result > *nearest ? result : *nearest;
        else if (!best || seat_compare(p, r, s, best) < 0)
            best = s;
    }
    return best;
}

static enum place_result place_one(struct place *p, const struct place_request *r,
                                   struct place_choice *out)
{
    enum place_result nearest = *r->zone ? PLACE_NO_ZONE : PLACE_NO_HOST;
    struct addresses addresses = {0};
    struct seat *best;

    p->request++;
    while ((best = seat_choose(p, r, &nearest)) != NULL) {
        enum place_result result = addresses_choose(p, best, r, &addresses);
        if (result == PLACE_OK)
            break;
        best->full_for = p->request;
        best->full_why = result;
        nearest = result > nearest ? result : nearest;
    }
    if (!best)
        return nearest;

    best->used_bytes += r->memory_bytes;
    best->used_vcpus += r->vcpus;
    take_node(p, r->cluster_id, best);
    *out = (struct place_choice){
        .host_id = best->host->id, .zone = best->host->zone, .second_address = ""};
    take_addresses(p, r, &addresses, out);
    return PLACE_OK;
}

bool place_grow(struct place *p, const char *host_id, int64_t bytes, int64_t vcpus)
{
    struct seat *s = seat_of(p, host_id);

    if (!s || bytes > s->host->memory_bytes - s->used_bytes || !has_vcpus(p, s, vcpus))
        return false;
    s->used_bytes += bytes;
    s->used_vcpus += vcpus;
    return true;
}

enum place_result place_nodes(struct place *p, const struct place_request *requests, size_t count,
                              struct place_choice *out)
{
    struct seat *before = arena_memdup(p->arena, p->seats, p->seat_count * sizeof(*p->seats));
    size_t counted_before = p->counted.count;
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
    uncount(p, counted_before);
    return result;
}
