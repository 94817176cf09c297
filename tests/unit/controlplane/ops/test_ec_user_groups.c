#include "controlplane/ops/users.h"
#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(user_groups, .init = world_open, .fini = world_close, .timeout = 60);

Test(user_groups, one_is_described_by_its_name_in_any_case)
{
    const char *members[] = {"ann", "default"};

    people_user("ann", NULL, "redis");
    people_group("Team", "Redis", members, 2);
    struct ec_user_group *g = people_group_now("TEAM");
    cr_assert_str_eq(g->user_group_id, "team");
    cr_assert_str_eq(g->status, "active");
    cr_assert_str_eq(g->engine, "redis");
    cr_assert_eq(g->user_ids.count, 2);
    cr_assert_str_eq(g->user_ids.items[0], "ann");
    cr_assert_str_eq(g->user_ids.items[1], "default");
    cr_assert_str_eq(g->minimum_engine_version, "6.0");
    cr_assert_null(g->pending_changes);
    cr_assert(g->replication_groups.has && g->replication_groups.count == 0);
    cr_assert(g->serverless_caches.has && g->serverless_caches.count == 0);
    cr_assert_str_eq(g->arn, "arn:aws:elasticache:us-east-1:000000000000:usergroup:team");
    cr_assert_str_eq(people_user_now("ann")->user_group_ids.items[0], "team");
}

Test(user_groups, one_that_is_not_there_is_missed)
{
    struct ec_describe_user_groups_in in = {.user_group_id = "None"};
    struct ec_describe_user_groups_out out;
    struct ec_delete_user_group_in gone = {.user_group_id = "None"};
    struct ec_delete_user_group_out gone_out;

    expect(run_ec_describe_user_groups(&in, &out), FAULT_USER_GROUP_NOT_FOUND,
           "User group none not found.");
    expect(run_ec_delete_user_group(&gone, &gone_out), FAULT_USER_GROUP_NOT_FOUND,
           "User group none not found.");
}

Test(user_groups, pages_are_by_name)
{
    struct ec_describe_user_groups_in in = {.max_records = INT_OF(20)};
    struct ec_describe_user_groups_out out;

    for (int i = 10; i < 32; i++)
        people_group(arena_printf(&world.f.arena, "g%d", i), "valkey", NULL, 0);
    must(run_ec_describe_user_groups(&in, &out));
    cr_assert_eq(out.user_groups.count, 20);
    cr_assert_str_eq(out.user_groups.items[19].user_group_id, "g29");
    in.marker = out.marker;
    must(run_ec_describe_user_groups(&in, &out));
    cr_assert_eq(out.user_groups.count, 2);
    cr_assert_null(out.marker);
    in.marker = "?";
    expect(run_ec_describe_user_groups(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(user_groups, one_that_is_attached_cannot_be_deleted)
{
    const char *members[] = {"default"};
    struct ec_delete_user_group_in in = {.user_group_id = "team"};
    struct ec_delete_user_group_out out;

    people_group("team", "redis", members, 1);
    people_group("free", "redis", members, 1);
    people_attach("rg", "redis", "7.1.0", "team");
    struct ec_user_group *g = people_group_now("team");
    cr_assert_eq(g->replication_groups.count, 1);
    cr_assert_str_eq(g->replication_groups.items[0], "rg");
    expect(run_ec_delete_user_group(&in, &out), FAULT_INVALID_USER_GROUP_STATE,
           "User group team is associated with replication group rg and cannot be deleted.");
    in.user_group_id = "Free";
    must(run_ec_delete_user_group(&in, &out));
    cr_assert_str_eq(out.status, "deleting");
    cr_assert_str_eq(out.user_group_id, "free");
    expect(run_ec_delete_user_group(&in, &out), FAULT_INVALID_USER_GROUP_STATE,
           "User group free has status deleting. Only active user groups can be deleted.");
    people_settle();
    expect(run_ec_delete_user_group(&in, &out), FAULT_USER_GROUP_NOT_FOUND, NULL);
}

Test(user_groups, finding_is_in_any_case)
{
    struct user_group g;

    people_group("team", "valkey", NULL, 0);
    struct call c = world_call();
    must(user_groups_find(&c, "TEAM", &g));
    cr_assert_str_eq(g.name, "team");
}
