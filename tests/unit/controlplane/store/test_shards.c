#include "controlplane/store/groups.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(shards);

Test(shards, every_column_survives_the_round_trip)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0002");
    struct shard_list list;

    must(store_shard_list(f.tx, &g.id, 1, &list));
    cr_assert_eq(list.count, 1);
    cr_assert_not(list.items[0].goal.has);
    s.slots = "0-99";
    s.next_member = 4;
    s.is_wanted = false;
    s.goal = (struct shard_goal){
        .term = 7,
        .primary_id = 3,
        .fenced_id = 2,
        .fence_term = 6,
        .after_offset = 1234,
        .life = 3,
        .fence_life = 4,
        .acks = {.ordered = 2,
                 .is_bounded = true,
                 .counted = 1,
                 .after = 55,
                 .asked_ms = 66,
                 .gone = 4,
                 .asked = OFFSETS_WAITED_FOR}
    };
    s.falls = 2;
    s.fell_ms = 77;
    s.last_fell_ms = 78;
    s.heir_id = 9;
    s.endpoints = (struct shard_endpoints){"127.0.9.1", "127.0.9.2", 2, 5};
    must(store_shard_update(f.tx, &s));
    must(store_shard_goal_set(f.tx, &s));
    must(store_shard_list(f.tx, &g.id, 1, &list));
    const struct shard *found = &list.items[0];
    cr_assert_eq(found->id, s.id);
    cr_assert_eq(found->group_id, g.id);
    cr_assert_str_eq(found->number, "0002");
    cr_assert_str_eq(found->engine_id, s.engine_id);
    cr_assert_str_eq(found->slots, "0-99");
    cr_assert_eq(found->next_member, 4);
    cr_assert_not(found->is_wanted);
    cr_assert(found->goal.has);
    cr_assert_eq(found->goal.term, 7);
    cr_assert_eq(found->goal.primary_id, 3);
    cr_assert_eq(found->goal.fenced_id, 2);
    cr_assert_eq(found->goal.fence_term, 6);
    cr_assert_eq(found->goal.after_offset, 1234);
    cr_assert_eq(found->goal.life, 3);
    cr_assert_eq(found->goal.fence_life, 4);
    cr_assert_eq(found->goal.acks.ordered, 2);
    cr_assert(found->goal.acks.is_bounded);
    cr_assert_eq(found->goal.acks.counted, 1);
    cr_assert_eq(found->goal.acks.after, 55);
    cr_assert_eq(found->goal.acks.asked_ms, 66);
    cr_assert_eq(found->goal.acks.gone, 4);
    cr_assert_eq(found->goal.acks.asked, OFFSETS_WAITED_FOR);
    cr_assert_eq(found->falls, 2);
    cr_assert_eq(found->fell_ms, 77);
    cr_assert_eq(found->last_fell_ms, 78);
    cr_assert_eq(found->heir_id, 9);
    cr_assert_str_eq(found->endpoints.address, "127.0.9.1");
    cr_assert_str_eq(found->endpoints.reader_address, "127.0.9.2");
    cr_assert_eq(found->endpoints.reader_id, 2);
    cr_assert_eq(found->endpoints.reader_turn, 5);
    const char *const *addresses;
    size_t count;
    must(store_endpoint_addresses(f.tx, &addresses, &count));
    cr_assert_eq(count, 2);
}

Test(shards, those_of_many_groups_come_by_group_and_number)
{
    int64_t ids[] = {fixture_group(&f, "a").id, fixture_group(&f, "b").id};
    struct shard_list list;

    fixture_shard(&f, ids[1], "0001");
    fixture_shard(&f, ids[0], "0002");
    fixture_shard(&f, ids[0], "0001");
    must(store_shard_list(f.tx, ids, 2, &list));
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.items[0].number, "0001");
    cr_assert_str_eq(list.items[1].number, "0002");
    cr_assert_eq(list.items[2].group_id, ids[1]);
    must(store_shard_remove(f.tx, list.items[0].id));
    must(store_shard_list(f.tx, ids, 1, &list));
    cr_assert_eq(list.count, 1);
}

