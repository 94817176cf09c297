#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/ops/capacity.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(capacity, .init = world_open, .fini = world_close, .timeout = 60);

static struct claim claim_of(const char **zones, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zones[i] = "";
    return (struct claim){
        .type = node_type_find("cache.t4g.micro"), .port = 11211, .zones = zones, .count = count};
}

/* The group of subnets by default, which reaches all zones. */
static const struct siting *everywhere(struct call *c)
{
    struct siting *s = arena_new(c->arena, struct siting);

    must(siting_choose(c, NULL, &(struct ec_security_group_ids_list){0}, s));
    return s;
}

Test(capacity, a_single_zone_is_chosen_that_has_room_for_all)
{
    struct call c = world_call();
    struct capacity cap;
    const char *zones[8];
    struct claim claim = claim_of(zones, 8);

    must(capacity_open(&c, everywhere(&c), &cap));
    must(capacity_claim(&c, &cap, &claim));
    for (size_t i = 0; i < 8; i++)
        cr_assert_str_eq(zones[i], "us-east-1a", "all of its 4 GiB");
    claim = claim_of(zones, 5);
    must(capacity_claim(&c, &cap, &claim));
    cr_assert_str_eq(zones[0], "us-east-1b");
    claim = claim_of(zones, 5);
    must(capacity_claim(&c, &cap, &claim));
    cr_assert_str_eq(zones[0], "us-east-1c");
    claim = claim_of(zones, 5);
    expect(capacity_claim(&c, &cap, &claim), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,
           "There is no capacity for 5 cache nodes of type cache.t4g.micro in us-east-1: no host "
           "has that much memory left.");
    cr_assert_str_eq(zones[0], "");
}

Test(capacity, open_zones_stay_open_for_one_node_and_across_zones)
{
    struct call c = world_call();
    struct capacity cap;
    const char *zones[2];
    struct claim one = claim_of(zones, 1), two = claim_of(zones, 2);

    two.is_cross_az = true;
    must(capacity_open(&c, everywhere(&c), &cap));
    must(capacity_claim(&c, &cap, &one));
    must(capacity_claim(&c, &cap, &two));
    cr_assert_str_eq(zones[0], "");
    cr_assert_str_eq(zones[1], "");
}

Test(capacity, zones_are_those_of_the_region_s_hosts)
{
    struct call c = world_call();
    struct capacity cap;

    must(capacity_open(&c, everywhere(&c), &cap));
    must(capacity_check_zone(&c, &cap, "us-east-1c"));
    expect(capacity_check_zone(&c, &cap, "us-east-1d"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(capacity_check_zone(&c, &cap, "Multiple"), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(capacity, subnets_bind_where_nodes_may_go)
{
    struct call c = world_call();
    struct capacity cap;
    struct siting siting = *everywhere(&c);
    const char *zones[2];
    struct claim claim = claim_of(zones, 2);

    siting.zones = (const char *[]){"us-east-1b", "us-east-1c"};
    siting.zone_count = 2;
    must(capacity_open(&c, &siting, &cap));
    must(capacity_check_zone(&c, &cap, "us-east-1c"));
    expect(capacity_check_zone(&c, &cap, "us-east-1a"), FAULT_INVALID_PARAMETER_VALUE,
           "us-east-1a is not a valid availability zone for the cache subnet group default.");
    claim.is_cross_az = true;
    must(capacity_claim(&c, &cap, &claim));
    cr_assert_str_eq(zones[0], "us-east-1b", "told where, since placement knows no subnets");
    cr_assert_str_eq(zones[1], "us-east-1c");
    claim = claim_of(zones, 2);
    must(capacity_claim(&c, &cap, &claim));
    cr_assert_str_eq(zones[0], zones[1]);
    claim = claim_of(zones, 1);
    must(capacity_claim(&c, &cap, &claim));
    cr_assert_str_neq(zones[0], "");
}

Test(capacity, a_port_that_all_addresses_use_is_told_apart_from_memory)
{
    struct call c = world_call();
    struct capacity cap;
    const char *zones[3];
    struct claim claim = claim_of(zones, 3);

    fixture_host(&world.f, "h1", "us-east-1a", "127.1.1.1/32", (int64_t)4 << 30);
    fixture_host(&world.f, "h2", "us-east-1b", "127.1.2.1/32", (int64_t)4 << 30);
    fixture_host(&world.f, "h3", "us-east-1c", "127.1.3.1/32", (int64_t)4 << 30);
    must(capacity_open(&c, everywhere(&c), &cap));
    claim.is_cross_az = true;
    must(capacity_claim(&c, &cap, &claim));
    expect(capacity_claim(&c, &cap, &claim), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,
           "There is no capacity for 3 cache nodes of type cache.t4g.micro in us-east-1: no host "
           "has an address left on which the port is free.");
    claim.port = 11212;
    must(capacity_claim(&c, &cap, &claim));
}

Test(capacity, quotas_have_their_sentences)
{
    struct call c = world_call();

    must(capacity_check_cluster(&c, 60));
    expect(capacity_check_cluster(&c, 61), FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED, NULL);
    must(capacity_check_region(&c, 300));
    expect(capacity_check_region(&c, 301), FAULT_NODE_QUOTA_FOR_CUSTOMER_EXCEEDED, NULL);
}
