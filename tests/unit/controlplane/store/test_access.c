#include "controlplane/store/access.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/users.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(access);

static struct user_group user_group(const char *name, int64_t revision)
{
    struct user_group g = {.account = "000000000000",
                           .region = "us-east-1",
                           .name = name,
                           .engine = "redis",
                           .revision = revision,
                           .is_wanted = true};

    must(store_user_group_insert(f.tx, &g));
    return g;
}

/* A running node of a cluster on the host. */
static struct node node(struct cluster *c, const struct host *h, int port, const char *applied)
{
    struct node n = fixture_node(&f, c->id, "0001");
    struct node_goal goal = {.host_id = h->id,
                             .address = "127.77.0.1",
                             .port = port,
                             .state = NODE_RUNNING,
                             .boot_count = 1};
    struct node_saw saw = {.has = true,
                           .host_id = h->id,
                           .state = NODE_RUNNING,
                           .boot_count = 1,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = applied,
                           .role = ""};
    bool is_changed;

    must(store_goal_set(f.tx, n.id, &goal));
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    return n;
}

static struct cluster member(const char *name, int64_t group_id)
{
    struct cluster c = fixture_cluster(&f, name, "redis");

    c.group_id = group_id;
    must(store_cluster_update(f.tx, &c));
    return c;
}

Test(access, everybody_may_enter_until_somebody_says_otherwise)
{
    struct replication_group rg = fixture_group(&f, "rg");
    struct user_group ug = user_group("ug", 2);
    struct cache_access x;

    must(store_access_get(f.tx, rg.id, 0, &x));
    cr_assert_eq(x.revision, 0);
    cr_assert_eq(x.user_group_id, 0);
    cr_assert_str_eq(x.token.digests, "");
    x.user_group_id = ug.id;
    x.revision = 3;
    must(store_access_put(f.tx, &x));
    x.user_group_id = 0;
    x.token = (struct auth_token){"aa,bb", true, 77};
    x.revision = 4;
    must(store_access_put(f.tx, &x));
    must(store_access_get(f.tx, rg.id, 0, &x));
    cr_assert_eq(x.replication_group_id, rg.id);
    cr_assert_eq(x.user_group_id, 0);
    cr_assert_str_eq(x.token.digests, "aa,bb");
    cr_assert(x.token.is_optional);
    cr_assert_eq(x.token.modified_ms, 77);
    cr_assert_eq(x.revision, 4);
    must(store_group_remove(f.tx, rg.id, "arn"));
    must(store_access_get(f.tx, rg.id, 0, &x));
    cr_assert_eq(x.revision, 0);
}

Test(access, clusters_outside_of_groups_have_their_own)
{
    struct cluster c1 = fixture_cluster(&f, "c1", "redis"), c2 = fixture_cluster(&f, "c2", "redis");
    struct cache_access x = {.cluster_id = c1.id, .token = {.digests = "aa"}, .revision = 2};

    must(store_access_put(f.tx, &x));
    must(store_access_get(f.tx, 0, c1.id, &x));
    cr_assert_str_eq(x.token.digests, "aa");
    must(store_access_get(f.tx, 0, c2.id, &x));
    cr_assert_str_eq(x.token.digests, "");
}

Test(access, a_cluster_is_read_with_how_it_is_entered)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct user_group ug = user_group("ug", 9);
    struct cache_access x = {
        .cluster_id = c.id, .token = {"aa", false, 77},
             .revision = 2
    };

    must(store_cluster_get(f.tx, c.id, &c));
    cr_assert_not(c.entry.has_token);
    cr_assert_eq(c.entry.revision, 0);
    must(store_access_put(f.tx, &x));
    must(store_cluster_get(f.tx, c.id, &c));
    cr_assert(c.entry.has_token);
    cr_assert_not(c.entry.is_token_rotated);
    cr_assert_eq(c.entry.token_modified_ms, 77);
    cr_assert_eq(c.entry.revision, 2);
    x.token.digests = "aa,bb";
    must(store_access_put(f.tx, &x));
    must(store_cluster_get(f.tx, c.id, &c));
    cr_assert(c.entry.is_token_rotated);
    x.token = (struct auth_token){"", false, 78};
    x.user_group_id = ug.id;
    must(store_access_put(f.tx, &x));
    must(store_cluster_get(f.tx, c.id, &c));
    cr_assert_str_eq(c.entry.user_group, "ug");
    cr_assert_not(c.entry.has_token);
    cr_assert_eq(c.entry.revision, 9, "that of the group is the later one");
}

Test(access, a_user_group_tells_where_it_is_attached)
{
    struct user_group one = user_group("one", 2), two = user_group("two", 2);
    int64_t ids[] = {two.id, one.id};
    struct attachment *list;
    size_t count;

    for (int i = 0; i < 3; i++) {
        struct replication_group rg = fixture_group(&f, (const char *[]){"b", "a", "c"}[i]);
        struct cache_access x = {.replication_group_id = rg.id,
                                 .user_group_id = i < 2 ? one.id : two.id,
                                 .token = {.digests = ""},
                                 .revision = 3};
        must(store_access_put(f.tx, &x));
    }
    must(store_access_attachments(f.tx, ids, 2, &list, &count));
    cr_assert_eq(count, 3);
    cr_assert_str_eq(list[0].cache, "a");
    cr_assert_str_eq(list[1].cache, "b");
    cr_assert_eq(list[2].user_group_id, two.id);
    cr_assert_str_eq(list[0].engine, "redis");
    cr_assert_str_eq(list[0].engine_version, "7.1.0");
    cr_assert_eq(list[0].cluster_id, 0);
}

