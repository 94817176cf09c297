/* Which versions and types can be reached by IPv6, and which words fit together. The model lists
 * the words. */
#include "controlplane/ops/reach.h"

#include "contract/faults.h"
#include "controlplane/ops/members.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

static bool is_engine(const struct engine_version *v, const char *engine)
{
    return strcmp(v->engine, engine) == 0;
}

static bool version_has_ipv6(const struct engine_version *v)
{
    if (is_engine(v, "memcached"))
        return version_compare(v->reported, "1.6.6") >= 0;
    return is_engine(v, "valkey") || version_compare(v->reported, "6.2") >= 0;
}

/* Those of before the Nitro system have no addresses of IPv6. */
static bool type_has_ipv6(const struct node_type *type)
{
    static const char *const older[] = {"c1", "m1", "m2", "m3", "m4", "r3", "r4", "t1", "t2"};

    for (size_t i = 0; i < countof(older); i++)
        if (strcmp(type->family, older[i]) == 0)
            return false;
    return true;
}

static struct err check_subnets(struct call *c, const struct siting *siting,
                                const struct reach *reach)
{
    const char *name = network_type_name(reach->network);
    bool can = (siting->has_ipv4 || !network_type_has(reach->network, FAMILY_IPV4)) &&
               (siting->has_ipv6 || !network_type_has(reach->network, FAMILY_IPV6));

    if (can)
        return OK;
    if (*siting->subnet_group)
        return COMBINATION("The cache subnet group %s does not support the network type %s.",
                           siting->subnet_group, name);
    return COMBINATION("The subnets do not support the network type %s.", name);
}

static struct err check_discovery(struct call *c, const struct reach *reach)
{
    if (network_type_has(reach->network, reach->discovery))
        return OK;
    return COMBINATION("IpDiscovery %s cannot be used with the network type %s.",
                       ip_family_name(reach->discovery), network_type_name(reach->network));
}

struct err reach_choose(struct call *c, const char *network_type, const char *discovery,
                        const struct engine_version *v, const struct node_type *type,
                        const struct siting *siting, struct reach *out)
{
    struct reach reach = {0};

    if (member_has_text(network_type))
        check(network_type_parse(network_type, &reach.network));
    reach.discovery = reach.network == NETWORK_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
    if (member_has_text(discovery))
        check(ip_family_parse(discovery, &reach.discovery));
    TRY(check_discovery(c, &reach));
    if (reach.network != NETWORK_IPV4 && !version_has_ipv6(v))
        return COMBINATION("The network type %s is not supported for %s %s.",
                           network_type_name(reach.network), v->engine, v->reported);
    if (reach.network != NETWORK_IPV4 && !type_has_ipv6(type))
        return COMBINATION("The network type %s is not supported for the cache node type %s.",
                           network_type_name(reach.network), type->name);
    TRY(check_subnets(c, siting, &reach));
    *out = reach;
    return OK;
}

struct err reach_same(struct call *c, const char *network_type, const char *discovery,
                      const struct reach *current)
{
    const char *network = network_type_name(current->network);
    const char *family = ip_family_name(current->discovery);

    if (member_has_text(network_type) && strcmp(network_type, network) != 0)
        return COMBINATION("NetworkType %s cannot be used with PrimaryClusterId: the cluster has "
                           "%s.",
                           network_type, network);
    if (member_has_text(discovery) && strcmp(discovery, family) != 0)
        return COMBINATION("IpDiscovery %s cannot be used with PrimaryClusterId: the cluster has "
                           "%s.",
                           discovery, family);
    return OK;
}

struct err reach_change(struct call *c, const char *discovery, struct reach *inout)
{
    struct reach reach = *inout;

    if (!member_has_text(discovery))
        return OK;
    check(ip_family_parse(discovery, &reach.discovery));
    TRY(check_discovery(c, &reach));
    *inout = reach;
    return OK;
}
