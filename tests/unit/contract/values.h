/* Values of any shape for the round trips: made by chance, and written as the SDKs write requests.
 */
#ifndef LARDER_TESTS_UNIT_CONTRACT_VALUES_H
#define LARDER_TESTS_UNIT_CONTRACT_VALUES_H

#include "base/buf.h"
#include "base/rng.h"
#include "base/shape.h"

struct arena;

/* Fills `out` (zeroed). Structures inside are never empty: a Query request cannot say that. */
void value_fill(struct arena *a, struct rng *rng, const struct shape *s, void *out);

/* Writes a STRUCT as a form: the inverse of query_decode, written apart from it. */
void value_to_form(struct buf *out, const struct shape *s, const void *value);

#endif
