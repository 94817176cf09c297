#include "base/str.h"
#include "controlplane/ops/network.h"
#include "controlplane/store/network.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(declared, .init = world_open, .fini = world_close, .timeout = 60);

#define FILE_TEXT                                                                            \
    "{\"Vpcs\": [{\"VpcId\": \"vpc-office\", \"CidrBlock\": \"10.0.0.0/16\", "               \
    "\"Subnets\": [{\"SubnetId\": \"subnet-office\", \"AvailabilityZone\": \"us-east-1b\", " \
    "\"CidrBlock\": \"10.0.0.0/24\"}], "                                                     \
    "\"SecurityGroups\": [{\"GroupId\": \"sg-office\", \"GroupName\": \"office\"}]}]}"

static struct err declare(const char *file)
{
    store_rollback(&world.f.tx);
    return ops_declare_network(world.f.store, &world.conf, &world.f.arena, str_of(file));
}

static struct network network(void)
{
    struct network n;

    fixture_begin(&world.f, STORE_READ);
    must(store_network_load(world.f.tx, "000000000000", "us-east-1", &n));
    return n;
}

Test(declared, what_the_file_names_is_there_however_often_it_is_read)
{
    must(declare(FILE_TEXT));
    must(declare(FILE_TEXT));
    struct network n = network();
    cr_assert_eq(n.vpc_count, 2, "beside the default VPC");
    cr_assert_eq(network_vpc(&n, "vpc-office")->origin, NETWORK_DECLARED);
    cr_assert_str_eq(network_subnet(&n, "subnet-office")->zone, "us-east-1b");
    cr_assert_str_eq(network_group(&n, "sg-office")->name, "office");
    cr_assert_not_null(network_default_group(&n, "vpc-office"));
}

Test(declared, caches_stand_in_it_and_nobody_deletes_it)
{
    const char *ids[] = {"subnet-office"};
    struct ec_create_cache_subnet_group_in in = {
        .cache_subnet_group_name = "g",
        .cache_subnet_group_description = "d",
        .subnet_ids = {true, 1, ids}
    };
    struct ec_create_cache_subnet_group_out out;
    struct ec_delete_cache_subnet_group_in gone = {.cache_subnet_group_name = "g"};
    struct ec_delete_cache_subnet_group_out gone_out;
    struct ec2_delete_subnet_in drop = {.subnet_id = "subnet-office"};
    struct ec2_delete_subnet_out dropped;

    world.conf.is_network_open = false;
    must(declare(FILE_TEXT));
    must(run_ec_create_cache_subnet_group(&in, &out));
    cr_assert_str_eq(out.cache_subnet_group->vpc_id, "vpc-office");
    must(run_ec_delete_cache_subnet_group(&gone, &gone_out));
    expect(run_ec2_delete_subnet(&drop, &dropped), FAULT_DEPENDENCY_VIOLATION, NULL);
    must(declare(""));
    must(run_ec2_delete_subnet(&drop, &dropped));
}

Test(declared, a_declared_default_takes_the_place_of_the_first)
{
    must(declare("{\"Vpcs\": [{\"VpcId\": \"vpc-mine\", \"CidrBlock\": \"10.0.0.0/16\", "
                 "\"IsDefault\": true}]}"));
    struct network n = network();
    cr_assert_str_eq(network_default_vpc(&n)->id, "vpc-mine");
}

Test(declared, a_file_that_cannot_be_right_changes_nothing)
{
#define VPC "\"VpcId\": \"vpc-x\", \"CidrBlock\": \"10.0.0.0/16\""
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"Vpcs\": {}}",
        "{\"Vpcs\": [], \"More\": 1}",
        "{\"Vpcs\": [1]}",
        "{\"Vpcs\": [{\"VpcId\": \"x\", \"CidrBlock\": \"10.0.0.0/16\"}]}",
        "{\"Vpcs\": [{\"VpcId\": \"vpc-x\"}]}",
        "{\"Vpcs\": [{\"VpcId\": \"vpc-x\", \"CidrBlock\": \"10.0.0.0/99\"}]}",
        "{\"Vpcs\": [{" VPC ", \"Colour\": \"red\"}]}",
        "{\"Vpcs\": [{" VPC ", \"Region\": \"nowhere\"}]}",
        "{\"Vpcs\": [{" VPC ", \"Account\": \"12\"}]}",
        "{\"Vpcs\": [{" VPC ", \"Subnets\": 1}]}",
        "{\"Vpcs\": [{" VPC ", \"Subnets\": [{\"SubnetId\": \"subnet-1\", \"CidrBlock\": "
        "\"10.0.0.0/24\"}]}]}",
        "{\"Vpcs\": [{" VPC ", \"SecurityGroups\": [{\"GroupId\": \"sg-1\", \"GroupName\": \"a\"}, "
        "{\"GroupId\": \"sg-2\", \"GroupName\": \"a\"}]}]}",
    };

    for (size_t i = 0; i < countof(bad); i++) {
        struct err e = declare(bad[i]);
        cr_assert_eq(e.code, ERR_INVALID, "%s: %d", bad[i], e.code);
        cr_assert_not_null(e.why);
    }
    cr_assert_eq(network().vpc_count, 0);
}
