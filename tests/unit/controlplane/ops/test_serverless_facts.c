#include "base/err.h"
#include "contract/faults.h"
#include "controlplane/ops/serverless_facts.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(serverless_facts, .init = world_open, .fini = world_close);

Test(serverless_facts, each_cache_is_read_with_what_it_owns)
{
    struct serverless_facts *list;
    size_t count;

    world_serverless("a", "redis");
    world_serverless("b", "memcached");
    struct call c = world_call();
    must(serverless_facts_list(&c, "", 9, &list, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(list[0].group->member_count, 2);
    cr_assert_null(list[0].cluster);
    cr_assert_null(list[1].group);
    cr_assert_str_eq(list[1].cluster->cluster.name, "serverless.b");
    cr_assert_str_eq(serverless_status(&list[1]), "available");
    cr_assert_eq(serverless_reader(&list[1]), serverless_entry(&list[1]));
}

Test(serverless_facts, where_clients_are_led_to_stays_when_another_node_becomes_primary)
{
    struct serverless_facts *list;
    size_t count;

    world_serverless("a", "redis");
    struct call c = world_call();
    must(serverless_facts_list(&c, "", 9, &list, &count));
    const struct node *entry = serverless_entry(list), *reader = serverless_reader(list);
    struct cluster_facts *members = list[0].group->members;

    cr_assert(entry == &members[0].nodes.items[0] && reader == &members[1].nodes.items[0]);
    list[0].group->shards[0].goal.primary_id = members[1].cluster.id;
    cr_assert(serverless_entry(list) == entry && serverless_reader(list) == reader);

    members[0].nodes.items[0].saw.is_link_up = false;
    cr_assert(serverless_entry(list) == reader, "a node that does not serve leads nobody");
}
