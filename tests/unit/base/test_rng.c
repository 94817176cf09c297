#include "base/arena.h"
#include "base/rng.h"

#include <criterion/criterion.h>

#include <string.h>

Test(rng, the_same_seed_gives_the_same_numbers)
{
    struct rng one, two, other;

    rng_seed(&one, 42);
    rng_seed(&two, 42);
    rng_seed(&other, 43);
    cr_assert_neq(rng_next(&other), rng_next(&one));
    rng_next(&two);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(rng_next(&one), rng_next(&two));
}

Test(rng, numbers_below_a_bound_are_spread_evenly)
{
    struct rng r;
    int counts[7] = {0};

    rng_seed(&r, 1);
    for (int i = 0; i < 70000; i++)
        counts[rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        cr_assert(counts[i] > 9500 && counts[i] < 10500, "%d fell on %d", counts[i], i);
    cr_assert_eq(rng_below(&r, 1), 0);
}

Test(rng, uuids_have_version_4_and_differ)
{
    struct arena a = {0};
    struct rng r;

    rng_seed_system(&r);
    const char *one = rng_uuid(&r, &a), *two = rng_uuid(&r, &a);
    cr_assert_eq(strlen(one), 36);
    cr_assert_eq(strspn(one, "0123456789abcdef-"), 36);
    cr_assert(one[8] == '-' && one[13] == '-' && one[18] == '-' && one[23] == '-');
    cr_assert_eq(one[14], '4');
    cr_assert_not_null(strchr("89ab", one[19]));
    cr_assert_str_neq(one, two);
    arena_fini(&a);
}

Test(rng, the_system_gives_fresh_bytes)
{
    unsigned char one[32] = {0}, two[32] = {0};

    rng_system_bytes(one, sizeof(one));
    rng_system_bytes(two, sizeof(two));
    cr_assert_arr_neq(one, two, sizeof(one));
}
