/* A keyspace of its own for a test, with a fixed seed and a clock that stands still. */
#ifndef LARDER_TESTS_KEYSPACE_FIXTURE_H
#define LARDER_TESTS_KEYSPACE_FIXTURE_H

#include "cacheengine/keyspace/db.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define START_MS 1700000000000LL

struct fixture {
    struct settings settings;
    struct keyspace ks;
    struct db *db;
    char text[64]; /* of the last key_of */
};

static inline void fixture_begin(struct fixture *f)
{
    *f = (struct fixture){
        .settings = {.evict_policy = EVICT_NONE,
                     .evict_samples = 5,
                     .evict_tenacity = 10,
                     .lfu_log_factor = 10,
                     .lfu_decay_minutes = 1}
    };
    keyspace_init(&f->ks, &f->settings, 4, START_MS);
    hash_seed_fix(&f->ks.seed, 7);
    rng_seed(&f->ks.rng, 7);
    f->db = &f->ks.dbs[0];
}

static inline void fixture_end(struct fixture *f)
{
    keyspace_fini(&f->ks);
}

static inline struct key key_text(struct fixture *f, const char *text)
{
    return keyspace_key(&f->ks, str_of(text));
}

static inline struct key key_of(struct fixture *f, const char *prefix, int number)
{
    int len = snprintf(f->text, sizeof(f->text), "%s%d", prefix, number);

    return keyspace_key(&f->ks, (struct str){f->text, (size_t)len});
}

static inline void set_text(struct fixture *f, const char *key, const char *value)
{
    db_set_string(f->db, key_text(f, key), str_of(value), NO_DEADLINE);
}

/* True when the key holds exactly this text. */
static inline bool holds(struct fixture *f, const char *key, const char *value)
{
    struct number_text digits;
    struct entry *e = db_find(f->db, key_text(f, key));

    return e && str_is(db_string(e, &digits), value);
}

#endif