Test(access, what_a_group_had_its_last_member_has_and_the_other_way_round)
{
    struct user_group team = user_group("team", 2);
    struct replication_group rg = fixture_group(&f, "rg");
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct cache_access x = {
        .replication_group_id = rg.id,
        .user_group_id = team.id,
        .token = {"", false, 77},
        .revision = 3
    };
    struct attachment *list;
    size_t count;

    must(store_access_put(f.tx, &x));
    must(store_access_to_cluster(f.tx, rg.id, c.id));
    must(store_group_remove(f.tx, rg.id, "arn"));
    must(store_access_get(f.tx, 0, c.id, &x));
    cr_assert_eq(x.user_group_id, team.id);
    cr_assert_eq(x.token.modified_ms, 77);
    cr_assert_eq(x.revision, 3);
    must(store_access_attachments(f.tx, &team.id, 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].cluster_id, c.id);
    cr_assert_str_eq(list[0].cache, "c1");
    cr_assert_str_eq(list[0].engine, "redis");
    rg = fixture_group(&f, "again");
    must(store_access_to_group(f.tx, c.id, rg.id));
    must(store_access_get(f.tx, rg.id, 0, &x));
    cr_assert_eq(x.user_group_id, team.id);
    must(store_access_get(f.tx, 0, c.id, &x));
    cr_assert_eq(x.user_group_id, 0);
}

Test(access, hosts_are_told_once_of_each_change)
{
    struct host h1 = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct host h2 = fixture_host(&f, "h2", "us-east-1b", "127.77.1.0/24", 1LL << 32);
    struct replication_group rg = fixture_group(&f, "rg");
    struct user_group ug = user_group("ug", 2);
    struct cluster c = member("rg-001", rg.id), other = fixture_cluster(&f, "c", "redis");
    struct cache_access x = {.replication_group_id = rg.id,
                             .user_group_id = ug.id,
                             .token = {.digests = ""},
                             .revision = 3};
    int64_t first, now, second;
    bool any = false;

    node(&c, &h1, 1, "");
    node(&other, &h2, 2, "");
    must(store_host_generation(f.tx, h1.id, &first));
    must(store_host_generation(f.tx, h2.id, &second));
    must(store_access_tell(f.tx, &any));
    cr_assert_not(any);
    must(store_access_put(f.tx, &x));
    must(store_access_tell(f.tx, &any));
    cr_assert(any);
    must(store_host_generation(f.tx, h1.id, &now));
    cr_assert_eq(now, first + 1);
    any = false;
    must(store_access_tell(f.tx, &any));
    cr_assert_not(any);
    ug.revision = 9;
    must(store_user_group_update(f.tx, &ug));
    must(store_access_tell(f.tx, &any));
    cr_assert(any);
    must(store_host_generation(f.tx, h1.id, &now));
    cr_assert_eq(now, first + 2);
    must(store_host_generation(f.tx, h2.id, &now));
    cr_assert_eq(now, second); /* it has nothing to do with it */
}

Test(access, sights_are_of_running_nodes_that_can_be_heard)
{
    struct host h1 = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct host h2 = fixture_host(&f, "h2", "us-east-1b", "127.77.1.0/24", 1LL << 32);
    struct replication_group rg = fixture_group(&f, "rg");
    struct user_group ug = user_group("ug", 5);
    struct cluster c1 = member("rg-001", rg.id), c2 = member("rg-002", rg.id);
    struct cache_access x = {.replication_group_id = rg.id,
                             .user_group_id = ug.id,
                             .token = {.digests = ""},
                             .revision = 3};
    struct access_sight *list;
    size_t count;

    must(store_access_put(f.tx, &x));
    node(&c1, &h1, 1, "p0.u4.r0.t0");
    node(&c2, &h2, 2, "");
    must(store_access_sights(f.tx, ug.id, &list, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(list[0].cluster, "rg-001");
    cr_assert_str_eq(list[0].number, "0001");
    cr_assert_eq(list[0].revision, 5);
    cr_assert_str_eq(list[0].applied_settings, "p0.u4.r0.t0");
    must(store_host_silence(f.tx, h2.id, true, 1000));
    must(store_access_sights(f.tx, ug.id, &list, &count));
    cr_assert_eq(count, 1);
}

Test(access, a_host_learns_how_its_own_caches_are_entered)
{
    struct host h1 = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct host h2 = fixture_host(&f, "h2", "us-east-1b", "127.77.1.0/24", 1LL << 32);
    struct replication_group rg = fixture_group(&f, "rg");
    struct user_group ug = user_group("ug", 5);
    struct cluster c1 = member("rg-001", rg.id), c2 = fixture_cluster(&f, "c2", "redis");
    struct cache_access x = {.replication_group_id = rg.id,
                             .user_group_id = ug.id,
                             .token = {.digests = ""},
                             .revision = 3};
    struct cache_access y = {
        .cluster_id = c2.id, .token = {"aa", true, 9},
             .revision = 7
    };
    struct host_access *list;
    size_t count;

    must(store_access_put(f.tx, &x));
    must(store_access_put(f.tx, &y));
    node(&c1, &h1, 1, "");
    node(&c2, &h1, 2, "");
    must(store_host_access(f.tx, h1.id, &list, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(list[0].cluster_id, c1.id);
    cr_assert_eq(list[0].user_group_id, ug.id);
    cr_assert_eq(list[0].revision, 5);
    cr_assert_eq(list[1].user_group_id, 0);
    cr_assert_str_eq(list[1].token.digests, "aa");
    cr_assert(list[1].token.is_optional);
    cr_assert_eq(list[1].revision, 7);
    must(store_host_access(f.tx, h2.id, &list, &count));
    cr_assert_eq(count, 0);
}
