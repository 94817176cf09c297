#include "fixture.h"

#include <criterion/criterion.h>

static struct fixture f;
static struct cluster cluster;
static struct host host;
static struct node node;

static void open_fixture(void)
{
    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    cluster = fixture_cluster(&f, "c1", "redis");
    host = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/18", 1 << 30);
    node = fixture_node(&f, cluster.id, "0001");
}

static void close_fixture(void)
{
    fixture_close(&f);
}

TestSuite(nodes, .init = open_fixture, .fini = close_fixture);

static struct node_goal goal_of(const char *address)
{
    return (struct node_goal){
        .has = true,
        .host_id = host.id,
        .address = address,
        .port = 6379,
        .state = NODE_RUNNING,
        .boot_count = 1,
        .memory_bytes = 512,
        .is_clustered = true,
    };
}

static struct node_saw sight(enum node_state state)
{
    return (struct node_saw){
        .has = true,
        .host_id = host.id,
        .state = state,
        .boot_count = 1,
        .pid = 42,
        .last_exit = "signal 9",
        .applied_settings = "p1.u0.r2.t3",
        .is_reboot_pending = true,
        .role = "replica",
        .term = 2,
        .offset = 77,
        .lineage = 5,
        .is_link_up = true,
        .why = "",
    };
}

static int64_t generation(const char *host_id)
{
    int64_t value;
    must(store_host_generation(f.tx, host_id, &value));
    return value;
}

Test(nodes, want_goal_and_sight_are_joined)
{
    struct node_goal goal = goal_of("127.77.0.1");
    struct node_saw saw = sight(NODE_RUNNING);
    struct node_list nodes;
    bool is_changed;

    must(store_node_list(f.tx, cluster.id, &nodes));
    cr_assert_eq(nodes.count, 1);
    cr_assert_not(nodes.items[0].goal.has);
    cr_assert_not(nodes.items[0].saw.has);
    cr_assert_str_eq(nodes.items[0].host_zone, "");

    must(store_goal_set(f.tx, node.id, &goal));
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed);
    must(store_node_list(f.tx, cluster.id, &nodes));
    cr_assert(nodes.items[0].goal.has);
    cr_assert_str_eq(nodes.items[0].goal.address, "127.77.0.1");
    cr_assert_eq(nodes.items[0].goal.state, NODE_RUNNING);
    cr_assert(nodes.items[0].goal.is_clustered);
    cr_assert_str_eq(nodes.items[0].host_zone, "us-east-1a");
    cr_assert_eq(nodes.items[0].saw.pid, 42);
    cr_assert_str_eq(nodes.items[0].saw.last_exit, "signal 9");
    cr_assert_str_eq(nodes.items[0].saw.applied_settings, "p1.u0.r2.t3");
    cr_assert(nodes.items[0].saw.is_reboot_pending);
    cr_assert_str_eq(nodes.items[0].saw.role, "replica");
    cr_assert_eq(nodes.items[0].saw.term, 2);
    cr_assert_eq(nodes.items[0].saw.offset, 77);
    cr_assert_eq(nodes.items[0].saw.lineage, 5);
    cr_assert(nodes.items[0].saw.is_link_up);
}

static bool is_used(const char *address, int port)
{
    bool is_used = false;

    must(store_address_is_used(f.tx, address, port, &is_used));
    return is_used;
}

Test(nodes, both_addresses_are_taken)
{
    struct node second = fixture_node(&f, cluster.id, "0002");
    struct node_goal goal = goal_of("127.77.0.1");
    struct node_list nodes;

    goal.second_address = "fd00::1";
    must(store_goal_set(f.tx, node.id, &goal));
    must(store_node_list(f.tx, cluster.id, &nodes));
    cr_assert_str_eq(nodes.items[0].goal.second_address, "fd00::1");
    static const char *const used[] = {"127.77.0.1", "fd00::1"};
    for (size_t i = 0; i < countof(used); i++) {
        cr_assert(is_used(used[i], 0));
        cr_assert(is_used(used[i], 6379));
        cr_assert_not(is_used(used[i], 6380), "its owner alone could have readers");
    }
    cr_assert_not(is_used("127.77.0.2", 0));
    cr_assert_not(is_used("", 0), "most have no second one");
    goal.address = "127.77.0.2";
    cr_assert(err_failed(store_goal_set(f.tx, second.id, &goal)), "the second one is another's");
}

