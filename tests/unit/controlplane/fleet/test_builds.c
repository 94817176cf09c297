#include "../store/fixture.h"
#include "controlplane/fleet/builds.h"
#include "controlplane/store/updates.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(builds);

static struct host h;
static struct cluster c;

/* The cluster has a node on the host that runs that build. */
static void run_node(const char *build)
{
    struct node_goal goal = {.address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING};
    struct node_saw saw = {.has = true,
                           .state = NODE_RUNNING,
                           .boot_count = 1,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .build = build,
                           .role = ""};
    bool is_changed;

    h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1 << 30);
    c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    goal.host_id = saw.host_id = h.id;
    must(store_goal_set(f.tx, n.id, &goal));
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
}

static void come_with(const char *engines)
{
    const char *before;

    must(builds_offered_before(f.tx, h.id, &before));
    h.engines = engines;
    must(store_host_put(f.tx, &h));
    must(builds_record(f.tx, &h, before));
}

static size_t events(void)
{
    struct event_query q = {.account = c.account,
                            .region = c.region,
                            .source_type = "cache-cluster",
                            .source = "c1",
                            .to_ms = INT64_MAX,
                            .limit = 100};
    struct event *list;
    size_t count, told = 0;

    must(store_event_list(f.tx, &q, &list, &count));
    for (size_t i = 0; i < count; i++)
        told += strcmp(list[i].message, "Service update is available for cache node 0001.") == 0;
    return told;
}

Test(builds, owners_of_older_nodes_are_told_once)
{
    struct service_update *list;
    size_t count;

    run_node("0.1.0");
    come_with("bundled=0.1.0 redis=7.0.15");
    come_with("bundled=0.1.0 redis=7.0.15");
    cr_assert_eq(events(), 0);
    come_with("bundled=0.1.1 redis=7.0.15");
    cr_assert_eq(events(), 1);
    come_with("bundled=0.1.1 redis=7.2.6");
    cr_assert_eq(events(), 1, "another start of the agent is no news");
    come_with("redis=7.2.6");
    cr_assert_eq(events(), 1);
    must(store_update_list(f.tx, h.region, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].build, "0.1.1");
}

Test(builds, nodes_that_have_it_already_are_not_told)
{
    run_node("0.2.0");
    come_with("bundled=0.1.0");
    come_with("bundled=0.1.1");
    cr_assert_eq(events(), 0);
}
