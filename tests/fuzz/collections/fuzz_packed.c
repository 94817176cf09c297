/*
 * Bytes from outside: what the checkers call sound can be walked, read, found in and written again
 * as the same bytes.
 */
#include "base/err.h"
#include "cacheengine/types/numbers.h"
#include "cacheengine/types/packed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_packed(const uint8_t *run, size_t size)
{
    const uint8_t *at = packed_first(run);
    uint8_t *again = malloc(size);
    uint8_t *to = again + PACKED_HEAD;

    check(again);
    packed_set_count(again, packed_count(run));
    for (uint32_t i = 0; i < packed_count(run); i++) {
        struct packed_item item, back;
        const uint8_t *next = packed_get(at, &item);
        const uint8_t *found = packed_find(run, size, 1, &item);

        check(next == packed_next(at));
        check((size_t)(next - at) == packed_size_of(&item));
        /* Itself, or an equal one before it. */
        check(found && found <= at);
        packed_get(found, &back);
        check(packed_item_eq(&item, &back));
        to = packed_put(to, &item);
        at = next;
    }
    check(at == run + size && to == again + size && memcmp(run, again, size) == 0);
    free(again);
}

static void walk_numbers(const uint8_t *run, size_t size)
{
    for (uint32_t i = 0; i < numbers_count(run, size); i++) {
        uint32_t index;

        check(numbers_find(run, size, numbers_at(run, i), &index) && index == i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, so that a step outside is seen. */
    uint8_t *run = malloc(size ? size : 1);

    check(run);
    if (size)
        memcpy(run, data, size);
    if (packed_is_sound(run, size, 1) && size < 4096)
        walk_packed(run, size);
    if (numbers_are_sound(run, size))
        walk_numbers(run, size);
    free(run);
    return 0;
}
