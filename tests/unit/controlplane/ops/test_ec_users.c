#include "controlplane/model/quotas.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/users.h"
#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(users, .init = world_open, .fini = world_close, .timeout = 60);

static struct err describe(struct ec_describe_users_in in, struct ec_describe_users_out *out)
{
    return run_ec_describe_users(&in, out);
}

static struct ec_user *one(const char *id)
{
    struct ec_describe_users_out out;

    must(describe((struct ec_describe_users_in){.user_id = id}, &out));
    cr_assert_eq(out.users.count, 1);
    return out.users.items;
}

Test(users, the_default_user_is_there_and_stays_as_it_is)
{
    struct ec_user *u = one("Default");
    struct ec_delete_user_in gone = {.user_id = "default"};
    struct ec_delete_user_out gone_out;
    struct ec_modify_user_in change = {.user_id = "default", .access_string = "off -@all"};
    struct ec_modify_user_out changed;

    cr_assert_str_eq(u->user_id, "default");
    cr_assert_str_eq(u->user_name, "default");
    cr_assert_str_eq(u->engine, "redis");
    cr_assert_str_eq(u->status, "active");
    cr_assert_str_eq(u->access_string, "on ~* +@all");
    cr_assert_str_eq(u->authentication->type, "no-password");
    cr_assert_not(u->authentication->password_count.has);
    cr_assert_str_eq(u->minimum_engine_version, "6.0");
    cr_assert_str_eq(u->arn, "arn:aws:elasticache:us-east-1:000000000000:user:default");
    expect(run_ec_delete_user(&gone, &gone_out), FAULT_INVALID_PARAMETER_VALUE,
           "The user default cannot be deleted.");
    expect(run_ec_modify_user(&change, &changed), FAULT_INVALID_PARAMETER_VALUE,
           "The user default cannot be modified.");
}

Test(users, who_is_not_there_is_told_so)
{
    struct ec_describe_users_out out;
    struct ec_delete_user_in gone = {.user_id = "Nobody"};
    struct ec_delete_user_out gone_out;

    expect(describe((struct ec_describe_users_in){.user_id = "Nobody"}, &out), FAULT_USER_NOT_FOUND,
           "User nobody not found.");
    expect(run_ec_delete_user(&gone, &gone_out), FAULT_USER_NOT_FOUND, "User nobody not found.");
}

