#include "../store/fixture.h"
#include "base/clock.h"
#include "controlplane/reconcile/access.h"
#include "controlplane/reconcile/reconcile.h"
#include "controlplane/store/access.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/users.h"

#include <criterion/criterion.h>

#include <stdatomic.h>
#include <string.h>

#define NOW_MS 1000000

FIXTURE_SUITE(access_look);

Test(access_look, the_first_node_that_lacks_its_revision_is_the_one_to_wait_for)
{
    static const struct {
        const char *applied[2];
        int laggard; /* -1: none */
    } rows[] = {
        {{"p0.u7.r0.t0", "p1.u7.r2.t3"},  -1},
        {{"p0.u9.r0.t0", "p1.u8.r2f.t3"}, -1},
        {{"p0.u7.r0.t0", "p0.u6.r0.t0"},  1 },
        {{"", "p0.u6.r0.t0"},             0 },
        {{"p0.u7.r0.t0", "nonsense"},     1 },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct access_sight sights[] = {
            {"a", "0001", 7, rows[i].applied[0]},
            {"b", "0001", 7, rows[i].applied[1]},
        };
        const struct access_sight *late = access_laggard(sights, 2);
        cr_assert_eq(late ? (int)(late - sights) : -1, rows[i].laggard, "row %zu", i);
    }
    cr_assert_null(access_laggard(NULL, 0));
}

/* --- over a store --- */

static struct user_group team;
static struct user ann;
static int64_t node_id;
static struct host host;

static void add_people(int64_t settled)
{
    team = (struct user_group){.account = "000000000000",
                               .region = "us-east-1",
                               .name = "team",
                               .engine = "redis",
                               .settled_revision = settled,
                               .revised_ms = NOW_MS,
                               .is_wanted = true};
    ann = (struct user){.account = "000000000000",
                        .region = "us-east-1",
                        .name = "ann",
                        .login = "ann",
                        .engine = "redis",
                        .access = "on -@all",
                        .digests = "",
                        .revision = 1,
                        .settled_revision = 1,
                        .is_wanted = true};
    must(store_revision_next(f.tx, &team.revision));
    must(store_user_group_insert(f.tx, &team));
    must(store_user_insert(f.tx, &ann));
    must(store_member_add(f.tx, team.id, ann.id, team.revision));
    must(store_member_add(f.tx, team.id, 0, team.revision));
}

static void see(const char *applied)
{
    struct node_saw saw = {.has = true,
                           .host_id = host.id,
                           .state = NODE_RUNNING,
                           .boot_count = 1,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = applied,
                           .role = ""};
    bool is_changed;

    must(store_saw_set(f.tx, node_id, &saw, &is_changed));
}

/* A replication group of one running node, which the team is attached to. */
static int64_t attach(void)
{
    struct replication_group rg = fixture_group(&f, "rg");
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    struct cache_access x = {
        .replication_group_id = rg.id, .user_group_id = team.id, .token = {.digests = ""}};
    struct node_goal goal;

    host = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    goal = (struct node_goal){.host_id = host.id,
                              .address = "127.77.0.1",
                              .port = 6379,
                              .state = NODE_RUNNING,
                              .boot_count = 1};
    c.group_id = rg.id;
    must(store_cluster_update(f.tx, &c));
    node_id = fixture_node(&f, c.id, "0001").id;
    must(store_goal_set(f.tx, node_id, &goal));
    must(store_revision_next(f.tx, &x.revision));
    must(store_access_put(f.tx, &x));
    see("");
    return x.revision;
}

struct looked {
    bool has_goals, is_pending;
    int64_t wake_ms;
};

static struct looked look(int64_t now_ms)
{
    struct looked l = {0};

    must(access_look(f.tx, now_ms, &l.has_goals, &l.is_pending, &l.wake_ms));
    return l;
}

static const char *status_of_team(void)
{
    must(store_user_group_find(f.tx, "000000000000", "us-east-1", "team", &team));
    return access_status_word(user_group_status(&team));
}

static const char *status_of_ann(void)
{
    must(store_user_find(f.tx, "000000000000", "us-east-1", "ann", &ann));
    return access_status_word(user_status(&ann));
}

/* As ModifyUser does. */
static void change_ann(void)
{
    must(store_revision_next(f.tx, &ann.revision));
    must(store_user_update(f.tx, &ann));
    must(store_user_group_revise(f.tx, ann.id, ann.revision, NOW_MS));
}

