/* Groups of subnets: what caches may be placed in. Their zones bind where nodes go. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <string.h>

/* --- wire --- */

/* "ipv4", "ipv6", and "dual_stack" where there are both. */
static void wire_network_types(struct call *c, bool has_ipv4, bool has_ipv6,
                               struct ec_network_type_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, 3, sizeof(*out->items));
    if (has_ipv4)
        out->items[out->count++] = "ipv4";
    if (has_ipv6)
        out->items[out->count++] = "ipv6";
    if (has_ipv4 && has_ipv6)
        out->items[out->count++] = "dual_stack";
}

static void wire_subnet(struct call *c, const struct subnet *s, struct ec_subnet *out)
{
    struct ec_availability_zone *zone = arena_new(c->arena, struct ec_availability_zone);

    zone->name = s->zone;
    *out = (struct ec_subnet){.subnet_identifier = s->id, .subnet_availability_zone = zone};
    wire_network_types(c, subnet_has_ipv4(s), subnet_has_ipv6(s), &out->supported_network_types);
}

static void wire_group(struct call *c, const struct network *n, const struct subnet_group *g,
                       struct ec_cache_subnet_group *out)
{
    bool has_ipv4 = g->subnet_count > 0, has_ipv6 = has_ipv4;

    *out = (struct ec_cache_subnet_group){
        .cache_subnet_group_name = g->name,
        .cache_subnet_group_description = g->description,
        .vpc_id = g->vpc_id,
        .arn = arn_make(c->arena, g->region, g->account, "subnetgroup", g->name),
    };
    out->subnets.has = true;
    out->subnets.items = arena_array(c->arena, g->subnet_count, sizeof(*out->subnets.items));
    for (size_t i = 0; i < g->subnet_count; i++) {
        const struct subnet *s = network_subnet(n, g->subnets[i]);
        if (!s)
            continue;
        has_ipv4 &= subnet_has_ipv4(s);
        has_ipv6 &= subnet_has_ipv6(s);
        wire_subnet(c, s, &out->subnets.items[out->subnets.count++]);
    }
    wire_network_types(c, has_ipv4, has_ipv6, &out->supported_network_types);
}

static struct ec_cache_subnet_group *wire_group_new(struct call *c, const struct network *n,
                                                    const struct subnet_group *g)
{
    struct ec_cache_subnet_group *out = arena_new(c->arena, struct ec_cache_subnet_group);

    wire_group(c, n, g, out);
    return out;
}

/* --- finding --- */

static struct err find(struct call *c, const char *name, struct subnet_group *out)
{
    const char *folded = name_fold(c->arena, name);
    struct err e =
        store_subnet_group_find(c->tx, c->caller->account, c->caller->region, folded, out);

    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_CACHE_SUBNET_GROUP_NOT_FOUND, "CacheSubnetGroup not found: %s",
                     folded);
    return e;
}

static const char *arn_of(struct call *c, const struct subnet_group *g)
{
    return arn_make(c->arena, g->region, g->account, "subnetgroup", g->name);
}

/* --- subnets of a request --- */

static bool has_subnet(const struct subnet_group *g, const char *id)
{
    for (size_t i = 0; i < g->subnet_count; i++)
        if (strcmp(g->subnets[i], id) == 0)
            return true;
    return false;
}

