/* Linear probing with backward-shift deletion, at most two thirds full. */
#include "base/map.h"

#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t hash(struct str key)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 0x100000001b3;
    return (size_t)(h ^ h >> 29);
}

static struct str slot_key(const struct map_slot *slot)
{
    return (struct str){slot->key, slot->key_len};
}

/* The slot that holds `key`, or the free one where it would go. */
static struct map_slot *find(const struct map *m, struct str key)
{
    size_t mask = m->capacity - 1;
    for (size_t i = hash(key) & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->key || str_eq(slot_key(slot), key))
            return slot;
    }
}

static void grow(struct map *m)
{
    struct map bigger = {.capacity = m->capacity ? m->capacity * 2 : 16, .count = m->count};
    bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
    check(bigger.slots != NULL);
    map_each(slot, m)
        *find(&bigger, slot_key(slot)) = *slot;
    free(m->slots);
    *m = bigger;
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    if (!m)
        return;
    map_each(slot, m)
        free(slot->key);
    free(m->slots);
    *m = (struct map){0};
}

void *map_get(const struct map *m, struct str key)
{
    return m->capacity ? find(m, key)->value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
    check(value != NULL);
    if ((m->count + 1) * 3 > m->capacity * 2)
        grow(m);

    struct map_slot *slot = find(m, key);
    void *old = slot->value;
    if (!slot->key) {
        slot->key = malloc(key.len + 1);
        check(slot->key != NULL);
        memcpy(slot->key, key.ptr, key.len);
        slot->key[key.len] = '\0';
        slot->key_len = key.len;
        m->count++;
    }
    slot->value = value;
    return old;
}

void *map_take(struct map *m, struct str key)
{
    struct map_slot *hole = m->capacity ? find(m, key) : NULL;
    if (!hole || !hole->key)
        return NULL;

    void *value = hole->value;
    size_t mask = m->capacity - 1;
    free(hole->key);
    *hole = (struct map_slot){0};
    m->count--;
    for (size_t i = ((size_t)(hole - m->slots) + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
        struct map_slot moved = m->slots[i];
        m->slots[i] = (struct map_slot){0};
        *find(m, slot_key(&moved)) = moved;
    }
    return value;
}
