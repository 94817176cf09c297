/*
 * Flat JSON objects, one a line, by a table of their members: what small programs say to each other
 * over a socket. Reads without a parse tree, so that a program which says only this stays tiny;
 * anything deeper belongs to json.h.
 */
#ifndef LARDER_BASE_JSONLINE_H
#define LARDER_BASE_JSONLINE_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct arena;
struct buf;

enum jsonline_kind {
    JSONLINE_TEXT,   /* const char *: NULL is not written */
    JSONLINE_NUMBER, /* int64_t: 0 is not written */
};

struct jsonline_member {
    const char *name;
    enum jsonline_kind kind;
    size_t at; /* offsetof() in the struct */
};

struct jsonline {
    const struct jsonline_member *members;
    size_t count;
};

#define JSONLINE_OF(table) ((struct jsonline){(table), countof(table)})

/* Adds a text with its quotes. Bytes that are not UTF-8 become '?'. */
void jsonline_put_text(struct buf *out, struct str text);

/* Adds the object and a line feed to `out`. Bytes that are not UTF-8 become '?'. */
void jsonline_write(struct jsonline line, const void *from, struct buf *out);

/*
 * Fills `out` (zeroed) from one line; texts live in `a`. Members that the table does not name are
 * skipped when they are flat too. ERR_INVALID for anything that is not such an object, ERR_LIMIT
 * when a number does not fit.
 */
must_use struct err jsonline_read(struct arena *a, struct jsonline line, struct str text,
                                  void *out);

#endif
