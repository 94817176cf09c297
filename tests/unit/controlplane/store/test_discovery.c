#include "controlplane/store/discovery.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(discovery);

Test(discovery, a_change_is_counted_and_told_to_the_hosts)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);
    struct cluster c = fixture_cluster(&f, "c1", "memcached");
    struct node_goal goal = {
        .host_id = h.id, .address = "127.77.0.1", .port = 1, .state = NODE_RUNNING};
    struct host_node *nodes;
    int64_t before, after;
    bool is_changed = false;
    size_t count;

    must(store_goal_set(f.tx, fixture_node(&f, c.id, "0001").id, &goal));
    must(store_host_generation(f.tx, h.id, &before));
    must(store_discovery_set(f.tx, c.id, "a|1|1", &is_changed));
    cr_assert(is_changed);
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_gt(after, before);
    must(store_host_nodes(f.tx, h.id, SINCE_EVER, &nodes, &count));
    cr_assert_str_eq(nodes[0].nodes, "a|1|1");
    cr_assert_eq(nodes[0].nodes_version, 1);

    is_changed = false;
    must(store_discovery_set(f.tx, c.id, "a|1|1", &is_changed));
    cr_assert_not(is_changed);
    must(store_discovery_set(f.tx, c.id, "a|1|1 b|2|1", &is_changed));
    cr_assert(is_changed);
    must(store_host_nodes(f.tx, h.id, SINCE_EVER, &nodes, &count));
    cr_assert_str_eq(nodes[0].nodes, "a|1|1 b|2|1");
    cr_assert_eq(nodes[0].nodes_version, 2);
}

Test(discovery, it_goes_with_its_cluster)
{
    struct cluster c = fixture_cluster(&f, "c1", "memcached");
    bool is_changed;

    must(store_discovery_set(f.tx, c.id, "a|1|1", &is_changed));
    must(store_cluster_remove(f.tx, c.id, "arn"));
}
