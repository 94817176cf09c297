#include "keyspace_fixture.h"

Test(expire, all_that_is_due_goes_and_nothing_else)
{
    struct fixture f;
    enum { COUNT = 20000 };

    fixture_begin(&f);
    for (int i = 0; i < COUNT; i++)
        db_set_string(f.db, key_of(&f, "k", i), STR("v"), START_MS + 1 + i);
    for (int i = 0; i < 500; i++)
        db_set_string(f.db, key_of(&f, "stays", i), STR("v"), NO_DEADLINE);
    for (int64_t ms = 0; ms <= COUNT + 256; ms += 1000) {
        keyspace_set_now(&f.ks, START_MS + ms);
        while (!keyspace_expire_some(&f.ks, 1000))
            ;
        uint64_t due = ms > COUNT ? COUNT : (uint64_t)ms;
        uint64_t left = COUNT - due + 500;
        cr_assert(db_count(f.db) >= left, "%lu of %lu at %ld", db_count(f.db), left, ms);
        /* Up to two ticks of 128 ms late. */
        cr_assert(db_count(f.db) <= left + 257, "%lu of %lu at %ld", db_count(f.db), left, ms);
    }
    keyspace_set_now(&f.ks, START_MS + COUNT + 300);
    cr_assert(keyspace_expire_some(&f.ks, 1000000));
    cr_assert_eq(db_count(f.db), 500);
    cr_assert_eq(f.ks.stats.expired, COUNT);
    fixture_end(&f);
}

Test(expire, a_crowd_that_is_due_at_once_goes_in_slices)
{
    struct fixture f;
    enum { COUNT = 100000 };
    int slices = 1;

    fixture_begin(&f);
    for (int i = 0; i < COUNT; i++)
        db_set_string(&f.ks.dbs[i % 2], key_of(&f, "k", i), STR("v"), START_MS + 500);
    keyspace_set_now(&f.ks, START_MS + 1000);
    while (!keyspace_expire_some(&f.ks, 100))
        slices++;
    cr_assert(slices > 1);
    cr_assert_eq(keyspace_count(&f.ks), 0);
    cr_assert_eq(f.ks.stats.expired, COUNT);
    fixture_end(&f);
}

Test(expire, a_sweep_in_the_smallest_steps_says_done_only_when_it_is)
{
    struct fixture f;
    enum { COUNT = 100000 };

    fixture_begin(&f);
    for (int i = 0; i < COUNT; i++)
        db_set_string(f.db, key_of(&f, "k", i), STR("v"), START_MS + 500);
    keyspace_set_now(&f.ks, START_MS + 1000);
    /* No time at all: segments join between all steps, also the one that is being swept. */
    while (!keyspace_expire_some(&f.ks, -1))
        ;
    cr_assert_eq(keyspace_count(&f.ks), 0);
    fixture_end(&f);
}

Test(expire, deadlines_far_away_are_noted_again_and_again_until_they_come)
{
    struct fixture f;
    const int64_t day_ms = 86400000;

    fixture_begin(&f);
    db_set_string(f.db, key_text(&f, "far"), STR("v"), START_MS + day_ms);
    for (int64_t ms = 0; ms < day_ms; ms += 600000) {
        keyspace_set_now(&f.ks, START_MS + ms);
        cr_assert(keyspace_expire_some(&f.ks, 100000));
        cr_assert_eq(db_count(f.db), 1);
    }
    keyspace_set_now(&f.ks, START_MS + day_ms + 300);
    cr_assert(keyspace_expire_some(&f.ks, 100000));
    cr_assert_eq(db_count(f.db), 0);
    fixture_end(&f);
}

Test(expire, a_deadline_that_was_moved_away_does_not_fire)
{
    struct fixture f;
    struct key k;

    fixture_begin(&f);
    k = key_text(&f, "k");
    db_set_string(f.db, k, STR("v"), START_MS + 100);
    db_set_deadline(f.db, k, db_find(f.db, k), START_MS + 100000);
    keyspace_set_now(&f.ks, START_MS + 1000);
    cr_assert(keyspace_expire_some(&f.ks, 100000));
    cr_assert_eq(db_count(f.db), 1);
    db_set_deadline(f.db, k, db_find(f.db, k), NO_DEADLINE);
    keyspace_set_now(&f.ks, START_MS + 200000);
    cr_assert(keyspace_expire_some(&f.ks, 100000));
    cr_assert_eq(db_count(f.db), 1);
    fixture_end(&f);
}

Test(expire, a_paused_sweep_does_nothing)
{
    struct fixture f;

    fixture_begin(&f);
    f.ks.is_expiry_paused = true;
    db_set_string(f.db, key_text(&f, "k"), STR("v"), START_MS + 1);
    keyspace_set_now(&f.ks, START_MS + 1000);
    cr_assert(keyspace_expire_some(&f.ks, 100000));
    cr_assert_eq(db_count(f.db), 1);
    fixture_end(&f);
}

/* The clock is set, or the machine slept: notes of long ago must not seem to lie ahead. */
Test(expire, what_came_due_while_time_jumped_goes_at_once)
{
    const int64_t minute_ms = 60000;
    enum { COUNT = 3000 };

    for (int64_t jump = 70; jump < 300; jump += 10) {
        struct fixture f;

        fixture_begin(&f);
        for (int i = 0; i < COUNT; i++)
            db_set_string(f.db, key_of(&f, "k", i), STR("v"), START_MS + (i % 60 + 1) * minute_ms);
        db_set_string(f.db, key_text(&f, "far"), STR("v"), START_MS + 1000 * minute_ms);
        cr_assert(keyspace_expire_some(&f.ks, 1000000));
        keyspace_set_now(&f.ks, START_MS + jump * minute_ms);
        while (!keyspace_expire_some(&f.ks, 10))
            ;
        cr_assert_eq(db_count(f.db), 1, "%lu left after %ld minutes", db_count(f.db), jump);
        fixture_end(&f);
    }
}

Test(expire, time_may_go_backwards)
{
    const int64_t hour_ms = 3600000;

    for (int64_t back = 1; back < 6; back++) {
        struct fixture f;

        fixture_begin(&f);
        db_set_string(f.db, key_text(&f, "soon"), STR("v"), START_MS + 1000);
        db_set_string(f.db, key_text(&f, "late"), STR("v"), START_MS + hour_ms);
        cr_assert(keyspace_expire_some(&f.ks, 1000000));
        for (int64_t ms = -back * hour_ms; ms < 0; ms += hour_ms / 12) {
            keyspace_set_now(&f.ks, START_MS + ms);
            cr_assert(keyspace_expire_some(&f.ks, 1000000));
            cr_assert_eq(db_count(f.db), 2);
        }
        keyspace_set_now(&f.ks, START_MS + 2000);
        cr_assert(keyspace_expire_some(&f.ks, 1000000));
        cr_assert_eq(db_count(f.db), 1, "soon is gone, %ld hours had come again", back);
        keyspace_set_now(&f.ks, START_MS + hour_ms + 1000);
        cr_assert(keyspace_expire_some(&f.ks, 1000000));
        cr_assert_eq(db_count(f.db), 0);
        fixture_end(&f);
    }
}
