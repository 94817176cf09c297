#include "people.h"

#include "controlplane/store/access.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/users.h"
#include "world.h"

#include <criterion/criterion.h>

void people_user(const char *id, const char *login, const char *engine)
{
    struct ec_create_user_in in = {.user_id = id,
                                   .user_name = login ? login : id,
                                   .engine = engine,
                                   .access_string = "on ~* +@all",
                                   .passwords = STRINGS("password-of-16-ch")};
    struct ec_create_user_out out;

    must(run_ec_create_user(&in, &out));
}

void people_group(const char *id, const char *engine, const char **members, size_t count)
{
    struct ec_create_user_group_in in = {
        .user_group_id = id, .engine = engine, .user_ids = {count > 0, count, members}
    };
    struct ec_create_user_group_out out;

    must(run_ec_create_user_group(&in, &out));
    people_settle();
}

void people_settle(void)
{
    struct user_group *groups;
    struct user_list users;
    size_t count;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_user_group_unsettled(world.f.tx, &groups, &count));
    for (size_t i = 0; i < count; i++)
        must(groups[i].is_wanted ? store_user_group_settle(world.f.tx, &groups[i])
                                 : store_user_group_remove(world.f.tx, groups[i].id, "arn"));
    must(store_user_settleable(world.f.tx, &users));
    for (size_t i = 0; i < users.count; i++)
        must(users.items[i].is_wanted ? store_user_settle(world.f.tx, &users.items[i])
                                      : store_user_remove(world.f.tx, users.items[i].id, "arn"));
    fixture_commit(&world.f);
}

struct ec_user *people_user_now(const char *id)
{
    struct ec_describe_users_in in = {.user_id = id};
    struct ec_describe_users_out out;

    must(run_ec_describe_users(&in, &out));
    return out.users.items;
}

struct ec_user_group *people_group_now(const char *id)
{
    struct ec_describe_user_groups_in in = {.user_group_id = id};
    struct ec_describe_user_groups_out out;

    must(run_ec_describe_user_groups(&in, &out));
    return out.user_groups.items;
}

void people_attach(const char *replication_group, const char *engine, const char *version,
                   const char *user_group)
{
    struct cache_access x = {.token = {.digests = ""}};
    struct user_group group;

    fixture_begin(&world.f, STORE_WRITE);
    struct replication_group rg = fixture_group(&world.f, replication_group);
    rg.common.engine = engine;
    rg.common.engine_version = version;
    must(store_group_update(world.f.tx, &rg));
    must(store_user_group_find(world.f.tx, "000000000000", "us-east-1", user_group, &group));
    x.replication_group_id = rg.id;
    x.user_group_id = group.id;
    must(store_revision_next(world.f.tx, &x.revision));
    must(store_access_put(world.f.tx, &x));
    fixture_commit(&world.f);
}
