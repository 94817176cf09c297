/* From names in a request to a place in the inventory. */
#include "controlplane/ops/siting.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/network.h"
#include "controlplane/store/network.h"

#include <string.h>

/* --- the group of subnets --- */

static struct err make_default(struct call *c, const struct network *n, struct subnet_group *out)
{
    const struct vpc *v = network_default_vpc(n);
    struct subnet_group g = {
        .account = c->caller->account,
        .region = c->caller->region,
        .name = SUBNET_GROUP_DEFAULT,
        .description = "Default CacheSubnetGroup",
        .subnets = arena_array(c->arena, SUBNET_GROUP_SUBNETS_MAX, sizeof(const char *)),
        .created_ms = c->now_ms,
    };

    for (size_t i = 0; v && i < n->subnet_count; i++)
        if (n->subnets[i].is_default && strcmp(n->subnets[i].vpc_id, v->id) == 0 &&
            g.subnet_count < SUBNET_GROUP_SUBNETS_MAX)
            g.subnets[g.subnet_count++] = n->subnets[i].id;
    if (g.subnet_count == 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "There is no default subnet: name a cache subnet group.");
    g.vpc_id = v->id;
    TRY(store_subnet_group_insert(c->tx, &g));
    *out = g;
    return OK;
}

static struct err find_group(struct call *c, const char *name, const struct network *n,
                             struct subnet_group *out)
{
    const char *folded = member_has_text(name) ? name_fold(c->arena, name) : SUBNET_GROUP_DEFAULT;
    struct err e =
        store_subnet_group_find(c->tx, c->caller->account, c->caller->region, folded, out);

    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    if (strcmp(folded, SUBNET_GROUP_DEFAULT) == 0)
        return make_default(c, n, out);
    return fault(c, FAULT_CACHE_SUBNET_GROUP_NOT_FOUND, "CacheSubnetGroup not found: %s", folded);
}

bool siting_has_zone(const struct siting *s, const char *zone)
{
    for (size_t i = 0; i < s->zone_count; i++)
        if (strcmp(s->zones[i], zone) == 0)
            return true;
    return false;
}

static void take_subnets(struct call *c, const struct network *n, const struct subnet_group *g,
                         struct siting *s)
{
    s->zones = arena_array(c->arena, g->subnet_count, sizeof(*s->zones));
    s->has_ipv4 = s->has_ipv6 = g->subnet_count > 0;
    for (size_t i = 0; i < g->subnet_count; i++) {
        const struct subnet *subnet = network_subnet(n, g->subnets[i]);
        if (!subnet)
            continue;
        s->has_ipv4 &= subnet_has_ipv4(subnet);
        s->has_ipv6 &= subnet_has_ipv6(subnet);
        if (!siting_has_zone(s, subnet->zone))
            s->zones[s->zone_count++] = subnet->zone;
    }
}

/* --- security groups --- */

struct ids {
    const char **items;
    size_t count;
};

static struct ids split(struct call *c, const char *joined)
{
    struct ids ids = {arena_array(c->arena, strlen(joined) / 2 + 1, sizeof(const char *)), 0};

    for (struct str rest = str_of(joined); rest.len > 0;)
        ids.items[ids.count++] = str_dup(c->arena, str_cut(&rest, ','));
    return ids;
}

static struct err take_security_groups(struct call *c, struct network *n,
                                       const struct ec_security_group_ids_list *in,
                                       struct siting *s)
{
    const struct security_group *own = network_default_group(n, s->vpc_id);

    TRY(member_security_groups(c, in, &s->security_groups));
    struct ids ids = split(c, s->security_groups);
    TRY(network_find_security_groups(c, n, ids.items, ids.count, s->vpc_id));
    if (ids.count == 0 && own)
        s->security_groups = own->id;
    return OK;
}

/* --- both --- */

static struct err open_group(struct call *c, const char *name, struct network *n, struct siting *s)
{
    struct subnet_group g;

    TRY(network_open(c, n));
    TRY(find_group(c, name, n, &g));
    *s = (struct siting){.subnet_group = g.name, .vpc_id = g.vpc_id};
    take_subnets(c, n, &g, s);
    return OK;
}

