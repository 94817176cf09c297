#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(reserved_nodes, .init = world_open, .fini = world_close, .timeout = 60);

/* The one offering of these properties. */
static struct ec_reserved_cache_nodes_offering offering(const char *type)
{
    struct ec_describe_reserved_cache_nodes_offerings_in in = {.cache_node_type = "cache.t4g.small",
                                                               .duration = "1",
                                                               .product_description = "redis",
                                                               .offering_type = type};
    struct ec_describe_reserved_cache_nodes_offerings_out out;

    must(run_ec_describe_reserved_cache_nodes_offerings(&in, &out));
    cr_assert_eq(out.reserved_cache_nodes_offerings.count, 1);
    return out.reserved_cache_nodes_offerings.items[0];
}

static struct err buy(const char *id, int count,
                      struct ec_purchase_reserved_cache_nodes_offering_out *out)
{
    struct ec_tag tag = {"team", "blue"};
    struct ec_purchase_reserved_cache_nodes_offering_in in = {
        .reserved_cache_nodes_offering_id = offering("No Upfront").reserved_cache_nodes_offering_id,
        .reserved_cache_node_id = id,
        .cache_node_count = {count > 0, count},
        .tags = { true,        1,  &tag}
    };

    return run_ec_purchase_reserved_cache_nodes_offering(&in, out);
}

Test(reserved_nodes, offerings_say_what_they_cost)
{
    cr_assert_eq(offering("No Upfront").fixed_price.value, 0);
    cr_assert_str_eq(offering("No Upfront").recurring_charges.items[0].recurring_charge_frequency,
                     "Hourly");
    cr_assert_gt(offering("All Upfront").fixed_price.value, 0);
    cr_assert_eq(offering("All Upfront").recurring_charges.count, 0);
    cr_assert_eq(offering("All Upfront").duration.value, 31536000);
}

Test(reserved_nodes, offerings_come_in_pages_and_by_id)
{
    struct ec_describe_reserved_cache_nodes_offerings_in in = {.offering_type = "All Upfront"};
    struct ec_describe_reserved_cache_nodes_offerings_out out;
    size_t count = 0;

    do {
        must(run_ec_describe_reserved_cache_nodes_offerings(&in, &out));
        count += out.reserved_cache_nodes_offerings.count;
        in.marker = out.marker;
    } while (out.marker);
    cr_assert_gt(count, 100);
    in = (struct ec_describe_reserved_cache_nodes_offerings_in){
        .reserved_cache_nodes_offering_id =
            offering("No Upfront").reserved_cache_nodes_offering_id};
    must(run_ec_describe_reserved_cache_nodes_offerings(&in, &out));
    cr_assert_eq(out.reserved_cache_nodes_offerings.count, 1);
    in.reserved_cache_nodes_offering_id = "none";
    expect(run_ec_describe_reserved_cache_nodes_offerings(&in, &out),
           FAULT_RESERVED_CACHE_NODES_OFFERING_NOT_FOUND, NULL);
    in = (struct ec_describe_reserved_cache_nodes_offerings_in){.duration = "2"};
    expect(run_ec_describe_reserved_cache_nodes_offerings(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           NULL);
}

Test(reserved_nodes, a_purchase_is_pending_then_active)
{
    struct ec_purchase_reserved_cache_nodes_offering_out out;
    struct ec_describe_reserved_cache_nodes_in in = {.reserved_cache_node_id = "MINE"};
    struct ec_describe_reserved_cache_nodes_out told;
    struct ec_list_tags_for_resource_in ask;
    struct ec_list_tags_for_resource_out tags;

    must(buy("Mine", 2, &out));
    cr_assert_str_eq(out.reserved_cache_node->reserved_cache_node_id, "mine");
    cr_assert_str_eq(out.reserved_cache_node->state, "payment-pending");
    clock_manual_advance(&world.clock, 6000);
    must(run_ec_describe_reserved_cache_nodes(&in, &told));
    cr_assert_eq(told.reserved_cache_nodes.count, 1);
    cr_assert_str_eq(told.reserved_cache_nodes.items[0].state, "active");
    cr_assert_eq(told.reserved_cache_nodes.items[0].cache_node_count.value, 2);
    ask.resource_name = told.reserved_cache_nodes.items[0].reservation_arn;
    cr_assert_str_eq(ask.resource_name,
                     "arn:aws:elasticache:us-east-1:000000000000:reserved-instance:mine");
    must(run_ec_list_tags_for_resource(&ask, &tags));
    cr_assert_eq(tags.tag_list.count, 1);
    in = (struct ec_describe_reserved_cache_nodes_in){.offering_type = "All Upfront"};
    must(run_ec_describe_reserved_cache_nodes(&in, &told));
    cr_assert_eq(told.reserved_cache_nodes.count, 0);
    in = (struct ec_describe_reserved_cache_nodes_in){.reserved_cache_node_id = "none"};
    expect(run_ec_describe_reserved_cache_nodes(&in, &told), FAULT_RESERVED_CACHE_NODE_NOT_FOUND,
           NULL);
}

Test(reserved_nodes, a_purchase_is_refused_for)
{
    struct ec_purchase_reserved_cache_nodes_offering_in none = {.reserved_cache_nodes_offering_id =
                                                                    "none"};
    struct ec_purchase_reserved_cache_nodes_offering_out out;

    must(buy("mine", 0, &out));
    cr_assert_eq(out.reserved_cache_node->cache_node_count.value, 1);
    expect(buy("mine", 1, &out), FAULT_RESERVED_CACHE_NODE_ALREADY_EXISTS, NULL);
    expect(buy("a.b", 1, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(buy("other", 300, &out), FAULT_RESERVED_CACHE_NODE_QUOTA_EXCEEDED, NULL);
    expect(run_ec_purchase_reserved_cache_nodes_offering(&none, &out),
           FAULT_RESERVED_CACHE_NODES_OFFERING_NOT_FOUND, NULL);
    must(buy(NULL, 299, &out));
    cr_assert_str_eq(out.reserved_cache_node->reserved_cache_node_id, "ri-2023-11-14-22-13-20-000");
}
