#include "keyspace_fixture.h"

#include <stdlib.h>

Test(db, a_string_is_read_as_it_was_written_in_every_form)
{
    static const size_t sizes[] = {0, 1, 10, 44, 45, 64, 255, 256, 1000, 12288, 12289, 100000};
    struct fixture f;
    static char value[100000];

    fixture_begin(&f);
    memset(value, 'x', sizeof(value));
    for (size_t i = 0; i < countof(sizes); i++)
        for (size_t j = 0; j < countof(sizes); j++) {
            struct number_text digits;
            struct str s;

            /* From every form to every other. */
            db_set_string(f.db, key_text(&f, "k"), (struct str){value, sizes[i]}, NO_DEADLINE);
            db_set_string(f.db, key_text(&f, "k"), (struct str){value, sizes[j]}, NO_DEADLINE);
            s = db_string(db_find(f.db, key_text(&f, "k")), &digits);
            cr_assert_eq(s.len, sizes[j]);
            cr_assert_eq(memcmp(s.ptr, value, s.len), 0);
        }
    cr_assert_eq(db_count(f.db), 1);
    fixture_end(&f);
}

Test(db, numbers_are_stored_as_numbers_and_only_when_canonical)
{
    static const struct {
        const char *text;
        bool is_number;
    } rows[] = {
        {"0",                    true },
        {"-1",                   true },
        {"9223372036854775807",  true },
        {"-9223372036854775808", true },
        {"9223372036854775808",  false},
        {"01",                   false},
        {"-0",                   false},
        {"+1",                   false},
        {" 1",                   false},
        {"1.0",                  false},
        {"",                     false},
    };
    struct fixture f;

    fixture_begin(&f);
    for (size_t i = 0; i < countof(rows); i++) {
        set_text(&f, "n", rows[i].text);
        cr_assert(holds(&f, "n", rows[i].text), "%s", rows[i].text);
        cr_assert_eq(entry_form(db_find(f.db, key_text(&f, "n"))) == FORM_NUMBER, rows[i].is_number,
                     "%s", rows[i].text);
    }
    fixture_end(&f);
}

Test(db, a_value_of_the_same_class_is_overwritten_where_it_stands)
{
    struct fixture f;

    fixture_begin(&f);
    set_text(&f, "key", "a value of some length");
    struct entry *e = db_find(f.db, key_text(&f, "key"));
    set_text(&f, "key", "another of that length");
    cr_assert_eq(db_find(f.db, key_text(&f, "key")), e);
    cr_assert(holds(&f, "key", "another of that length"));
    fixture_end(&f);
}

Test(db, sixteen_bytes_of_key_and_ten_of_value_take_thirty_two)
{
    struct fixture f;

    fixture_begin(&f);
    set_text(&f, "key:000000000001", "ten bytes.");
    cr_assert_eq(db_entry_bytes(f.db, db_find(f.db, key_text(&f, "key:000000000001"))), 32);
    fixture_end(&f);
}

Test(db, keys_of_any_length_work)
{
    static const uint32_t sizes[] = {0, 1, 255, 256, 15000, 16383, 16384, 16400, 70000, 300000};
    struct fixture f;
    char *name = malloc(300000);

    fixture_begin(&f);
    memset(name, 'k', 300000);
    for (size_t i = 0; i < countof(sizes); i++) {
        struct key k = keyspace_key(&f.ks, (struct str){name, sizes[i]});
        struct number_text digits;

        db_set_string(f.db, k, STR("some value"), NO_DEADLINE);
        cr_assert(str_is(db_string(db_find(f.db, k), &digits), "some value"));
        db_set_deadline(f.db, k, db_find(f.db, k), START_MS + 1000);
        cr_assert_eq(entry_deadline(db_find(f.db, k)), START_MS + 1000);
        db_rename(f.db, k, key_text(&f, "short"));
        cr_assert(holds(&f, "short", "some value"));
        db_rename(f.db, key_text(&f, "short"), k);
        cr_assert(str_is(db_string(db_find(f.db, k), &digits), "some value"));
    }
    cr_assert_eq(db_count(f.db), countof(sizes));
    for (size_t i = 0; i < countof(sizes); i++)
        cr_assert(db_delete(f.db, keyspace_key(&f.ks, (struct str){name, sizes[i]}), false));
    free(name);
    fixture_end(&f);
}

