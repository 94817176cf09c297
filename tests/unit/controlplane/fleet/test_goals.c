#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/goals.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(goals);

static struct agent_node_goal goal_for(const char *engine)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = fixture_cluster(&f, "c1", engine);
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.host_id = h.id,
                             .address = "127.77.0.1",
                             .port = c.port,
                             .state = NODE_STOPPED,
                             .boot_count = 3};
    struct agent_node_goal_list list = {0};

    must(store_goal_set(f.tx, n.id, &goal));
    must(goals_of_host(f.tx, h.id, &list));
    cr_assert(list.has);
    cr_assert_eq(list.count, 1);
    return list.items[0];
}

Test(goals, a_redis_node_carries_what_its_driver_needs)
{
    struct agent_node_goal g = goal_for("redis");
    cr_assert_str_eq(g.state, "stopped");
    cr_assert_str_eq(g.cluster, "c1");
    cr_assert_str_eq(g.cache_node_id, "0001");
    cr_assert_str_eq(g.engine, "redis");
    cr_assert_str_eq(g.engine_version, "7.1.0");
    cr_assert_eq(g.port.value, 6379);
    cr_assert_eq(g.boot_count.value, 3);
    cr_assert_eq(g.parameters.count, 1);
    cr_assert_str_eq(g.parameters.items[0].value, "volatile-lru");
}

Test(goals, a_memcached_node_gets_its_cache_memory)
{
    struct agent_node_goal g = goal_for("memcached");
    cr_assert_str_eq(g.engine, "memcached");
    cr_assert_gt(g.maxmemory_bytes.value, 256LL << 20);
    cr_assert_eq(g.parameters.count, 0);
}

Test(goals, a_host_without_nodes_has_an_empty_list)
{
    struct agent_node_goal_list list = {0};
    must(goals_of_host(f.tx, "nobody", &list));
    cr_assert(list.has);
    cr_assert_eq(list.count, 0);
}
