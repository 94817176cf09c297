/*
 * What every account has without asking, and ids that were never declared. Ids of what is there
 * from the start follow from account and region, so that two control planes that begin anew agree.
 */
#include "controlplane/ops/network.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/ops/zones.h"
#include "controlplane/store/network.h"

#include <string.h>

#define ANYWHERE "0.0.0.0/0"

struct zones {
    const char **items;
    size_t count;
};

static bool has_zone(const struct zones *zones, const char *zone)
{
    for (size_t i = 0; i < zones->count; i++)
        if (strcmp(zones->items[i], zone) == 0)
            return true;
    return false;
}

char *network_new_id(struct call *c, const char *prefix)
{
    struct rng rng;

    rng_seed_system(&rng);
    return network_id(c->arena, prefix, rng_uuid(&rng, c->arena));
}

static char *first_id(struct call *c, const char *prefix, const char *what)
{
    return network_id(
        c->arena, prefix,
        arena_printf(c->arena, "%s/%s/%s", c->caller->account, c->caller->region, what));
}

/* --- adding --- */

static struct err add_rule(struct call *c, const struct security_group *g, bool is_egress)
{
    struct security_rule r = {
        .id = first_id(c, "sgr-", arena_printf(c->arena, "%s/%d", g->id, is_egress)),
        .group_id = g->id,
        .is_egress = is_egress,
        .protocol = "-1",
        .from_port = -1,
        .to_port = -1,
        .cidr = is_egress ? ANYWHERE : "",
        .ipv6_cidr = "",
        .prefix_list = "",
        .peer_group = is_egress ? "" : g->id,
        .peer_account = is_egress ? "" : c->caller->account,
        .description = "",
    };
    return store_security_rule_insert(c->tx, c->caller->account, c->caller->region, &r);
}

struct err network_add_group(struct call *c, const struct security_group *g)
{
    TRY(store_security_group_insert(c->tx, c->caller->account, c->caller->region, g));
    return add_rule(c, g, true);
}

struct err network_add_vpc(struct call *c, const struct vpc *v)
{
    struct security_group g = {
        .id = first_id(c, "sg-", v->id),
        .vpc_id = v->id,
        .name = "default",
        .description = "default VPC security group",
        .origin = v->origin,
    };

    TRY(store_vpc_insert(c->tx, c->caller->account, c->caller->region, v));
    TRY(network_add_group(c, &g));
    return add_rule(c, &g, false);
}

static struct err add_default_vpc(struct call *c)
{
    return network_add_vpc(c, &(struct vpc){
                                  .id = first_id(c, "vpc-", "default"),
                                  .cidr = NETWORK_DEFAULT_CIDR,
                                  .ipv6_cidr = "",
                                  .tenancy = "default",
                                  .is_default = true,
                                  .has_dns_support = true,
                                  .has_dns_hostnames = true,
                                  .origin = NETWORK_DEFAULT,
                              });
}

/* The group of subnets that caches are in by default follows the zones. */
static struct err extend_default_group(struct call *c, const char *subnet)
{
    struct subnet_group g;
    struct err e = store_subnet_group_find(c->tx, c->caller->account, c->caller->region,
                                           SUBNET_GROUP_DEFAULT, &g);

    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    if (g.subnet_count == SUBNET_GROUP_SUBNETS_MAX)
        return OK;
    g.subnets[g.subnet_count++] = subnet;
    return store_subnet_group_update(c->tx, &g);
}

/* A VPC that has no room for another subnet stays as it is. */
static struct err give_zone(struct call *c, struct network *n, const char *zone)
{
    const struct vpc *v = network_default_vpc(n);
    struct cidr block;

    TRY(store_zone_give(c->tx, c->caller->account, c->caller->region, zone));
    if (!v || !network_free_block(n, v, NETWORK_ZONE_PREFIX, false, &block))
        return OK;
    struct subnet s = {
        .id = first_id(c, "subnet-", zone),
        .vpc_id = v->id,
        .zone = zone,
        .cidr = cidr_text(c->arena, &block),
        .ipv6_cidr = "",
        .is_default = true,
        .maps_public_ip = true,
        .hostname_type = "ip-name",
        .origin = NETWORK_DEFAULT,
    };
    TRY(store_subnet_insert(c->tx, c->caller->account, c->caller->region, &s));
    TRY(extend_default_group(c, s.id));
    return store_network_load(c->tx, c->caller->account, c->caller->region, n);
}

/* --- opening --- */

struct err network_is_due(struct call *c, bool *out)
{
    struct zones zones, given;

