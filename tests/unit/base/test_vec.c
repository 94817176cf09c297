#include "base/arena.h"
#include "base/vec.h"

#include <criterion/criterion.h>

struct pair {
    int number, untouched;
};

Test(vec, items_are_added_zeroed_and_kept_in_order)
{
    struct arena a = {0};
    vec_of(struct pair) v = VEC_EMPTY;

    for (int i = 0; i < 1000; i++)
        vec_add(&a, &v)->number = i;
    cr_assert_eq(v.count, 1000);
    int expected = 0;
    vec_each(item, &v) {
        cr_assert_eq(item->number, expected++);
        cr_assert_eq(item->untouched, 0);
    }
    cr_assert_eq(expected, 1000);
    arena_fini(&a);
}

Test(vec, an_item_that_is_taken_back_is_zeroed_when_its_place_is_used_again)
{
    struct arena a = {0};
    vec_of(int) v = VEC_EMPTY;

    *vec_add(&a, &v) = 7;
    v.count--;
    cr_assert_eq(*vec_add(&a, &v), 0);
    arena_fini(&a);
}

Test(vec, each_over_nothing_runs_nothing)
{
    vec_of(int) v = VEC_EMPTY;
    vec_each(item, &v)
        cr_assert_fail("there is no item %p", (void *)item);
}
