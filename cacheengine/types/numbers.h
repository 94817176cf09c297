/*
 * Numbers: a small set of integers, in order, each in the same few bytes.
 *
 *     0x8000 | width (2, little endian)  number  number  ...      width is 2, 4 or 8
 *
 * The head's highest bit tells such a run from a packed one (packed.h), whose count never has it
 * within an entry. A number is found by bisection. As with packed runs nothing here allocates.
 */
#ifndef LARDER_TYPES_NUMBERS_H
#define LARDER_TYPES_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NUMBERS_HEAD 2
#define NUMBERS_MARK 0x8000

static inline unsigned numbers_head(const void *run)
{
    uint16_t v;

    memcpy(&v, run, sizeof(v));
    return v;
}

static inline bool numbers_is(const void *run)
{
    return numbers_head(run) & NUMBERS_MARK;
}

static inline unsigned numbers_width(const void *run)
{
    return numbers_head(run) & ~(unsigned)NUMBERS_MARK;
}

static inline uint32_t numbers_count(const void *run, size_t len)
{
    return (uint32_t)((len - NUMBERS_HEAD) / numbers_width(run));
}

/* Writes the head of an empty run and returns its length. */
size_t numbers_begin(void *run);

int64_t numbers_at(const void *run, uint32_t index);

/* The index of a number, or of the one that it would stand before. */
bool numbers_find(const void *run, size_t len, int64_t v, uint32_t *index);

/* The length of the run once this number is in it. */
size_t numbers_len_with(const void *run, size_t len, int64_t v);

/* Puts a number in front of the one at `index`. There is room for numbers_len_with bytes. Returns
 * the new length. */
size_t numbers_insert(void *run, size_t len, uint32_t index, int64_t v);

/* Removes the number at `index`; returns the new length. */
size_t numbers_remove(void *run, size_t len, uint32_t index);

/* True when these bytes are a run of numbers in rising order. */
bool numbers_are_sound(const void *bytes, size_t len);

#endif
