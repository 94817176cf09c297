#include "keyspace_fixture.h"

#include <stdlib.h>

static void fill_all(struct fixture *f)
{
    static const char value[20000];

    for (int i = 0; i < 2000; i++)
        db_set_string(&f->ks.dbs[i % 3], key_of(f, "k", i),
                      (struct str){value, i % 10 ? 50 : sizeof(value)}, NO_DEADLINE);
}

Test(keyspace, a_flush_leaves_no_byte_behind)
{
    struct fixture f;

    fixture_begin(&f);
    size_t before = f.ks.account.used_bytes;
    for (int round = 0; round < 4; round++) {
        fill_all(&f);
        cr_assert_eq(keyspace_flush(&f.ks, -1, round % 2), 2000);
        cr_assert_eq(keyspace_count(&f.ks), 0);
    }
    /* The background is done when its thread has ended. */
    lazyfree_fini(&f.ks.lazyfree);
    cr_assert_eq(keyspace_used_bytes(&f.ks), before);
    lazyfree_init(&f.ks.lazyfree);
    fixture_end(&f);
}

Test(keyspace, flushing_one_database_spares_the_others)
{
    struct fixture f;

    fixture_begin(&f);
    fill_all(&f);
    uint64_t others = db_count(&f.ks.dbs[0]) + db_count(&f.ks.dbs[2]);
    keyspace_flush(&f.ks, 1, true);
    cr_assert_eq(keyspace_count(&f.ks), others);
    db_set_string(&f.ks.dbs[1], key_text(&f, "again"), STR("v"), NO_DEADLINE);
    cr_assert_eq(db_count(&f.ks.dbs[1]), 1);
    fixture_end(&f);
}

Test(keyspace, databases_change_places_with_all_they_hold)
{
    struct fixture f;

    fixture_begin(&f);
    set_text(&f, "in zero", "v");
    db_set_string(&f.ks.dbs[3], key_text(&f, "in three"), STR("w"), START_MS + 99);
    keyspace_swap(&f.ks, 0, 3);
    cr_assert(db_peek(&f.ks.dbs[3], key_text(&f, "in zero")));
    cr_assert(db_peek(&f.ks.dbs[0], key_text(&f, "in three")));
    cr_assert_eq(f.ks.dbs[0].with_deadline, 1);
    cr_assert_eq(f.ks.dbs[0].id, 0);
    for (int i = 0; i < 5000; i++)
        db_set_string(&f.ks.dbs[0], key_of(&f, "k", i), STR("v"), NO_DEADLINE);
    cr_assert_eq(db_count(&f.ks.dbs[0]), 5001);
    cr_assert_eq(db_count(&f.ks.dbs[3]), 1);
    fixture_end(&f);
}

/* What on_change was told. */
struct told {
    int count;
    char last[32];
    enum key_event kind;
};

static void listen(void *ctx, struct db *db, struct key k, enum key_event kind, const char *name)
{
    struct told *t = ctx;

    (void)db;
    (void)k;
    t->count++;
    t->kind = kind;
    snprintf(t->last, sizeof(t->last), "%s", name);
}

Test(keyspace, who_listens_is_told_of_keys_that_go_by_themselves)
{
    struct fixture f;
    struct told told = {0};

    fixture_begin(&f);
    f.ks.hooks = (struct keyspace_hooks){.ctx = &told, .on_change = listen};
    db_set_string(f.db, key_text(&f, "k"), STR("v"), START_MS + 1);
    keyspace_set_now(&f.ks, START_MS + 500);
    cr_assert_null(db_find(f.db, key_text(&f, "k")));
    cr_assert_eq(told.count, 0);
    f.ks.is_observed = true;
    db_set_string(f.db, key_text(&f, "k"), STR("v"), START_MS + 600);
    keyspace_set_now(&f.ks, START_MS + 1000);
    keyspace_expire_some(&f.ks, 100000);
    cr_assert_eq(told.count, 1);
    cr_assert_eq(told.kind, EVENT_EXPIRED);
    cr_assert_str_eq(told.last, "expired");
    fixture_end(&f);
}

Test(keyspace, databases_apart_are_exchanged_whole_and_leave_nothing)
{
    struct fixture f;

    fixture_begin(&f);
    size_t before = keyspace_used_bytes(&f.ks);
    set_text(&f, "here", "1");
    struct db *apart = keyspace_dbs_new(&f.ks);
    db_set_string(&apart[2], key_text(&f, "there"), STR("x"), NO_DEADLINE);
    keyspace_dbs_exchange(&f.ks, apart);
    cr_expect_not(db_peek(&f.ks.dbs[0], key_text(&f, "here")));
    cr_expect(db_peek(&f.ks.dbs[2], key_text(&f, "there")));
    cr_expect_eq(f.ks.dbs[2].id, 2);
    cr_expect(db_peek(&apart[0], key_text(&f, "here")));
    keyspace_dbs_free(&f.ks, apart);
    keyspace_flush(&f.ks, -1, false);
    cr_expect_eq(keyspace_used_bytes(&f.ks), before);
    keyspace_dbs_free(&f.ks, NULL);
    fixture_end(&f);
}

Test(keyspace, a_flush_that_was_put_off_is_done_when_it_is_due)
{
    struct fixture f;

    fixture_begin(&f);
    set_text(&f, "k", "v");
    keyspace_flush_due(&f.ks);
    f.ks.flush_at_ms = START_MS + 10;
    keyspace_flush_due(&f.ks);
    cr_assert_eq(keyspace_count(&f.ks), 1, "not before");
    keyspace_set_now(&f.ks, START_MS + 10);
    keyspace_flush_due(&f.ks);
    cr_assert_eq(keyspace_count(&f.ks), 0);
    set_text(&f, "k", "v");
    keyspace_flush_due(&f.ks);
    cr_assert_eq(keyspace_count(&f.ks), 1, "once");
    fixture_end(&f);
}
