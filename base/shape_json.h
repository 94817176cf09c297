/* Values of any shape as JSON, by the tables: REST bodies, messages of agents, output of the
 * command line. */
#ifndef LARDER_BASE_SHAPE_JSON_H
#define LARDER_BASE_SHAPE_JSON_H

#include "base/json.h"
#include "base/shape.h"

struct arena;

/* What to do with members that the shape does not have. */
enum shape_unknown {
    SHAPE_UNKNOWN_REFUSE, /* our own interface: a slip of the pen must show */
    SHAPE_UNKNOWN_IGNORE, /* between programs of different age */
};

/*
 * Fills `out` (zeroed, of the type that `s` describes) from a JSON value; results live in `a`. null
 * counts as absent; with SHAPE_UNKNOWN_IGNORE a timestamp may be a number, seconds
 * since 1970. Types only: what else the spec asks for is shape_check's business.
 * ERR_INVALID with a sentence that names the place: "Tags[0].Key must be a string".
 */
must_use struct err shape_json_read(struct arena *a, const struct shape *s,
                                    const struct json *value, enum shape_unknown unknown,
                                    void *out);

/* Parses and reads in one go. ERR_LIMIT when it is nested deeper than any shape is. */
must_use struct err shape_json_parse(struct arena *a, const struct shape *s, struct str text,
                                     enum shape_unknown unknown, void *out);

/* Writes a value; absent members are left out. */
void shape_json_write(struct json_writer *w, const struct shape *s, const void *value);

#endif
