#include "cacheengine/keyspace/hash.h"

#include <criterion/criterion.h>

#include <stdio.h>

Test(hash, another_seed_gives_other_hashes)
{
    struct hash_seed a, b;

    hash_seed_draw(&a);
    hash_seed_draw(&b);
    cr_assert_neq(hash_bytes(&a, "key", 3), hash_bytes(&b, "key", 3));
}

Test(hash, length_and_every_byte_count)
{
    struct hash_seed s;
    char text[100] = {0};

    hash_seed_fix(&s, 1);
    for (size_t len = 1; len < sizeof(text); len++) {
        uint64_t h = hash_bytes(&s, text, len);

        cr_assert_neq(h, hash_bytes(&s, text, len - 1));
        for (size_t i = 0; i < len; i++) {
            text[i] ^= 1;
            cr_assert_neq(h, hash_bytes(&s, text, len), "byte %zu of %zu", i, len);
            text[i] ^= 1;
        }
    }
}

Test(hash, counted_keys_spread_evenly)
{
    struct hash_seed s;
    static unsigned low[64], high[64];

    hash_seed_fix(&s, 2);
    for (int i = 0; i < 64000; i++) {
        char key[32];
        size_t len = (size_t)snprintf(key, sizeof(key), "key:%012d", i);
        uint64_t h = hash_bytes(&s, key, len);

        low[h % 64]++;
        high[h >> 58]++;
    }
    for (int i = 0; i < 64; i++) {
        cr_assert(low[i] > 800 && low[i] < 1200, "%u", low[i]);
        cr_assert(high[i] > 800 && high[i] < 1200, "%u", high[i]);
    }
}
