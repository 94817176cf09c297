/* One heap block, grown by half. */
#include "base/buf.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_fini(struct buf *b)
{
    if (!b)
        return;
    free(b->ptr);
    *b = BUF_EMPTY;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

char *buf_reserve(struct buf *b, size_t more)
{
    check(more <= SIZE_MAX / 4 && b->len <= SIZE_MAX / 4);
    size_t need = b->len + more;
    if (need > b->cap || !b->ptr) {
        size_t cap = b->cap + b->cap / 2;
        if (cap < need)
            cap = need;
        if (cap < 64)
            cap = 64;
        char *grown = realloc(b->ptr, cap);
        check(grown != NULL);
        b->ptr = grown;
        b->cap = cap;
    }
    return b->ptr + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(buf_reserve(b, len), data, len);
    b->len += len;
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_puts(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
    *buf_reserve(b, 1) = c;
    b->len++;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    check(len >= 0);

    char *to = buf_reserve(b, (size_t)len + 1);
    va_start(ap, fmt);
    vsnprintf(to, (size_t)len + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)len;
}

void buf_consume(struct buf *b, size_t len)
{
    check(len <= b->len);
    b->len -= len;
    if (b->len)
        memmove(b->ptr, b->ptr + len, b->len);
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->ptr ? b->ptr : "", b->len};
}

const char *buf_cstr(struct buf *b)
{
    *buf_reserve(b, 1) = '\0';
    return b->ptr;
}
