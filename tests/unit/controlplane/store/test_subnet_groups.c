#include "base/err.h"
#include "controlplane/store/network.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(subnet_groups);

static struct subnet_group insert(const char *name, const char **subnets, size_t count)
{
    struct subnet_group g = {.account = "000000000000",
                             .region = "us-east-1",
                             .name = name,
                             .description = "d",
                             .vpc_id = "vpc-1",
                             .subnets = subnets,
                             .subnet_count = count,
                             .created_ms = 5};
    must(store_subnet_group_insert(f.tx, &g));
    return g;
}

Test(subnet_groups, subnets_keep_their_order)
{
    const char *first[] = {"s2", "s1", "s3"}, *second[] = {"s9"};
    struct subnet_group g = insert("g", first, 3), back;

    must(store_subnet_group_find(f.tx, "000000000000", "us-east-1", "g", &back));
    cr_assert(back.id == g.id && back.subnet_count == 3 && back.created_ms == 5);
    cr_assert_str_eq(back.subnets[0], "s2");
    cr_assert_str_eq(back.subnets[2], "s3");
    g.subnets = second;
    g.subnet_count = 1;
    g.description = "new";
    must(store_subnet_group_update(f.tx, &g));
    must(store_subnet_group_find(f.tx, "000000000000", "us-east-1", "g", &back));
    cr_assert_eq(back.subnet_count, 1);
    cr_assert_str_eq(back.description, "new");
}

Test(subnet_groups, they_are_listed_by_name_page_by_page)
{
    const char *one[] = {"s1"};
    struct subnet_group *list;
    size_t count;
    int64_t all = 0;

    insert("b", one, 1);
    insert("a", one, 1);
    insert("c", one, 1);
    must(store_subnet_group_list(f.tx, "000000000000", "us-east-1", "a", 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].name, "b");
    cr_assert_str_eq(list[0].subnets[0], "s1");
    must(store_subnet_group_list(f.tx, "000000000000", "us-east-1", "c", 9, &list, &count));
    cr_assert_eq(count, 0);
    must(store_subnet_group_count(f.tx, "000000000000", "us-east-1", &all));
    cr_assert_eq(all, 3);
}

Test(subnet_groups, a_name_is_there_once_until_it_is_removed)
{
    const char *one[] = {"s1"};
    struct subnet_group g = insert("g", one, 1), again = g, gone;

    cr_assert(err_is(store_subnet_group_insert(f.tx, &again), ERR_EXISTS));
    must(store_subnet_group_remove(f.tx, g.id, "arn"));
    cr_assert(err_is(store_subnet_group_find(f.tx, "000000000000", "us-east-1", "g", &gone),
                     ERR_NOT_FOUND));
    cr_assert(err_is(store_subnet_group_update(f.tx, &g), ERR_NOT_FOUND));
    insert("g", one, 1);
}

Test(subnet_groups, clusters_use_them_and_nodes_stand_in_them)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.1.1.0/24", 1 << 30);
    struct cluster c = fixture_cluster(&f, "c1", "redis"); /* in the group "default" */
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.has = true, .host_id = h.id, .address = "127.1.1.1", .port = 6379};
    struct network_node *nodes;
    size_t count;
    bool is_used = false;

    fixture_node(&f, c.id, "0002"); /* without a place */
    must(store_goal_set(f.tx, n.id, &goal));
    must(store_subnet_group_is_used(f.tx, c.account, c.region, "default", &is_used));
    cr_assert(is_used);
    must(store_subnet_group_is_used(f.tx, c.account, c.region, "other", &is_used));
    cr_assert_not(is_used);
    must(store_network_node_list(f.tx, c.account, c.region, "", &nodes, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(nodes[0].cluster, "c1");
    cr_assert_str_eq(nodes[0].zone, "us-east-1a");
    cr_assert_str_eq(nodes[0].address, "127.1.1.1");
    must(store_network_node_list(f.tx, c.account, c.region, "other", &nodes, &count));
    cr_assert_eq(count, 0);
}