Test(users, pages_are_by_name_with_the_default_user_among_them)
{
    struct ec_describe_users_out out;
    const char *marker = NULL;
    int pages = 0, seen = 0;

    for (int i = 0; i < 45; i++)
        people_user(arena_printf(&world.f.arena, "%c%d", "az"[i % 2], i), NULL, "redis");
    do {
        must(describe((struct ec_describe_users_in){.max_records = INT_OF(20), .marker = marker},
                      &out));
        for (size_t i = 1; i < out.users.count; i++)
            cr_assert_lt(strcmp(out.users.items[i - 1].user_id, out.users.items[i].user_id), 0);
        seen += (int)out.users.count;
        pages++;
        marker = out.marker;
    } while (marker);
    cr_assert_eq(seen, 46);
    cr_assert_eq(pages, 3);
    expect(describe((struct ec_describe_users_in){.marker = "!"}, &out),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(describe((struct ec_describe_users_in){.max_records = INT_OF(19)}, &out),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
}

/* Which users pass, as one text. */
static const char *passing(const char *engine, struct ec_filter *filters, size_t count)
{
    struct ec_describe_users_out out;
    const char *text = "";

    must(describe(
        (struct ec_describe_users_in){
            .engine = engine, .filters = {count > 0, count, filters}
    },
        &out));
    for (size_t i = 0; i < out.users.count; i++)
        text = arena_printf(&world.f.arena, "%s%s ", text, out.users.items[i].user_id);
    return text;
}

Test(users, filters_leave_out_who_matches_none_of_their_values)
{
    const char *members[] = {"default", "ann"};
    struct ec_filter rows[] = {
        {"UserId",           STRINGS("ANN", "vik")},
        {"username",                  STRINGS("Bobby",                      "default")},
        {"Engine",        STRINGS("VALKEY")},
        {"Status",STRINGS("active")       },
        {"UserGroupId",        STRINGS("team")             },
        {"AccessType",STRINGS("x")},
    };
    struct ec_describe_users_out out;

    people_user("ann", NULL, "redis");
    people_user("bob", "Bobby", "redis");
    people_user("vik", NULL, "valkey");
    people_group("team", "redis", members, 2);
    cr_assert_str_eq(passing(NULL, NULL, 0), "ann bob default vik ");
    cr_assert_str_eq(passing("Redis", NULL, 0), "ann bob default ");
    cr_assert_str_eq(passing(NULL, &rows[0], 1), "ann vik ");
    cr_assert_str_eq(passing(NULL, &rows[1], 1), "bob default ");
    cr_assert_str_eq(passing(NULL, &rows[2], 1), "vik ");
    cr_assert_str_eq(passing(NULL, &rows[3], 1), "ann bob default vik ");
    cr_assert_str_eq(passing(NULL, &rows[4], 1), "ann default ");
    cr_assert_str_eq(passing("redis", rows, 1), "ann ");
    cr_assert_str_eq(passing(NULL, rows, 3), "");
    expect(describe(
               (struct ec_describe_users_in){
                   .filters = {true, 1, &rows[5]}
    },
               &out),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(describe((struct ec_describe_users_in){.user_id = "ann", .engine = "valkey"}, &out),
           FAULT_USER_NOT_FOUND, "User ann not found.");
}

Test(users, a_filtered_list_has_pages_too)
{
    struct ec_filter filter = {"Engine", STRINGS("valkey")};
    struct ec_describe_users_in in = {
        .max_records = INT_OF(20), .filters = {true, 1, &filter}
    };
    struct ec_describe_users_out out;

    for (int i = 10; i < 60; i++)
        people_user(arena_printf(&world.f.arena, "u%d", i), NULL, i % 2 ? "valkey" : "redis");
    must(run_ec_describe_users(&in, &out));
    cr_assert_eq(out.users.count, 20);
    cr_assert_str_eq(out.users.items[19].user_id, "u49");
    in.marker = out.marker;
    must(run_ec_describe_users(&in, &out));
    cr_assert_eq(out.users.count, 5);
    cr_assert_null(out.marker);
}

Test(users, one_that_is_deleted_leaves_its_groups)
{
    const char *members[] = {"default", "ann"};
    struct ec_delete_user_in in = {.user_id = "Ann"};
    struct ec_delete_user_out out, again;
    struct ec_describe_users_out none;
    struct ec_user_group *g;

    people_user("ann", NULL, "redis");
    people_group("team", "redis", members, 2);
    must(run_ec_delete_user(&in, &out));
    cr_assert_str_eq(out.status, "deleting");
    cr_assert_eq(out.user_group_ids.count, 0);
    g = people_group_now("team");
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_eq(g->user_ids.count, 2);
    cr_assert_eq(g->pending_changes->user_ids_to_remove.count, 1);
    cr_assert_str_eq(g->pending_changes->user_ids_to_remove.items[0], "ann");
    cr_assert_eq(g->pending_changes->user_ids_to_add.count, 0);
    expect(run_ec_delete_user(&in, &again), FAULT_INVALID_USER_STATE,
           "User ann has status deleting. Only active users can be deleted.");
    people_settle();
    expect(describe((struct ec_describe_users_in){.user_id = "ann"}, &none), FAULT_USER_NOT_FOUND,
           NULL);
    g = people_group_now("team");
    cr_assert_str_eq(g->status, "active");
    cr_assert_eq(g->user_ids.count, 1);
    cr_assert_null(g->pending_changes);
    people_user("ann", NULL, "redis"); /* the name is free */
}

Test(users, a_group_of_engine_redis_keeps_its_default_user)
{
    const char *members[] = {"mine"}, *valkeys[] = {"mine"};
    struct ec_delete_user_in in = {.user_id = "mine"};
    struct ec_delete_user_out out;
    struct ec_delete_user_group_in group = {.user_group_id = "team"};
    struct ec_delete_user_group_out group_out;

    people_user("mine", "default", "redis");
    people_group("team", "redis", members, 1);
    people_group("vteam", "valkey", valkeys, 1);
    expect(run_ec_delete_user(&in, &out), FAULT_DEFAULT_USER_ASSOCIATED_TO_USER_GROUP,
           "User mine is the default user of user group team and cannot be deleted.");
    must(run_ec_delete_user_group(&group, &group_out));
    people_settle();
    must(run_ec_delete_user(&in, &out)); /* the other one does without */
}

Test(users, tags_are_for_users_and_groups_as_for_everything)
{
    const char *members[] = {"default"};
    struct ec_tag tag = {"k", "v"};
    struct ec_list_tags_for_resource_out listed;

    people_user("ann", NULL, "redis");
    people_group("team", "redis", members, 1);
    for (int i = 0; i < 2; i++) {
        const char *arn = i ? "arn:aws:elasticache:us-east-1:000000000000:user:Ann"
                            : "arn:aws:elasticache:us-east-1:000000000000:usergroup:Team";
        struct ec_add_tags_to_resource_in add = {
            .resource_name = arn, .tags = {true, 1, &tag}
        };
        struct ec_add_tags_to_resource_out added;
        struct ec_list_tags_for_resource_in ask = {.resource_name = arn};
        must(run_ec_add_tags_to_resource(&add, &added));
        must(run_ec_list_tags_for_resource(&ask, &listed));
        cr_assert_eq(listed.tag_list.count, 1);
    }
}

Test(users, finding_is_in_any_case)
{
    struct user u;

    people_user("ann", NULL, "redis");
    struct call c = world_call();
    must(users_find(&c, "ANN", &u));
    cr_assert_str_eq(u.name, "ann");
}
