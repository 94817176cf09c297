/* A keyspace of its own for a test. */
#ifndef LARDER_TESTS_TYPES_FIXTURE_H
#define LARDER_TESTS_TYPES_FIXTURE_H

#include "cacheengine/keyspace/db.h"

#include <criterion/criterion.h>

struct fixture {
    struct settings settings;
    struct keyspace ks;
    struct db *db;
};

static inline void fixture_begin(struct fixture *f)
{
    f->settings = (struct settings){.hash_packed_entries = 128,
                                    .hash_packed_value = 64,
                                    .set_int_entries = 512,
                                    .set_packed_entries = 128,
                                    .set_packed_value = 64,
                                    .list_packed_size = -2};
    keyspace_init(&f->ks, &f->settings, 2, 1000000);
    hash_seed_fix(&f->ks.seed, 42);
    rng_seed(&f->ks.rng, 42);
    f->db = &f->ks.dbs[0];
    for (int i = 0; i < 2; i++)
        cr_assert_not(err_failed(heap_open(&f->ks.dbs[i].heap, &f->ks.account)));
}

/* Ends it; everything that was taken must have been given back by then, but for what the keyspace
 * itself holds. */
static inline void fixture_end(struct fixture *f)
{
    keyspace_fini(&f->ks);
}

#endif