static bool has_event(const char *message)
{
    struct event_query q = {.account = "000000000000",
                            .region = "us-east-1",
                            .source_type = "",
                            .source = "",
                            .to_ms = INT64_MAX,
                            .limit = 100};
    struct event *events;
    size_t count;

    must(store_event_list(f.tx, &q, &events, &count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(events[i].message, message) == 0)
            return true;
    return false;
}

Test(access_look, without_caches_a_change_is_in_force_at_once)
{
    add_people(0);
    cr_assert_str_eq(status_of_team(), "creating");
    struct looked l = look(NOW_MS);
    cr_assert_not(l.has_goals || l.is_pending);
    cr_assert_eq(l.wake_ms, INT64_MAX);
    cr_assert_str_eq(status_of_team(), "active");
    cr_assert(has_event("User group team created"));
    change_ann();
    cr_assert_str_eq(status_of_team(), "modifying");
    cr_assert_str_eq(status_of_ann(), "modifying");
    look(NOW_MS);
    cr_assert_str_eq(status_of_team(), "active");
    cr_assert_str_eq(status_of_ann(), "active");
    cr_assert(has_event("Finished modifying user ann"));
    cr_assert(has_event("Finished modifying user group team"));
}

Test(access_look, hosts_are_told_and_nodes_waited_for)
{
    add_people(1);
    look(NOW_MS);
    attach();
    cr_assert(look(NOW_MS).has_goals);
    cr_assert_str_eq(status_of_team(), "active"); /* attaching is a matter of the cache alone */
    change_ann();
    struct looked l = look(NOW_MS);
    cr_assert(l.has_goals && l.is_pending);
    cr_assert_eq(l.wake_ms, NOW_MS + ACCESS_LIMIT_MS);
    l = look(NOW_MS + 1);
    cr_assert_not(l.has_goals); /* once is enough */
    cr_assert_str_eq(status_of_team(), "modifying");
    cr_assert_str_eq(status_of_ann(), "modifying");
    see(arena_printf(&f.arena, "p0.u%lld.r1.t0", (long long)ann.revision));
    cr_assert_not(look(NOW_MS + 2).is_pending);
    cr_assert_str_eq(status_of_team(), "active");
    cr_assert_str_eq(status_of_ann(), "active");
}

Test(access_look, silent_hosts_and_stopped_nodes_are_not_waited_for)
{
    add_people(1);
    attach();
    change_ann();
    cr_assert(look(NOW_MS).is_pending);
    must(store_host_silence(f.tx, host.id, true, 1000));
    cr_assert_not(look(NOW_MS).is_pending);
    cr_assert_str_eq(status_of_ann(), "active");
}

Test(access_look, nobody_waits_for_ever)
{
    add_people(1);
    attach();
    change_ann();
    cr_assert(look(NOW_MS + ACCESS_LIMIT_MS - 1).is_pending);
    cr_assert_not(look(NOW_MS + ACCESS_LIMIT_MS).is_pending);
    cr_assert_str_eq(status_of_ann(), "active");
    cr_assert(has_event("Not all nodes have the changes of user group team yet: cache node 0001 of "
                        "rg-001"));
}

Test(access_look, what_is_deleted_goes_when_nobody_can_come_in_by_it)
{
    int64_t revision;

    add_people(1);
    attach();
    look(NOW_MS);
    must(store_revision_next(f.tx, &revision));
    ann.is_wanted = false;
    ann.revision = revision;
    must(store_user_update(f.tx, &ann));
    must(store_user_group_revise(f.tx, ann.id, revision, NOW_MS));
    must(store_member_drop_all(f.tx, ann.id, revision));
    look(NOW_MS);
    cr_assert_str_eq(status_of_ann(), "deleting");
    see(arena_printf(&f.arena, "p0.u%lld.r1.t0", (long long)revision));
    look(NOW_MS);
    cr_assert(
        err_is(store_user_find(f.tx, "000000000000", "us-east-1", "ann", &ann), ERR_NOT_FOUND));
    cr_assert(has_event("User ann deleted"));
    cr_assert_str_eq(status_of_team(), "active");
}

Test(access_look, a_deleted_group_is_forgotten)
{
    add_people(1);
    look(NOW_MS);
    must(store_user_group_find(f.tx, "000000000000", "us-east-1", "team", &team));
    must(store_revision_next(f.tx, &team.revision));
    team.is_wanted = false;
    must(store_user_group_update(f.tx, &team));
    look(NOW_MS);
    cr_assert(err_is(store_user_group_find(f.tx, "000000000000", "us-east-1", "team", &team),
                     ERR_NOT_FOUND));
    cr_assert(has_event("User group team deleted"));
}

/* --- in the thread --- */

static atomic_int goals_told;

static void count_goals(void *context, const uint64_t *keys, size_t count)
{
    (void)context, (void)keys, (void)count;
    atomic_fetch_add(&goals_told, 1);
}

/* A word about now, read apart from the reconciler's transactions. */
static bool is_now(const char *(*status)(void), const char *word)
{
    fixture_begin(&f, STORE_READ);
    bool is_so = strcmp(status(), word) == 0;
    store_rollback(&f.tx);
    return is_so;
}

/* Waits by the store's own wake-ups where it has any. */
#define await(condition) \
    while (!(condition)) \
    store_wait(f.store, store_generation(f.store), clock_boot_ms(&clock_system) + 2)

Test(access_look, the_reconciler_looks_when_something_changed_and_when_reports_come, .timeout = 30)
{
    struct reconcile_conf conf = {.clock = &clock_system, .on_goals = count_goals};
    struct reconciler *r;

    add_people(1);
    attach();
    fixture_commit(&f);
    must(reconcile_start(f.store, &conf, &r));
    await(is_now(status_of_team, "active") && atomic_load(&goals_told) > 0);
    fixture_begin(&f, STORE_WRITE);
    must(store_revision_next(f.tx, &ann.revision));
    must(store_user_update(f.tx, &ann));
    must(store_user_group_revise(f.tx, ann.id, ann.revision, clock_wall_ms(&clock_system)));
    int told = atomic_load(&goals_told);
    fixture_commit(&f);
    await(atomic_load(&goals_told) > told);
    cr_assert(is_now(status_of_ann, "modifying"));
    fixture_begin(&f, STORE_WRITE);
    see(arena_printf(&f.arena, "p0.u%lld.r1.t0", (long long)ann.revision));
    fixture_commit(&f);
    await(is_now(status_of_ann, "active"));
    reconcile_stop(r);
}
