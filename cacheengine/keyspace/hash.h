/*
 * The keyed hash of the engine: folded 128-bit products, 16 bytes a step, seeded at start from the
 * operating system so that nobody outside can choose keys that collide.
 */
#ifndef LARDER_KEYSPACE_HASH_H
#define LARDER_KEYSPACE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_seed {
    uint64_t a, b, c, d;
};

/* Draws a seed from the operating system. */
void hash_seed_draw(struct hash_seed *seed);

/* A seed made from one number, for tests that must repeat. */
void hash_seed_fix(struct hash_seed *seed, uint64_t number);

static inline uint64_t hash_fold(uint64_t x, uint64_t y)
{
    __uint128_t product = (__uint128_t)x * y;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_load64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t hash_load32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* Longer input, 16 bytes a step; use hash_bytes. */
uint64_t hash_long(const struct hash_seed *seed, const char *p, size_t len);

static inline uint64_t hash_bytes(const struct hash_seed *seed, const char *p, size_t len)
{
    uint64_t x = 0, y = 0;

    if (len > 16)
        return hash_long(seed, p, len);
    if (len >= 8) {
        x = hash_load64(p);
        y = hash_load64(p + len - 8);
    } else if (len >= 4) {
        x = hash_load32(p);
        y = hash_load32(p + len - 4);
    } else if (len > 0) {
        x = ((uint64_t)(unsigned char)p[0] << 16) | ((uint64_t)(unsigned char)p[len / 2] << 8) |
            (unsigned char)p[len - 1];
    }
    return hash_fold(hash_fold(x ^ seed->a, y ^ seed->b) ^ seed->c, len ^ seed->d);
}

#endif
