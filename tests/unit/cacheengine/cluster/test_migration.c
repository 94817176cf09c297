#include "migration_fixture.h"

Test(migration, keys_go_and_the_slots_change_hands_when_all_are_confirmed)
{
    struct moving t;

    begin(&t, 3);
    greet(&t);
    cr_assert_eq(t.m->state, MIGRATION_PAUSES);
    cr_assert(t.cluster.paused);
    cr_assert_eq(count_of(&t, "SET\r\n"), 3);
    cr_assert_eq(count_of(&t, "SYNC"), 1);
    answer(&t, "+2\r\n");
    cr_assert_eq(count_of(&t, "TAKE"), 0);
    answer(&t, "+3\r\n");
    /* Before the target is asked, nobody serves the slots. */
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    cr_assert_eq(t.cluster.handovers.items[0].stage, HANDOVER_GIVEN);
    cr_assert(t.cluster.hides_paused);
    answer(&t, "+TAK");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    answer(&t, "EN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_eq(t.cluster.handovers.items[0].stage, HANDOVER_HANDED);
    cr_assert_eq(t.keeper.told, 2);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    cr_assert_null(t.cluster.paused);
    cr_assert(t.wire.is_closed);
    end(&t);
}

Test(migration, a_new_link_goes_on_behind_what_the_target_has_run)
{
    struct moving t;

    begin(&t, 3);
    greet(&t);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert_eq(t.m->state, MIGRATION_CONNECTS);
    cr_assert_null(t.cluster.paused);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1000);
    migration_tick(t.m);
    cr_assert_eq(t.wire.dials, 2);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "+OK\r\n");
    cr_assert_eq(count_of(&t, "RESUME"), 1);
    buf_clear(&t.wire.sent);
    answer(&t, "+2\r\n");
    cr_assert_eq(count_of(&t, "SET\r\n"), 1);
    answer(&t, "+3\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, who_was_asked_to_take_and_cut_off_is_believed)
{
    struct moving t;

    begin(&t, 1);
    greet(&t);
    answer(&t, "+1\r\n");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert(t.cluster.paused);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert(t.cluster.paused);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 100000);
    migration_tick(t.m);
    /* It does not serve again; who was held is sent there. */
    cr_assert_null(t.cluster.paused);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "+OK\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration, nonsense_of_the_target_ends_it)
{
    static const char *const rows[] = {"-OOM no room\r\n", "+2000\r\n", "+what\r\n", ":1\r\n",
                                       "\r\n"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin(&t, 3);
        greet(&t);
        answer(&t, rows[i]);
        cr_assert_eq(t.m->state, MIGRATION_FAILED, "%s", rows[i]);
        cr_assert_neq(*t.m->failure, 0);
        cr_assert_null(t.cluster.paused);
        cr_assert(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
        end(&t);
    }
}

Test(migration, one_that_connects_to_nobody_is_given_up)
{
    struct moving t;

    begin(&t, 3);
    for (int i = 0; i < 100 && !migration_is_over(t.m); i++) {
        if (!t.wire.is_closed)
            t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "nobody is there"));
        keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1000);
        migration_tick(t.m);
    }
    cr_assert_eq(t.m->state, MIGRATION_FAILED);
    cr_assert_str_eq(t.m->failure, "nobody is there");
    end(&t);
}
