#include "controlplane/store/users.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(user_groups);

#define ACCOUNT "000000000000"
#define REGION  "us-east-1"

static struct user_group add(const char *name, int64_t revision)
{
    struct user_group g = {.account = ACCOUNT,
                           .region = REGION,
                           .name = name,
                           .engine = "redis",
                           .revision = revision,
                           .revised_ms = 5,
                           .is_wanted = true,
                           .created_ms = 4};

    must(store_user_group_insert(f.tx, &g));
    return g;
}

static struct user add_user(const char *name)
{
    struct user u = {.account = ACCOUNT,
                     .region = REGION,
                     .name = name,
                     .login = name,
                     .engine = "redis",
                     .access = "on -@all",
                     .digests = "",
                     .revision = 1,
                     .settled_revision = 1,
                     .is_wanted = true};

    must(store_user_insert(f.tx, &u));
    return u;
}

Test(user_groups, every_column_survives_the_round_trip)
{
    struct user_group g = add("g1", 9), found;

    must(store_user_group_find(f.tx, ACCOUNT, REGION, "g1", &found));
    cr_assert_eq(found.id, g.id);
    cr_assert_eq(found.revision, 9);
    cr_assert_eq(found.settled_revision, 0);
    cr_assert_eq(found.revised_ms, 5);
    cr_assert_eq(found.created_ms, 4);
    g.engine = "valkey";
    g.revision = 10;
    g.revised_ms = 6;
    g.is_wanted = false;
    must(store_user_group_update(f.tx, &g));
    must(store_user_group_settle(f.tx, &g));
    must(store_user_group_find(f.tx, ACCOUNT, REGION, "g1", &found));
    cr_assert_str_eq(found.engine, "valkey");
    cr_assert_eq(found.settled_revision, 10);
    cr_assert_eq(found.revised_ms, 6);
    cr_assert_not(found.is_wanted);
    cr_assert(err_is(store_user_group_insert(f.tx, &g), ERR_EXISTS));
    cr_assert(err_is(store_user_group_find(f.tx, ACCOUNT, REGION, "g2", &found), ERR_NOT_FOUND));
}

Test(user_groups, lists_are_paged_by_name_and_counted)
{
    struct user_group *page;
    size_t count;
    int64_t total;

    add("b", 2);
    add("c", 2);
    add("a", 2);
    must(store_user_group_list(f.tx, ACCOUNT, REGION, "a", 1, &page, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(page[0].name, "b");
    must(store_user_group_count(f.tx, ACCOUNT, REGION, &total));
    cr_assert_eq(total, 3);
}

Test(user_groups, members_come_with_all_that_is_known_of_them)
{
    struct user_group g1 = add("g1", 2), g2 = add("g2", 2);
    struct user alice = add_user("alice"), zed = add_user("zed");
    int64_t groups[] = {g2.id, g1.id}, users[] = {alice.id, 0};
    struct member_list list;

    must(store_member_add(f.tx, g1.id, zed.id, 2));
    must(store_member_add(f.tx, g1.id, 0, 2));
    must(store_member_add(f.tx, g1.id, alice.id, 3));
    must(store_member_add(f.tx, g2.id, alice.id, 2));
    must(store_member_list(f.tx, groups, 2, &list));
    cr_assert_eq(list.count, 4);
    cr_assert_str_eq(list.items[0].user.name, "alice");
    cr_assert_eq(list.items[0].added_revision, 3);
    cr_assert_str_eq(list.items[1].user.name, "default");
    cr_assert_str_eq(list.items[1].user.access, "on ~* +@all");
    cr_assert_str_eq(list.items[1].user.account, ACCOUNT);
    cr_assert_str_eq(list.items[2].user.login, "zed");
    cr_assert_str_eq(list.items[2].group, "g1");
    cr_assert_str_eq(list.items[2].group_engine, "redis");
    cr_assert_eq(list.items[3].group_id, g2.id);
    must(store_membership_list(f.tx, ACCOUNT, REGION, users, 2, &list));
    cr_assert_eq(list.count, 3);
    cr_assert_eq(list.items[0].user.id, 0);
    cr_assert_str_eq(list.items[1].group, "g1");
    cr_assert_str_eq(list.items[2].group, "g2");
    must(store_membership_list(f.tx, "111111111111", REGION, users, 2, &list));
    cr_assert_eq(list.count, 0); /* the default user of another account */
}

Test(user_groups, who_leaves_is_known_until_that_is_in_force)
{
    struct user_group g = add("g", 2), other = add("o", 2);
    struct user u = add_user("u");
    int64_t ids[] = {g.id, other.id};
    struct user_group *unsettled;
    struct member_list list;
    size_t count;

    must(store_member_add(f.tx, g.id, u.id, 2));
    must(store_member_add(f.tx, g.id, 0, 2));
    must(store_member_add(f.tx, other.id, u.id, 2));
    must(store_user_group_settle(f.tx, &g));
    must(store_user_group_settle(f.tx, &other));
    must(store_user_group_unsettled(f.tx, &unsettled, &count));
    cr_assert_eq(count, 0);

    must(store_user_group_revise(f.tx, u.id, 7, 1234));
    must(store_member_drop(f.tx, g.id, u.id, 7));
    must(store_user_group_unsettled(f.tx, &unsettled, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(unsettled[0].revision, 7);
    cr_assert_eq(unsettled[0].revised_ms, 1234);
    must(store_member_list(f.tx, ids, 2, &list));
    cr_assert_eq(list.count, 3);
    cr_assert_eq(list.items[1].removed_revision, 7);
    must(store_user_group_revise(f.tx, u.id, 8, 1235)); /* those that it stays in */
    must(store_user_group_unsettled(f.tx, &unsettled, &count));
    cr_assert_eq(unsettled[0].revision, 7);
    cr_assert_eq(unsettled[1].revision, 8);
    must(store_user_group_settle(f.tx, &unsettled[0]));
    must(store_member_drop_all(f.tx, u.id, 9));
    must(store_member_list(f.tx, ids, 2, &list));
    cr_assert_eq(list.count, 2);
    cr_assert_eq(list.items[1].removed_revision, 9);
}

Test(user_groups, one_that_is_gone_takes_members_and_tags_along)
{
    struct user_group g = add("g", 2), found;
    struct member_list list;
    struct tag *tags;
    size_t count;

    must(store_member_add(f.tx, g.id, 0, 2));
    must(store_tag_put(f.tx, ACCOUNT, REGION, "arn", "k", "v"));
    must(store_user_group_remove(f.tx, g.id, "arn"));
    cr_assert(err_is(store_user_group_find(f.tx, ACCOUNT, REGION, "g", &found), ERR_NOT_FOUND));
    must(store_member_list(f.tx, &g.id, 1, &list));
    cr_assert_eq(list.count, 0);
    must(store_tag_list(f.tx, "arn", &tags, &count));
    cr_assert_eq(count, 0);
}
