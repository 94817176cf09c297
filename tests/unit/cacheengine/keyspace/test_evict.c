#include "keyspace_fixture.h"

#define LIMIT (8 << 20)

/* Adds keys as a client would: room is made before each. */
static enum evict_result fill(struct fixture *f, const char *prefix, int from, int count,
                              int64_t deadline_ms)
{
    static const char value[200];
    enum evict_result result = EVICT_ENOUGH;

    for (int i = from; i < from + count && result != EVICT_FAILED; i++) {
        result = keyspace_make_room(&f->ks);
        if (result != EVICT_FAILED)
            db_set_string(f->db, key_of(f, prefix, i), (struct str){value, sizeof(value)},
                          deadline_ms);
        cr_assert(f->ks.account.used_bytes < LIMIT * 101ULL / 100);
    }
    return result;
}

static int count_left(struct fixture *f, const char *prefix, int from, int count)
{
    int left = 0;

    for (int i = from; i < from + count; i++)
        left += db_peek(f->db, key_of(f, prefix, i)) != NULL;
    return left;
}

static void begin(struct fixture *f, enum evict_policy policy)
{
    fixture_begin(f);
    f->settings.max_memory = LIMIT;
    f->settings.evict_policy = policy;
    f->settings.evict_tenacity = 100;
    keyspace_apply_settings(&f->ks);
}

Test(evict, memory_holds_within_one_percent_under_every_policy)
{
    for (int policy = 0; policy < EVICT_NONE; policy++) {
        struct fixture f;

        begin(&f, (enum evict_policy)policy);
        cr_assert_neq(fill(&f, "k", 0, 60000, START_MS + 1000000), EVICT_FAILED);
        cr_assert(f.ks.account.used_bytes > LIMIT * 95ULL / 100);
        cr_assert(f.ks.stats.evicted > 10000);
        cr_assert_eq(f.ks.stats.evicted + db_count(f.db), 60000);
        fixture_end(&f);
    }
}

Test(evict, without_a_policy_there_is_simply_no_room)
{
    struct fixture f;

    begin(&f, EVICT_NONE);
    cr_assert_eq(fill(&f, "k", 0, 60000, NO_DEADLINE), EVICT_FAILED);
    cr_assert_eq(f.ks.stats.evicted, 0);
    fixture_end(&f);
}

Test(evict, volatile_policies_spare_keys_without_a_deadline)
{
    static const enum evict_policy policies[] = {EVICT_VOLATILE_LRU, EVICT_VOLATILE_LFU,
                                                 EVICT_VOLATILE_RANDOM, EVICT_VOLATILE_TTL};
    for (size_t i = 0; i < countof(policies); i++) {
        struct fixture f;

        begin(&f, policies[i]);
        /* Few that may go among many that may not: they must be found all the same. */
        fill(&f, "volatile", 0, 100, START_MS + 1000000);
        cr_assert_eq(fill(&f, "stays", 0, 60000, NO_DEADLINE), EVICT_FAILED);
        cr_assert_eq(count_left(&f, "volatile", 0, 100), 0);
        cr_assert_eq(f.ks.stats.evicted, 100);
        fixture_end(&f);
    }
}

Test(evict, the_least_recently_used_go_first)
{
    struct fixture f;

    begin(&f, EVICT_ALLKEYS_LRU);
    fill(&f, "hot", 0, 3000, NO_DEADLINE);
    for (int round = 0; round < 10; round++) {
        keyspace_set_passed(&f.ks, START_MS + (round + 1) * 10000);
        fill(&f, "cold", round * 8000, 8000, NO_DEADLINE);
        keyspace_set_passed(&f.ks, START_MS + (round + 1) * 10000 + 5000);
        for (int i = 0; i < 3000; i++)
            db_read(f.db, key_of(&f, "hot", i));
    }
    cr_assert(count_left(&f, "hot", 0, 3000) > 2900, "%d", count_left(&f, "hot", 0, 3000));
    fixture_end(&f);
}

Test(evict, the_least_often_used_go_first)
{
    struct fixture f;

    begin(&f, EVICT_ALLKEYS_LFU);
    fill(&f, "hot", 0, 3000, NO_DEADLINE);
    for (int round = 0; round < 30; round++)
        for (int i = 0; i < 3000; i++)
            db_read(f.db, key_of(&f, "hot", i));
    fill(&f, "cold", 0, 80000, NO_DEADLINE);
    cr_assert(count_left(&f, "hot", 0, 3000) > 2900, "%d", count_left(&f, "hot", 0, 3000));
    fixture_end(&f);
}

Test(evict, of_keys_used_equally_often_the_longest_idle_go_first)
{
    struct fixture f;

    begin(&f, EVICT_ALLKEYS_LFU);
    f.settings.lfu_decay_minutes = 0;
    fill(&f, "old", 0, 10000, NO_DEADLINE);
    keyspace_set_passed(&f.ks, START_MS + 10 * 60000);
    fill(&f, "young", 0, 10000, NO_DEADLINE);
    fill(&f, "newer", 0, 25000, NO_DEADLINE);
    cr_assert(count_left(&f, "young", 0, 10000) > 2 * count_left(&f, "old", 0, 10000));
    fixture_end(&f);
}

Test(evict, frequency_decays_by_the_minute)
{
    struct fixture f;
    struct entry *e;

    begin(&f, EVICT_ALLKEYS_LFU);
    set_text(&f, "k", "v");
    for (int i = 0; i < 1000; i++)
        db_read(f.db, key_text(&f, "k"));
    e = db_peek(f.db, key_text(&f, "k"));
    uint8_t high = db_frequency(f.db, e);
    cr_assert(high > 10);
    keyspace_set_passed(&f.ks, START_MS + 5 * 60000);
    cr_assert_eq(db_frequency(f.db, e), high - 5);
    keyspace_set_passed(&f.ks, START_MS + 300 * 60000);
    cr_assert_eq(db_frequency(f.db, e), 0);
    fixture_end(&f);
}

Test(evict, the_nearest_deadlines_go_first)
{
    struct fixture f;

    begin(&f, EVICT_VOLATILE_TTL);
    fill(&f, "late", 0, 10000, START_MS + 100000000);
    fill(&f, "soon", 0, 10000, START_MS + 1000000);
    fill(&f, "later", 0, 25000, START_MS + 200000000);
    cr_assert(count_left(&f, "late", 0, 10000) > 9000);
    cr_assert(count_left(&f, "soon", 0, 10000) < 2000);
    fixture_end(&f);
}

Test(evict, idle_time_is_told_in_seconds)
{
    struct fixture f;

    fixture_begin(&f);
    set_text(&f, "k", "v");
    keyspace_set_passed(&f.ks, START_MS + 42000);
    cr_assert_eq(db_idle_s(f.db, db_peek(f.db, key_text(&f, "k"))), 42);
    f.ks.spares_age = true;
    db_read(f.db, key_text(&f, "k"));
    cr_assert_eq(db_idle_s(f.db, db_peek(f.db, key_text(&f, "k"))), 42);
    f.ks.spares_age = false;
    db_read(f.db, key_text(&f, "k"));
    cr_assert_eq(db_idle_s(f.db, db_peek(f.db, key_text(&f, "k"))), 0);
    fixture_end(&f);
}
