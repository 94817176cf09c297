#include "controlplane/ops/wire.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(wire, .init = world_open, .fini = world_close, .timeout = 60);

Test(wire, memcached_has_a_configuration_endpoint_and_no_snapshots)
{
    world_memcached("m1", 2);
    struct ec_cache_cluster *c = world_describe("m1");

    cr_assert_str_eq(c->configuration_endpoint->address, c->cache_nodes.items[0].endpoint->address);
    cr_assert_eq(c->configuration_endpoint->port.value, 11211);
    cr_assert_not_null(c->client_download_landing_page);
    cr_assert_not(c->snapshot_retention_limit.has);
    cr_assert_null(c->snapshot_window);
}

Test(wire, a_last_node_is_in_one_zone_whatever_the_mode)
{
    const char *others[] = {"0001", "0003"};
    struct ec_create_cache_cluster_in create = {.cache_cluster_id = "m1",
                                                .engine = "memcached",
                                                .cache_node_type = "cache.t4g.micro",
                                                .num_cache_nodes = INT_OF(3),
                                                .az_mode = "cross-az"};
    struct ec_create_cache_cluster_out created;
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "m1",
        .num_cache_nodes = INT_OF(1),
        .apply_immediately = BOOL_OF(true),
        .cache_node_ids_to_remove = {true, 2, others}
    };
    struct ec_modify_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&create, &created));
    world_settle();
    const char *zone = world_describe("m1")->cache_nodes.items[1].customer_availability_zone;
    must(run_ec_modify_cache_cluster(&in, &out));
    world_settle();
    cr_assert_str_eq(world_describe("m1")->preferred_availability_zone, zone);
}

Test(wire, in_dns_mode_endpoints_are_names)
{
    world_memcached("m1", 2);
    world_redis("c1");
    ops_free(world.ops);
    world.conf.endpoint_mode = ENDPOINT_DNS;
    world.ops = ops_new(world.f.store, &world.conf);

    struct ec_cache_cluster *m = world_describe("m1"), *c = world_describe("c1");
    cr_assert_str_eq(strchr(m->configuration_endpoint->address, '.') + 7,
                     ".cfg.use1.cache.larder.internal");
    cr_assert_str_eq(strchr(m->cache_nodes.items[1].endpoint->address, '.') + 7,
                     ".0002.use1.cache.larder.internal");
    cr_assert_eq(strncmp(c->cache_nodes.items[0].endpoint->address, "c1.", 3), 0);
    cr_assert_eq(c->cache_nodes.items[0].endpoint->port.value, 6379);
    cr_assert_null(c->configuration_endpoint);
}

Test(wire, lists_are_there_even_when_they_are_empty)
{
    world_redis("c1");
    struct ec_cache_cluster *c = world_describe("c1");

    cr_assert(c->cache_security_groups.has);
    cr_assert(c->security_groups.has);
    cr_assert(c->log_delivery_configurations.has);
    cr_assert(c->cache_parameter_group->cache_node_ids_to_reboot.has);
    cr_assert_not_null(c->pending_modified_values);
}
