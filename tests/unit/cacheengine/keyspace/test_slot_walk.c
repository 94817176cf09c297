#include "cacheengine/keyspace/slot_walk.h"
#include "keyspace_fixture.h"

#include <stdlib.h>

static void clustered_begin(struct fixture *f)
{
    fixture_begin(f);
    keyspace_fini(&f->ks);
    f->settings.is_clustered = true;
    keyspace_init(&f->ks, &f->settings, 1, START_MS);
    hash_seed_fix(&f->ks.seed, 7);
    f->db = &f->ks.dbs[0];
}

/* What a walk has met, by the number in the key. */
struct met {
    int count;
    uint8_t *times;
};

static void note(void *ctx, struct entry *e)
{
    struct met *m = ctx;
    struct str key = entry_key(e);

    m->times[atoi(key.ptr + 1)]++;
    m->count++;
}

static void put(struct fixture *f, int number)
{
    db_set_string(f->db, key_of(f, "k", number), STR("value"), NO_DEADLINE);
}

static uint32_t slot_number(struct fixture *f, int number)
{
    return slot_of_hash(key_of(f, "k", number).hash);
}

enum { COUNT = 60000 };

static void fill(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        put(f, i);
}

Test(slot_walk, counts_follow_what_comes_and_goes)
{
    struct fixture f;

    clustered_begin(&f);
    uint32_t slot = slot_number(&f, 1);
    cr_assert_eq(db_slot_count(f.db, slot), 0);
    fill(&f, COUNT);
    uint32_t total = 0;
    for (uint32_t i = 0; i < SLOT_COUNT; i++)
        total += db_slot_count(f.db, i);
    cr_assert_eq(total, COUNT);
    uint32_t before = db_slot_count(f.db, slot);
    cr_assert_gt(before, 0);
    cr_assert(db_delete(f.db, key_of(&f, "k", 1), false));
    cr_assert_eq(db_slot_count(f.db, slot), before - 1);
    keyspace_flush(&f.ks, 0, false);
    cr_assert_eq(db_slot_count(f.db, slot), 0);
    fixture_end(&f);
}

Test(slot_walk, a_walk_over_a_slot_meets_its_keys_once_and_no_others)
{
    struct fixture f;
    struct met m = {0, calloc(COUNT, 1)};
    struct slot_walk w;

    clustered_begin(&f);
    fill(&f, COUNT);
    for (int which = 0; which < 40; which++) {
        struct slot_set s = {{0}};
        uint32_t slot = slot_number(&f, which);

        slot_set_add(&s, slot);
        m.count = 0;
        for (slot_walk_init(&w, &s); !slot_walk_is_done(&w);)
            slot_walk_step(&w, f.db, note, &m);
        cr_assert_eq((uint32_t)m.count, db_slot_count(f.db, slot));
    }
    free(m.times);
    fixture_end(&f);
}

Test(slot_walk, a_walk_meets_all_that_stays_while_keys_come_and_go)
{
    struct fixture f;
    struct met m = {0, calloc(4 * COUNT, 1)};
    struct slot_set s = {{0}};
    struct slot_walk w;
    uint64_t chance = 1;
    int added = COUNT, removed = COUNT / 2;

    clustered_begin(&f);
    fill(&f, COUNT);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot += 3)
        slot_set_add(&s, slot);
    for (slot_walk_init(&w, &s); !slot_walk_is_done(&w);) {
        slot_walk_step(&w, f.db, note, &m);
        chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
        for (uint64_t i = 0; i < chance >> 60 && added < 3 * COUNT; i++)
            put(&f, added++);
        for (uint64_t i = 0; i < (chance >> 56 & 7) && removed < COUNT; i++)
            db_delete(f.db, key_of(&f, "k", removed++), false);
    }
    for (int i = 0; i < COUNT / 2; i++) {
        bool is_wanted = slot_set_has(&s, slot_number(&f, i));

        cr_assert(is_wanted ? m.times[i] >= 1 : m.times[i] == 0, "%d: %d", i, m.times[i]);
    }
    free(m.times);
    fixture_end(&f);
}

Test(slot_walk, what_is_not_past_is_still_met)
{
    struct fixture f;
    struct met m = {0, calloc(COUNT, 1)};
    struct slot_set s;
    struct slot_walk w;

    clustered_begin(&f);
    fill(&f, COUNT);
    memset(&s, 0xff, sizeof(s));
    slot_walk_init(&w, &s);
    for (int steps = 0; !slot_walk_is_done(&w); steps++) {
        slot_walk_step(&w, f.db, note, &m);
        for (int i = steps % 977; i < COUNT; i += 977)
            cr_assert_eq(slot_walk_is_past(&w, f.db, key_of(&f, "k", i).hash), m.times[i] > 0);
    }
    cr_assert_eq(m.count, COUNT);
    free(m.times);
    fixture_end(&f);
}

Test(slot_walk, keys_of_one_slot_cost_no_more_than_others)
{
    struct fixture f;
    char text[64];

    clustered_begin(&f);
    fill(&f, 2 * COUNT);
    size_t spread = f.ks.account.used_bytes;
    keyspace_flush(&f.ks, 0, false);
    size_t empty = f.ks.account.used_bytes;
    for (int i = 0; i < 2 * COUNT; i++) {
        int len = snprintf(text, sizeof(text), "k%d{t}", i);

        db_set_string(f.db, keyspace_key(&f.ks, (struct str){text, (size_t)len}), STR("va"),
                      NO_DEADLINE);
    }
    size_t together = f.ks.account.used_bytes;
    cr_assert_lt((double)(together - empty), (double)(spread - empty) + 6.0 * 2 * COUNT);
    fixture_end(&f);
}

Test(slot_walk, hidden_keys_are_not_counted)
{
    struct fixture f;
    struct slot_set hidden = {{0}};

    clustered_begin(&f);
    fill(&f, 1000);
    slot_set_add(&hidden, slot_number(&f, 5));
    cr_assert_eq(db_shown_count(f.db), 1000);
    f.ks.hidden = &hidden;
    cr_assert_eq(db_shown_count(f.db), 1000 - db_slot_count(f.db, slot_number(&f, 5)));
    cr_assert(keyspace_hides(&f.ks, STR("k5")));
    fixture_end(&f);
}
