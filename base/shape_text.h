/* Single values as text: Query parameters, paths, XML content, options of the command line. */
#ifndef LARDER_BASE_SHAPE_TEXT_H
#define LARDER_BASE_SHAPE_TEXT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/shape.h"

struct arena;

/* True for the kinds that have a text form: all but STRUCT, LIST and MAP. */
bool shape_is_scalar(const struct shape *s);

/*
 * Reads a value of a scalar shape into `out`, the member's or item's place. Text must be
 * well-formed UTF-8 already. ERR_INVALID with what it must be ("must be an integer"), without the
 * value.
 */
must_use struct err shape_text_read(struct arena *a, const struct shape *s, struct str text,
                                    void *out);

/* Writes the text form: true, 42, 2015-02-02T09:30:00.123Z, base64. Nothing when the value is
 * absent. */
void shape_text_write(struct buf *out, const struct shape *s, const void *value);

/* "2015-02-02T09:30:00.123Z". */
void time_write(struct buf *out, int64_t wall_ms);

/* The shortest decimal text that reads back as the same double. */
void double_write(struct buf *out, double value);

/* Base64 with padding (RFC 4648). Reading takes no other characters; false when it is none. */
void base64_write(struct buf *out, const void *data, size_t len);
bool base64_read(struct arena *a, struct str text, struct opt_blob *out);

#endif
