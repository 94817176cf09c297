/*
 * How often what has been counted, in an arena. Things are told apart by a number of 64 bits that
 * is made of them: two that happen to have the same one would be taken for each other, which nobody
 * lives to see.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_TALLY_H
#define LARDER_CONTROLPLANE_MODEL_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct arena;

struct tally_slot {
    uint64_t key; /* 0: free */
    uint32_t count;
};

struct tally {
    struct tally_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t used;
};

/* Of two numbers that make one thing. */
uint64_t tally_key(uint64_t first, uint64_t second);

uint32_t tally_get(const struct tally *t, uint64_t key);
void tally_add(struct arena *a, struct tally *t, uint64_t key);

/* Takes back one that was added. */
void tally_drop(struct tally *t, uint64_t key);

#endif
