#include "global_world.h"

#include <criterion/criterion.h>

TestSuite(ec_globals, .init = global_world_open, .fini = world_close, .timeout = 60);

static struct err disassociate(const char *group, const char *region)
{
    struct ec_disassociate_global_replication_group_in in = {.global_replication_group_id =
                                                                 "ldgnf-store",
                                                             .replication_group_id = group,
                                                             .replication_group_region = region};
    struct ec_disassociate_global_replication_group_out out;

    return run_ec_disassociate_global_replication_group(&in, &out);
}

static struct err delete_store(bool is_retained)
{
    struct ec_delete_global_replication_group_in in = {.global_replication_group_id = "ldgnf-store",
                                                       .retain_primary_replication_group =
                                                           BOOL_OF(is_retained)};
    struct ec_delete_global_replication_group_out out;

    return run_ec_delete_global_replication_group(&in, &out);
}

static struct err create(const char *suffix, const char *primary)
{
    struct ec_create_global_replication_group_in in = {.global_replication_group_id_suffix = suffix,
                                                       .primary_replication_group_id = primary};
    struct ec_create_global_replication_group_out out;

    return run_ec_create_global_replication_group(&in, &out);
}

Test(ec_globals, a_datastore_is_made_of_a_group)
{
    global_world_store();
    global_world_go(THERE); /* it is seen from everywhere */
    struct ec_global_replication_group g = global_world_describe("LDGNF-STORE");
    cr_assert_str_eq(g.status, "primary-only");
    cr_assert_str_eq(g.arn, "arn:aws:elasticache::000000000000:globalreplicationgroup:ldgnf-store");
    cr_assert_eq(g.members.count, 1);
    cr_assert_str_eq(g.members.items[0].role, "PRIMARY");
    cr_assert_str_eq(g.global_node_groups.items[0].global_node_group_id, "ldgnf-store-0001");
    cr_assert_str_eq(g.global_node_groups.items[0].slots, "0-16383");
    global_world_go(HERE);
    struct ec_replication_group *group = world_describe_group("here");
    cr_assert_str_eq(group->global_replication_group_info->global_replication_group_id,
                     "ldgnf-store");
    cr_assert_str_eq(group->global_replication_group_info->global_replication_group_member_role,
                     "PRIMARY");
}

Test(ec_globals, what_cannot_be_one_is_refused)
{
    expect(create("x", "none"), FAULT_REPLICATION_GROUP_NOT_FOUND, NULL);
    global_world_store();
    expect(create("x", "here"), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    global_world_group("other", 1);
    expect(create("store", "other"), FAULT_GLOBAL_REPLICATION_GROUP_ALREADY_EXISTS, NULL);
    expect(create("x--y", "other"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    world_group("little", 1);
    expect(create("x", "little"), FAULT_INVALID_PARAMETER_VALUE,
           "The cache node type cache.t4g.micro is not supported for global replication groups.");
}

Test(ec_globals, they_are_described_page_by_page)
{
    struct ec_describe_global_replication_groups_in in = {.max_records = INT_OF(20)};
    struct ec_describe_global_replication_groups_out out;

    for (int i = 0; i < 21; i++) {
        char *name = arena_printf(&world.f.arena, "g%02d", i);
        global_world_group(name, 1);
        must(create(name, name));
    }
    must(run_ec_describe_global_replication_groups(&in, &out));
    cr_assert_eq(out.global_replication_groups.count, 20);
    cr_assert_eq(out.global_replication_groups.items[0].members.count, 0,
                 "they were not asked for");
    in.marker = out.marker;
    must(run_ec_describe_global_replication_groups(&in, &out));
    cr_assert_eq(out.global_replication_groups.count, 1);
    cr_assert_null(out.marker);
    in.marker = "bm9wZSE="; /* "nope!" */
    expect(run_ec_describe_global_replication_groups(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           NULL);
}

Test(ec_globals, a_secondary_leaves_and_the_datastore_goes)
{
    struct ec_delete_replication_group_in gone = {.replication_group_id = "here"};
    struct ec_delete_replication_group_out deleted;

    global_world_pair();
    cr_assert_str_eq(global_world_describe("ldgnf-store").status, "available");
    expect(delete_store(true), FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE,
           "Cannot delete a global replication group in available state");
    expect(run_ec_delete_replication_group(&gone, &deleted), FAULT_INVALID_REPLICATION_GROUP_STATE,
           NULL);
    expect(disassociate("here", HERE), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(disassociate("there", HERE), FAULT_INVALID_PARAMETER_VALUE,
           "Replication group there in us-east-1 is not associated with Global Replication Group "
           "ldgnf-store.");
    must(disassociate("there", THERE));
    struct ec_global_replication_group g = global_world_describe("ldgnf-store");
    cr_assert_str_eq(g.status, "modifying");
    cr_assert_str_eq(g.members.items[0].status, "disassociating");
    expect(disassociate("there", THERE), FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE, NULL);
    global_world_settle();
    expect(delete_store(false), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(delete_store(true));
    expect(delete_store(true), FAULT_GLOBAL_REPLICATION_GROUP_NOT_FOUND, NULL);
    cr_assert_null(world_describe_group("here")->global_replication_group_info);
    must(run_ec_delete_replication_group(&gone, &deleted));
}
