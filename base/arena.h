/*
 * Memory with one common end: a request, a reconcile pass, a report.
 *
 * Allocation is a pointer bump; nothing is freed alone. Out of memory aborts: what users can grow
 * has a limit that is checked first. A zeroed struct is a valid, empty arena.
 */
#ifndef LARDER_BASE_ARENA_H
#define LARDER_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *head; /* newest chunk, the one being filled */
    char *next;               /* first free byte of the head */
    char *end;                /* one past its last byte */
    size_t total_bytes;       /* bytes handed out since init or reset */
};

void arena_init(struct arena *a);

/* Frees everything and leaves a zeroed arena. */
void arena_fini(struct arena *a);

/* Forgets everything but keeps one chunk for the next round. */
void arena_reset(struct arena *a);

/* Memory for any type, not zeroed. `size` 0 gives a unique pointer. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, alloc_size(2)));

/* The same, zeroed. */
void *arena_zalloc(struct arena *a, size_t size) __attribute__((malloc, alloc_size(2)));

/* `count` zeroed objects of `size` bytes; aborts when the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size) __attribute__((malloc));

/* One zeroed object of a type. */
#define arena_new(a, type) ((type *)arena_zalloc((a), sizeof(type)))

/* Copies of text; NULL gives NULL. arena_strndup ends the copy with a NUL. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t len);
void *arena_memdup(struct arena *a, const void *data, size_t len);

char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

#endif
