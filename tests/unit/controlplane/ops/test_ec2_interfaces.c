#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(interfaces, .init = world_open, .fini = world_close, .timeout = 60);

Test(interfaces, each_placed_node_has_one_in_its_zone_s_subnet)
{
    const char *subnets[] = {"subnet-1", "subnet-2", "subnet-3"}, *words[] = {"ElastiCache m1+*"};
    struct ec_create_cache_subnet_group_in group = {
        .cache_subnet_group_name = "g",
        .cache_subnet_group_description = "d",
        .subnet_ids = {true, 3, subnets}
    };
    struct ec_create_cache_subnet_group_out made;
    struct ec_create_cache_cluster_in m1 = {.cache_cluster_id = "m1",
                                            .engine = "memcached",
                                            .cache_node_type = "cache.t4g.micro",
                                            .num_cache_nodes = INT_OF(3),
                                            .az_mode = "cross-az",
                                            .cache_subnet_group_name = "g"};
    struct ec_create_cache_cluster_out created;
    struct ec2_filter f = {
        "description", {true, 1, words}
    };
    struct ec2_describe_network_interfaces_in in = {
        .filters = {true, 1, &f}
    };
    struct ec2_describe_network_interfaces_out out;

    must(run_ec_create_cache_subnet_group(&group, &made));
    must(run_ec_create_cache_cluster(&m1, &created));
    must(run_ec2_describe_network_interfaces(&in, &out));
    cr_assert_eq(out.network_interfaces.count, 0, "none is placed");
    world_settle();
    world_redis("c1");
    must(run_ec2_describe_network_interfaces(&in, &out));
    cr_assert_eq(out.network_interfaces.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct ec2_network_interface *n = &out.network_interfaces.items[i];
        for (size_t k = 0; k < 3; k++)
            if (strcmp(made.cache_subnet_group->subnets.items[k].subnet_identifier, n->subnet_id) ==
                0)
                cr_assert_str_eq(
                    made.cache_subnet_group->subnets.items[k].subnet_availability_zone->name,
                    n->availability_zone);
        cr_assert_eq(n->groups.count, 1);
        cr_assert_str_eq(n->groups.items[0].group_name, "default");
        cr_assert_str_eq(n->status, "in-use");
    }
    in.filters.count = 0;
    must(run_ec2_describe_network_interfaces(&in, &out));
    cr_assert_eq(out.network_interfaces.count, 4);
    const char *id = out.network_interfaces.items[2].network_interface_id, *none = "eni-none";
    in.network_interface_ids = (struct ec2_network_interface_id_list){true, 1, &id};
    must(run_ec2_describe_network_interfaces(&in, &out));
    cr_assert_eq(out.network_interfaces.count, 1);
    in.network_interface_ids.items = &none;
    expect(run_ec2_describe_network_interfaces(&in, &out),
           FAULT_INVALID_NETWORK_INTERFACE_ID_NOT_FOUND, NULL);
}
