/*
 * Runs of bits in bytes, as SETBIT and its kin see them: bit 0 is the highest of the first byte,
 * and behind the last byte there are zeros without end. Nothing here knows of keys.
 */
#ifndef LARDER_TYPES_BITS_H
#define LARDER_TYPES_BITS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bits_operation { BITS_AND, BITS_OR, BITS_XOR, BITS_NOT };

/* How many bits from `first` up to `end` (which is not one of them, and not behind the last byte)
 * are set. */
uint64_t bits_count(const void *bytes, uint64_t first, uint64_t end);

/* The first bit of that range which is set (or clear); -1 when there is none. */
int64_t bits_find(const void *bytes, uint64_t first, uint64_t end, bool is_set);

/* `width` bits (1 to 64) from `at` on as a number; `len` bytes are there. */
uint64_t bits_get(const void *bytes, size_t len, uint64_t at, unsigned width);

/* Writes the low `width` bits of a number there; the bytes must be there. */
void bits_put(void *bytes, uint64_t at, unsigned width, uint64_t v);

/* Combines `count` runs of bytes (at least one; NOT takes the first alone) into `len` bytes, which
 * is the length of the longest. `out` must not overlap any of them. */
void bits_combine(enum bits_operation operation, const struct str *runs, size_t count, void *out,
                  size_t len);

#endif