Test(nodes, the_same_sight_twice_is_no_news)
{
    struct node_saw saw = sight(NODE_RUNNING);
    bool is_changed;

    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert_not(is_changed);
    saw.offset++;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert_not(is_changed);
    saw.offset = 0;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed, "whether it has anything is");
    saw.is_link_up = false;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed);
    saw.lineage++;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed);
    saw.crashes = 1;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed);
}

Test(nodes, what_a_node_uses_is_unknown_until_it_is_told)
{
    struct node_saw saw = sight(NODE_RUNNING);
    struct node_list nodes;
    bool is_changed;

    saw.used_bytes = -1;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_node_list(f.tx, node.cluster_id, &nodes));
    cr_assert_eq(nodes.items[0].saw.used_bytes, -1);
    saw.used_bytes = 1;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed, "even if it is next to nothing");
    saw.used_bytes = -1;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert_not(is_changed);
    must(store_node_list(f.tx, node.cluster_id, &nodes));
    cr_assert_eq(nodes.items[0].saw.used_bytes, 1, "as far as anybody knows");
}

Test(nodes, a_crash_is_of_the_moment_in_which_it_was_heard_of)
{
    struct node_saw saw = sight(NODE_STOPPED);
    struct node_list nodes;
    bool is_changed;

    saw.crashes = 1;
    saw.crashed_ms = 123456789; /* whatever is said */
    saw.seen_ms = 1000;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_node_list(f.tx, node.cluster_id, &nodes));
    cr_assert_eq(nodes.items[0].saw.crashed_ms, 1000);
    saw.seen_ms = 2000;
    saw.state = NODE_RUNNING;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_node_list(f.tx, node.cluster_id, &nodes));
    cr_assert_eq(nodes.items[0].saw.crashed_ms, 1000);
    saw.crashes = 2;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_node_list(f.tx, node.cluster_id, &nodes));
    cr_assert_eq(nodes.items[0].saw.crashed_ms, 2000);
}

static int64_t followed_after(struct node_saw *saw, int64_t node_id, bool is_link_up)
{
    struct node_list nodes;
    bool is_changed;

    saw->is_link_up = is_link_up;
    must(store_saw_set(f.tx, node_id, saw, &is_changed));
    must(store_node_list(f.tx, cluster.id, &nodes));
    return nodes.items[0].saw.followed_term;
}

/* As a replica says of its link, at that moment. */
static int64_t unlinked_after(struct node_saw *saw, bool is_link_up, int64_t seen_ms)
{
    struct node_list nodes;

    saw->seen_ms = seen_ms;
    followed_after(saw, node.id, is_link_up);
    must(store_node_list(f.tx, cluster.id, &nodes));
    return nodes.items[0].saw.unlinked_ms;
}

Test(nodes, since_when_a_link_is_down_again_is_known)
{
    struct node_saw saw = sight(NODE_RUNNING);

    saw.term = 2;
    cr_assert_eq(unlinked_after(&saw, false, 100), 0, "it never was up");
    cr_assert_eq(unlinked_after(&saw, true, 200), 0);
    cr_assert_eq(unlinked_after(&saw, false, 300), 300);
    saw.term = 3;
    cr_assert_eq(unlinked_after(&saw, false, 400), 300);
    cr_assert_eq(unlinked_after(&saw, true, 500), 0);
    cr_assert_eq(unlinked_after(&saw, false, 600), 600);
    saw.crashes++;
    cr_assert_eq(unlinked_after(&saw, false, 700), 0, "another life");
}

