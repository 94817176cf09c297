#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/slot_moves.h"
#include "controlplane/model/slots.h"

#include <criterion/criterion.h>

static struct arena a;

static void done(void)
{
    arena_fini(&a);
}

TestSuite(slot_moves, .fini = done);

/* What the shares have after the plan; fails the test when a slot is moved that is not there. */
static void carry_out(const struct slot_plan *plan, struct slot_map *maps)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct slot_map moved = {0};
        cr_assert(slots_add(&moved, plan->items[i].slots));
        cr_assert_leq(slots_count(&moved), SLOTS_PER_MOVE);
        for (size_t k = 0; k < countof(moved.bits); k++) {
            cr_assert_eq(maps[plan->items[i].from].bits[k] & moved.bits[k], moved.bits[k]);
            maps[plan->items[i].from].bits[k] &= ~moved.bits[k];
            maps[plan->items[i].to].bits[k] |= moved.bits[k];
        }
    }
}

static size_t moved_slots(const struct slot_plan *plan)
{
    struct slot_map map = {0};

    for (size_t i = 0; i < plan->count; i++)
        cr_assert(slots_add(&map, plan->items[i].slots), "no slot moves twice");
    return slots_count(&map);
}

Test(slot_moves, one_shard_becomes_two_by_moving_half)
{
    struct slot_share shares[] = {
        {"0-16383", false},
        {"",        false}
    };
    struct slot_plan plan;

    slot_plan_make(&a, shares, 2, &plan);
    cr_assert_eq(moved_slots(&plan), 8192);
    cr_assert_eq(plan.count, 8);
    cr_assert_str_eq(plan.items[0].slots, "0-1023");
    cr_assert_eq(plan.items[0].from, 0);
    cr_assert_eq(plan.items[0].to, 1);
}

Test(slot_moves, a_shard_that_leaves_gives_all_it_has)
{
    struct slot_share shares[] = {
        {"0-5461",      false},
        {"5462-10922",  true },
        {"10923-16383", false}
    };
    struct slot_map maps[3] = {0};
    struct slot_plan plan;

    slot_plan_make(&a, shares, 3, &plan);
    cr_assert_eq(moved_slots(&plan), 5461);
    for (size_t i = 0; i < 3; i++)
        cr_assert(slots_add(&maps[i], shares[i].slots));
    carry_out(&plan, maps);
    cr_assert_eq(slots_count(&maps[0]), 8192);
    cr_assert_eq(slots_count(&maps[1]), 0);
    cr_assert_eq(slots_count(&maps[2]), 8192);
}

Test(slot_moves, what_is_balanced_stays)
{
    struct slot_share shares[] = {
        {"10923-16383", false},
        {"5462-10922",  false},
        {"0-5461",      false}
    };
    struct slot_plan plan;

    slot_plan_make(&a, shares, 3, &plan);
    cr_assert_eq(plan.count, 0); /* the one with a slot more keeps it */
}

Test(slot_moves, every_change_of_the_number_moves_no_more_than_it_must)
{
    for (size_t before = 1; before <= 24; before++) {
        for (size_t after = 1; after <= 24; after++) {
            scoped(arena_fini) struct arena own = {0};
            size_t count = before > after ? before : after, must_move = 0;
            struct slot_share shares[24];
            struct slot_map maps[24] = {0};
            struct slot_plan plan;

            for (size_t i = 0; i < count; i++) {
                const char *slots = i < before ? slots_even(&own, i, before) : "";
                shares[i] = (struct slot_share){slots, i >= after};
                cr_assert(!*slots || slots_add(&maps[i], slots));
            }
            slot_plan_make(&own, shares, count, &plan);
            for (size_t i = 0; i < before; i++) {
                size_t has = slots_count(&maps[i]);
                size_t ceiling = (SLOTS_ALL + after - 1) / after;
                must_move += i >= after ? has : has > ceiling ? has - ceiling : 0;
            }
            cr_assert_geq(moved_slots(&plan), must_move);
            cr_assert_leq(moved_slots(&plan), must_move + after);
            carry_out(&plan, maps);
            for (size_t i = 0; i < count; i++) {
                size_t has = slots_count(&maps[i]);
                cr_assert(i >= after
                              ? has == 0
                              : has == SLOTS_ALL / after || has == (SLOTS_ALL + after - 1) / after);
            }
        }
    }
}

Test(slot_moves, shares_in_pieces_are_brought_together_the_same_way_each_time)
{
    struct slot_share shares[] = {
        {"0-99,200-16383", false},
        {"100-199",        false},
        {"",               false}
    };
    struct slot_plan first, second;

    slot_plan_make(&a, shares, 3, &first);
    slot_plan_make(&a, shares, 3, &second);
    cr_assert_eq(first.count, second.count);
    for (size_t i = 0; i < first.count; i++)
        cr_assert_str_eq(first.items[i].slots, second.items[i].slots);
    cr_assert_str_eq(first.items[0].slots, "0-99,200-1123");
}

Test(slot_moves, states_have_words)
{
    for (int i = SLOT_MOVE_WAITING; i <= SLOT_MOVE_DONE; i++) {
        enum slot_move_state state;
        cr_assert(slot_move_state_parse(slot_move_state_name((enum slot_move_state)i), &state));
        cr_assert_eq(state, (enum slot_move_state)i);
    }
    enum slot_move_state state;
    cr_assert_not(slot_move_state_parse("flying", &state));
}

Test(slot_moves, engines_know_each_attempt_by_another_name)
{
    struct slot_move m = {.id = 0x1f, .attempt = 2};

    cr_assert_str_eq(slot_move_name(&a, &m), "00000000000000000000001f0000000000000002");
}

Test(slot_moves, progress_counts_slots)
{
    struct slot_move moves[] = {
        {.slots = "0-299",           .state = SLOT_MOVE_DONE   },
        {                   .slots = "300-399", .state = SLOT_MOVE_MOVING,               .task_id = 1, .task_percent = 50},
        { .slots = "400-499",         .state = SLOT_MOVE_WAITING, .task_percent = 70},
    };

    cr_assert_float_eq(slot_moves_percent(moves, 3), 70, 0.001);
    cr_assert_float_eq(slot_moves_percent(moves, 0), 100, 0.001);
}
