#include "controlplane/store/groups.h"
#include "controlplane/store/slot_moves.h"
#include "global_world.h"

#include <criterion/criterion.h>

#include <string.h>

/* A datastore of two shards, with a secondary. */
static void open_world(void)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "here",
                                                .replication_group_description = "d",
                                                .engine = "redis",
                                                .cache_node_type = "cache.m5.large",
                                                .num_node_groups = INT_OF(2),
                                                .replicas_per_node_group = INT_OF(0),
                                                .automatic_failover_enabled = BOOL_OF(true)};
    struct ec_create_replication_group_out out;
    struct ec_create_global_replication_group_in store = {
        .global_replication_group_id_suffix = "store", .primary_replication_group_id = "here"};
    struct ec_create_global_replication_group_out made;

    global_world_open();
    must(run_ec_create_replication_group(&in, &out));
    global_world_settle();
    must(run_ec_create_global_replication_group(&store, &made));
    global_world_go(THERE);
    must(global_world_join("there", "ldgnf-store"));
    global_world_settle();
    global_world_go(HERE);
}

TestSuite(ec_globals_shards, .init = open_world, .fini = world_close, .timeout = 60);

static struct err increase(struct ec_increase_node_groups_in_global_replication_group_in in)
{
    struct ec_increase_node_groups_in_global_replication_group_out out;

    in.global_replication_group_id = "ldgnf-store";
    return run_ec_increase_node_groups_in_global_replication_group(&in, &out);
}

static struct err decrease(struct ec_decrease_node_groups_in_global_replication_group_in in)
{
    struct ec_decrease_node_groups_in_global_replication_group_out out;

    in.global_replication_group_id = "ldgnf-store";
    in.apply_immediately = BOOL_OF(true);
    return run_ec_decrease_node_groups_in_global_replication_group(&in, &out);
}

static struct err rebalance(bool at_once)
{
    struct ec_rebalance_slots_in_global_replication_group_in in = {
        .global_replication_group_id = "ldgnf-store", .apply_immediately = BOOL_OF(at_once)};
    struct ec_rebalance_slots_in_global_replication_group_out out;

    return run_ec_rebalance_slots_in_global_replication_group(&in, &out);
}

/* What a group has and does. */
struct state {
    enum group_operation_kind operation;
    struct shard_list shards;
    struct slot_move_list moves;
};

static struct state state_of(const char *region, const char *name)
{
    struct replication_group g;
    struct group_operation o;
    struct state state;

    fixture_begin(&world.f, STORE_READ);
    must(store_group_find(world.f.tx, "000000000000", region, name, &g));
    must(store_group_operation_running(world.f.tx, g.id, &o));
    must(store_shard_list(world.f.tx, &g.id, 1, &state.shards));
    must(store_slot_move_list(world.f.tx, &g.id, 1, &state.moves));
    fixture_commit(&world.f);
    state.operation = o.kind;
    return state;
}

Test(ec_globals_shards, new_shards_have_the_same_numbers_in_all_regions)
{
    const char *zones[] = {"eu-west-1a"};
    struct ec_resharding_configuration shard = {
        .node_group_id = "0003", .preferred_availability_zones = {true, 1, zones}
    };
    struct ec_regional_configuration region = {
        .replication_group_id = "There",
        .replication_group_region = THERE,
        .resharding_configuration = {true, 1, &shard}
    };

    must(increase((struct ec_increase_node_groups_in_global_replication_group_in){
        .node_group_count = INT_OF(3),
        .apply_immediately = BOOL_OF(true),
        .regional_configurations = {true, 1, &region}
    }));
    struct state here = state_of(HERE, "here"), there = state_of(THERE, "there");
    cr_assert_eq(here.operation, GROUP_RESHARD);
    cr_assert_eq(there.operation, GROUP_ALIGN);
    cr_assert_eq(here.shards.count, 3);
    cr_assert_str_eq(here.shards.items[2].number, "0003");
    cr_assert_eq(there.shards.count, 3);
    cr_assert_str_eq(there.shards.items[2].number, "0003");
    cr_assert_str_empty(there.shards.items[2].slots);
    cr_assert_gt(here.moves.count, 0);
    cr_assert_eq(there.moves.count, 0, "its slots follow the primary's");
    struct ec_global_replication_group shown = global_world_describe("ldgnf-store");
    cr_assert_str_eq(shown.status, "modifying");
    cr_assert_eq(shown.global_node_groups.count, 3);
    cr_assert_str_empty(shown.global_node_groups.items[2].slots);
    expect(rebalance(true), FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE, NULL);
}

Test(ec_globals_shards, shards_that_go_are_named_with_the_datastore_or_alone)
{
    const char *retain[] = {"LDGNF-store-0002"}, *other[] = {"ldgnf-other-0001"}, *bare[] = {"1"};

    expect(decrease((struct ec_decrease_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(1), .global_node_groups_to_remove = {true, 1, other}
    }),
           FAULT_INVALID_PARAMETER_VALUE,
           "Global replication group ldgnf-store has no node group ldgnf-other-0001.");
    expect(decrease((struct ec_decrease_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(1),
               .global_node_groups_to_remove = {true, 1, bare  },
               .global_node_groups_to_retain = {true, 1, retain}
    }),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(decrease((struct ec_decrease_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(2), .global_node_groups_to_remove = {true, 1, bare}
    }),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(decrease((struct ec_decrease_node_groups_in_global_replication_group_in){
        .node_group_count = INT_OF(1), .global_node_groups_to_retain = {true, 1, retain}
    }));
    struct state here = state_of(HERE, "here"), there = state_of(THERE, "there");
    cr_assert_eq(here.operation, GROUP_RESHARD);
    cr_assert_eq(here.moves.items[0].from_id, here.shards.items[0].id);
    cr_assert_eq(there.operation, GROUP_ALIGN);
    cr_assert(there.shards.items[0].is_wanted, "it goes when it has no slots any more");

    global_world_settle();
    must(increase((struct ec_increase_node_groups_in_global_replication_group_in){
        .node_group_count = INT_OF(3), .apply_immediately = BOOL_OF(true)}));
    there = state_of(THERE, "there");
    cr_assert_str_eq(there.shards.items[2].number, "0003");
}

Test(ec_globals_shards, a_number_that_there_is_already_is_refused)
{
    struct ec_regional_configuration nobody = {.replication_group_id = "nobody",
                                               .replication_group_region = THERE};

    expect(increase((struct ec_increase_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(2), .apply_immediately = BOOL_OF(true)}),
           FAULT_INVALID_PARAMETER_VALUE,
           "NodeGroupCount 2 is not greater than the present number of node groups, 2.");
    expect(increase((struct ec_increase_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(3)}),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(increase((struct ec_increase_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(3),
               .apply_immediately = BOOL_OF(true),
               .regional_configurations = {true, 1, &nobody}
    }),
           FAULT_INVALID_PARAMETER_VALUE,
           "Replication group nobody in eu-west-1 is not associated with Global Replication Group "
           "ldgnf-store.");
    /* Faults that this call does not have are said with one that it has. */
    expect(increase((struct ec_increase_node_groups_in_global_replication_group_in){
               .node_group_count = INT_OF(501), .apply_immediately = BOOL_OF(true)}),
           FAULT_INVALID_PARAMETER_VALUE, "A replication group can have at most 90 node groups.");
    expect(rebalance(false), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(rebalance(true));
    cr_assert_eq(state_of(THERE, "there").operation, GROUP_ALIGN);
}
