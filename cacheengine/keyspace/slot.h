/*
 * Hash slots: the 16,384 parts of the key space that shards of a cluster share among themselves.
 *
 * While keyspace.has_slots, the slot of a key is part of its hash (slot_mix): it can be read off
 * any hash (slot_of_hash), and it decides where in the index the key stands. The index then
 * consists of SLOT_GROUPS parts, each with the keys of the slots that have their low byte in
 * common, so that the keys of a slot are found by looking at one part of 256 (slot_walk.h), for no
 * byte per key. Parts are groups and not slots, because extendible hashing pays for what stands
 * close together: were all keys of one slot (one hash tag), the directory would take 160 bytes a
 * key with a part per slot; with groups it takes 2.6. Neighbouring slots are in different groups,
 * so that a shard that owns some hundred slots in a row fills all of them.
 */
#ifndef LARDER_KEYSPACE_SLOT_H
#define LARDER_KEYSPACE_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLOT_COUNT  16384
#define SLOT_GROUPS 256

/* The slot of a key: CRC16 of it, or of what stands between its first '{' and the next '}' when
 * that is not empty. */
uint32_t slot_of_key(const char *key, size_t len);

/* The one slot that all keys have which a pattern (glob.h) fits: its hash tag comes before anything
 * that fits more than itself, or there is nothing of that kind. -1: they may have several. */
int slot_of_pattern(const char *pattern, size_t len);

static inline uint32_t slot_group(uint32_t slot)
{
    return slot % SLOT_GROUPS;
}

/* Puts a slot into a hash. The index uses bits 0-5 and 8-15 within a segment and those from 32 on,
 * the highest first, to find the segment. */
static inline uint64_t slot_mix(uint64_t hash, uint32_t slot)
{
    uint64_t rest = hash & 0x00ffffffc000ffffULL;

    return rest | (uint64_t)slot_group(slot) << 56 | (uint64_t)slot << 16;
}

static inline uint32_t slot_of_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 16) & (SLOT_COUNT - 1);
}

/* A set of slots. */
struct slot_set {
    uint64_t words[SLOT_COUNT / 64];
};

static inline bool slot_set_has(const struct slot_set *s, uint32_t slot)
{
    return s->words[slot / 64] >> (slot % 64) & 1;
}

static inline void slot_set_add(struct slot_set *s, uint32_t slot)
{
    s->words[slot / 64] |= 1ULL << (slot % 64);
}

static inline void slot_set_remove(struct slot_set *s, uint32_t slot)
{
    s->words[slot / 64] &= ~(1ULL << (slot % 64));
}

/* All that are in `other` too, or: none of them any more. */
void slot_set_join(struct slot_set *s, const struct slot_set *other);
void slot_set_subtract(struct slot_set *s, const struct slot_set *other);

bool slot_set_meets(const struct slot_set *a, const struct slot_set *b);
uint32_t slot_set_count(const struct slot_set *s);

static inline bool slot_set_is_empty(const struct slot_set *s)
{
    return slot_set_count(s) == 0;
}

/* The next run of slots from `from` on: its first and last. False when there is none. */
bool slot_set_run(const struct slot_set *s, uint32_t from, uint32_t *first, uint32_t *last);

#endif
