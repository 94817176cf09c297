#include "contract/faults.h"
#include "controlplane/ops/facts.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(facts, .init = world_open, .fini = world_close, .timeout = 60);

Test(facts, only_nodes_that_are_to_stay_are_counted_and_found)
{
    struct cluster_facts f;

    world_memcached("m1", 3);
    struct call c = world_call();
    must(facts_find(&c, "m1", &f));
    must(store_node_want(c.tx, f.nodes.items[1].id, false));
    must(facts_refresh(&c, &f));
    cr_assert_eq(f.nodes.count, 3);
    cr_assert_eq(facts_node_count(&f), 2);
    cr_assert_not_null(facts_node(&f, "0001"));
    cr_assert_null(facts_node(&f, "0002"));
    cr_assert_null(facts_node(&f, "0004"));
}

Test(facts, a_list_agrees_with_finding_each)
{
    struct cluster_facts *list, one;
    size_t count;

    world_memcached("z", 2);
    world_redis("b");
    world_redis("a");
    struct call c = world_call();
    must(facts_list(&c, "", 10, false, &list, &count));
    cr_assert_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        must(facts_find(&c, list[i].cluster.name, &one));
        cr_assert_eq(list[i].cluster.id, one.cluster.id);
        cr_assert_eq(list[i].nodes.count, one.nodes.count);
        cr_assert_eq(list[i].nodes.items[0].id, one.nodes.items[0].id);
        cr_assert_eq(list[i].newest->id, one.newest->id);
        cr_assert_eq(list[i].status, one.status);
    }
    must(facts_list(&c, "b", 10, false, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].cluster.name, "z");
    must(facts_list(&c, "z", 10, false, &list, &count));
    cr_assert_eq(count, 0);
}

Test(facts, an_operation_shows_at_once)
{
    struct cluster_facts f;

    world_redis("c1");
    struct call c = world_call();
    must(facts_find(&c, "c1", &f));
    cr_assert_eq(f.status, CLUSTER_AVAILABLE);
    must(facts_operate(&c, &f, OPERATION_REBOOT, "0001"));
    cr_assert_eq(f.status, CLUSTER_REBOOTING);
    cr_assert_str_eq(f.newest->data, "0001");
}
