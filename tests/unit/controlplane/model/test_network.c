#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/network.h"

#include <criterion/criterion.h>

#include <string.h>

static struct vpc vpcs[] = {
    {.id = "vpc-a",            .cidr = "10.0.0.0/24", .ipv6_cidr = ""   },
    { .id = "vpc-b", .cidr = "172.31.0.0/16",       .ipv6_cidr = "", .is_default = true},
};
static struct subnet subnets[] = {
    {.id = "subnet-1",  .vpc_id = "vpc-a", .zone = "za", .cidr = "10.0.0.0/26", .ipv6_cidr = ""},
    { .id = "subnet-2",
     .vpc_id = "vpc-a",
     .zone = "zb",
     .cidr = "10.0.0.192/26",
     .ipv6_cidr = "fd00::/64",
     .origin = NETWORK_ASSUMED},
    {                                                                  .id = "subnet-3",
     .vpc_id = "vpc-b",
     .zone = "zb",
     .cidr = "",
     .ipv6_cidr = "fd00:1::/64",
     .origin = NETWORK_ASSUMED},
};
static struct security_group groups[] = {
    {.id = "sg-1", .vpc_id = "vpc-a", .name = "web"    },
    {.id = "sg-2", .vpc_id = "vpc-a", .name = "default"},
};
static const struct network net = {vpcs,   countof(vpcs),  subnets, countof(subnets),
                                   groups, countof(groups)};

Test(network, things_are_found_by_their_ids)
{
    cr_assert_eq(network_vpc(&net, "vpc-b"), &vpcs[1]);
    cr_assert_null(network_vpc(&net, "vpc-c"));
    cr_assert_eq(network_subnet(&net, "subnet-3"), &subnets[2]);
    cr_assert_null(network_subnet(&net, ""));
    cr_assert_eq(network_group(&net, "sg-1"), &groups[0]);
    cr_assert_null(network_group(&net, "sg-3"));
    cr_assert_eq(network_default_vpc(&net), &vpcs[1]);
    cr_assert_eq(network_default_group(&net, "vpc-a"), &groups[1]);
    cr_assert_null(network_default_group(&net, "vpc-b"));
    cr_assert_eq(network_subnet_count(&net, "vpc-a"), 2);
}

Test(network, ids_have_seventeen_digits_and_follow_from_their_text)
{
    struct arena a = {0};
    const char *id = network_id(&a, "vpc-", "x");

    cr_assert_eq(strlen(id), 4 + 17);
    cr_assert_eq(strspn(id + 4, "0123456789abcdef"), 17);
    cr_assert_str_eq(id, network_id(&a, "vpc-", "x"));
    cr_assert_str_neq(id, network_id(&a, "vpc-", "y"));
    cr_assert_str_neq(id + 4, network_id(&a, "sgr-", "x") + 4);
    arena_fini(&a);
}

Test(network, forms_of_ids)
{
    cr_assert(network_id_is("subnet-0a1", "subnet-"));
    cr_assert_not(network_id_is("subnet-", "subnet-"));
    cr_assert_not(network_id_is("subnet-A", "subnet-"));
    cr_assert_not(network_id_is("sg-1", "subnet-"));
    cr_assert_not(network_id_is(NULL, "subnet-"));
}

Test(network, free_blocks_are_found_from_both_ends)
{
    struct arena a = {0};
    struct cidr block;

    cr_assert(network_free_block(&net, &vpcs[0], 26, false, &block));
    cr_assert_str_eq(cidr_text(&a, &block), "10.0.0.64/26");
    cr_assert(network_free_block(&net, &vpcs[0], 28, true, &block));
    cr_assert_str_eq(cidr_text(&a, &block), "10.0.0.176/28");
    cr_assert_not(network_free_block(&net, &vpcs[0], 25, false, &block));
    cr_assert_not(network_free_block(&net, &vpcs[0], 20, false, &block));
    cr_assert(network_free_block(&net, &vpcs[1], 20, false, &block));
    cr_assert_str_eq(cidr_text(&a, &block), "172.31.0.0/20");
    arena_fini(&a);
}

Test(network, assumed_subnets_go_round_the_zones)
{
    static const char *const zones[] = {"za", "zb"};

    cr_assert_str_eq(network_least_zone(&net, zones, 2), "za",
                     "what is not assumed does not count");
}

Test(network, subnets_carry_what_they_have_addresses_of)
{
    cr_assert(subnet_has_ipv4(&subnets[0]) && !subnet_has_ipv6(&subnets[0]));
    cr_assert(subnet_has_ipv4(&subnets[1]) && subnet_has_ipv6(&subnets[1]));
    cr_assert(!subnet_has_ipv4(&subnets[2]) && subnet_has_ipv6(&subnets[2]));
}

Test(network, origins_have_names)
{
    enum network_origin back;

    for (int o = NETWORK_DEFAULT; o <= NETWORK_ASSUMED; o++) {
        cr_assert(network_origin_parse(network_origin_name((enum network_origin)o), &back));
        cr_assert_eq(back, o);
    }
    cr_assert_not(network_origin_parse("heaven", &back));
}
