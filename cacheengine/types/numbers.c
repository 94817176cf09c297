/* Sorted integers of one width; the width grows with the first number that needs it. */
#include "cacheengine/types/numbers.h"

#include "base/err.h"

static unsigned width_of(int64_t v)
{
    if (v >= INT16_MIN && v <= INT16_MAX)
        return 2;
    return v >= INT32_MIN && v <= INT32_MAX ? 4 : 8;
}

static void set_head(void *run, unsigned width)
{
    uint16_t v = (uint16_t)(NUMBERS_MARK | width);

    memcpy(run, &v, sizeof(v));
}

static int64_t load(const void *run, unsigned width, uint32_t index)
{
    const char *at = (const char *)run + NUMBERS_HEAD + (size_t)index * width;
    int16_t v2;
    int32_t v4;
    int64_t v8;

    switch (width) {
    case 2: memcpy(&v2, at, 2); return v2;
    case 4: memcpy(&v4, at, 4); return v4;
    default: memcpy(&v8, at, 8); return v8;
    }
}

/* The low bytes come first. */
static void store(void *run, unsigned width, uint32_t index, int64_t v)
{
    memcpy((char *)run + NUMBERS_HEAD + (size_t)index * width, &v, width);
}

size_t numbers_begin(void *run)
{
    set_head(run, 2);
    return NUMBERS_HEAD;
}

int64_t numbers_at(const void *run, uint32_t index)
{
    return load(run, numbers_width(run), index);
}

bool numbers_find(const void *run, size_t len, int64_t v, uint32_t *index)
{
    unsigned width = numbers_width(run);
    uint32_t low = 0, high = numbers_count(run, len);

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int64_t there = load(run, width, middle);

        if (there == v) {
            *index = middle;
            return true;
        }
        if (there < v)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

size_t numbers_len_with(const void *run, size_t len, int64_t v)
{
    unsigned width = numbers_width(run), needs = width_of(v);

    return NUMBERS_HEAD + ((size_t)numbers_count(run, len) + 1) * (needs > width ? needs : width);
}

size_t numbers_insert(void *run, size_t len, uint32_t index, int64_t v)
{
    unsigned width = numbers_width(run), needs = width_of(v);
    uint32_t count = numbers_count(run, len);

    if (needs > width) {
        /* From the last on, for they become wider in place. */
        for (uint32_t i = count; i-- > 0;)
            store(run, needs, i, load(run, width, i));
        set_head(run, needs);
        width = needs;
    }
    char *at = (char *)run + NUMBERS_HEAD + (size_t)index * width;
    memmove(at + width, at, (size_t)(count - index) * width);
    store(run, width, index, v);
    return NUMBERS_HEAD + ((size_t)count + 1) * width;
}

size_t numbers_remove(void *run, size_t len, uint32_t index)
{
    unsigned width = numbers_width(run);
    uint32_t count = numbers_count(run, len);
    char *at = (char *)run + NUMBERS_HEAD + (size_t)index * width;

    check(index < count);
    memmove(at, at + width, (size_t)(count - index - 1) * width);
    return len - width;
}

bool numbers_are_sound(const void *bytes, size_t len)
{
    if (len < NUMBERS_HEAD || !numbers_is(bytes))
        return false;
    unsigned width = numbers_width(bytes);
    if ((width != 2 && width != 4 && width != 8) || (len - NUMBERS_HEAD) % width != 0)
        return false;
    for (uint32_t i = 1; i < numbers_count(bytes, len); i++)
        if (load(bytes, width, i - 1) >= load(bytes, width, i))
            return false;
    return true;
}
