/* Hash slots of shards, as text: "0-5460,5462". Pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_SLOTS_H
#define LARDER_CONTROLPLANE_MODEL_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define SLOTS_ALL 16384

struct slot_map {
    uint64_t bits[SLOTS_ALL / 64];
};

/* Adds the slots of a text; false when it is malformed or names a slot that is there already. */
bool slots_add(struct slot_map *map, const char *text);

size_t slots_count(const struct slot_map *map);

/* The text of a map, in `a`; "" for none. */
char *slots_text(struct arena *a, const struct slot_map *map);

/* The share of shard `index` of `count` in an even split, where the first ones get what is over: of
 * 3, "0-5461", "5462-10922", "10923-16383". */
char *slots_even(struct arena *a, size_t index, size_t count);

#endif
