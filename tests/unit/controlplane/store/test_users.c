#include "controlplane/store/users.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(users);

static struct user add(const char *name)
{
    struct user u = {.account = "000000000000",
                     .region = "us-east-1",
                     .name = name,
                     .login = "Login",
                     .engine = "redis",
                     .access = "on ~* +@all",
                     .authentication = AUTHENTICATION_PASSWORD,
                     .digests = "aa,bb",
                     .revision = 1,
                     .settled_revision = 1,
                     .is_wanted = true,
                     .created_ms = 7};

    must(store_user_insert(f.tx, &u));
    return u;
}

static struct err find(const char *name, struct user *out)
{
    return store_user_find(f.tx, "000000000000", "us-east-1", name, out);
}

Test(users, every_column_survives_the_round_trip)
{
    struct user u = add("u1"), found;

    must(find("u1", &found));
    cr_assert_eq(found.id, u.id);
    cr_assert_str_eq(found.account, "000000000000");
    cr_assert_str_eq(found.region, "us-east-1");
    cr_assert_str_eq(found.login, "Login");
    cr_assert_str_eq(found.digests, "aa,bb");
    cr_assert_eq(found.authentication, AUTHENTICATION_PASSWORD);
    cr_assert_eq(found.settled_revision, 1);
    cr_assert_eq(found.created_ms, 7);
    u.engine = "valkey";
    u.access = "off -@all";
    u.authentication = AUTHENTICATION_IAM;
    u.digests = "";
    u.revision = 5;
    u.is_wanted = false;
    must(store_user_update(f.tx, &u));
    must(find("u1", &found));
    cr_assert_str_eq(found.engine, "valkey");
    cr_assert_str_eq(found.access, "off -@all");
    cr_assert_eq(found.authentication, AUTHENTICATION_IAM);
    cr_assert_str_eq(found.digests, "");
    cr_assert_eq(found.revision, 5);
    cr_assert_eq(found.settled_revision, 1); /* reconcile's */
    cr_assert_not(found.is_wanted);
    u.id = 99;
    cr_assert(err_is(store_user_update(f.tx, &u), ERR_NOT_FOUND));
}

Test(users, a_name_is_taken_once_in_an_account_and_region)
{
    struct user again = add("u1");

    cr_assert(err_is(store_user_insert(f.tx, &again), ERR_EXISTS));
    again.region = "eu-west-1";
    must(store_user_insert(f.tx, &again));
}

Test(users, the_default_user_is_everywhere_and_counts_for_nothing)
{
    struct user_list list;
    struct user found;
    int64_t count;

    must(store_user_find(f.tx, "999999999999", "eu-west-1", "default", &found));
    cr_assert_eq(found.id, 0);
    cr_assert_str_eq(found.account, "999999999999");
    cr_assert_str_eq(found.login, "default");
    cr_assert_str_eq(found.access, "on ~* +@all");
    cr_assert_eq(user_status(&found), ACCESS_ACTIVE);
    add("zed");
    add("alice");
    must(store_user_list(f.tx, "000000000000", "us-east-1", "", 10, &list));
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.items[0].name, "alice");
    cr_assert_str_eq(list.items[1].name, "default");
    cr_assert_str_eq(list.items[2].name, "zed");
    must(store_user_list(f.tx, "000000000000", "us-east-1", "alice", 1, &list));
    cr_assert_eq(list.count, 1);
    cr_assert_str_eq(list.items[0].name, "default");
    must(store_user_count(f.tx, "000000000000", "us-east-1", &count));
    cr_assert_eq(count, 2);
}

Test(users, one_that_is_gone_takes_its_tags_along)
{
    struct user u = add("u1"), found;
    struct tag *tags;
    size_t count;

    must(store_tag_put(f.tx, "000000000000", "us-east-1", "arn", "k", "v"));
    must(store_user_remove(f.tx, u.id, "arn"));
    cr_assert(err_is(find("u1", &found), ERR_NOT_FOUND));
    must(store_tag_list(f.tx, "arn", &tags, &count));
    cr_assert_eq(count, 0);
}

Test(users, revisions_grow_and_wake_who_puts_them_in_force)
{
    int64_t first, second;

    cr_assert(store_take_access(f.store)); /* at open */
    cr_assert_not(store_take_access(f.store));
    uint64_t before = store_generation(f.store);
    must(store_revision_next(f.tx, &first));
    must(store_revision_next(f.tx, &second));
    cr_assert_gt(first, 1);
    cr_assert_gt(second, first);
    cr_assert_not(store_take_access(f.store));
    fixture_commit(&f);
    cr_assert_neq(store_generation(f.store), before);
    cr_assert(store_take_access(f.store));
}

Test(users, one_is_settled_when_its_groups_are)
{
    struct user u = add("u1");
    struct user_group g = {.account = "000000000000",
                           .region = "us-east-1",
                           .name = "g",
                           .engine = "redis",
                           .revision = 2,
                           .is_wanted = true};
    struct user_list list;

    must(store_user_group_insert(f.tx, &g));
    must(store_member_add(f.tx, g.id, u.id, 2));
    must(store_user_settleable(f.tx, &list));
    cr_assert_eq(list.count, 0);
    u.revision = 3;
    must(store_user_update(f.tx, &u));
    must(store_user_settleable(f.tx, &list));
    cr_assert_eq(list.count, 0); /* the group is not */
    must(store_user_group_settle(f.tx, &g));
    must(store_user_settleable(f.tx, &list));
    cr_assert_eq(list.count, 1);
    must(store_user_settle(f.tx, &list.items[0]));
    must(store_user_settleable(f.tx, &list));
    cr_assert_eq(list.count, 0);
}
