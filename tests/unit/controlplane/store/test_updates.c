#include "controlplane/store/updates.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(updates);

#define REGION "us-east-1"

Test(updates, the_first_build_is_no_update_and_an_older_one_neither)
{
    struct service_update *list;
    size_t count;

    must(store_build_put(f.tx, REGION, "0.2.0", 1000));
    must(store_build_put(f.tx, REGION, "0.2.0", 2000));
    must(store_build_put(f.tx, REGION, "0.1.0", 3000));
    must(store_update_list(f.tx, REGION, &list, &count));
    cr_assert_eq(count, 0);
    must(store_build_put(f.tx, REGION, "0.10.0", 4000));
    must(store_build_put(f.tx, REGION, "0.11.0", 5000));
    must(store_update_list(f.tx, REGION, &list, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(list[0].before, "0.2.0");
    cr_assert_eq(list[0].released_ms, 4000);
    cr_assert_eq(list[0].replaced_ms, 5000);
    cr_assert_not(list[0].is_offered);
    cr_assert_str_eq(list[1].build, "0.11.0");
    cr_assert_eq(list[1].replaced_ms, 0);
    must(store_update_list(f.tx, "eu-west-1", &list, &count));
    cr_assert_eq(count, 0);
}

Test(updates, a_host_offers_what_it_reports)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.0.0.0/24", 1 << 30);
    struct service_update *list;
    size_t count;

    must(store_build_put(f.tx, REGION, "0.1.0", 1000));
    must(store_build_put(f.tx, REGION, "0.1.1", 1000));
    h.engines = "redis=7.0.15 bundled=0.1.1";
    must(store_host_put(f.tx, &h));
    must(store_update_list(f.tx, REGION, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert(list[0].is_offered);
}

Test(updates, an_action_takes_the_place_of_the_one_before)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct update_action *list, a = {.update_id = 1, .cluster_id = c.id, .applied_ms = 5};
    size_t count;

    must(store_build_put(f.tx, REGION, "0.1.0", 1000));
    struct operation o = {.kind = OPERATION_MODIFY,
                          .cluster_id = c.id,
                          .state = OPERATION_RUNNING,
                          .data = "",
                          .why = ""};
    must(store_operation_insert(f.tx, &o));
    a.operation_id = o.id;
    must(store_action_put(f.tx, &a));
    must(store_action_list(f.tx, c.account, c.region, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert(list[0].is_running);
    must(store_action_stop(f.tx, list[0].id, 77));
    o.state = OPERATION_DONE;
    must(store_operation_update(f.tx, &o));
    must(store_action_list(f.tx, c.account, c.region, &list, &count));
    cr_assert_eq(list[0].stopped_ms, 77);
    cr_assert_not(list[0].is_running);
    must(store_action_put(f.tx, &a));
    must(store_action_list(f.tx, c.account, c.region, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].stopped_ms, 0);
    cr_assert_not(list[0].is_automatic);
    a.is_automatic = true;
    must(store_action_put(f.tx, &a));
    must(store_action_list(f.tx, c.account, c.region, &list, &count));
    cr_assert(list[0].is_automatic);
}

Test(updates, places_are_those_with_clusters_where_an_update_came)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct updated_place *list;
    size_t count;

    must(store_build_put(f.tx, REGION, "0.1.0", 1000));
    must(store_updated_places(f.tx, &list, &count));
    cr_assert_eq(count, 0);
    must(store_build_put(f.tx, "eu-west-1", "0.1.0", 1000));
    must(store_build_put(f.tx, "eu-west-1", "0.1.1", 1000));
    must(store_build_put(f.tx, REGION, "0.1.1", 1000));
    must(store_updated_places(f.tx, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].region, c.region);
    cr_assert_str_eq(list[0].account, c.account);
}

Test(updates, nodes_are_listed_with_what_they_belong_to)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_saw saw = {.has = true,
                           .host_id = "h",
                           .state = NODE_RUNNING,
                           .boot_count = 1,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .role = ""};
    struct built_node *list;
    size_t count;
    bool is_changed;

    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    must(store_built_nodes(f.tx, c.account, c.region, &list, &count));
    cr_assert_eq(count, 0, "a build that nobody knows is none");
    saw.build = "0.1.0";
    saw.seen_ms = 4000;
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    cr_assert(is_changed);
    must(store_built_nodes(f.tx, c.account, c.region, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].build, "0.1.0");
    cr_assert_str_eq(list[0].cluster, "c1");
    cr_assert_eq(list[0].group_id, 0);
    cr_assert_eq(list[0].build_ms, 4000);
    cr_assert_eq(list[0].began_ms, 0);
    cr_assert_str_eq(list[0].window, c.maintenance_window);
    cr_assert_str_eq(list[0].engine_version, c.engine_version);
    cr_assert_eq(list[0].created_ms, c.created_ms);
    cr_assert_eq(list[0].takes_minor, c.auto_minor_upgrade);
    cr_assert_str_eq(list[0].offered, "", "it is on no host");
}

Test(updates, it_is_kept_when_a_node_began_anew_and_since_when_it_runs_its_build)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_saw saw = {.has = true,
                           .host_id = "h",
                           .state = NODE_RUNNING,
                           .boot_count = 1,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .build = "0.1.0",
                           .role = "",
                           .seen_ms = 1000};
    struct built_node *list;
    size_t count;
    bool is_changed;

    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    must(store_node_boot(f.tx, n.id, 2000));
    saw.state = NODE_STOPPED;
    saw.build = "";
    saw.seen_ms = 2500;
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    must(store_built_nodes(f.tx, c.account, c.region, &list, &count));
    cr_assert(list[0].has_begun);
    cr_assert_eq(list[0].began_ms, 2000);
    cr_assert_eq(list[0].build_ms, 1000, "one that is down keeps its build");
    saw.state = NODE_RUNNING;
    saw.build = "0.1.1";
    saw.boot_count++;
    saw.seen_ms = 3000;
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    must(store_built_nodes(f.tx, c.account, c.region, &list, &count));
    cr_assert_eq(list[0].build_ms, 3000);
}

Test(updates, a_host_knows_the_builds_of_its_nodes)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.0.0.0/24", 1 << 30);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {
        .host_id = h.id, .address = "127.0.0.1", .port = 6379, .state = NODE_RUNNING};
    struct node_saw saw = {.has = true,
                           .host_id = h.id,
                           .state = NODE_RUNNING,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .build = "0.1.0",
                           .role = ""};
    struct node_on_host *list;
    size_t count;
    bool is_changed;

    must(store_goal_set(f.tx, n.id, &goal));
    must(store_built_nodes_of_host(f.tx, h.id, &list, &count));
    cr_assert_eq(count, 0);
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    must(store_built_nodes_of_host(f.tx, h.id, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].cluster, "c1");
    cr_assert_str_eq(list[0].build, "0.1.0");
    must(store_built_nodes_of_host(f.tx, "other", &list, &count));
    cr_assert_eq(count, 0);
}
