/* Doubling arrays in an arena; the old copy stays behind until the arena ends. */
#include "base/vec.h"

#include "base/arena.h"

#include <string.h>

void *vec_grow(struct arena *a, void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count == *capacity) {
        size_t wider = *capacity ? *capacity * 2 : 8;
        void *grown = arena_array(a, wider, item_size);
        if (count)
            memcpy(grown, items, count * item_size);
        items = grown;
        *capacity = wider;
    }
    memset((char *)items + count * item_size, 0, item_size);
    return items;
}
