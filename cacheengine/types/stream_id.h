/* Names of entries of streams: a time in milliseconds and a number within it. */
#ifndef LARDER_TYPES_STREAM_ID_H
#define LARDER_TYPES_STREAM_ID_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MIN ((struct stream_id){0, 0})
#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})

static inline int stream_id_order(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

static inline bool stream_id_is_zero(struct stream_id id)
{
    return id.ms == 0 && id.seq == 0;
}

/* The next one, or the one before; false, with nothing changed, at the end of all. */
bool stream_id_increase(struct stream_id *id);
bool stream_id_decrease(struct stream_id *id);

/* What is meant by a text beside plain names. */
enum stream_id_form {
    STREAM_ID_EXACT,     /* "ms" or "ms-seq" and nothing else */
    STREAM_ID_BOUND,     /* "-" and "+" too, the least and the greatest of all */
    STREAM_ID_GENERATED, /* EXACT, or "ms-*": a number is to be found */
};

/* Reads a text. `missing_seq` is the number where only the time is said; *is_generated (which may
 * be NULL, but for that form) says that "*" stood in its place. False when it is none. */
bool stream_id_parse(struct str text, enum stream_id_form form, uint64_t missing_seq,
                     struct stream_id *out, bool *is_generated);

#define STREAM_ID_TEXT_MAX 42

/* Writes "ms-seq", at most STREAM_ID_TEXT_MAX bytes and no NUL; returns how long it is. */
unsigned stream_id_write(char *out, struct stream_id id);

/* Sixteen bytes, high ones first, as files have them. */
void stream_id_store(uint8_t *out, struct stream_id id);
struct stream_id stream_id_load(const uint8_t *in);

#endif