    TRY(zones_of_region(c, &zones.items, &zones.count));
    TRY(store_zone_given(c->tx, c->caller->account, c->caller->region, &given.items, &given.count));
    *out = false;
    for (size_t i = 0; i < zones.count; i++)
        *out |= !has_zone(&given, zones.items[i]);
    return OK;
}

struct err network_open(struct call *c, struct network *out)
{
    const char *account = c->caller->account, *region = c->caller->region;
    struct zones zones, given;
    struct network n;

    TRY(zones_of_region(c, &zones.items, &zones.count));
    TRY(store_zone_given(c->tx, account, region, &given.items, &given.count));
    TRY(store_network_load(c->tx, account, region, &n));
    if (given.count == 0 && !network_default_vpc(&n)) {
        TRY(add_default_vpc(c));
        TRY(store_network_load(c->tx, account, region, &n));
    }
    for (size_t i = 0; i < zones.count; i++)
        if (!has_zone(&given, zones.items[i]))
            TRY(give_zone(c, &n, zones.items[i]));
    *out = n;
    return OK;
}

/* --- subnets --- */

static struct err invalid_subnet(struct call *c, const char *id)
{
    return fault(c, FAULT_INVALID_SUBNET, "Some input subnets in :[%s] are invalid.", id);
}

static struct err assume_subnet(struct call *c, struct network *n, const char *id,
                                const struct vpc *v)
{
    struct zones zones;
    struct cidr block;

    if (!network_id_is(id, "subnet-") || !v)
        return invalid_subnet(c, id);
    if (network_subnet_count(n, v->id) >= NETWORK_SUBNETS_MAX ||
        !network_free_block(n, v, NETWORK_ASSUMED_PREFIX, true, &block))
        return fault(c, FAULT_INVALID_SUBNET, "The VPC %s has no room for the subnet %s.", v->id,
                     id);
    TRY(zones_of_region(c, &zones.items, &zones.count));
    struct subnet s = {
        .id = id,
        .vpc_id = v->id,
        .zone = network_least_zone(n, zones.items, zones.count),
        .cidr = cidr_text(c->arena, &block),
        .ipv6_cidr = "",
        .hostname_type = "ip-name",
        .origin = NETWORK_ASSUMED,
    };
    TRY(store_subnet_insert(c->tx, c->caller->account, c->caller->region, &s));
    return store_network_load(c->tx, c->caller->account, c->caller->region, n);
}

/* The VPC of the first subnet that is known. */
static const char *known_vpc(const struct network *n, const char **ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct subnet *s = network_subnet(n, ids[i]);
        if (s)
            return s->vpc_id;
    }
    const struct vpc *v = network_default_vpc(n);
    return v ? v->id : "";
}

struct err network_find_subnets(struct call *c, struct network *n, const char **ids, size_t count,
                                const char **out_vpc)
{
    const char *vpc_id = known_vpc(n, ids, count);

    for (size_t i = 0; i < count; i++) {
        const struct subnet *s = network_subnet(n, ids[i]);
        if (!s && !c->conf->is_network_open)
            return invalid_subnet(c, ids[i]);
        if (!s)
            TRY(assume_subnet(c, n, ids[i], network_vpc(n, vpc_id)));
        else if (strcmp(s->vpc_id, vpc_id) != 0)
            return fault(c, FAULT_INVALID_SUBNET,
                         "The subnets of a group must all be in one VPC; %s is in %s, and others "
                         "are in %s.",
                         ids[i], s->vpc_id, vpc_id);
    }
    *out_vpc = vpc_id;
    return OK;
}

/* --- security groups --- */

static struct err assume_group(struct call *c, struct network *n, const char *id,
                               const char *vpc_id)
{
    struct security_group g = {
        .id = id,
        .vpc_id = vpc_id,
        .name = id,
        .description = "taken by its id",
        .origin = NETWORK_ASSUMED,
    };

    if (n->group_count >= NETWORK_GROUPS_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "There is no room for the security group %s: there are %d in the region.", id,
                     NETWORK_GROUPS_MAX);
    TRY(network_add_group(c, &g));
    return store_network_load(c->tx, c->caller->account, c->caller->region, n);
}

struct err network_find_security_groups(struct call *c, struct network *n, const char **ids,
                                        size_t count, const char *vpc_id)
{
    for (size_t i = 0; i < count; i++) {
        const struct security_group *g = network_group(n, ids[i]);
        if (!g && (!c->conf->is_network_open || !network_vpc(n, vpc_id)))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "Some security group ids are invalid: %s.", ids[i]);
        if (!g)
            TRY(assume_group(c, n, ids[i], vpc_id));
        else if (strcmp(g->vpc_id, vpc_id) != 0)
            return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                         "The security group %s is in %s, but the cache subnet group is in %s.",
                         ids[i], g->vpc_id, vpc_id);
    }
    return OK;
}
