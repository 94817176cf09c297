/*
 * AWS Query: `Action=CreateCacheCluster&Tags.Tag.1.Key=a&...`, from a form or from the URL, decoded
 * straight into the operation's struct.
 */
#ifndef LARDER_CONTROLPLANE_API_QUERY_H
#define LARDER_CONTROLPLANE_API_QUERY_H

#include "base/err.h"
#include "base/shape.h"
#include "base/str.h"

struct arena;

struct query_param {
    struct str name, value; /* decoded, well-formed UTF-8, in the arena, with a NUL behind each */
};

struct query {
    const struct query_param *params;
    size_t count;
};

/* Entries of one list, and the highest index that may be written: lists beyond that are refused
 * before they cost memory. */
#define QUERY_MAX_INDEX 1000

/*
 * Splits and decodes; `more` is a second part (the URL's query beside a form) or empty. Errors:
 * FAULT_MALFORMED_QUERY_STRING for bad percent signs, bad UTF-8 and NUL.
 */
must_use struct err query_parse(struct arena *a, struct str text, struct str more,
                                struct query *out);

/* The value of a parameter, with ptr NULL when it is not there; the first when it stands twice. */
struct str query_get(const struct query *q, const char *name);

/* True when the parameter stands there more than once. */
bool query_is_repeated(const struct query *q, const char *name);

/*
 * Fills `out` (zeroed, of the STRUCT shape `s`) from the parameters that name its members. Others
 * are ignored: SDKs are newer than the model. Lists take the item's name, "member" or nothing in
 * front of the number, and numbers with gaps in any order; `Member=` is an empty list.
 * FAULT_INVALID_PARAMETER_VALUE for wrong types, malformed places and parameters given twice.
 */
must_use struct err query_decode(struct arena *a, const struct query *q, const struct shape *s,
                                 void *out);

/* Decodes %XX (and '+' as a space when `is_form`) of one piece; ERR_INVALID as query_parse. */
must_use struct err query_unescape(struct arena *a, struct str text, bool is_form, struct str *out);

#endif
