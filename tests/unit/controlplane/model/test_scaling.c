#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/scaling.h"

#include <criterion/criterion.h>

Test(scaling, a_batch_is_rounded_up)
{
    static const struct {
        int64_t percent;
        size_t nodes, batch;
    } rows[] = {
        {20,  1,  1},
        {20,  5,  1},
        {20,  6,  2},
        {50,  3,  2},
        {100, 7,  7},
        {10,  60, 6},
        {33,  0,  1}
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_eq(scaling_batch(rows[i].percent, rows[i].nodes), rows[i].batch, "row %zu", i);
}

Test(scaling, bounds_are_those_of_the_guide)
{
    static const struct {
        int64_t percent, minutes;
        bool is_fine;
    } rows[] = {
        {10,                    2,                     true },
        {100,                   30,                    true },
        {SCALE_PERCENT_DEFAULT, SCALE_MINUTES_DEFAULT, true },
        {9,                     5,                     false},
        {101,                   5,                     false},
        {20,                    1,                     false},
        {20,                    31,                    false},
        {-1,                    5,                     false}
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = scaling_check(&a, rows[i].percent, rows[i].minutes);
        cr_assert_eq(e.code, rows[i].is_fine ? ERR_OK : FAULT_INVALID_PARAMETER_VALUE, "row %zu",
                     i);
    }
    arena_fini(&a);
}

Test(scaling, the_text_says_how_far_it_is)
{
    struct scaling s = {20, 5, "cache.t4g.micro", 1700000000000, "0001,0002"}, found;
    const char *const others[] = {
        "", "3", "3 roll 0001", "3 scale", "3 scale 20 5 cache.t4g.micro", "x scale 20 5 t 0 "};
    struct arena a = {0};
    int64_t before;

    cr_assert(scaling_parse(&a, scaling_text(&a, 3, &s), &before, &found));
    cr_assert_eq(before, 3);
    cr_assert_eq(found.percent, 20);
    cr_assert_eq(found.minutes, 5);
    cr_assert_str_eq(found.type_before, "cache.t4g.micro");
    cr_assert_eq(found.next_ms, 1700000000000);
    cr_assert_str_eq(found.restarting, "0001,0002");
    s.next_ms = 0;
    s.restarting = "";
    cr_assert(scaling_parse(&a, scaling_text(&a, 1, &s), &before, &found));
    cr_assert_str_eq(found.restarting, "");
    for (size_t i = 0; i < countof(others); i++)
        cr_assert_not(scaling_parse(&a, others[i], &before, &found), "%s", others[i]);
    arena_fini(&a);
}

Test(scaling, the_text_says_who_stands_in_for_whom)
{
    struct stand_in pairs[] = {
        {12, 15},
        {13, 16}
    };
    struct moving m = {3, 12, 15, "cache.t4g.micro", true, pairs, 2}, found;
    const char *const others[] = {"",           "1 2 3",       "0 0 0 t",
                                  "0 0 0 t x ", "0 0 0 t 0 1", "0 0 0 t 0 1:"};
    struct arena a = {0};

    cr_assert_str_eq(moving_text(&a, &m), "3 12 15 cache.t4g.micro 1 12:15,13:16");
    cr_assert(moving_parse(&a, moving_text(&a, &m), &found));
    cr_assert(found.shard_id == 3 && found.from_id == 12 && found.to_id == 15 && found.is_begun);
    cr_assert_str_eq(found.type_before, "cache.t4g.micro");
    cr_assert_eq(found.count, 2);
    cr_assert(found.pairs[1].old_id == 13 && found.pairs[1].new_id == 16);
    m.count = 0;
    cr_assert(moving_parse(&a, moving_text(&a, &m), &found));
    cr_assert_eq(found.count, 0);
    for (size_t i = 0; i < countof(others); i++)
        cr_assert_not(moving_parse(&a, others[i], &found), "%s", others[i]);
    arena_fini(&a);
}
