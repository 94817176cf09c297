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