/* A member of the shard on a host of its own. */
static struct cluster member_of(const struct shard *s, const char *name, const char *host_id,
                                const char *address)
{
    struct cluster c = fixture_cluster(&f, name, "redis");
    struct node_goal goal = {
        .host_id = host_id, .address = address, .port = 1, .state = NODE_RUNNING};

    c.group_id = s->group_id;
    c.shard_id = s->id;
    must(store_cluster_update(f.tx, &c));
    must(store_goal_set(f.tx, fixture_node(&f, c.id, "0001").id, &goal));
    return c;
}

static size_t told(void)
{
    uint64_t *keys;
    size_t count;
    bool is_all;

    fixture_commit(&f);
    fixture_begin(&f, STORE_WRITE);
    store_take_told(f.store, &f.arena, &keys, &count, &is_all);
    return count;
}

Test(shards, roles_are_news_to_hosts_of_the_shard_and_to_the_new_primarys_first)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001"), other = fixture_shard(&f, g.id, "0002");
    const char *hosts[3];
    uint64_t *keys;
    size_t count;

    for (int i = 0; i < 3; i++)
        hosts[i] = fixture_host(
                       &f, (const char *[]){"h1", "h2", "h3"}[i], "us-east-1a",
                       (const char *[]){"127.77.0.0/24", "127.77.1.0/24", "127.77.2.0/24"}[i], 1000)
                       .id;
    struct cluster a = member_of(&s, "a", hosts[0], "127.77.0.1");
    struct cluster b = member_of(&s, "b", hosts[1], "127.77.1.1");
    member_of(&other, "c", hosts[2], "127.77.2.1");
    s.goal = (struct shard_goal){.has = true, .term = 1, .primary_id = a.id};
    must(store_shard_goal_set(f.tx, &s));
    told();
    store_take_told_first(f.store, &f.arena, &keys, &count);

    s.goal.term = 2;
    s.goal.primary_id = b.id;
    must(store_shard_goal_set(f.tx, &s));
    cr_expect_eq(told(), 2);
    store_take_told_first(f.store, &f.arena, &keys, &count);
    cr_assert_eq(count, 1);
    cr_expect_eq(keys[0], store_host_key(hosts[1]));

    s.goal.life = 1;
    must(store_shard_goal_set(f.tx, &s));
    cr_expect_eq(told(), 2);
    store_take_told_first(f.store, &f.arena, &keys, &count);
    cr_expect_eq(count, 0);
}

Test(shards, hosts_hear_of_what_is_told_and_of_nothing_else)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.1.1.0/24", 1);
    struct host voter = fixture_host(&f, "h2", "us-east-1b", "127.1.2.0/24", 1);
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    int64_t before, after;

    c.group_id = g.id;
    c.shard_id = s.id;
    must(store_cluster_update(f.tx, &c));
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.has = true, .host_id = h.id, .address = "127.1.1.1", .port = 6379};
    struct host_node *told;
    size_t count;

    must(store_goal_set(f.tx, n.id, &goal));
    s.goal = (struct shard_goal){.has = true, .term = 1, .primary_id = c.id};
    must(store_shard_goal_set(f.tx, &s));
    must(store_host_generation(f.tx, h.id, &before));
    s.falls = 1;
    s.fell_ms = s.last_fell_ms = 5;
    s.goal.acks.counted = 2;
    must(store_shard_goal_set(f.tx, &s));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before, "that is the control plane's own");
    s.goal.life = 2;
    must(store_shard_goal_set(f.tx, &s));
    s.endpoints.reader_turn = 1;
    must(store_shard_goal_set(f.tx, &s));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before + 2);
    must(store_host_nodes(f.tx, h.id, after - 1, &told, &count));
    cr_assert_eq(count, 1, "its member's goal has changed");
    s.lease = (struct shard_lease){.voters = voter.id, .number = 1};
    must(store_shard_goal_set(f.tx, &s));
    s.lease.settled_ms = 9;
    must(store_shard_goal_set(f.tx, &s));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before + 3);
    must(store_host_generation(f.tx, voter.id, &after));
    cr_assert_eq(after, 1);
    s.lease.asked_term = 2;
    must(store_shard_goal_set(f.tx, &s));
    must(store_host_generation(f.tx, voter.id, &after));
    cr_assert_eq(after, 2);
}