Test(nodes, what_is_wrong_with_one_is_kept_and_is_news_once)
{
    struct node_saw saw = sight(NODE_RUNNING);
    struct node_list nodes;
    bool is_changed;

    saw.is_killed = saw.is_silent = saw.is_unleased = true;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert_not(is_changed);
    must(store_node_list(f.tx, cluster.id, &nodes));
    const struct node_saw *kept = &nodes.items[0].saw;
    cr_assert(kept->is_killed && kept->is_silent && kept->is_unleased);
    saw.is_unleased = false;
    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    cr_assert(is_changed);
}

Test(nodes, the_last_word_of_how_far_one_came_is_kept)
{
    struct node_saw saw = sight(NODE_RUNNING);
    struct node_list nodes;
    bool is_changed;

    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_saw_offset(f.tx, node.id, 4711));
    must(store_node_list(f.tx, cluster.id, &nodes));
    cr_assert_eq(nodes.items[0].saw.offset, 4711);
}

Test(nodes, a_link_that_was_up_is_remembered_for_the_life_of_the_engine)
{
    struct node_saw saw = sight(NODE_RUNNING);

    saw.term = 2;
    cr_assert_eq(followed_after(&saw, node.id, false), 0);
    cr_assert_eq(followed_after(&saw, node.id, true), 2);
    cr_assert_eq(followed_after(&saw, node.id, false), 2);
    saw.term = 3;
    cr_assert_eq(followed_after(&saw, node.id, false), 2);
    cr_assert_eq(followed_after(&saw, node.id, true), 3);
    saw.crashes++;
    cr_assert_eq(followed_after(&saw, node.id, false), 0);
    cr_assert_eq(followed_after(&saw, node.id, true), 3);
    saw.boot_count++;
    cr_assert_eq(followed_after(&saw, node.id, false), 0);
}

Test(nodes, a_sight_of_an_unknown_node_is_ignored)
{
    struct node_saw saw = sight(NODE_RUNNING);
    bool is_changed = true;
    must(store_saw_set(f.tx, 999, &saw, &is_changed));
    cr_assert_not(is_changed);
}

Test(nodes, a_changed_goal_raises_the_generation_of_both_hosts)
{
    struct host other = fixture_host(&f, "h2", "us-east-1b", "127.77.64.0/18", 1 << 30);
    struct node_goal goal = goal_of("127.77.0.1");

    cr_assert_eq(generation(host.id), 0);
    must(store_goal_set(f.tx, node.id, &goal));
    cr_assert_eq(generation(host.id), 1);
    goal.host_id = other.id;
    must(store_goal_set(f.tx, node.id, &goal));
    cr_assert_eq(generation(host.id), 2);
    cr_assert_eq(generation(other.id), 1);
    must(store_goal_told(
        f.tx, node.id,
        &(struct node_goal){
            .crashes_told = 3, .is_told_down = true, .is_told_silent = true, .is_lagging = true}));
    cr_assert_eq(generation(other.id), 1, "what events said is no business of the host");
    struct node_list nodes;
    must(store_node_list(f.tx, cluster.id, &nodes));
    const struct node_goal *told = &nodes.items[0].goal;
    cr_assert(told->crashes_told == 3 && told->is_told_down && told->is_told_silent &&
              told->is_lagging);
    must(store_goal_remove(f.tx, node.id));
    cr_assert_eq(generation(other.id), 2);
}

static size_t changed_since(int64_t since)
{
    struct host_node *placed;
    size_t count;

    must(store_host_nodes(f.tx, host.id, since, &placed, &count));
    return count;
}

