#include "../store/fixture.h"
#include "base/str.h"
#include "controlplane/reconcile/discovery.h"

#include <criterion/criterion.h>

#include <string.h>

static struct fixture f;
static struct view view;
static struct node nodes[3];

static void open_fixture(void)
{
    static const char *const addresses[] = {"127.77.0.3", "127.77.0.1", "127.77.0.2"};

    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1000);
    view = (struct view){
        .cluster = fixture_cluster(&f, "c1", "memcached"), .nodes = {nodes, 3}
    };
    for (size_t i = 0; i < 3; i++) {
        nodes[i] = fixture_node(&f, view.cluster.id, (const char *[]){"0001", "0002", "0003"}[i]);
        nodes[i].goal = (struct node_goal){.has = true,
                                           .host_id = h.id,
                                           .address = addresses[i],
                                           .second_address = i == 0 ? "fd00::3" : "",
                                           .port = 11211,
                                           .state = NODE_RUNNING};
        must(store_goal_set(f.tx, nodes[i].id, &nodes[i].goal));
    }
}

static void close_fixture(void)
{
    fixture_close(&f);
}

TestSuite(discovery, .init = open_fixture, .fini = close_fixture);

/* What is told after a look; NULL when that changed nothing. */
static const char *look(const char *dns_zone)
{
    struct host_node *list;
    bool is_changed = false;
    size_t count;

    must(discovery_look(f.tx, dns_zone, &view, &is_changed));
    must(store_host_nodes(f.tx, nodes[0].goal.host_id, SINCE_EVER, &list, &count));
    return is_changed ? list[0].nodes : NULL;
}

Test(discovery, nodes_that_run_are_told_of_by_the_alphabet)
{
    cr_assert_str_eq(look(NULL), "127.77.0.1|127.77.0.1|11211 127.77.0.2|127.77.0.2|11211 "
                                 "127.77.0.3|127.77.0.3|11211");
    cr_assert_null(look(NULL));
    nodes[1].is_wanted = false;
    nodes[2].goal.state = NODE_STOPPED;
    cr_assert_str_eq(look(NULL), "127.77.0.3|127.77.0.3|11211");
    view.cluster.reach = (struct reach){NETWORK_DUAL_STACK, FAMILY_IPV6};
    cr_assert_str_eq(look(NULL), "fd00::3|fd00::3|11211");
}

Test(discovery, names_are_told_where_they_lead_somewhere)
{
    view.nodes.count = 1;
    const char *told = look("cache.test");
    cr_assert(str_starts(str_of(told), "c1."));
    cr_assert(str_ends(str_of(told), ".0001.use1.cache.test|127.77.0.3|11211"), "%s", told);
}

Test(discovery, other_clusters_tell_nothing)
{
    view.cluster.engine = "redis";
    cr_assert_null(look(NULL));
    view.cluster.engine = "memcached";
    view.is_removed = true;
    cr_assert_null(look(NULL));
    view.is_removed = false;
    view.nodes.count = 0;
    cr_assert_null(look(NULL));
}
