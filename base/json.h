/*
 * JSON: parsed into an arena tree, and written piece by piece into a buffer. The only user of
 * cJSON.
 *
 * Numbers are doubles: whole numbers are exact up to 2^53 and refused beyond that where an integer
 * is asked for. Text is well-formed UTF-8 without NUL.
 */
#ifndef LARDER_BASE_JSON_H
#define LARDER_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    const char *name; /* inside of an object; else NULL */
    union {
        bool boolean;
        double number; /* always finite */
        const char *text;
        struct {
            const struct json *items; /* ARRAY, OBJECT: in the order of the text */
            size_t count;
        };
    };
};

/*
 * Parses one document; the tree lives in `a`. Deeper nesting than `max_depth` is ERR_LIMIT,
 * anything else that is not JSON ERR_INVALID, with a sentence that says where.
 */
must_use struct err json_parse(struct arena *a, struct str text, int max_depth, struct json *out);

/* The member of that name (the first, should it stand there twice), or NULL. */
const struct json *json_get(const struct json *object, const char *name);

/* The text of a member, or NULL when there is none or it is no string. */
const char *json_get_text(const struct json *object, const char *name);

/* False when the value is no number, not whole, or beyond 2^53. */
bool json_to_i64(const struct json *value, int64_t *out);

/*
 * Writes values one after the other; commas, colons and line breaks come by themselves.
 *
 *     struct json_writer w = JSON_WRITER(&buf);
 *     json_begin_object(&w);
 *     json_name(&w, "Code");
 *     json_text(&w, "Throttling");
 *     json_end_object(&w);
 */
struct json_writer {
    struct buf *out;
    bool has_epochs; /* timestamps are written as seconds since 1970 */
    int indent;      /* spaces per level; 0 writes one line without spaces */
    int depth;
    bool has_before; /* something stands before at this level */
    bool has_name;   /* a name was just written */
};

#define JSON_WRITER(buf_) ((struct json_writer){.out = (buf_)})

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_name(struct json_writer *w, const char *name);
void json_text(struct json_writer *w, const char *text); /* NULL writes null */
void json_str(struct json_writer *w, struct str text);
void json_int(struct json_writer *w, int64_t value);
void json_double(struct json_writer *w, double value); /* NaN and infinities write null */
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_value(struct json_writer *w, const struct json *value);

/* The same with a name in front, for objects. */
void json_name_text(struct json_writer *w, const char *name, const char *text);
void json_name_int(struct json_writer *w, const char *name, int64_t value);
void json_name_bool(struct json_writer *w, const char *name, bool value);

#endif
