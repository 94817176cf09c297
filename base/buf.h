/* Bytes that grow, on the heap: for building text and for what comes from a socket. */
#ifndef LARDER_BASE_BUF_H
#define LARDER_BASE_BUF_H

#include "base/str.h"

#include <stddef.h>

struct buf {
    char *ptr; /* NULL while nothing was reserved; not NUL-terminated unless buf_cstr was called */
    size_t len;
    size_t cap;
};

#define BUF_EMPTY ((struct buf){0})

void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */

/* Makes room for `more` bytes behind len and returns where they go; the caller then adds to len. */
char *buf_reserve(struct buf *b, size_t more);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, struct str s);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first `len` bytes. */
void buf_consume(struct buf *b, size_t len);

struct str buf_str(const struct buf *b);

/* The content with a NUL behind it (not counted in len); valid until the next change. */
const char *buf_cstr(struct buf *b);

#endif
