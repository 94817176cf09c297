#include "world.h"

#include <criterion/criterion.h>

TestSuite(routes, .init = world_open, .fini = world_close, .timeout = 60);

Test(routes, each_vpc_has_an_acl_and_a_main_table)
{
    struct ec2_create_vpc_in make = {.cidr_block = "10.0.0.0/16",
                                     .amazon_provided_ipv6_cidr_block = BOOL_OF(true)};
    struct ec2_create_vpc_out made;
    struct ec2_describe_network_acls_in acls = {0};
    struct ec2_describe_network_acls_out acl;
    struct ec2_describe_route_tables_in tables = {0};
    struct ec2_describe_route_tables_out table;

    must(run_ec2_create_vpc(&make, &made));
    const char *id = made.vpc->vpc_id, *yes = "true", *no = "false";
    struct ec2_filter f[] = {
        {"vpc-id",  {true, 1, &id} },
        {"default", {true, 1, &yes}}
    };
    struct ec2_filter main = {
        "association.main", {true, 1, &no}
    };
    acls.filters = (struct ec2_filter_list){true, 2, f};
    must(run_ec2_describe_network_acls(&acls, &acl));
    cr_assert_eq(acl.network_acls.count, 1);
    cr_assert_eq(acl.network_acls.items[0].entries.count, 8, "of both families, both ways");
    tables.filters = (struct ec2_filter_list){true, 1, f};
    must(run_ec2_describe_route_tables(&tables, &table));
    cr_assert_eq(table.route_tables.count, 1);
    cr_assert_eq(table.route_tables.items[0].routes.count, 2);
    tables.filters.items = &main;
    must(run_ec2_describe_route_tables(&tables, &table));
    cr_assert_eq(table.route_tables.count, 0);
    tables.filters.items = &f[1];
    expect(run_ec2_describe_route_tables(&tables, &table), FAULT_INVALID_PARAMETER_VALUE,
           "The filter 'default' is invalid");
    const char *none = "acl-none";
    acls = (struct ec2_describe_network_acls_in){
        .network_acl_ids = {true, 1, &none}
    };
    expect(run_ec2_describe_network_acls(&acls, &acl), FAULT_INVALID_NETWORK_ACL_ID_NOT_FOUND,
           NULL);
}
