/* Who has the slots when a source or a target dies while they change hands. */
#include "migration_fixture.h"

Test(migration_handover, slots_that_were_taken_unconfirmed_are_the_targets)
{
    struct moving t;

    begin(&t, 1);
    greet(&t);
    answer(&t, "+1\r\n");
    answer(&t, "-UNCONFIRMED the write was made here\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_not(cluster_is_mine(&t.cluster, slot_of_key("bar", 3)));
    end(&t);
}

/* The target is asked to take over the slots. */
static void begin_taking(struct moving *t)
{
    begin(t, 1);
    greet(t);
    answer(t, "+1\r\n");
    cr_assert_eq(t->m->state, MIGRATION_TAKES);
}

/* On a new link, up to where it is asked how far it is. */
static void come_back(struct moving *t)
{
    t->wire.link.user->failed(&t->wire.link, err_make(ERR_IO, "for a test"));
    keyspace_set_passed(&t->f.ks, t->f.ks.passed_ms + 1000);
    migration_tick(t->m);
    buf_clear(&t->wire.sent);
    t->wire.link.user->connected(&t->wire.link);
    answer(t, "+OK\r\n");
    cr_assert_eq(count_of(t, "RESUME"), 1);
}

static bool is_mine(struct moving *t)
{
    return cluster_is_mine(&t->cluster, slot_of_key("bar", 3));
}

Test(migration_handover, the_target_is_asked_when_the_record_is_kept_and_not_before)
{
    struct moving t;

    begin(&t, 1);
    t.keeper.is_slow = true;
    greet(&t);
    answer(&t, "+1\r\n");
    cr_assert_eq(t.m->state, MIGRATION_GIVES);
    cr_assert_not(is_mine(&t));
    cr_assert_eq(count_of(&t, "TAKE"), 0);
    t.keeper.is_slow = false;
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    answer(&t, "+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration_handover, a_record_that_is_not_kept_in_time_is_taken_back)
{
    struct moving t;

    begin(&t, 1);
    t.keeper.is_slow = true;
    greet(&t);
    answer(&t, "+1\r\n");
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1500);
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(t.m->state, MIGRATION_COPIES);
    cr_assert(is_mine(&t));
    cr_assert_null(t.cluster.paused);
    cr_assert_eq(t.cluster.handovers.count, 0);
    t.keeper.is_slow = false;
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(count_of(&t, "TAKE"), 0);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1500);
    t.wire.link.user->due(&t.wire.link);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    end(&t);
}

Test(migration_handover, a_link_that_breaks_before_the_target_was_asked_changes_nothing)
{
    struct moving t;

    begin(&t, 1);
    t.keeper.is_slow = true;
    greet(&t);
    answer(&t, "+1\r\n");
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert_eq(t.m->state, MIGRATION_CONNECTS);
    cr_assert(is_mine(&t));
    cr_assert_eq(t.cluster.handovers.count, 0);
    end(&t);
}

Test(migration_handover, a_target_that_has_not_taken_is_asked_again)
{
    struct moving t;

    begin_taking(&t);
    come_back(&t);
    cr_assert_not(is_mine(&t));
    answer(&t, "+1\r\n");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    answer(&t, "+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration_handover, with_a_target_that_lost_it_all_it_begins_anew)
{
    struct moving t;

    begin_taking(&t);
    come_back(&t);
    answer(&t, "+NONE\r\n");
    cr_assert(is_mine(&t));
    cr_assert_eq(t.cluster.handovers.count, 0);
    cr_assert_eq(count_of(&t, "BEGIN"), 1);
    answer(&t, "+0\r\n");
    cr_assert_eq(count_of(&t, "SET\r\n"), 1);
    answer(&t, "+1\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration_handover, who_knows_nothing_is_asked_until_somebody_does)
{
    static const char *const rows[] = {"-WRONGPASS who is that\r\n", "-TRYAGAIN no primary\r\n",
                                       "-NOAUTH Authentication required.\r\n", "nonsense\r\n"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin_taking(&t);
        t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
        for (int turn = 0; turn < 200; turn++) {
            keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 1000);
            migration_tick(t.m);
            t.wire.link.user->connected(&t.wire.link);
            answer(&t, rows[i]);
            cr_assert_eq(t.m->state, MIGRATION_TAKES, "%s", rows[i]);
            cr_assert(t.wire.is_closed);
        }
        cr_assert_not(is_mine(&t));
        end(&t);
    }
}

Test(migration_handover, a_target_that_refuses_to_take_leaves_the_slots_here)
{
    struct moving t;

    begin_taking(&t);
    answer(&t, "-ERR the slots can not be taken here now\r\n");
    cr_assert_eq(t.m->state, MIGRATION_FAILED);
    cr_assert(is_mine(&t));
    cr_assert_eq(t.cluster.handovers.count, 0);
    end(&t);
}

Test(migration_handover, nonsense_while_the_target_takes_is_no_answer)
{
    static const char *const rows[] = {"+2000\r\n", "+what\r\n", ":1\r\n", "\r\n", "+NONE\r\n"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin_taking(&t);
        answer(&t, rows[i]);
        cr_assert_eq(t.m->state, MIGRATION_TAKES, "%s", rows[i]);
        cr_assert_not(is_mine(&t));
        cr_assert(t.wire.is_closed);
        end(&t);
    }
}

Test(migration_handover, a_target_that_is_loading_is_waited_for)
{
    struct moving t;

    begin(&t, 1);
    greet(&t);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "-TRYAGAIN the data is not loaded yet\r\n");
    cr_assert_eq(t.m->state, MIGRATION_CONNECTS);
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    cr_assert_eq(t.wire.dials, 3);
    end(&t);
}

Test(migration_handover, a_topology_that_knows_better_ends_the_doubt)
{
    static const struct {
        const char *topology;
        enum migration_state state;
    } rows[] = {
        {"6 #1 SHARD #a 0-5060,5062-8191 NODE #1 primary 127.0.0.1 7001 0 - online "
         "SHARD #b 5061,8192-16383 NODE #3 primary ::1 7003 0 - online", MIGRATION_DONE  },
        {"6 #1 SHARD #a 0-16383 NODE #1 primary 127.0.0.1 7001 0 - online",       MIGRATION_FAILED},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct moving t;

        begin_taking(&t);
        cr_assert_eq(slot_of_key("bar", 3), 5061);
        cr_assert_not(err_failed(set_topology(&t.cluster, &t.arena, rows[i].topology)));
        migration_tick(t.m);
        cr_assert_eq(t.m->state, rows[i].state, "row %zu", i);
        cr_assert_null(t.cluster.paused);
        end(&t);
    }
}

/* Another process goes on with a record. */
static void revive(struct moving *t)
{
    begin_taking(t);
    struct handover left = t->cluster.handovers.items[0];
    migration_free(t->m);
    cr_assert_not(is_mine(t));
    buf_clear(&t->wire.sent);
    t->m = migration_revive(&t->f.ks, &t->cluster, &t->host, &left);
    t->wire.link.user->connected(&t->wire.link);
    cr_assert_eq(count_of(t, "larder-import"), 1);
    answer(t, "+OK\r\n");
    cr_assert_eq(count_of(t, "RESUME"), 1);
}

Test(migration_handover, whoever_comes_after_the_source_asks_the_target)
{
    struct moving t;

    revive(&t);
    answer(&t, "+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    cr_assert_eq(t.cluster.handovers.items[0].stage, HANDOVER_HANDED);
    end(&t);
}

Test(migration_handover, whoever_comes_after_the_source_has_the_target_take_what_it_has)
{
    struct moving t;

    revive(&t);
    answer(&t, "+71\r\n");
    cr_assert_eq(t.m->state, MIGRATION_TAKES);
    cr_assert_eq(count_of(&t, "TAKE"), 1);
    come_back(&t);
    answer(&t, "+71\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration_handover, whoever_comes_after_the_source_begins_anew_where_the_target_has_nothing)
{
    struct moving t;

    revive(&t);
    answer(&t, "+NONE\r\n");
    cr_assert(is_mine(&t));
    answer(&t, "+0\r\n");
    cr_assert_eq(count_of(&t, "SET\r\n"), 1);
    answer(&t, "+1\r\n+TAKEN\r\n");
    cr_assert_eq(t.m->state, MIGRATION_DONE);
    end(&t);
}

Test(migration_handover, whoever_comes_after_the_source_and_is_cut_off_before_it_asks_begins_anew)
{
    struct moving t;

    revive(&t);
    t.keeper.is_slow = true;
    answer(&t, "+71\r\n");
    cr_assert_eq(t.m->state, MIGRATION_GIVES);
    t.wire.link.user->failed(&t.wire.link, err_make(ERR_IO, "for a test"));
    cr_assert(is_mine(&t));
    keyspace_set_passed(&t.f.ks, t.f.ks.passed_ms + 500);
    migration_tick(t.m);
    buf_clear(&t.wire.sent);
    t.wire.link.user->connected(&t.wire.link);
    answer(&t, "+OK\r\n");
    cr_assert_eq(count_of(&t, "BEGIN"), 1);
    end(&t);
}
