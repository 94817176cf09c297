#include "base/err.h"
#include "controlplane/store/network.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(network);

static const struct vpc vpc = {.id = "vpc-1",
                               .cidr = "10.0.0.0/16",
                               .ipv6_cidr = "fd00::/56",
                               .tenancy = "default",
                               .is_default = true,
                               .has_dns_support = true,
                               .origin = NETWORK_MADE};
static const struct subnet subnet = {.id = "subnet-1",
                                     .vpc_id = "vpc-1",
                                     .zone = "us-east-1a",
                                     .cidr = "10.0.1.0/24",
                                     .ipv6_cidr = "",
                                     .hostname_type = "ip-name",
                                     .origin = NETWORK_DECLARED};
static const struct security_group group = {
    .id = "sg-1", .vpc_id = "vpc-1", .name = "web", .description = "d", .origin = NETWORK_ASSUMED};

Test(network, what_was_stored_is_loaded_for_its_account_and_region)
{
    struct network n;

    must(store_vpc_insert(f.tx, "1", "r", &vpc));
    must(store_subnet_insert(f.tx, "1", "r", &subnet));
    must(store_security_group_insert(f.tx, "1", "r", &group));
    must(store_network_load(f.tx, "1", "r", &n));
    cr_assert(n.vpc_count == 1 && n.subnet_count == 1 && n.group_count == 1);
    cr_assert_str_eq(n.vpcs[0].ipv6_cidr, "fd00::/56");
    cr_assert(n.vpcs[0].is_default && n.vpcs[0].has_dns_support && !n.vpcs[0].has_dns_hostnames);
    cr_assert_eq(n.vpcs[0].origin, NETWORK_MADE);
    cr_assert_str_eq(n.subnets[0].zone, "us-east-1a");
    cr_assert_str_eq(n.subnets[0].hostname_type, "ip-name");
    cr_assert_eq(n.subnets[0].origin, NETWORK_DECLARED);
    cr_assert_str_eq(n.groups[0].name, "web");
    must(store_network_load(f.tx, "2", "r", &n));
    cr_assert_eq(n.vpc_count + n.subnet_count + n.group_count, 0);
}

Test(network, rows_are_changed_and_removed)
{
    struct vpc v = vpc;
    struct subnet s = subnet;
    struct security_group g = group;
    struct network n;

    must(store_vpc_insert(f.tx, "1", "r", &v));
    must(store_subnet_insert(f.tx, "1", "r", &s));
    must(store_security_group_insert(f.tx, "1", "r", &g));
    v.has_dns_hostnames = true;
    s.maps_public_ip = true;
    g.description = "other";
    must(store_vpc_update(f.tx, "1", "r", &v));
    must(store_subnet_update(f.tx, "1", "r", &s));
    must(store_security_group_update(f.tx, "1", "r", &g));
    must(store_network_load(f.tx, "1", "r", &n));
    cr_assert(n.vpcs[0].has_dns_hostnames && n.subnets[0].maps_public_ip);
    cr_assert_str_eq(n.groups[0].description, "other");

    must(store_security_group_remove(f.tx, "1", "r", "sg-1"));
    must(store_subnet_remove(f.tx, "1", "r", "subnet-1"));
    must(store_vpc_remove(f.tx, "1", "r", "vpc-1"));
    cr_assert(err_is(store_security_group_remove(f.tx, "1", "r", "sg-1"), ERR_NOT_FOUND));
    cr_assert(err_is(store_subnet_update(f.tx, "1", "r", &s), ERR_NOT_FOUND));
    cr_assert(err_is(store_vpc_update(f.tx, "1", "r", &v), ERR_NOT_FOUND));
}

Test(network, an_id_or_a_group_s_name_is_there_once)
{
    struct security_group same_name = group;

    same_name.id = "sg-2";
    must(store_vpc_insert(f.tx, "1", "r", &vpc));
    must(store_security_group_insert(f.tx, "1", "r", &group));
    cr_assert(err_is(store_vpc_insert(f.tx, "1", "r", &vpc), ERR_EXISTS));
    cr_assert(err_is(store_security_group_insert(f.tx, "1", "r", &same_name), ERR_EXISTS));
    must(store_vpc_insert(f.tx, "2", "r", &vpc));
}

Test(network, zones_come_from_hosts_and_are_given_once)
{
    const char **zones;
    size_t count;

    fixture_host(&f, "h1", "us-east-1b", "127.1.1.0/24", 1 << 30);
    fixture_host(&f, "h2", "us-east-1a", "127.1.2.0/24", 1 << 30);
    fixture_host(&f, "h3", "us-east-1a", "127.1.3.0/24", 1 << 30);
    must(store_zone_list(f.tx, "us-east-1", &zones, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(zones[0], "us-east-1a");
    must(store_zone_give(f.tx, "1", "us-east-1", "us-east-1a"));
    must(store_zone_give(f.tx, "1", "us-east-1", "us-east-1a"));
    must(store_zone_given(f.tx, "1", "us-east-1", &zones, &count));
    cr_assert_eq(count, 1);
    must(store_zone_given(f.tx, "2", "us-east-1", &zones, &count));
    cr_assert_eq(count, 0);
}
