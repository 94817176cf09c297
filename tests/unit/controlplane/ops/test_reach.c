#include "contract/faults.h"
#include "controlplane/ops/reach.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(ops_reach, .init = world_open, .fini = world_close, .timeout = 60);

Test(ops_reach, version_type_and_subnets_say_what_can_be_chosen)
{
    static const struct siting four = {.subnet_group = "four", .has_ipv4 = true};
    static const struct siting six = {.subnet_group = "six", .has_ipv6 = true};
    static const struct siting both = {.subnet_group = "", .has_ipv4 = true, .has_ipv6 = true};
    static const struct {
        const char *engine, *version, *type;
        const struct siting *siting;
        const char *network, *discovery;
        int network_is, discovery_is; /* -1: refused */
    } rows[] = {
        {"redis",     "7.1.0",  "cache.t4g.micro", &four, NULL,         NULL,   NETWORK_IPV4,       FAMILY_IPV4},
        {"redis",     "5.0.6",  "cache.m4.large",  &four, "ipv4",       "ipv4", NETWORK_IPV4,       FAMILY_IPV4},
        {"redis",     "7.1.0",  "cache.t4g.micro", &six,  NULL,         NULL,   -1,                 0          },
        {"redis",     "7.1.0",  "cache.t4g.micro", &six,  "ipv6",       NULL,   NETWORK_IPV6,       FAMILY_IPV6},
        {"redis",     "7.1.0",  "cache.t4g.micro", &six,  "ipv6",       "ipv4", -1,                 0          },
        {"redis",     "7.1.0",  "cache.t4g.micro", &six,  "dual_stack", NULL,   -1,                 0          },
        {"redis",     "6.2.6",  "cache.t4g.micro", &both, "dual_stack", NULL,   NETWORK_DUAL_STACK,
         FAMILY_IPV4                                                                                           },
        {"redis",     "6.2.6",  "cache.t4g.micro", &both, "dual_stack", "ipv6", NETWORK_DUAL_STACK,
         FAMILY_IPV6                                                                                           },
        {"redis",     "6.0.5",  "cache.t4g.micro", &both, "dual_stack", NULL,   -1,                 0          },
        {"redis",     "7.1.0",  "cache.m4.large",  &both, "ipv6",       NULL,   -1,                 0          },
        {"redis",     "7.1.0",  "cache.t4g.micro", &both, NULL,         "ipv6", -1,                 0          },
        {"valkey",    "7.2.6",  "cache.t4g.micro", &both, "ipv6",       "ipv6", NETWORK_IPV6,       FAMILY_IPV6},
        {"memcached", "1.5.16", "cache.t3.micro",  &both, "ipv6",       NULL,   -1,                 0          },
        {"memcached", "1.6.6",  "cache.t4g.micro", &both, "ipv6",       NULL,   NETWORK_IPV6,       FAMILY_IPV6},
    };
    struct call c = world_call();

    for (size_t i = 0; i < countof(rows); i++) {
        const struct engine_version *v = engine_version_reported(rows[i].engine, rows[i].version);
        const struct node_type *type = node_type_find(rows[i].type);
        struct reach reach = {0};
        cr_assert(v && type, "row %zu", i);
        struct err e =
            reach_choose(&c, rows[i].network, rows[i].discovery, v, type, rows[i].siting, &reach);
        if (rows[i].network_is < 0)
            cr_expect_eq(e.code, FAULT_INVALID_PARAMETER_COMBINATION, "row %zu", i);
        else
            cr_expect(!err_failed(e) && (int)reach.network == rows[i].network_is &&
                          (int)reach.discovery == rows[i].discovery_is,
                      "row %zu", i);
    }
}

Test(ops_reach, a_cache_that_is_there_keeps_its_network)
{
    const struct reach both = {NETWORK_DUAL_STACK, FAMILY_IPV4};
    struct call c = world_call();

    must(reach_same(&c, NULL, NULL, &both));
    must(reach_same(&c, "dual_stack", "ipv4", &both));
    expect(reach_same(&c, "ipv4", NULL, &both), FAULT_INVALID_PARAMETER_COMBINATION,
           "NetworkType ipv4 cannot be used with PrimaryClusterId: the cluster has dual_stack.");
    expect(reach_same(&c, NULL, "ipv6", &both), FAULT_INVALID_PARAMETER_COMBINATION,
           "IpDiscovery ipv6 cannot be used with PrimaryClusterId: the cluster has ipv4.");
}

Test(ops_reach, clients_are_told_of_what_there_is)
{
    struct reach both = {NETWORK_DUAL_STACK, FAMILY_IPV4}, four = {0};
    struct call c = world_call();

    must(reach_change(&c, NULL, &both));
    cr_assert_eq(both.discovery, FAMILY_IPV4);
    must(reach_change(&c, "ipv6", &both));
    cr_assert_eq(both.discovery, FAMILY_IPV6);
    expect(reach_change(&c, "ipv6", &four), FAULT_INVALID_PARAMETER_COMBINATION,
           "IpDiscovery ipv6 cannot be used with the network type ipv4.");
    cr_assert_eq(four.discovery, FAMILY_IPV4);
}