Test(nodes, goals_know_since_when_they_are_as_they_are)
{
    struct node second = fixture_node(&f, cluster.id, "0002");
    struct node_goal goal = goal_of("127.77.0.1"), other = goal_of("127.77.0.2");
    int64_t whole;

    must(store_goal_set(f.tx, node.id, &goal));
    must(store_goal_set(f.tx, second.id, &other));
    cr_assert_eq(changed_since(SINCE_EVER), 2);
    cr_assert_eq(changed_since(1), 1);
    cr_assert_eq(changed_since(2), 0);
    goal.boot_count++;
    must(store_goal_set(f.tx, node.id, &goal));
    cr_assert_eq(changed_since(2), 1);
    must(store_host_whole(f.tx, host.id, &whole));
    cr_assert_eq(whole, 0);
    must(store_goal_remove(f.tx, second.id));
    must(store_host_whole(f.tx, host.id, &whole));
    cr_assert_eq(whole, generation(host.id));
}

Test(nodes, two_nodes_cannot_have_one_address_and_port)
{
    struct node second = fixture_node(&f, cluster.id, "0002");
    struct node_goal goal = goal_of("127.77.0.1");

    must(store_goal_set(f.tx, node.id, &goal));
    cr_assert(err_is(store_goal_set(f.tx, second.id, &goal), ERR_EXISTS));
    goal.port = 6380;
    must(store_goal_set(f.tx, second.id, &goal));
}

