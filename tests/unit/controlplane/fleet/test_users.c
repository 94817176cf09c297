#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/goals.h"
#include "controlplane/fleet/users.h"
#include "controlplane/store/groups.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(host_users);

static struct host host;

static struct cluster cluster(const char *name, int64_t group_id, int port)
{
    struct cluster c = fixture_cluster(&f, name, "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.host_id = host.id,
                             .address = "127.77.0.1",
                             .port = port,
                             .state = NODE_RUNNING,
                             .boot_count = 1};

    c.group_id = group_id;
    must(store_cluster_update(f.tx, &c));
    must(store_goal_set(f.tx, n.id, &goal));
    return c;
}

/* A host with a cache that anybody may enter, one with a token, and a group's with users. */
static void furnish(struct cluster *open, struct cluster *locked, struct cluster *member)
{
    struct replication_group rg = fixture_group(&f, "rg");
    struct user_group team = {.account = "000000000000",
                              .region = "us-east-1",
                              .name = "team",
                              .engine = "redis",
                              .revision = 9,
                              .is_wanted = true};
    struct user ann = {.account = "000000000000",
                       .region = "us-east-1",
                       .name = "ann",
                       .login = "Ann",
                       .engine = "redis",
                       .access = "on ~* -@all +get",
                       .digests = "aa",
                       .is_wanted = true};
    struct user bob = ann;

    bob.name = bob.login = "bob";
    host = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    *open = cluster("open", 0, 1);
    *locked = cluster("locked", 0, 2);
    *member = cluster("rg-001", rg.id, 3);
    must(store_user_group_insert(f.tx, &team));
    must(store_user_insert(f.tx, &ann));
    must(store_user_insert(f.tx, &bob));
    must(store_member_add(f.tx, team.id, ann.id, 2));
    must(store_member_add(f.tx, team.id, bob.id, 2));
    must(store_member_add(f.tx, team.id, 0, 2));
    must(store_member_drop(f.tx, team.id, bob.id, 9));
    struct cache_access x = {.cluster_id = locked->id, .token = {.digests = "cc"}, .revision = 4};
    struct cache_access y = {.replication_group_id = rg.id,
                             .user_group_id = team.id,
                             .token = {.digests = ""},
                             .revision = 5};
    must(store_access_put(f.tx, &x));
    must(store_access_put(f.tx, &y));
}

Test(host_users, each_cache_has_its_own_and_who_was_taken_out_is_not_among_them)
{
    struct cluster open, locked, member;
    struct host_users users;
    int64_t revision;

    furnish(&open, &locked, &member);
    must(host_users_load(f.tx, host.id, &users));
    cr_assert_null(host_users_of(&f.arena, &users, open.id, true, &revision));
    cr_assert_eq(revision, 0);
    struct agent_node_users *u = host_users_of(&f.arena, &users, locked.id, true, &revision);
    cr_assert_eq(revision, 4);
    cr_assert_eq(u->epoch.value, 4);
    cr_assert_eq(u->rules.count, 1);
    cr_assert(strstr(u->rules.items[0], "default on ~* +@all &*"));
    cr_assert(strstr(u->rules.items[0], " #cc"));
    u = host_users_of(&f.arena, &users, member.id, true, &revision);
    cr_assert_eq(revision, 9);
    cr_assert_eq(u->rules.count, 2);
    cr_assert_str_eq(u->rules.items[0], "Ann on ~* -@all +get #aa");
    cr_assert_eq(strncmp(u->rules.items[1], "default on ~* +@all", 19), 0);
}

Test(host_users, goals_carry_them_under_their_revision)
{
    struct cluster open, locked, member;
    struct agent_node_goal_list goals = {0};

    furnish(&open, &locked, &member);
    must(goals_of_host(f.tx, host.id, SINCE_EVER, &goals));
    cr_assert_eq(goals.count, 3);
    cr_assert_null(goals.items[0].users);
    cr_assert(strstr(goals.items[0].settings_version, ".u0."));
    cr_assert_eq(goals.items[1].users->epoch.value, 4);
    cr_assert(strstr(goals.items[1].settings_version, ".u4."));
    cr_assert_eq(goals.items[2].users->rules.count, 2);
    cr_assert(strstr(goals.items[2].settings_version, ".u9."));
}
