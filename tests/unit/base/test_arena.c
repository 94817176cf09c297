#include "base/arena.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdint.h>
#include <string.h>

Test(arena, a_zeroed_arena_is_ready_and_may_be_ended_twice)
{
    struct arena a = {0};

    cr_assert_str_eq(arena_strdup(&a, "text"), "text");
    arena_fini(&a);
    arena_fini(&a);
    arena_fini(NULL);
    cr_assert_null(a.head);
}

Test(arena, every_piece_is_aligned_and_apart_from_the_others)
{
    struct arena a = {0};
    unsigned char *pieces[200];

    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&a, i * 37);
        cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i * 37);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 37; k++)
            cr_assert_eq(pieces[i][k], (unsigned char)i);
    arena_fini(&a);
}

Test(arena, empty_pieces_have_addresses_of_their_own)
{
    struct arena a = {0};
    cr_assert_neq(arena_alloc(&a, 0), arena_alloc(&a, 0));
    arena_fini(&a);
}

Test(arena, a_piece_larger_than_any_chunk_is_served)
{
    struct arena a = {0};
    char *big = arena_zalloc(&a, 5 << 20);

    big[(5 << 20) - 1] = 1;
    cr_assert_eq(big[0], 0);
    arena_fini(&a);
}

Test(arena, reset_forgets_all_and_goes_on_with_zeroed_memory_where_asked)
{
    struct arena a = {0};

    memset(arena_alloc(&a, 3000), 0xff, 3000);
    arena_alloc(&a, 100000);
    arena_reset(&a);
    cr_assert_eq(a.total_bytes, 0);
    char *fresh = arena_zalloc(&a, 3000);
    for (int i = 0; i < 3000; i++)
        cr_assert_eq(fresh[i], 0);
    arena_fini(&a);
    arena_reset(&a); /* of an empty one */
}

Test(arena, text_is_copied_and_formatted)
{
    struct arena a = {0};

    cr_assert_null(arena_strdup(&a, NULL));
    cr_assert_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
    cr_assert_str_eq(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    cr_assert_arr_eq(arena_memdup(&a, "a\0b", 3), "a\0b", 3);
    arena_fini(&a);
}

Test(arena, an_array_whose_size_overflows_aborts, .signal = SIGABRT)
{
    struct arena a = {0};
    arena_array(&a, SIZE_MAX / 2, 4);
}
