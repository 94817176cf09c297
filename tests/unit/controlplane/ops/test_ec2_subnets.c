#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(subnets, .init = world_open, .fini = world_close, .timeout = 60);

static const char *vpc, *block; /* of a VPC with IPv6 */

static void make_vpc(void)
{
    struct ec2_create_vpc_in in = {.cidr_block = "10.0.0.0/16",
                                   .amazon_provided_ipv6_cidr_block = BOOL_OF(true)};
    struct ec2_create_vpc_out out;

    must(run_ec2_create_vpc(&in, &out));
    vpc = out.vpc->vpc_id;
    block = out.vpc->ipv6_cidr_block_association_set.items[0].ipv6_cidr_block;
}

/* "fd..::/56" as the first /64 of it. */
static const char *first_64(void)
{
    size_t len = strlen(block);

    return arena_printf(&world.f.arena, "%.*s64", (int)(len - 2), block);
}

Test(subnets, one_is_told_with_all_its_settings)
{
    struct ec2_create_subnet_in in;
    struct ec2_create_subnet_out out;

    make_vpc();
    in = (struct ec2_create_subnet_in){.vpc_id = vpc,
                                       .cidr_block = "10.0.1.0/24",
                                       .ipv6_cidr_block = first_64(),
                                       .availability_zone_id = "use1-az2"};
    must(run_ec2_create_subnet(&in, &out));
    cr_assert_str_eq(out.subnet->availability_zone, "us-east-1b");
    cr_assert_eq(out.subnet->available_ip_address_count.value, 251);
    cr_assert_eq(out.subnet->ipv6_cidr_block_association_set.count, 1);
    cr_assert_not(out.subnet->ipv6_native.value);
    cr_assert_str_eq(out.subnet->private_dns_name_options_on_launch->hostname_type, "ip-name");
}

Test(subnets, one_is_refused_for)
{
    make_vpc();
    const struct {
        struct ec2_create_subnet_in in;
        int code;
    } rows[] = {
        {{.vpc_id = "vpc-none", .cidr_block = "10.0.0.0/24"},                             FAULT_INVALID_VPC_ID_NOT_FOUND},
        {{.vpc_id = vpc},                                                                 FAULT_MISSING_PARAMETER       },
        {{.vpc_id = vpc, .cidr_block = "10.1.0.0/24"},                                    FAULT_INVALID_SUBNET_RANGE    },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/29"},                                    FAULT_INVALID_SUBNET_RANGE    },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.9/24"},                                    FAULT_INVALID_PARAMETER_VALUE },
        {{.vpc_id = vpc, .cidr_block = "10.0.8.128/25"},                                  FAULT_INVALID_SUBNET_CONFLICT },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/24", .ipv6_cidr_block = "fd00::/64"},
         FAULT_INVALID_SUBNET_RANGE                                                                                     },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/24", .ipv6_cidr_block = block},
         FAULT_INVALID_SUBNET_RANGE                                                                                     },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/24", .ipv6_cidr_block = first_64()},
         FAULT_INVALID_SUBNET_CONFLICT                                                                                  },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/24", .availability_zone = "us-east-1z"},
         FAULT_INVALID_PARAMETER_VALUE                                                                                  },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/24", .outpost_arn = "o"},
         FAULT_UNSUPPORTED_OPERATION                                                                                    },
        {{.vpc_id = vpc, .cidr_block = "10.0.0.0/24", .ipv6_native = {true, true}},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                            },
        {{.vpc_id = vpc, .ipv6_native = {true, true}},                                    FAULT_MISSING_PARAMETER       },
    };
    struct ec2_create_subnet_in there = {
        .vpc_id = vpc, .cidr_block = "10.0.8.0/24", .ipv6_cidr_block = first_64()};
    struct ec2_create_subnet_out out;

    must(run_ec2_create_subnet(&there, &out));
    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = run_ec2_create_subnet(&rows[i].in, &out);
        cr_assert_eq(e.code, rows[i].code, "row %zu: %d %s", i, e.code, e.why);
    }
}

Test(subnets, ipv6_alone_makes_groups_of_that_family)
{
    struct ec2_create_subnet_in in = {.ipv6_native = BOOL_OF(true)};
    struct ec2_create_subnet_out out;
    struct ec_create_cache_subnet_group_out made;

    make_vpc();
    in.vpc_id = vpc;
    in.ipv6_cidr_block = first_64();
    must(run_ec2_create_subnet(&in, &out));
    cr_assert(out.subnet->ipv6_native.value);
    cr_assert_null(out.subnet->cidr_block);
    const char *ids[] = {out.subnet->subnet_id};
    struct ec_create_cache_subnet_group_in group = {
        .cache_subnet_group_name = "six",
        .cache_subnet_group_description = "d",
        .subnet_ids = {true, 1, ids}
    };
    must(run_ec_create_cache_subnet_group(&group, &made));
    cr_assert_eq(made.cache_subnet_group->supported_network_types.count, 1);
    cr_assert_str_eq(made.cache_subnet_group->supported_network_types.items[0], "ipv6");
    struct ec2_delete_subnet_in drop = {.subnet_id = ids[0]};
    struct ec2_delete_subnet_out dropped;
    expect(run_ec2_delete_subnet(&drop, &dropped), FAULT_DEPENDENCY_VIOLATION, NULL);
}

Test(subnets, settings_change_one_at_a_time)
{
    struct ec2_attribute_boolean_value yes = {
        {true, true}
    };
    struct ec2_create_subnet_in in;
    struct ec2_create_subnet_out out;

    make_vpc();
    in = (struct ec2_create_subnet_in){.vpc_id = vpc, .cidr_block = "10.0.1.0/24"};
    must(run_ec2_create_subnet(&in, &out));
    const char *id = out.subnet->subnet_id;
    struct ec2_modify_subnet_attribute_in change = {.subnet_id = id,
                                                    .map_public_ip_on_launch = &yes};
    struct ec2_modify_subnet_attribute_out changed;
    must(run_ec2_modify_subnet_attribute(&change, &changed));
    change.enable_dns64 = &yes;
    expect(run_ec2_modify_subnet_attribute(&change, &changed), FAULT_INVALID_PARAMETER_COMBINATION,
           NULL);
    change = (struct ec2_modify_subnet_attribute_in){.subnet_id = id,
                                                     .map_customer_owned_ip_on_launch = &yes};
    expect(run_ec2_modify_subnet_attribute(&change, &changed), FAULT_UNSUPPORTED_OPERATION, NULL);
    change =
        (struct ec2_modify_subnet_attribute_in){.subnet_id = "subnet-none", .enable_dns64 = &yes};
    expect(run_ec2_modify_subnet_attribute(&change, &changed), FAULT_INVALID_SUBNET_ID_NOT_FOUND,
           NULL);
    struct ec2_describe_subnets_in ask = {
        .subnet_ids = {true, 1, &id}
    };
    struct ec2_describe_subnets_out told;
    must(run_ec2_describe_subnets(&ask, &told));
    cr_assert(told.subnets.items[0].map_public_ip_on_launch.value);
    cr_assert_not(told.subnets.items[0].enable_dns64.value);
}
