#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(vpcs, .init = world_open, .fini = world_close, .timeout = 60);

static struct ec2_vpc *make(const char *cidr, bool has_ipv6)
{
    struct ec2_create_vpc_in in = {.cidr_block = cidr,
                                   .amazon_provided_ipv6_cidr_block = BOOL_OF(has_ipv6)};
    struct ec2_create_vpc_out out;

    must(run_ec2_create_vpc(&in, &out));
    return out.vpc;
}

static size_t count(void)
{
    struct ec2_describe_vpcs_in in = {0};
    struct ec2_describe_vpcs_out out;

    must(run_ec2_describe_vpcs(&in, &out));
    return out.vpcs.count;
}

Test(vpcs, the_default_one_is_there_for_who_only_reads)
{
    cr_assert_eq(count(), 1);
    cr_assert_eq(count(), 1);
}

Test(vpcs, a_new_one_has_its_blocks)
{
    struct ec2_vpc *v = make("10.0.0.0/16", true);

    cr_assert_str_eq(v->cidr_block_association_set.items[0].cidr_block, "10.0.0.0/16");
    cr_assert_str_eq(v->ipv6_cidr_block_association_set.items[0].ipv6_cidr_block_state->state,
                     "associated");
    cr_assert(strstr(v->ipv6_cidr_block_association_set.items[0].ipv6_cidr_block, "::/56") != NULL);
    cr_assert_not(v->is_default.value);
    cr_assert_eq(make("10.1.0.0/28", false)->ipv6_cidr_block_association_set.count, 0);
    cr_assert_eq(count(), 3);
}

Test(vpcs, a_new_one_is_refused_for)
{
    static const struct {
        struct ec2_create_vpc_in in;
        int code;
    } rows[] = {
        {{.cidr_block = NULL},                                    FAULT_MISSING_PARAMETER      },
        {{.cidr_block = "10.0.0.0/15"},                           FAULT_INVALID_VPC_RANGE      },
        {{.cidr_block = "10.0.0.0/29"},                           FAULT_INVALID_VPC_RANGE      },
        {{.cidr_block = "10.0.0.1/16"},                           FAULT_INVALID_PARAMETER_VALUE},
        {{.cidr_block = "net"},                                   FAULT_INVALID_PARAMETER_VALUE},
        {{.cidr_block = "10.0.0.0/16", .ipv4_ipam_pool_id = "p"}, FAULT_UNSUPPORTED_OPERATION  },
        {{.cidr_block = "10.0.0.0/16", .dry_run = {true, true}},  FAULT_DRY_RUN_OPERATION      },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct ec2_create_vpc_out out;
        expect(run_ec2_create_vpc(&rows[i].in, &out), rows[i].code, NULL);
    }
    cr_assert_eq(count(), 1);
}

Test(vpcs, there_may_be_so_many)
{
    struct ec2_create_vpc_in in = {.cidr_block = "10.0.0.0/16"};
    struct ec2_create_vpc_out out;

    for (int i = 0; i < 49; i++)
        make("10.0.0.0/16", false);
    expect(run_ec2_create_vpc(&in, &out), FAULT_VPC_LIMIT_EXCEEDED, NULL);
}

Test(vpcs, settings_change_one_at_a_time)
{
    struct ec2_attribute_boolean_value yes =
                                           {
                                               {true, true}
    },
                                       no = {{true, false}};
    const char *id = make("10.0.0.0/16", false)->vpc_id;
    struct ec2_modify_vpc_attribute_in in = {.vpc_id = id, .enable_dns_hostnames = &yes};
    struct ec2_modify_vpc_attribute_out out;
    struct ec2_describe_vpc_attribute_in ask = {.vpc_id = id, .attribute = "enableDnsHostnames"};
    struct ec2_describe_vpc_attribute_out told;

    must(run_ec2_modify_vpc_attribute(&in, &out));
    must(run_ec2_describe_vpc_attribute(&ask, &told));
    cr_assert(told.enable_dns_hostnames->value.value);
    cr_assert_null(told.enable_dns_support);
    in = (struct ec2_modify_vpc_attribute_in){.vpc_id = id, .enable_dns_support = &no};
    expect(run_ec2_modify_vpc_attribute(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    in.enable_dns_hostnames = &no;
    expect(run_ec2_modify_vpc_attribute(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    in = (struct ec2_modify_vpc_attribute_in){.vpc_id = "vpc-none", .enable_dns_support = &no};
    expect(run_ec2_modify_vpc_attribute(&in, &out), FAULT_INVALID_VPC_ID_NOT_FOUND,
           "The vpc ID 'vpc-none' does not exist");
}

Test(vpcs, one_that_holds_something_stays)
{
    const char *id = make("10.0.0.0/16", false)->vpc_id;
    struct ec2_create_subnet_in subnet = {.vpc_id = id, .cidr_block = "10.0.0.0/24"};
    struct ec2_create_subnet_out made;
    struct ec2_delete_subnet_in drop = {0};
    struct ec2_delete_subnet_out dropped;
    struct ec2_delete_vpc_in in = {.vpc_id = id};
    struct ec2_delete_vpc_out out;

    must(run_ec2_create_subnet(&subnet, &made));
    expect(run_ec2_delete_vpc(&in, &out), FAULT_DEPENDENCY_VIOLATION, NULL);
    drop.subnet_id = made.subnet->subnet_id;
    must(run_ec2_delete_subnet(&drop, &dropped));
    must(run_ec2_delete_vpc(&in, &out));
    expect(run_ec2_delete_vpc(&in, &out), FAULT_INVALID_VPC_ID_NOT_FOUND, NULL);
}