Test(db, a_deadline_comes_and_goes_without_harm_to_the_value)
{
    struct fixture f;

    fixture_begin(&f);
    set_text(&f, "k", "value");
    for (int i = 0; i < 3; i++) {
        struct entry *e = db_set_deadline(f.db, key_text(&f, "k"), db_find(f.db, key_text(&f, "k")),
                                          START_MS + 5000);

        cr_assert_eq(entry_deadline(e), START_MS + 5000);
        cr_assert_eq(f.db->with_deadline, 1);
        cr_assert(holds(&f, "k", "value"));
        e = db_set_deadline(f.db, key_text(&f, "k"), e, NO_DEADLINE);
        cr_assert_eq(entry_deadline(e), NO_DEADLINE);
        cr_assert_eq(f.db->with_deadline, 0);
        cr_assert(holds(&f, "k", "value"));
    }
    fixture_end(&f);
}

Test(db, an_expired_key_is_not_there_and_is_removed_when_met)
{
    struct fixture f;

    fixture_begin(&f);
    db_set_string(f.db, key_text(&f, "k"), STR("v"), START_MS + 10);
    keyspace_set_now(&f.ks, START_MS + 9);
    cr_assert(holds(&f, "k", "v"));
    keyspace_set_now(&f.ks, START_MS + 10);
    cr_assert_null(db_peek(f.db, key_text(&f, "k")));
    cr_assert_eq(db_count(f.db), 1);
    cr_assert(db_is_stale(f.db, key_text(&f, "k")));
    cr_assert_null(db_read(f.db, key_text(&f, "k")));
    cr_assert_eq(db_count(f.db), 0);
    cr_assert_eq(f.ks.stats.expired, 1);
    cr_assert_eq(f.ks.stats.misses, 1);
    fixture_end(&f);
}

Test(db, a_replica_hides_expired_keys_and_keeps_them)
{
    struct fixture f;

    fixture_begin(&f);
    f.ks.hides_expired = true;
    db_set_string(f.db, key_text(&f, "k"), STR("v"), START_MS + 10);
    keyspace_set_now(&f.ks, START_MS + 10);
    cr_assert_null(db_read(f.db, key_text(&f, "k")));
    cr_assert_not(db_delete(f.db, key_text(&f, "k"), false));
    cr_assert(keyspace_expire_some(&f.ks, 1000000));
    cr_assert_eq(db_count(f.db), 1);
    fixture_end(&f);
}

Test(db, writing_over_a_key_keeps_its_deadline_only_when_told)
{
    struct fixture f;

    fixture_begin(&f);
    db_set_string(f.db, key_text(&f, "k"), STR("v"), START_MS + 10);
    db_set_string(f.db, key_text(&f, "k"), STR("w"), KEEP_DEADLINE);
    cr_assert_eq(entry_deadline(db_find(f.db, key_text(&f, "k"))), START_MS + 10);
    db_set_string(f.db, key_text(&f, "k"), STR("12"), KEEP_DEADLINE);
    cr_assert_eq(entry_deadline(db_find(f.db, key_text(&f, "k"))), START_MS + 10);
    db_set_string(f.db, key_text(&f, "k"), STR("w"), NO_DEADLINE);
    cr_assert_eq(entry_deadline(db_find(f.db, key_text(&f, "k"))), NO_DEADLINE);
    cr_assert_eq(f.db->with_deadline, 0);
    fixture_end(&f);
}

Test(db, a_value_may_be_set_from_the_database_itself)
{
    struct fixture f;
    struct number_text digits;

    fixture_begin(&f);
    set_text(&f, "k", "0123456789abcdef");
    struct str s = db_string(db_find(f.db, key_text(&f, "k")), &digits);
    db_set_string(f.db, key_text(&f, "k"), (struct str){s.ptr + 3, 13}, START_MS + 9);
    cr_assert(holds(&f, "k", "3456789abcdef"));
    fixture_end(&f);
}