Test(nodes, only_wanted_nodes_without_a_goal_are_unplaced)
{
    struct node second = fixture_node(&f, cluster.id, "0002");
    struct node third = fixture_node(&f, cluster.id, "0003");
    struct node_goal goal = goal_of("127.77.0.1");
    struct unplaced_node *waiting;
    size_t count;

    must(store_goal_set(f.tx, node.id, &goal));
    must(store_node_want(f.tx, third.id, false));
    must(store_node_unplaced(f.tx, "us-east-1", &waiting, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(waiting[0].node_id, second.id);
    cr_assert_str_eq(waiting[0].node_type, "cache.t4g.micro");
    must(store_node_unplaced(f.tx, "eu-west-1", &waiting, &count));
    cr_assert_eq(count, 0);
}

Test(nodes, numbers_of_removed_nodes_never_come_back)
{
    must(store_node_remove(f.tx, node.id));
    cr_assert_gt(fixture_node(&f, cluster.id, "0001").id, node.id);
}

Test(nodes, many_clusters_are_read_at_once)
{
    struct cluster other = fixture_cluster(&f, "c2", "memcached");
    struct node_list nodes;

    fixture_node(&f, other.id, "0002");
    fixture_node(&f, other.id, "0001");
    must(store_node_list_of(f.tx, (int64_t[]){cluster.id, other.id}, 2, &nodes));
    cr_assert_eq(nodes.count, 3);
    cr_assert_eq(nodes.items[0].cluster_id, cluster.id);
    cr_assert_str_eq(nodes.items[1].number, "0001");
    cr_assert_str_eq(nodes.items[2].number, "0002");
    must(store_node_list_of(f.tx, NULL, 0, &nodes));
    cr_assert_eq(nodes.count, 0);
}

Test(nodes, a_host_knows_what_it_should_run)
{
    struct node_goal goal = goal_of("127.77.0.1");
    struct host_node *placed;
    size_t count;

    must(store_goal_set(f.tx, node.id, &goal));
    must(store_host_nodes(f.tx, host.id, SINCE_EVER, &placed, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(placed[0].cluster, "c1");
    cr_assert_str_eq(placed[0].engine_version, "7.1.0");
    cr_assert_eq(placed[0].goal.port, 6379);
}

Test(nodes, what_a_host_no_longer_has_is_forgotten)
{
    struct node_saw saw = sight(NODE_RUNNING);
    struct node_list nodes;
    int64_t *ids;
    size_t count;
    bool is_changed;

    must(store_saw_set(f.tx, node.id, &saw, &is_changed));
    must(store_saw_of_host(f.tx, host.id, &ids, &count));
    cr_assert_eq(count, 1);
    must(store_saw_remove(f.tx, ids[0]));
    must(store_node_list(f.tx, cluster.id, &nodes));
    cr_assert_not(nodes.items[0].saw.has);
    must(store_saw_remove(f.tx, 999));
}

Test(nodes, wanted_nodes_are_counted_per_account_and_region)
{
    int64_t count;
    struct node second = fixture_node(&f, cluster.id, "0002");

    must(store_node_want(f.tx, second.id, false));
    must(store_node_count(f.tx, "000000000000", "us-east-1", &count));
    cr_assert_eq(count, 1);
    must(store_node_count(f.tx, "111111111111", "us-east-1", &count));
    cr_assert_eq(count, 0);
}

Test(nodes, nodes_keep_a_type_until_they_take_that_of_their_cluster)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = fixture_cluster(&f, "m1", "memcached");
    struct node first = fixture_node(&f, c.id, "0001"), second = fixture_node(&f, c.id, "0002");
    struct node_goal goal = {.host_id = h.id,
                             .address = "127.77.0.1",
                             .port = 11211,
                             .state = NODE_RUNNING,
                             .boot_count = 1};
    struct host_node *told;
    struct node_list nodes;
    size_t count;

    must(store_goal_set(f.tx, first.id, &goal));
    must(store_node_keep_type(f.tx, c.id, "cache.m5.large"));
    must(store_node_take_type(f.tx, second.id));
    must(store_node_list(f.tx, c.id, &nodes));
    cr_assert_str_eq(nodes.items[0].node_type, "cache.m5.large");
    cr_assert_str_eq(nodes.items[1].node_type, "");
    must(store_host_nodes(f.tx, h.id, SINCE_EVER, &told, &count));
    cr_assert_str_eq(told[0].node_type, "cache.m5.large");
    must(store_node_take_type(f.tx, first.id));
    must(store_host_nodes(f.tx, h.id, SINCE_EVER, &told, &count));
    cr_assert_str_eq(told[0].node_type, "cache.t4g.micro");
}

static void forget_touched(void)
{
    int64_t *ids;
    size_t count;
    bool is_all;

    fixture_commit(&f);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    fixture_begin(&f, STORE_WRITE);
}

/* The cluster is looked at without delay after the node said that it has these settings. */
static bool is_looked_at_once(int64_t node_id, const char *host_id, const char *settings)
{
    struct node_saw saw = {.has = true,
                           .host_id = host_id,
                           .state = NODE_RUNNING,
                           .last_exit = "",
                           .why = "",
                           .build = "",
                           .role = "replica",
                           .applied_settings = settings};
    int64_t *ids;
    size_t count, later;
    bool is_all, is_changed;

    must(store_saw_set(f.tx, node_id, &saw, &is_changed));
    fixture_commit(&f);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    store_take_touched_later(f.store, &f.arena, &ids, &later);
    cr_assert_eq(count + later, is_changed ? 1 : 0);
    fixture_begin(&f, STORE_WRITE);
    return count > 0;
}

Test(nodes, that_a_topology_was_taken_on_is_looked_at_once_when_an_operation_waits_for_it)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.1.1.0/24", 1);
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    struct group_operation o = {.kind = GROUP_MODIFY, .group_id = g.id, .data = "", .why = ""};

    c.group_id = g.id;
    c.shard_id = s.id;
    must(store_cluster_update(f.tx, &c));
    struct node n = fixture_node(&f, c.id, "0001");
    forget_touched();
    cr_assert(is_looked_at_once(n.id, h.id, "p0.u0.r1.t1"), "it is there");
    cr_assert_not(is_looked_at_once(n.id, h.id, "p0.u0.r1.t2"));
    cr_assert(is_looked_at_once(n.id, h.id, "p0.u0.r2.t3"), "it has another role");
    must(store_group_operation_insert(f.tx, &o));
    cr_assert(is_looked_at_once(n.id, h.id, "p0.u0.r2.t4"));
}
