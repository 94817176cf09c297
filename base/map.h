/*
 * Text to pointer, on the heap: open addressing, keys copied, values borrowed.
 * For tables of the program's own making; not hardened against chosen keys.
 */
#ifndef LARDER_BASE_MAP_H
#define LARDER_BASE_MAP_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct map_slot {
    char *key; /* owned; NULL when free */
    size_t key_len;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void map_init(struct map *m);
void map_fini(struct map *m);

/* The value, or NULL. */
void *map_get(const struct map *m, struct str key);

/* Sets the value and returns the one it replaces, or NULL. `value` must not be NULL. */
void *map_put(struct map *m, struct str key, void *value);

/* Removes and returns the value, or NULL. */
void *map_take(struct map *m, struct str key);

/* Runs the body for each used slot; the map must not change meanwhile. */
#define map_each(slot, m)                                                                       \
    for (struct map_slot *slot = (m)->slots; slot && slot < (m)->slots + (m)->capacity; slot++) \
        if (slot->key)

#endif
