/* Chance, passed in so that tests can own it: xoshiro256++ (Blackman and Vigna, 2019). */
#ifndef LARDER_BASE_RNG_H
#define LARDER_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct arena;

struct rng {
    uint64_t state[4];
};

/* Seeds from one number (tests), or from the operating system. */
void rng_seed(struct rng *r, uint64_t seed);
void rng_seed_system(struct rng *r);

uint64_t rng_next(struct rng *r);

/* Evenly in [0, bound); bound must be at least 1. */
uint64_t rng_below(struct rng *r, uint64_t bound);

/* A random version 4 UUID in lower case (RFC 9562). */
char *rng_uuid(struct rng *r, struct arena *a);

/* Bytes from the operating system's generator, fit for keys. */
void rng_system_bytes(void *out, size_t len);

#endif