struct err siting_choose(struct call *c, const char *subnet_group,
                         const struct ec_security_group_ids_list *security_groups,
                         struct siting *out)
{
    struct network n;

    TRY(open_group(c, subnet_group, &n, out));
    return take_security_groups(c, &n, security_groups, out);
}

struct err siting_change(struct call *c, const char *subnet_group, const char *current,
                         const struct ec_security_group_ids_list *security_groups,
                         struct siting *out)
{
    struct network n;

    TRY(open_group(c, subnet_group, &n, out));
    out->security_groups = current;
    return security_groups ? take_security_groups(c, &n, security_groups, out) : OK;
}

/* --- subnets of a cache's own --- */

#define SUBNETS_BY_DEFAULT 3

static struct err default_subnets(struct call *c, const struct network *n, struct subnet_group *g)
{
    const struct vpc *v = network_default_vpc(n);

    g->subnets = arena_array(c->arena, SUBNETS_BY_DEFAULT, sizeof(const char *));
    for (size_t i = 0; v && i < n->subnet_count && g->subnet_count < SUBNETS_BY_DEFAULT; i++)
        if (n->subnets[i].is_default && strcmp(n->subnets[i].vpc_id, v->id) == 0)
            g->subnets[g->subnet_count++] = n->subnets[i].id;
    if (g->subnet_count == 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "There is no default subnet: give SubnetIds.");
    g->vpc_id = v->id;
    return OK;
}

/* Each once. */
static struct err named_subnets(struct call *c, struct network *n, const char **ids, size_t count,
                                struct subnet_group *g)
{
    g->subnets = arena_array(c->arena, count, sizeof(const char *));
    for (size_t i = 0; i < count; i++) {
        bool is_repeated = false;
        for (size_t k = 0; k < g->subnet_count && ids[i]; k++)
            is_repeated |= strcmp(g->subnets[k], ids[i]) == 0;
        if (!member_has_text(ids[i]) || strchr(ids[i], ','))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE, "Invalid subnet id: %s.",
                         ids[i] ? ids[i] : "");
        if (!is_repeated)
            g->subnets[g->subnet_count++] = ids[i];
    }
    struct err e = network_find_subnets(c, n, g->subnets, g->subnet_count, &g->vpc_id);
    return err_is(e, FAULT_INVALID_SUBNET) ? err_make(FAULT_INVALID_PARAMETER_VALUE, e.why) : e;
}

struct err siting_choose_subnets(struct call *c, const char **ids, size_t count,
                                 const struct ec_security_group_ids_list *security_groups,
                                 struct siting *out, const char **out_subnets)
{
    struct subnet_group g = {0};
    struct network n;

    TRY(network_open(c, &n));
    TRY(count > 0 ? named_subnets(c, &n, ids, count, &g) : default_subnets(c, &n, &g));
    *out = (struct siting){.subnet_group = "", .vpc_id = g.vpc_id};
    take_subnets(c, &n, &g, out);
    *out_subnets = g.subnets[0];
    for (size_t i = 1; i < g.subnet_count; i++)
        *out_subnets = arena_printf(c->arena, "%s,%s", *out_subnets, g.subnets[i]);
    return take_security_groups(c, &n, security_groups, out);
}

struct err siting_of_subnets(struct call *c, const char *subnets, const char *current,
                             struct siting *out)
{
    struct ids ids = split(c, subnets);
    struct subnet_group g = {.subnets = ids.items, .subnet_count = ids.count};
    struct network n;

    TRY(network_open(c, &n));
    const struct subnet *first = ids.count > 0 ? network_subnet(&n, ids.items[0]) : NULL;
    *out = (struct siting){
        .subnet_group = "", .vpc_id = first ? first->vpc_id : "", .security_groups = current};
    take_subnets(c, &n, &g, out);
    return OK;
}

struct err siting_change_groups(struct call *c, const char *subnets,
                                const struct ec_security_group_ids_list *security_groups,
                                struct siting *out)
{
    struct ids ids = split(c, subnets);
    struct network n;

    TRY(network_open(c, &n));
    const struct subnet *first = ids.count > 0 ? network_subnet(&n, ids.items[0]) : NULL;
    *out = (struct siting){.subnet_group = "", .vpc_id = first ? first->vpc_id : ""};
    return take_security_groups(c, &n, security_groups, out);
}
