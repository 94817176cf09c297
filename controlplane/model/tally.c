/* Open addressing; what was counted keeps its slot, even when it is taken back. */
#include "controlplane/model/tally.h"

#include "base/arena.h"
#include "base/err.h"

#define FIRST_CAPACITY 64

uint64_t tally_key(uint64_t first, uint64_t second)
{
    uint64_t key = (first + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;

    key = (key ^ key >> 31 ^ second) * 0x94d049bb133111eb;
    key ^= key >> 29;
    return key ? key : 1;
}

static struct tally_slot *slot_of(const struct tally *t, uint64_t key)
{
    size_t i = key & (t->capacity - 1);

    while (t->slots[i].key && t->slots[i].key != key)
        i = (i + 1) & (t->capacity - 1);
    return &t->slots[i];
}

static void grow(struct arena *a, struct tally *t)
{
    struct tally wider = {.capacity = t->capacity ? t->capacity * 2 : FIRST_CAPACITY,
                          .used = t->used};

    wider.slots = arena_zalloc(a, wider.capacity * sizeof(*wider.slots));
    for (size_t i = 0; i < t->capacity; i++)
        if (t->slots[i].key)
            *slot_of(&wider, t->slots[i].key) = t->slots[i];
    *t = wider;
}

uint32_t tally_get(const struct tally *t, uint64_t key)
{
    return t->capacity ? slot_of(t, key)->count : 0;
}

void tally_add(struct arena *a, struct tally *t, uint64_t key)
{
    if (t->used * 2 >= t->capacity)
        grow(a, t);
    struct tally_slot *slot = slot_of(t, key);
    t->used += slot->key == 0;
    slot->key = key;
    slot->count++;
}

void tally_drop(struct tally *t, uint64_t key)
{
    struct tally_slot *slot = slot_of(t, key);

    check(slot->count > 0);
    slot->count--;
}