/* Each once. Those that the group has keep their order: a node stands in the first of its zone. */
static struct err take_subnets(struct call *c, const struct ec_subnet_identifier_list *in,
                               const struct subnet_group *before, struct subnet_group *out)
{
    struct subnet_group asked = {.subnets = arena_array(c->arena, in->count, sizeof(char *))};

    if (in->count == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter SubnetIds must name at least one subnet.");
    for (size_t i = 0; i < in->count; i++) {
        const char *id = in->items[i] ? in->items[i] : "";
        if (!has_subnet(&asked, id))
            asked.subnets[asked.subnet_count++] = id;
    }
    if (asked.subnet_count > SUBNET_GROUP_SUBNETS_MAX)
        return fault(c, FAULT_CACHE_SUBNET_QUOTA_EXCEEDED,
                     "A cache subnet group can have at most %d subnets.", SUBNET_GROUP_SUBNETS_MAX);
    out->subnets = arena_array(c->arena, asked.subnet_count, sizeof(char *));
    out->subnet_count = 0;
    for (size_t i = 0; i < before->subnet_count; i++)
        if (has_subnet(&asked, before->subnets[i]))
            out->subnets[out->subnet_count++] = before->subnets[i];
    for (size_t i = 0; i < asked.subnet_count; i++)
        if (!has_subnet(before, asked.subnets[i]))
            out->subnets[out->subnet_count++] = asked.subnets[i];
    return OK;
}

/* The subnet of the group that a node in the zone stands in; NULL when there is none. */
static const char *subnet_in(const struct network *n, const struct subnet_group *g,
                             const char *zone)
{
    for (size_t i = 0; i < g->subnet_count; i++) {
        const struct subnet *s = network_subnet(n, g->subnets[i]);
        if (s && strcmp(s->zone, zone) == 0)
            return s->id;
    }
    return NULL;
}

/* Subnets that a node stands in must stay. */
static struct err check_not_used(struct call *c, const struct network *n,
                                 const struct subnet_group *before,
                                 const struct subnet_group *after)
{
    struct network_node *nodes;
    size_t count;

    TRY(store_network_node_list(c->tx, before->account, before->region, before->name, &nodes,
                                &count));
    for (size_t i = 0; i < count; i++) {
        const char *id = subnet_in(n, before, nodes[i].zone);
        if (id && !has_subnet(after, id))
            return fault(c, FAULT_SUBNET_IN_USE,
                         "The subnet %s is currently in use by the cache cluster %s.", id,
                         nodes[i].cluster);
    }
    return OK;
}

/* --- create --- */

static struct err check_new(struct call *c, const char *name)
{
    struct subnet_group other;
    int64_t count = 0;

    if (strcmp(name, SUBNET_GROUP_DEFAULT) == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The cache subnet group name %s is reserved.", name);
    struct err e =
        store_subnet_group_find(c->tx, c->caller->account, c->caller->region, name, &other);
    if (!err_failed(e))
        return fault(c, FAULT_CACHE_SUBNET_GROUP_ALREADY_EXISTS,
                     "Cache subnet group %s already exists.", name);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(store_subnet_group_count(c->tx, c->caller->account, c->caller->region, &count));
    if (count >= SUBNET_GROUPS_MAX)
        return fault(c, FAULT_CACHE_SUBNET_GROUP_QUOTA_EXCEEDED,
                     "You can have at most %d cache subnet groups in this region.",
                     SUBNET_GROUPS_MAX);
    return OK;
}

struct err ec_create_cache_subnet_group(struct call *c,
                                        const struct ec_create_cache_subnet_group_in *in,
                                        struct ec_create_cache_subnet_group_out *out)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    struct subnet_group g = {
        .account = c->caller->account,
        .region = c->caller->region,
        .name = name_fold(c->arena, in->cache_subnet_group_name),
        .description = in->cache_subnet_group_description,
        .created_ms = c->now_ms,
    };
    struct network n;

    TRY(name_check(c->arena, "CacheSubnetGroupName", in->cache_subnet_group_name,
                   SUBNET_GROUP_NAME_MAX));
    TRY(check_new(c, g.name));
    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(tags_check_quota(NULL, 0, tags, in->tags.count));
    TRY(take_subnets(c, &in->subnet_ids, &(struct subnet_group){0}, &g));
    TRY(network_open(c, &n));
    TRY(network_find_subnets(c, &n, g.subnets, g.subnet_count, &g.vpc_id));
    TRY(store_subnet_group_insert(c->tx, &g));
    TRY(tagging_put(c, arn_of(c, &g), tags, in->tags.count));
    out->cache_subnet_group = wire_group_new(c, &n, &g);
    return OK;
}

/* --- modify --- */

static struct err change_subnets(struct call *c, const struct ec_subnet_identifier_list *in,
                                 struct network *n, struct subnet_group *g)
{
    struct subnet_group after = *g;
    const char *vpc_id;

    TRY(take_subnets(c, in, g, &after));
    TRY(network_find_subnets(c, n, after.subnets, after.subnet_count, &vpc_id));
    if (strcmp(vpc_id, g->vpc_id) != 0)
        return fault(c, FAULT_INVALID_SUBNET,
                     "The new subnets are in %s, but the cache subnet group is in %s.", vpc_id,
                     g->vpc_id);
    TRY(check_not_used(c, n, g, &after));
    *g = after;
    return OK;
}

struct err ec_modify_cache_subnet_group(struct call *c,
                                        const struct ec_modify_cache_subnet_group_in *in,
                                        struct ec_modify_cache_subnet_group_out *out)
{
    struct subnet_group g;
    struct network n;

    TRY(find(c, in->cache_subnet_group_name, &g));
    TRY(network_open(c, &n));
    if (in->cache_subnet_group_description)
        g.description = in->cache_subnet_group_description;
    if (in->subnet_ids.has)
        TRY(change_subnets(c, &in->subnet_ids, &n, &g));
    TRY(store_subnet_group_update(c->tx, &g));
    out->cache_subnet_group = wire_group_new(c, &n, &g);
    return OK;
}

/* --- delete --- */

struct err ec_delete_cache_subnet_group(struct call *c,
                                        const struct ec_delete_cache_subnet_group_in *in,
                                        struct ec_delete_cache_subnet_group_out *out)
{
    struct subnet_group g;
    bool is_used = false;

    (void)out;
    TRY(find(c, in->cache_subnet_group_name, &g));
    TRY(store_subnet_group_is_used(c->tx, g.account, g.region, g.name, &is_used));
    if (is_used)
        return fault(c, FAULT_CACHE_SUBNET_GROUP_IN_USE,
                     "Cache subnet group %s is currently in use by a cache cluster.", g.name);
    return store_subnet_group_remove(c->tx, g.id, arn_of(c, &g));
}

/* --- describe --- */

static void wire_page(struct call *c, const struct network *n, const struct subnet_group *groups,
                      size_t count, struct ec_describe_cache_subnet_groups_out *out)
{
    out->cache_subnet_groups.has = true;
    out->cache_subnet_groups.count = count;
    out->cache_subnet_groups.items =
        arena_array(c->arena, count, sizeof(*out->cache_subnet_groups.items));
    for (size_t i = 0; i < count; i++)
        wire_group(c, n, &groups[i], &out->cache_subnet_groups.items[i]);
}

struct err ec_describe_cache_subnet_groups(struct call *c,
                                           const struct ec_describe_cache_subnet_groups_in *in,
                                           struct ec_describe_cache_subnet_groups_out *out)
{
    struct subnet_group one, *groups = &one;
    struct network n;
    struct page page;
    size_t count = 1;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !name_is_identifier(page.after))
        return page_bad_marker(c, in->marker);
    TRY(store_network_load(c->tx, c->caller->account, c->caller->region, &n));
    if (in->cache_subnet_group_name)
        TRY(find(c, in->cache_subnet_group_name, &one));
    else
        TRY(store_subnet_group_list(c->tx, c->caller->account, c->caller->region, page.after,
                                    page.limit + 1, &groups, &count));
    if (count > (size_t)page.limit) {
        count = (size_t)page.limit;
        out->marker = page_marker(c, groups[count - 1].name);
    }
    wire_page(c, &n, groups, count, out);
    return OK;
}
