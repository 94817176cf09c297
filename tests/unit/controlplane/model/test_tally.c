#include "base/arena.h"
#include "controlplane/model/tally.h"

#include <criterion/criterion.h>

Test(tally, what_is_counted_is_told_and_taken_back)
{
    struct arena a = {0};
    struct tally t = {0};
    uint64_t one = tally_key(1, 2), other = tally_key(2, 1);

    cr_expect_eq(tally_get(&t, one), 0);
    tally_add(&a, &t, one);
    tally_add(&a, &t, one);
    tally_add(&a, &t, other);
    cr_expect_eq(tally_get(&t, one), 2);
    cr_expect_eq(tally_get(&t, other), 1);
    tally_drop(&t, one);
    cr_expect_eq(tally_get(&t, one), 1);
    arena_fini(&a);
}

Test(tally, thousands_are_told_apart)
{
    struct arena a = {0};
    struct tally t = {0};

    for (uint64_t i = 0; i < 10000; i++)
        for (uint64_t k = 0; k <= i % 3; k++)
            tally_add(&a, &t, tally_key(i, 7));
    for (uint64_t i = 0; i < 10000; i++)
        cr_assert_eq(tally_get(&t, tally_key(i, 7)), i % 3 + 1);
    cr_expect_eq(tally_get(&t, tally_key(10000, 7)), 0);
    cr_expect_neq(tally_key(0, 0), 0);
    arena_fini(&a);
}
