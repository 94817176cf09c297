#include "base/rng.h"
#include "cacheengine/types/id_map.h"

#include <criterion/criterion.h>

#define NAMES 3000

struct thing {
    struct stream_id id;
    uint64_t mark;
};

static struct stream_id name(uint64_t i)
{
    return (struct stream_id){i / 16, i % 16};
}

/* The map has just those names that are marked, in order, both ways. */
static void compare(const struct id_map *m, const uint64_t marks[NAMES])
{
    struct id_place place = id_map_begin(m);
    uint64_t count = 0;

    for (uint64_t i = 0; i < NAMES; i++) {
        const struct thing *found = id_map_find(m, name(i));

        cr_assert_eq(found != NULL, marks[i] != 0);
        if (!marks[i])
            continue;
        cr_assert_eq(found->mark, marks[i]);
        cr_assert_eq(id_map_at(m, place), (void *)(uintptr_t)found);
        id_map_next(m, &place);
        count++;
    }
    cr_assert_null(id_map_at(m, place));
    cr_assert_eq(m->count, count);
    for (uint64_t i = NAMES; i-- > 0;)
        if (marks[i]) {
            cr_assert(id_map_previous(m, &place));
            cr_assert_eq(((struct thing *)id_map_at(m, place))->mark, marks[i]);
        }
    cr_assert_not(id_map_previous(m, &place));
}

Test(id_map, it_is_what_a_row_of_marks_would_be)
{
    static uint64_t marks[NAMES];
    struct account account = {0};
    struct id_map m;
    struct rng rng;

    rng_seed(&rng, 3);
    id_map_init(&m, sizeof(struct thing));
    for (uint64_t round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 600; i++) {
            uint64_t draw = rng_next(&rng), n = draw % NAMES;
            bool is_new;

            /* Rounds that grow, at the end mostly, and rounds that shrink. */
            if (draw >> 32 & 1 && round % 4 != 3)
                n = i * NAMES / 600;
            if (round % 4 != 3) {
                struct thing *t = id_map_insert(&account, &m, name(n), &is_new);

                cr_assert_eq(is_new, !marks[n]);
                cr_assert_eq(t->mark, marks[n]);
                t->mark = marks[n] = draw | 1;
            } else {
                cr_assert_eq(id_map_forget(&account, &m, name(n)), marks[n] != 0);
                marks[n] = 0;
            }
        }
        compare(&m, marks);
        cr_assert_eq(account.used_bytes, m.held);
    }
    id_map_fini(&account, &m);
    cr_expect_eq(account.used_bytes, 0);
}

Test(id_map, what_is_removed_at_a_place_makes_room_for_the_next)
{
    struct account account = {0};
    struct id_map m;
    bool is_new;

    id_map_init(&m, sizeof(struct thing));
    for (uint64_t i = 0; i < 1000; i++)
        id_map_insert(&account, &m, name(i), &is_new);
    struct id_place place = id_map_seek(&m, name(300));
    for (uint64_t i = 300; i < 700; i++) {
        cr_assert_eq(stream_id_order(((struct thing *)id_map_at(&m, place))->id, name(i)), 0);
        id_map_remove(&account, &m, &place);
    }
    cr_expect_eq(stream_id_order(((struct thing *)id_map_at(&m, place))->id, name(700)), 0);
    cr_expect_eq(
        stream_id_order(((struct thing *)id_map_at(&m, id_map_seek(&m, name(400))))->id, name(700)),
        0);
    cr_expect_null(id_map_at(&m, id_map_seek(&m, name(1000))));
    place = id_map_begin(&m);
    while (m.count > 0)
        id_map_remove(&account, &m, &place);
    cr_expect_eq(account.used_bytes, 0);
}
