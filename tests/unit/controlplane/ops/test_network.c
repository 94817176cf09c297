#include "contract/faults.h"
#include "controlplane/ops/network.h"
#include "controlplane/store/network.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(network_of_callers, .init = world_open, .fini = world_close, .timeout = 60);

#define ACCOUNT "000000000000"
#define REGION  "us-east-1"

Test(network_of_callers, a_new_account_has_a_default_vpc_with_a_subnet_in_each_zone)
{
    struct call c = world_call();
    struct security_rules rules;
    struct network n;
    bool is_due = false;

    must(network_is_due(&c, &is_due));
    cr_assert(is_due);
    must(network_open(&c, &n));
    cr_assert_eq(n.vpc_count, 1);
    cr_assert_str_eq(n.vpcs[0].cidr, "172.31.0.0/16");
    cr_assert_eq(n.subnet_count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert(n.subnets[i].is_default);
    cr_assert_eq(n.group_count, 1);
    must(store_security_rule_list(c.tx, ACCOUNT, REGION, "", &rules));
    cr_assert_eq(rules.count, 2, "in from itself, out to everywhere");
    must(network_is_due(&c, &is_due));
    cr_assert_not(is_due);
}

Test(network_of_callers, a_zone_that_comes_later_gets_its_subnet_once)
{
    struct call c = world_call();
    struct network n;

    must(network_open(&c, &n));
    fixture_host(&world.f, "h4", "us-east-1d", "127.1.4.0/24", 1 << 30);
    must(network_open(&c, &n));
    cr_assert_eq(n.subnet_count, 4);
    for (size_t i = 0; i < n.subnet_count; i++)
        if (strcmp(n.subnets[i].zone, "us-east-1d") == 0)
            must(store_subnet_remove(c.tx, ACCOUNT, REGION, n.subnets[i].id));
    must(network_open(&c, &n));
    cr_assert_eq(n.subnet_count, 3, "what was deleted stays deleted");
}

Test(network_of_callers, a_region_without_hosts_has_the_usual_zones)
{
    struct call c = world_call();
    struct caller elsewhere = {ACCOUNT, "eu-west-1", "AKID", "id"};
    struct network n;

    c.caller = &elsewhere;
    must(network_open(&c, &n));
    cr_assert_eq(n.subnet_count, 3);
    cr_assert_eq(strncmp(n.subnets[0].zone, "eu-west-1", 9), 0);
}

Test(network_of_callers, unknown_subnets_are_remembered_in_one_vpc_over_all_zones)
{
    struct call c = world_call();
    const char *ids[] = {"subnet-1", "subnet-2", "subnet-3"}, *vpc_id;
    const char *zone;
    struct network n;

    must(network_open(&c, &n));
    must(network_find_subnets(&c, &n, ids, 3, &vpc_id));
    cr_assert_str_eq(vpc_id, n.vpcs[0].id);
    zone = network_subnet(&n, "subnet-1")->zone;
    cr_assert_str_neq(zone, network_subnet(&n, "subnet-2")->zone);
    cr_assert_str_neq(zone, network_subnet(&n, "subnet-3")->zone);
    must(network_find_subnets(&c, &n, ids, 1, &vpc_id));
    cr_assert_str_eq(network_subnet(&n, "subnet-1")->zone, zone);
}

Test(network_of_callers, a_declared_network_takes_only_what_it_knows)
{
    const char *unknown[] = {"subnet-1"}, *group[] = {"sg-1"}, *bad[] = {"thing"}, *vpc_id;
    struct call c = world_call();
    struct network n;

    must(network_open(&c, &n));
    expect(network_find_subnets(&c, &n, bad, 1, &vpc_id), FAULT_INVALID_SUBNET, NULL);
    world.conf.is_network_open = false;
    expect(network_find_subnets(&c, &n, unknown, 1, &vpc_id), FAULT_INVALID_SUBNET,
           "Some input subnets in :[subnet-1] are invalid.");
    expect(network_find_security_groups(&c, &n, group, 1, n.vpcs[0].id),
           FAULT_INVALID_PARAMETER_VALUE, "Some security group ids are invalid: sg-1.");
}

Test(network_of_callers, subnets_and_groups_of_other_vpcs_are_refused)
{
    struct call c = world_call();
    struct vpc other = {
        .id = "vpc-2", .cidr = "10.0.0.0/16", .ipv6_cidr = "", .tenancy = "default"};
    struct subnet s = {.id = "subnet-o",
                       .vpc_id = "vpc-2",
                       .zone = "us-east-1a",
                       .cidr = "10.0.0.0/24",
                       .ipv6_cidr = "",
                       .hostname_type = "ip-name"};
    const char *mixed[2] = {"subnet-o", NULL}, *group[1], *vpc_id;
    struct network n;

    must(network_open(&c, &n));
    mixed[1] = n.subnets[0].id;
    must(network_add_vpc(&c, &other));
    must(store_subnet_insert(c.tx, ACCOUNT, REGION, &s));
    must(network_open(&c, &n));
    expect(network_find_subnets(&c, &n, mixed, 2, &vpc_id), FAULT_INVALID_SUBNET, NULL);
    group[0] = network_default_group(&n, "vpc-2")->id;
    expect(network_find_security_groups(&c, &n, group, 1, network_default_vpc(&n)->id),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(network_find_security_groups(&c, &n, group, 1, "vpc-2"));
}

Test(network_of_callers, new_ids_differ)
{
    struct call c = world_call();

    cr_assert_str_neq(network_new_id(&c, "vpc-"), network_new_id(&c, "vpc-"));
}
