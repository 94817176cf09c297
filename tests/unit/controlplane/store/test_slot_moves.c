#include "controlplane/store/slot_moves.h"
#include "controlplane/store/tasks.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(slot_moves);

static struct slot_move insert(struct replication_group *g, const char *slots)
{
    struct slot_move m = {
        .group_id = g->id,
        .from_id = fixture_shard(&f, g->id, slots).id,
        .to_id = fixture_shard(&f, g->id, arena_printf(&f.arena, "%s+", slots)).id,
        .slots = slots,
        .token = "0123456789abcdef0123456789abcdef01234567",
    };

    must(store_slot_move_insert(f.tx, &m));
    return m;
}

Test(slot_moves, every_column_survives_the_round_trip)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_task t = {.node_id = n.id, .kind = "ImportSlots", .detail = "{}"};
    struct slot_move m = insert(&g, "0-99");
    struct slot_move_list list;

    must(store_task_insert(f.tx, &t));
    m.state = SLOT_MOVE_ANNOUNCED;
    m.attempt = 3;
    m.since_ms = 1234;
    m.task_id = t.id;
    must(store_slot_move_update(f.tx, &m));
    must(store_slot_move_list(f.tx, &g.id, 1, &list));
    cr_assert_eq(list.count, 1);
    const struct slot_move *found = &list.items[0];
    cr_assert_eq(found->id, m.id);
    cr_assert_eq(found->group_id, g.id);
    cr_assert_eq(found->from_id, m.from_id);
    cr_assert_eq(found->to_id, m.to_id);
    cr_assert_str_eq(found->slots, "0-99");
    cr_assert_str_eq(found->token, m.token);
    cr_assert_eq(found->state, SLOT_MOVE_ANNOUNCED);
    cr_assert_eq(found->attempt, 3);
    cr_assert_eq(found->since_ms, 1234);
    cr_assert_eq(found->task_id, t.id);
    cr_assert_eq(found->task_state, TASK_RUNNING);
}

Test(slot_moves, a_task_whose_node_is_gone_has_failed)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct slot_move m = insert(&g, "0-99");
    struct slot_move_list list;

    m.task_id = 77;
    must(store_slot_move_update(f.tx, &m));
    must(store_slot_move_list(f.tx, &g.id, 1, &list));
    cr_assert_eq(list.items[0].task_state, TASK_FAILED);
    cr_assert_str_eq(list.items[0].task_why, "its node is gone");
}

Test(slot_moves, those_of_many_groups_come_by_group_and_go_together)
{
    struct replication_group one = fixture_group(&f, "a"), two = fixture_group(&f, "b");
    int64_t ids[] = {one.id, two.id};
    struct slot_move_list list;

    insert(&two, "0-1");
    insert(&one, "2-3");
    insert(&one, "4-5");
    must(store_slot_move_list(f.tx, ids, 2, &list));
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.items[0].slots, "2-3");
    cr_assert_str_eq(list.items[2].slots, "0-1");
    must(store_slot_move_clear(f.tx, one.id));
    must(store_slot_move_list(f.tx, ids, 2, &list));
    cr_assert_eq(list.count, 1);
}
