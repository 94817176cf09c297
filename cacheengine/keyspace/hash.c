/* Seeds, and the hash of input longer than 16 bytes. */
#include "cacheengine/keyspace/hash.h"

#include "base/rng.h"

void hash_seed_draw(struct hash_seed *seed)
{
    rng_system_bytes(seed, sizeof(*seed));
}

void hash_seed_fix(struct hash_seed *seed, uint64_t number)
{
    struct rng r;

    rng_seed(&r, number);
    *seed = (struct hash_seed){rng_next(&r), rng_next(&r), rng_next(&r), rng_next(&r)};
}

uint64_t hash_long(const struct hash_seed *seed, const char *p, size_t len)
{
    uint64_t h = seed->c;
    size_t left = len;

    while (left > 16) {
        h = hash_fold(hash_load64(p) ^ seed->a, hash_load64(p + 8) ^ h);
        p += 16;
        left -= 16;
    }
    /* The last 16 bytes, maybe over some that were taken already. */
    h ^= hash_fold(hash_load64(p + left - 16) ^ seed->b, hash_load64(p + left - 8) ^ h);
    return hash_fold(h ^ seed->c, len ^ seed->d);
}
