#include "../keyspace/keyspace_fixture.h"
#include "cacheengine/cluster/forget.h"
#include "cacheengine/keyspace/effect.h"
#include "cacheengine/keyspace/slot_walk.h"
#include "cluster_fixture.h"

enum { COUNT = 20000 };

struct told {
    struct effect_sink sink;
    int removals;
};

static void take(struct effect_sink *s, const struct effect *e)
{
    container_of(s, struct told, sink)->removals += str_is(e->argv[0], "UNLINK");
}

static void begin(struct fixture *f, struct cluster *c, struct arena *a)
{
    fixture_begin(f);
    keyspace_fini(&f->ks);
    f->settings.is_clustered = true;
    keyspace_init(&f->ks, &f->settings, 1, START_MS);
    f->db = &f->ks.dbs[0];
    cluster_init(c, "9999999999999999999999999999999999999999",
                 "8888888888888888888888888888888888888888");
    for (int i = 0; i < COUNT; i++)
        db_set_string(f->db, key_of(f, "k", i), STR("value"), NO_DEADLINE);
    cr_assert_not(err_failed(set_topology(c, a, "5 #1 " TWO_SHARDS)));
}

Test(forget, keys_of_other_shards_go_and_are_told)
{
    scoped(arena_fini) struct arena a = {0};
    struct told told = {
        {.take = take, .audience = EFFECT_FOR_ALL},
        0
    };
    struct cluster c;
    struct fixture f;

    begin(&f, &c, &a);
    effect_sink_add(&f.ks, &told.sink);
    while (!cluster_forget_some(&c, f.db, 100))
        continue;
    cr_assert_eq(db_slots_count(f.db, &c.hidden), 0);
    cr_assert_gt(told.removals, COUNT / 3);
    cr_assert_eq(db_count(f.db), (uint64_t)(COUNT - told.removals));
    effect_sink_remove(&f.ks, &told.sink);
    cluster_fini(&c);
    fixture_end(&f);
}

Test(forget, what_comes_or_was_only_handed_over_stays)
{
    scoped(arena_fini) struct arena a = {0};
    struct cluster c;
    struct fixture f;
    struct handover own = handover_of(HANDOVER_HANDED, '7', 'a', 'b', 0);

    begin(&f, &c, &a);
    topology_slots(c.topology, 1, &c.importing);
    cr_assert(cluster_forget_some(&c, f.db, 1000000));
    cr_assert_eq(db_count(f.db), COUNT);
    /* Until a topology has confirmed it. */
    topology_slots(c.topology, 0, &own.slots);
    cr_assert(cluster_hand_over(&c, &own));
    cr_assert(cluster_forget_some(&c, f.db, 1000000));
    cr_assert_eq(db_count(f.db), COUNT);
    cluster_fini(&c);
    fixture_end(&f);
}

Test(forget, every_slice_comes_further_even_without_time)
{
    scoped(arena_fini) struct arena a = {0};
    struct cluster c;
    struct fixture f;

    begin(&f, &c, &a);
    for (bool is_done = false; !is_done;) {
        uint64_t before = db_count(f.db);

        is_done = cluster_forget_some(&c, f.db, 0);
        cr_assert(is_done || db_count(f.db) < before);
    }
    cr_assert_eq(db_slots_count(f.db, &c.hidden), 0);
    cluster_fini(&c);
    fixture_end(&f);
}

Test(forget, what_a_topology_keeps_stays_until_it_does_not)
{
    scoped(arena_fini) struct arena a = {0};
    struct cluster c;
    struct fixture f;

    begin(&f, &c, &a);
    cr_assert_not(err_failed(set_topology(&c, &a, "6 #1 " TWO_SHARDS " KEEP 0-16383")));
    cr_assert(cluster_forget_some(&c, f.db, 1000000));
    cr_assert_eq(db_count(f.db), COUNT);
    cr_assert_gt(db_slots_count(f.db, &c.hidden), 0, "they are not seen");
    cr_assert_not(err_failed(set_topology(&c, &a, "7 #1 " TWO_SHARDS)));
    while (!cluster_forget_some(&c, f.db, 1000000))
        continue;
    cr_assert_eq(db_slots_count(f.db, &c.hidden), 0);
    cluster_fini(&c);
    fixture_end(&f);
}
