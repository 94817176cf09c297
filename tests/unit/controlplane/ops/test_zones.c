#include "controlplane/ops/network.h"
#include "controlplane/ops/zones.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(zones, .init = world_open, .fini = world_close, .timeout = 60);

Test(zones, ids_number_the_letters)
{
    struct call c = world_call();

    cr_assert_str_eq(zone_id(&c, "us-east-1c"), "use1-az3");
    cr_assert_str_eq(zone_id(&c, "us-east-1"), "us-east-1");
    cr_assert_str_eq(zone_id(&c, "rack7"), "rack7");
}

Test(zones, one_is_chosen_by_name_by_id_or_by_room)
{
    struct call c = world_call();
    struct network n = {0};
    struct subnet s[] = {
        {.id = "a", .zone = "us-east-1a"},
        {.id = "b", .zone = "us-east-1c"}
    };
    const char *zone;

    n.subnets = s;
    n.subnet_count = 2;
    must(zone_choose(&c, &n, "us-east-1c", NULL, &zone));
    cr_assert_str_eq(zone, "us-east-1c");
    must(zone_choose(&c, &n, NULL, "use1-az1", &zone));
    cr_assert_str_eq(zone, "us-east-1a");
    must(zone_choose(&c, &n, NULL, NULL, &zone));
    cr_assert_str_eq(zone, "us-east-1b");
    expect(zone_choose(&c, &n, "us-east-1z", NULL, &zone), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(zones, zones_and_regions_are_listed)
{
    const char *names[] = {"us-east-1b"}, *unknown[] = {"us-east-1z"}, *none[] = {"eu-*"};
    struct ec2_describe_availability_zones_in ask = {0};
    struct ec2_describe_availability_zones_out zones;
    struct ec2_filter f = {
        "region-name", {true, 1, none}
    };
    struct ec2_describe_regions_in where = {0};
    struct ec2_describe_regions_out regions;

    must(run_ec2_describe_availability_zones(&ask, &zones));
    cr_assert_eq(zones.availability_zones.count, 3);
    ask.zone_names = (struct ec2_zone_name_string_list){true, 1, names};
    must(run_ec2_describe_availability_zones(&ask, &zones));
    cr_assert_eq(zones.availability_zones.count, 1);
    cr_assert_str_eq(zones.availability_zones.items[0].zone_id, "use1-az2");
    ask.zone_names.items = unknown;
    expect(run_ec2_describe_availability_zones(&ask, &zones), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(run_ec2_describe_regions(&where, &regions));
    cr_assert_eq(regions.regions.count, 1);
    where.filters = (struct ec2_filter_list){true, 1, &f};
    must(run_ec2_describe_regions(&where, &regions));
    cr_assert_eq(regions.regions.count, 0);
}

Test(zones, the_account_has_a_default_vpc)
{
    const char *names[] = {"default-vpc"};
    struct ec2_describe_account_attributes_in ask = {
        .attribute_names = {true, 1, names}
    };
    struct ec2_describe_account_attributes_out out;

    must(run_ec2_describe_account_attributes(&ask, &out));
    cr_assert_eq(out.account_attributes.count, 1);
    cr_assert_eq(strncmp(out.account_attributes.items[0].attribute_values.items[0].attribute_value,
                         "vpc-", 4),
                 0);
}