Test(db, a_resized_value_keeps_its_first_bytes)
{
    struct fixture f;
    struct key k;

    fixture_begin(&f);
    k = key_text(&f, "k");
    set_text(&f, "k", "abcdefgh");
    for (size_t len = 8; len < 3000; len += 37) {
        struct entry *e = db_resize(f.db, k, db_find(f.db, k), len);

        cr_assert_eq(entry_value_len(e), len);
        cr_assert_eq(memcmp(entry_value(e), "abcdefgh", 8), 0);
    }
    db_resize(f.db, k, db_find(f.db, k), 4);
    cr_assert(holds(&f, "k", "abcd"));
    fixture_end(&f);
}

Test(db, a_copy_is_a_value_of_its_own)
{
    struct fixture f;
    static char value[20000];

    fixture_begin(&f);
    memset(value, 'v', sizeof(value));
    db_set_string(f.db, key_text(&f, "big"), (struct str){value, sizeof(value)}, START_MS + 10);
    db_copy(f.db, db_find(f.db, key_text(&f, "big")), &f.ks.dbs[1], key_text(&f, "big"),
            START_MS + 20);
    cr_assert(db_delete(f.db, key_text(&f, "big"), false));
    struct entry *e = db_find(&f.ks.dbs[1], key_text(&f, "big"));
    cr_assert_eq(blob_str(entry_outside(e)).len, sizeof(value));
    cr_assert_eq(entry_deadline(e), START_MS + 20);
    fixture_end(&f);
}

/* The account is exact: whatever was done, removing all keys leaves what was there before. */
Test(db, memory_is_as_before_when_all_keys_are_gone)
{
    struct fixture f;
    struct rng r;
    static char value[40000];

    fixture_begin(&f);
    rng_seed(&r, 11);
    memset(value, 'v', sizeof(value));
    size_t before = f.ks.account.used_bytes;
    for (int i = 0; i < 60000; i++) {
        struct key k = key_of(&f, "key:", (int)rng_below(&r, 2000));
        size_t len = rng_below(&r, rng_below(&r, 50) ? 300 : sizeof(value));
        struct entry *e = db_find(f.db, k);

        switch (rng_below(&r, 5)) {
        case 0: db_delete(f.db, k, rng_below(&r, 2)); break;
        case 1:
            if (e)
                db_set_deadline(f.db, k, e, rng_below(&r, 2) ? START_MS + 100000 : NO_DEADLINE);
            break;
        case 2: db_set_number(f.db, k, i, KEEP_DEADLINE); break;
        default: db_set_string(f.db, k, (struct str){value, len}, NO_DEADLINE); break;
        }
    }
    for (int i = 0; i < 2000; i++)
        db_delete(f.db, key_of(&f, "key:", i), false);
    lazyfree_fini(&f.ks.lazyfree);
    lazyfree_settle(&f.ks.lazyfree, &f.ks.account);
    cr_assert_eq(f.ks.account.used_bytes, before);
    cr_assert_eq(f.db->outside, 0);
    cr_assert_eq(f.db->with_deadline, 0);
    lazyfree_init(&f.ks.lazyfree);
    fixture_end(&f);
}

struct counted {
    int keys;
};

static void count_key(void *ctx, struct entry *e)
{
    struct counted *c = ctx;

    (void)e;
    c->keys++;
}

Test(db, a_scan_leaves_expired_keys_out)
{
    struct fixture f;
    struct counted c = {0};
    uint64_t cursor = 0;

    fixture_begin(&f);
    for (int i = 0; i < 10; i++)
        db_set_string(f.db, key_of(&f, "k", i), STR("v"), i % 2 ? START_MS + 5 : NO_DEADLINE);
    keyspace_set_now(&f.ks, START_MS + 5);
    do
        cursor = db_scan(f.db, cursor, count_key, &c);
    while (cursor);
    cr_assert_eq(c.keys, 5);
    fixture_end(&f);
}

Test(db, a_random_key_is_any_live_key)
{
    struct fixture f;
    bool met[50] = {0};

    fixture_begin(&f);
    cr_assert_null(db_random(f.db));
    for (int i = 0; i < 50; i++)
        db_set_string(f.db, key_of(&f, "k", i), STR("v"), i < 25 ? START_MS + 5 : NO_DEADLINE);
    keyspace_set_now(&f.ks, START_MS + 5);
    for (int i = 0; i < 2000; i++)
        met[strtol(entry_key(db_random(f.db)).ptr + 1, NULL, 10)] = true;
    for (int i = 0; i < 50; i++)
        cr_assert_eq(met[i], i >= 25);
    fixture_end(&f);
}
