#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(node_types, .init = world_open, .fini = world_close, .timeout = 60);

static bool has(const struct ec_node_type_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

Test(node_types, a_cluster_may_grow_and_shrink_within_the_catalogue)
{
    struct ec_create_cache_cluster_in make = {
        .cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.t4g.small"};
    struct ec_create_cache_cluster_out made;
    struct ec_list_allowed_node_type_modifications_in in = {.cache_cluster_id = "C1"};
    struct ec_list_allowed_node_type_modifications_out out;

    must(run_ec_create_cache_cluster(&make, &made));
    must(run_ec_list_allowed_node_type_modifications(&in, &out));
    cr_assert(has(&out.scale_up_modifications, "cache.t4g.medium"));
    cr_assert(has(&out.scale_up_modifications, "cache.r7g.large"));
    cr_assert(has(&out.scale_up_modifications, "cache.t3.small"), "of the same size");
    cr_assert(has(&out.scale_down_modifications, "cache.t4g.micro"));
    cr_assert_not(has(&out.scale_up_modifications, "cache.t4g.small"), "itself");
    cr_assert_not(has(&out.scale_up_modifications, "cache.m3.large"), "previous generation");
    cr_assert_not(has(&out.scale_up_modifications, "cache.r6gd.xlarge"), "another kind of store");
    cr_assert_not(has(&out.scale_up_modifications, "cache.m8g.large"), "not for redis");
    for (size_t i = 1; i < out.scale_up_modifications.count; i++)
        cr_assert_lt(
            strcmp(out.scale_up_modifications.items[i - 1], out.scale_up_modifications.items[i]),
            0);
}

Test(node_types, memcached_is_scaled_both_ways_since_it_makes_room)
{
    struct ec_list_allowed_node_type_modifications_in in = {.cache_cluster_id = "m1"};
    struct ec_list_allowed_node_type_modifications_out out;

    world_memcached("m1", 1);
    must(run_ec_list_allowed_node_type_modifications(&in, &out));
    cr_assert(has(&out.scale_up_modifications, "cache.t4g.small"));
    cr_assert_not(has(&out.scale_up_modifications, "cache.t4g.micro"), "itself");
}

Test(node_types, exactly_one_thing_is_asked_about)
{
    struct ec_list_allowed_node_type_modifications_in none = {0}, both = {"a", "b"},
                                                      cluster = {.cache_cluster_id = "x"},
                                                      group = {.replication_group_id = "x"};
    struct ec_list_allowed_node_type_modifications_out out;

    expect(run_ec_list_allowed_node_type_modifications(&none, &out),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(run_ec_list_allowed_node_type_modifications(&both, &out),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(run_ec_list_allowed_node_type_modifications(&cluster, &out),
           FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
    expect(run_ec_list_allowed_node_type_modifications(&group, &out),
           FAULT_REPLICATION_GROUP_NOT_FOUND, NULL);
}
