#include "keyspace_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 300000 };

/* Values of two sizes, some with a deadline. */
static void fill(struct fixture *f)
{
    char value[256];

    memset(value, 'v', sizeof(value));
    for (int i = 0; i < COUNT; i++) {
        size_t len = (size_t)snprintf(value, sizeof(value), "%d", i);

        value[len] = 'v';
        db_set_string(f->db, key_of(f, "k", i), (struct str){value, i % 3 ? 100 : 200},
                      i % 5 ? NO_DEADLINE : START_MS + 100000 + i);
    }
}

static bool stays(int i)
{
    return (unsigned)i * 2654435761U >> 29 == 3;
}

static uint64_t drop_most(struct fixture *f)
{
    uint64_t left = COUNT;

    for (int i = 0; i < COUNT; i++)
        if (!stays(i)) {
            cr_assert(db_delete(f->db, key_of(f, "k", i), false));
            left--;
        }
    return left;
}

static void check_all(struct fixture *f)
{
    for (int i = 0; i < COUNT; i++) {
        struct number_text digits;
        struct entry *e = db_peek(f->db, key_of(f, "k", i));

        cr_assert_eq(e != NULL, stays(i));
        if (!e)
            continue;
        struct str value = db_string(e, &digits);
        cr_assert_eq(value.len, i % 3 ? 100 : 200);
        cr_assert_eq(strtol(value.ptr, NULL, 10), i);
        cr_assert_eq(entry_has_deadline(e), i % 5 == 0);
        cr_assert(i % 5 || entry_deadline(e) == START_MS + 100000 + i);
    }
}

Test(tidy, what_deletions_left_half_empty_is_given_back)
{
    struct fixture f;

    fixture_begin(&f);
    fill(&f);
    uint64_t left = drop_most(&f);
    size_t used = f.ks.account.used_bytes, wasted = heap_wasted_bytes(&f.db->heap);
    int slices = 1;
    cr_assert_gt(wasted, 4 * f.db->heap.used_bytes);
    while (!keyspace_tidy_some(&f.ks, 100))
        slices++;
    cr_assert_gt(slices, 3, "it works in slices");
    cr_assert_lt(heap_wasted_bytes(&f.db->heap), f.db->heap.used_bytes / 4 + (4 << 20));
    cr_assert_lt(heap_backed_bytes(&f.db->heap), 2 * f.db->heap.used_bytes);
    cr_assert_eq(f.ks.account.used_bytes, used, "nothing came or went");
    cr_assert_eq(db_count(f.db), left);
    check_all(&f);
    /* Then there is nothing to do. */
    uint64_t looked = f.ks.stats.tidy_looked;
    keyspace_set_passed(&f.ks, f.ks.passed_ms + 10000);
    cr_assert(keyspace_tidy_some(&f.ks, 100));
    cr_assert_eq(f.ks.stats.tidy_looked, looked);
    fixture_end(&f);
}

Test(tidy, a_pass_goes_on_while_everything_changes)
{
    struct fixture f;

    fixture_begin(&f);
    fill(&f);
    drop_most(&f);
    for (int round = 0; !keyspace_tidy_some(&f.ks, 0); round++)
        for (int i = 0; i < 40; i++)
            db_set_string(f.db, key_of(&f, "new", round * 40 + i), STR("some more"), NO_DEADLINE);
    check_all(&f);
    for (int i = 0; i < COUNT; i++)
        if (stays(i))
            cr_assert(db_delete(f.db, key_of(&f, "k", i), false));
    fixture_end(&f);
}

Test(tidy, keys_that_all_go_amid_a_pass_end_it)
{
    struct fixture f;

    fixture_begin(&f);
    fill(&f);
    drop_most(&f);
    cr_assert_not(keyspace_tidy_some(&f.ks, 0));
    keyspace_flush(&f.ks, -1, false);
    cr_assert(keyspace_tidy_some(&f.ks, 0));
    cr_assert_eq(keyspace_count(&f.ks), 0);
    fixture_end(&f);
}

/* Only what the index alone refers to can be moved: here nothing can, and it does not try again at
 * once. */
Test(tidy, a_pass_that_does_not_help_is_followed_by_a_rest)
{
    enum { ITEMS = 400000 };
    struct fixture f;
    uint32_t *refs = malloc(ITEMS * sizeof(*refs));

    fixture_begin(&f);
    db_set_string(f.db, key_text(&f, "k"), STR("v"), NO_DEADLINE);
    for (int i = 0; i < ITEMS; i++)
        refs[i] = heap_alloc(&f.db->heap, 64);
    for (int i = 0; i < ITEMS; i++)
        if (i % 8)
            heap_free(&f.db->heap, refs[i]);
    uint64_t looked = f.ks.stats.tidy_looked;
    cr_assert(keyspace_tidy_some(&f.ks, 1000000));
    cr_assert_eq(f.ks.stats.tidy_looked, looked + 1);
    keyspace_set_passed(&f.ks, f.ks.passed_ms + 60000);
    cr_assert(keyspace_tidy_some(&f.ks, 1000000));
    cr_assert_eq(f.ks.stats.tidy_looked, looked + 1);
    keyspace_set_passed(&f.ks, f.ks.passed_ms + 300000);
    cr_assert(keyspace_tidy_some(&f.ks, 1000000));
    cr_assert_eq(f.ks.stats.tidy_looked, looked + 2);
    for (int i = 0; i < ITEMS; i += 8)
        heap_free(&f.db->heap, refs[i]);
    free(refs);
    fixture_end(&f);
}
