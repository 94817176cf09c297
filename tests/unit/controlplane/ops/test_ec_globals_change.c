#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"
#include "global_world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(ec_globals_change, .init = global_world_open, .fini = world_close, .timeout = 60);

static struct err fail_over(const char *group, const char *region)
{
    struct ec_failover_global_replication_group_in in = {.global_replication_group_id =
                                                             "ldgnf-store",
                                                         .primary_replication_group_id = group,
                                                         .primary_region = region};
    struct ec_failover_global_replication_group_out out;

    return run_ec_failover_global_replication_group(&in, &out);
}

static struct err modify(struct ec_modify_global_replication_group_in in)
{
    struct ec_modify_global_replication_group_out out;

    in.global_replication_group_id = "ldgnf-store";
    return run_ec_modify_global_replication_group(&in, &out);
}

static enum group_operation_kind running(const char *region, const char *name)
{
    struct replication_group g;
    struct group_operation o;

    fixture_begin(&world.f, STORE_READ);
    must(store_group_find(world.f.tx, "000000000000", region, name, &g));
    must(store_group_operation_running(world.f.tx, g.id, &o));
    fixture_commit(&world.f);
    return o.kind;
}

Test(ec_globals_change, both_groups_are_at_work_in_a_failover)
{
    global_world_pair();
    expect(fail_over("here", HERE), FAULT_INVALID_PARAMETER_VALUE,
           "Replication group here is the primary of the global replication group ldgnf-store "
           "already.");
    expect(fail_over("nobody", THERE), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(fail_over("THERE", THERE));
    cr_assert_eq(running(HERE, "here"), GROUP_YIELD);
    cr_assert_eq(running(THERE, "there"), GROUP_LEAD);
    cr_assert_str_eq(global_world_describe("ldgnf-store").status, "modifying");
    expect(fail_over("there", THERE), FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE, NULL);
}

Test(ec_globals_change, settings_are_those_of_all_members)
{
    global_world_pair();
    must(modify((struct ec_modify_global_replication_group_in){
        .apply_immediately = BOOL_OF(true),
        .cache_node_type = "cache.m5.xlarge",
        .global_replication_group_description = "larger"}));
    cr_assert_eq(running(HERE, "here"), GROUP_MODIFY);
    cr_assert_eq(running(THERE, "there"), GROUP_MODIFY);
    struct ec_global_replication_group g = global_world_describe("ldgnf-store");
    cr_assert_str_eq(g.cache_node_type, "cache.m5.xlarge");
    cr_assert_str_eq(g.global_replication_group_description, "larger");
    global_world_settle();
    must(modify((struct ec_modify_global_replication_group_in){
        .apply_immediately = BOOL_OF(true), .automatic_failover_enabled = BOOL_OF(false)}));
    global_world_settle();
    must(modify((struct ec_modify_global_replication_group_in){
        .apply_immediately = BOOL_OF(true), .automatic_failover_enabled = BOOL_OF(true)}));
    g = global_world_describe("ldgnf-store");
    cr_assert_str_eq(g.members.items[0].automatic_failover, "disabled", "it has one node alone");
    cr_assert_str_eq(g.members.items[1].automatic_failover, "enabled");
}

Test(ec_globals_change, what_cannot_be_changed_is_refused)
{
    struct ec_modify_replication_group_in alone = {.replication_group_id = "here",
                                                   .cache_node_type = "cache.m5.xlarge",
                                                   .apply_immediately = BOOL_OF(true)};
    struct ec_modify_replication_group_out out;

    global_world_pair();
    expect(modify((struct ec_modify_global_replication_group_in){
               .apply_immediately = BOOL_OF(false), .cache_node_type = "cache.m5.xlarge"}),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(modify((struct ec_modify_global_replication_group_in){
               .apply_immediately = BOOL_OF(true), .cache_node_type = "cache.t4g.micro"}),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(modify((struct ec_modify_global_replication_group_in){
               .apply_immediately = BOOL_OF(true), .cache_parameter_group_name = "none"}),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(run_ec_modify_replication_group(&alone, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "CacheNodeType of a member of a global replication group can only be changed for all "
           "members, by ModifyGlobalReplicationGroup.");
    alone.cache_node_type = NULL;
    alone.replication_group_description = "its own";
    must(run_ec_modify_replication_group(&alone, &out));
}
