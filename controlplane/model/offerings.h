/*
 * What nodes can be reserved, for how long and at what price. Nothing is stored: offerings follow
 * from the catalogue of node types, and their ids from what they offer.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_OFFERINGS_H
#define LARDER_CONTROLPLANE_MODEL_OFFERINGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define RESERVED_NODES_MAX 300 /* of an account in a region */

struct offering {
    const char *id; /* in the form of a UUID */
    const char *node_type, *product;
    const char *type; /* "No Upfront", "Partial Upfront", "All Upfront" */
    int64_t duration_s;
    int64_t fixed_micros, recurring_micros; /* millionths of a dollar: at once, and by the hour */
};

/* All offerings by id; in `a`. */
struct offering *offerings_all(struct arena *a, size_t *out_count);

/* "1", "3" (years), "P1Y", "P3Y", or the seconds of one or three years; false for anything else. */
bool offering_duration_parse(const char *text, int64_t *out);

/* A purchase as it is stored: what the offering was, kept for its whole time. */
struct reservation {
    const char *account, *region, *name;
    struct offering offering;
    int64_t count;
    int64_t start_ms;
};

/* "payment-pending" for the first seconds, then "active", and "retired" when the time is over. */
const char *reservation_state_word(const struct reservation *r, int64_t now_ms);

#endif
