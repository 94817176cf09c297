/*
 * Asking the processor for memory before it is needed.
 *
 * Not __builtin_prefetch alone: gcc takes a function that does nothing else for one without
 * effects and drops its calls, however carefully they were placed. The empty volatile statement is
 * an effect that costs no instruction.
 */
#ifndef LARDER_BASE_PREFETCH_H
#define LARDER_BASE_PREFETCH_H

#include <stddef.h>

#define CACHE_LINE 64

/* Asks for the cache line that `at` stands in. Any address will do; nothing is read. */
static inline void prefetch(const void *at)
{
    __builtin_prefetch(at);
    __asm__ volatile("");
}

/* Asks for `lines` cache lines from the one of `at` on. */
static inline void prefetch_lines(const void *at, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        prefetch((const char *)at + i * CACHE_LINE);
}

#endif
