#include "cacheengine/keyspace/leftover.h"
#include "keyspace_fixture.h"

#include <limits.h>

/* A type whose objects are counters: each step of freeing takes one off. */
struct heavy {
    uint32_t weight;
    uint32_t slices; /* how often drop_some was called */
    bool is_gone;
};

static const char *encoding(const struct db *db, const struct entry *e)
{
    (void)db;
    (void)e;
    return "heavy";
}

static void drop(struct db *db, void *object)
{
    struct heavy *h = object;

    (void)db;
    h->weight = 0;
    h->is_gone = true;
}

static bool drop_some(struct db *db, void *object, uint32_t budget)
{
    struct heavy *h = object;

    (void)db;
    cr_assert_not(h->is_gone);
    h->slices++;
    h->weight -= h->weight < budget ? h->weight : budget;
    h->is_gone = h->weight == 0;
    return h->is_gone;
}

static size_t weight(const void *object)
{
    return ((const struct heavy *)object)->weight;
}

static const struct type_ops heavy_ops = {
    .name = "heavy",
    .encoding = encoding,
    .drop = drop,
    .drop_some = drop_some,
    .weight = weight,
};

static void begin(struct fixture *f)
{
    fixture_begin(f);
    keyspace_set_type(&f->ks, TYPE_ZSET, &heavy_ops);
}

static void put(struct fixture *f, int db, const char *name, struct heavy *h)
{
    db_set_outside(&f->ks.dbs[db], keyspace_key(&f->ks, str_of(name)), TYPE_ZSET, h, NO_DEADLINE);
}

static void unlink_key(struct fixture *f, int db, const char *name, bool lazily)
{
    cr_assert(db_delete(&f->ks.dbs[db], keyspace_key(&f->ks, str_of(name)), lazily));
}

Test(leftover, light_things_and_those_not_removed_lazily_go_at_once)
{
    struct heavy light = {.weight = 5}, heavy = {.weight = 5000};
    struct fixture f;

    begin(&f);
    put(&f, 0, "light", &light);
    put(&f, 0, "heavy", &heavy);
    unlink_key(&f, 0, "light", true);
    unlink_key(&f, 0, "heavy", false);
    cr_expect(light.is_gone && heavy.is_gone);
    cr_expect_eq(f.ks.leftover_count, 0);
    fixture_end(&f);
}

Test(leftover, heavy_things_are_freed_in_slices_afterwards)
{
    struct heavy things[3] = {{.weight = 5000}, {.weight = 700}, {.weight = 100}};
    struct fixture f;

    begin(&f);
    for (int i = 0; i < 3; i++) {
        put(&f, i % 2, "k", &things[i]);
        unlink_key(&f, i % 2, "k", true);
        cr_expect_not(things[i].is_gone);
    }
    cr_expect_eq(f.ks.leftover_count, 3);
    /* Without any time one slice is done all the same. */
    cr_expect_not(keyspace_free_some(&f.ks, 0));
    cr_expect_eq(things[0].slices + things[1].slices + things[2].slices, 1);
    cr_expect(keyspace_free_some(&f.ks, 1000000));
    for (int i = 0; i < 3; i++)
        cr_expect(things[i].is_gone);
    cr_expect_gt(things[0].slices, 10);
    cr_expect_eq(f.ks.leftover_count, 0);
    cr_expect_eq(f.ks.stats.lazy_freed, 3);
    cr_expect(keyspace_free_some(&f.ks, 0));
    fixture_end(&f);
}

Test(leftover, what_is_left_goes_with_its_database_wherever_that_goes)
{
    struct heavy things[3] = {{.weight = 5000}, {.weight = 5000}, {.weight = 5000}};
    struct fixture f;

    begin(&f);
    put(&f, 0, "a", &things[0]);
    put(&f, 0, "b", &things[1]);
    unlink_key(&f, 0, "a", true);
    keyspace_swap(&f.ks, 0, 1);
    keyspace_flush(&f.ks, 0, false);
    cr_expect_not(things[0].is_gone);
    keyspace_flush(&f.ks, 1, false);
    cr_expect(things[0].is_gone && things[1].is_gone);
    cr_expect_eq(f.ks.leftover_count, 0);
    put(&f, 2, "c", &things[2]);
    unlink_key(&f, 2, "c", true);
    keyspace_flush(&f.ks, -1, true);
    cr_expect_eq(f.ks.leftover_count, 0);
    fixture_end(&f);
    cr_expect(things[2].is_gone);
}
