/* A list of chunks, each twice the last up to a bound; the newest is filled from the bottom. */
#include "base/arena.h"

#include "base/err.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN     16
#define ARENA_FIRST     4096
#define ARENA_MAX_CHUNK (1 << 20)

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* bytes of data */
    _Alignas(ARENA_ALIGN) char data[];
};

static void chunk_add(struct arena *a, size_t least)
{
    size_t size = a->head ? a->head->size * 2 : ARENA_FIRST;
    if (size > ARENA_MAX_CHUNK)
        size = ARENA_MAX_CHUNK;
    if (size < least)
        size = least;

    struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);
    check(chunk != NULL);
    chunk->older = a->head;
    chunk->size = size;
    a->head = chunk;
    a->next = chunk->data;
    a->end = chunk->data + size;
}

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void arena_fini(struct arena *a)
{
    if (!a)
        return;
    for (struct arena_chunk *chunk = a->head; chunk;) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = a->head;
    if (!keep)
        return;
    for (struct arena_chunk *chunk = keep->older; chunk;) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    keep->older = NULL;
    a->next = keep->data;
    a->end = keep->data + keep->size;
    a->total_bytes = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    check(size <= SIZE_MAX / 2);
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (rounded == 0)
        rounded = ARENA_ALIGN;
    if ((size_t)(a->end - a->next) < rounded)
        chunk_add(a, rounded);

    void *memory = a->next;
    a->next += rounded;
    a->total_bytes += rounded;
    return memory;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t total;
    check(!__builtin_mul_overflow(count, size, &total));
    return arena_zalloc(a, total);
}

char *arena_strdup(struct arena *a, const char *text)
{
    return text ? arena_memdup(a, text, strlen(text) + 1) : NULL;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    if (!text)
        return NULL;
    char *copy = arena_alloc(a, len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void *arena_memdup(struct arena *a, const void *data, size_t len)
{
    void *copy = arena_alloc(a, len);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    check(len >= 0);
    char *text = arena_alloc(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return text;
}
