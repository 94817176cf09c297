#include "controlplane/model/quotas.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(test_failover, .init = world_open, .fini = world_close, .timeout = 60);

static struct err run(const char *group, const char *shard)
{
    struct ec_test_failover_in in = {.replication_group_id = group, .node_group_id = shard};
    struct ec_test_failover_out out;

    return run_ec_test_failover(&in, &out);
}

Test(test_failover, roles_change_and_the_call_is_told)
{
    struct ec_describe_events_in ask = {.source_identifier = "rg",
                                        .source_type = "replication-group"};
    struct ec_describe_events_out events;

    world_group("rg", 2);
    must(run("RG", "1"));
    cr_assert_str_eq(world_describe_group("rg")->status, "modifying");
    must(run_ec_describe_events(&ask, &events));
    cr_assert_str_eq(events.events.items[0].message,
                     "Test Failover API called for node group 0001");
    expect(run("rg", "0001"), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    world_settle();
    struct ec_node_group *s = &world_describe_group("rg")->node_groups.items[0];
    cr_assert_str_eq(s->node_group_members.items[1].current_role, "primary");
}

Test(test_failover, what_cannot_be_is_refused)
{
    struct ec_modify_replication_group_in off = {.replication_group_id = "rg",
                                                 .automatic_failover_enabled = BOOL_OF(false)};
    struct ec_modify_replication_group_out out;

    expect(run("none", "0001"), FAULT_REPLICATION_GROUP_NOT_FOUND, NULL);
    world_group("rg", 2);
    expect(run("rg", "0002"), FAULT_NODE_GROUP_NOT_FOUND, NULL);
    must(run_ec_modify_replication_group(&off, &out));
    expect(run("rg", "0001"), FAULT_TEST_FAILOVER_NOT_AVAILABLE, NULL);
    world_group("single", 1);
    expect(run("single", "0001"), FAULT_TEST_FAILOVER_NOT_AVAILABLE, NULL);
}

static void see(const char *cluster, enum node_state state, int64_t offset)
{
    struct cluster c;
    struct node_list nodes;
    bool is_changed;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", cluster, &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    struct node_saw saw = nodes.items[0].saw;
    saw.state = state;
    saw.offset = offset;
    saw.is_link_up = false;
    must(store_saw_set(world.f.tx, nodes.items[0].id, &saw, &is_changed));
    fixture_commit(&world.f);
}

Test(test_failover, nobody_needs_to_follow_a_primary_that_has_ended)
{
    world_group("rg", 2);
    see("rg-002", NODE_RUNNING, 100);
    expect(run("rg", "0001"), FAULT_TEST_FAILOVER_NOT_AVAILABLE, NULL);
    see("rg-001", NODE_STOPPED, 0);
    must(run("rg", "0001"));
}

Test(test_failover, who_has_nothing_takes_nobodys_place)
{
    world_group("rg", 2);
    see("rg-001", NODE_STOPPED, 0);
    see("rg-002", NODE_RUNNING, 0);
    expect(run("rg", "0001"), FAULT_TEST_FAILOVER_NOT_AVAILABLE, NULL);
}

Test(test_failover, there_is_a_quota_of_a_day)
{
    world_group("rg", 2);
    for (int i = 0; i < quotas_usual.switches_per_day; i++) {
        must(run("rg", "0001"));
        world_settle();
    }
    expect(run("rg", "0001"), FAULT_API_CALL_RATE_FOR_CUSTOMER_EXCEEDED, NULL);
    clock_manual_advance(&world.clock, (int64_t)24 * 3600 * 1000);
    must(run("rg", "0001"));
}
