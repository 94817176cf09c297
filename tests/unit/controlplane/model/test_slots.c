#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/slots.h"

#include <criterion/criterion.h>

Test(slots, three_shards_share_as_the_service_does)
{
    scoped(arena_fini) struct arena a = {0};

    cr_assert_str_eq(slots_even(&a, 0, 3), "0-5461");
    cr_assert_str_eq(slots_even(&a, 1, 3), "5462-10922");
    cr_assert_str_eq(slots_even(&a, 2, 3), "10923-16383");
    cr_assert_str_eq(slots_even(&a, 0, 1), "0-16383");
}

Test(slots, every_even_split_covers_all_slots_once)
{
    scoped(arena_fini) struct arena a = {0};

    for (size_t count = 1; count <= 500; count += 7) {
        struct slot_map map = {0};
        for (size_t i = 0; i < count; i++)
            cr_assert(slots_add(&map, slots_even(&a, i, count)));
        cr_assert_eq(slots_count(&map), SLOTS_ALL);
    }
}

Test(slots, text_of_a_map_joins_neighbours)
{
    scoped(arena_fini) struct arena a = {0};
    struct slot_map map = {0};

    cr_assert_str_eq(slots_text(&a, &map), "");
    cr_assert(slots_add(&map, "16383, 1-2,3,9"));
    cr_assert_str_eq(slots_text(&a, &map), "1-3,9,16383");
    cr_assert_eq(slots_count(&map), 5);
}

Test(slots, nonsense_is_refused)
{
    static const char *const bad[] = {"",    "x",  "1-", "-1",    "3-2", "16384", "0-16384",
                                      "1,1", "1,", ",1", "1-3,2", "1 2", "1--2"};

    for (size_t i = 0; i < countof(bad); i++) {
        struct slot_map map = {0};
        cr_expect_not(slots_add(&map, bad[i]), "%s", bad[i]);
    }
}
