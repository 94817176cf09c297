#include "controlplane/store/log_delivery.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(log_delivery);

static struct log_delivery slow(int64_t cluster_id, int64_t group_id, const char *destination)
{
    return (struct log_delivery){.cluster_id = cluster_id,
                                 .group_id = group_id,
                                 .log_type = LOG_SLOW,
                                 .destination_type = LOG_TO_GROUP,
                                 .destination = destination,
                                 .format = "json",
                                 .url = "file:/x",
                                 .is_enabled = true};
}

static struct log_delivery_list of_cluster(int64_t id)
{
    struct log_delivery_list list;
    must(store_log_delivery_list(f.tx, &id, 1, NULL, 0, &list));
    return list;
}

static int64_t placed_node(const char *name, const char *host)
{
    struct cluster c = fixture_cluster(&f, name, "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {
        .host_id = host, .address = name, .port = 6379, .state = NODE_RUNNING, .boot_count = 1};
    must(store_goal_set(f.tx, n.id, &goal));
    return c.id;
}

Test(log_delivery, a_new_one_takes_the_place_of_the_old_with_a_higher_revision)
{
    int64_t id = fixture_cluster(&f, "c1", "redis").id;
    struct log_delivery one = slow(id, 0, "a"), two = slow(id, 0, "b");

    must(store_log_delivery_put(f.tx, &one));
    struct log_delivery_list before = of_cluster(id);
    cr_assert_eq(before.count, 1);
    cr_assert_str_eq(before.items[0].destination, "a");
    cr_assert_eq(before.items[0].cluster_id, id);
    cr_assert_eq(before.items[0].group_id, 0);
    must(store_log_delivery_put(f.tx, &two));
    struct log_delivery_list after = of_cluster(id);
    cr_assert_eq(after.count, 1);
    cr_assert_str_eq(after.items[0].destination, "b");
    cr_assert_gt(after.items[0].revision, before.items[0].revision);
}

Test(log_delivery, hosts_hear_of_changes_and_have_what_their_nodes_have)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    int64_t id = placed_node("c1", h.id), other = placed_node("c2", h.id), before, after;
    struct log_delivery one = slow(id, 0, "a");
    struct log_delivery_list list;

    (void)other;
    must(store_host_generation(f.tx, h.id, &before));
    must(store_log_delivery_put(f.tx, &one));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_gt(after, before);
    must(store_log_delivery_of_host(f.tx, h.id, &list));
    cr_assert_eq(list.count, 1);
    cr_assert_eq(list.items[0].cluster_id, id);
}

Test(log_delivery, errors_of_a_node_are_replaced)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    int64_t node = fixture_node(&f, c.id, "0001").id;
    const struct log_error errors[] = {
        {.log_type = LOG_SLOW, .why = "out of reach"}
    };
    struct log_error_list list;

    must(store_log_errors_set(f.tx, node, errors, 1));
    must(store_log_errors_of(f.tx, &c.id, 1, &list));
    cr_assert_eq(list.count, 1);
    cr_assert_eq(list.items[0].node_id, node);
    cr_assert_eq(list.items[0].cluster_id, c.id);
    cr_assert_str_eq(list.items[0].why, "out of reach");
    must(store_log_errors_set(f.tx, node, NULL, 0));
    must(store_log_errors_of(f.tx, &c.id, 1, &list));
    cr_assert_eq(list.count, 0);
    must(store_log_errors_set(f.tx, 999, errors, 1)); /* a node that is gone has none */
}

Test(log_delivery, those_of_a_group_are_found_by_it)
{
    int64_t group = fixture_group(&f, "rg").id;
    struct log_delivery one = slow(0, group, "a");
    struct log_delivery_list list;

    must(store_log_delivery_put(f.tx, &one));
    must(store_log_delivery_list(f.tx, NULL, 0, &group, 1, &list));
    cr_assert_eq(list.count, 1);
    cr_assert_eq(list.items[0].group_id, group);
    cr_assert_eq(list.items[0].cluster_id, 0);
}

Test(log_delivery, what_a_group_had_its_last_member_has_and_the_other_way_round)
{
    struct replication_group rg = fixture_group(&f, "rg");
    int64_t id = fixture_cluster(&f, "c1", "redis").id;
    struct log_delivery one = slow(0, rg.id, "a");

    must(store_log_delivery_put(f.tx, &one));
    must(store_log_delivery_to_cluster(f.tx, rg.id, id));
    struct log_delivery_list list = of_cluster(id);
    cr_assert_eq(list.count, 1);
    cr_assert_eq(list.items[0].group_id, 0);
    cr_assert_str_eq(list.items[0].destination, "a");
    must(store_log_delivery_to_group(f.tx, id, rg.id));
    cr_assert_eq(of_cluster(id).count, 0);
}
