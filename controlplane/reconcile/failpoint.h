/*
 * Faults that are made on purpose, so that it can be tested what outlives them. LARDER_FAILPOINT
 * names a step of a durable operation and what is to happen there, once in a life of the program:
 *
 *     LARDER_FAILPOINT=group-switch:promote:crash:before
 *
 *     crash   the process is killed with the commit that has the step's work, or ":before" it
 *     error   the store refuses that commit; without ":before" it keeps what it refused
 *     hang    the step is not taken: the operation stays where it is, at most to its deadline
 *
 * A step's work is what it decided, or that it is done. Every step of the tables of steps.c and
 * group_steps.c can be named; what is done in the order of things without a table says so itself.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_FAILPOINT_H
#define LARDER_CONTROLPLANE_RECONCILE_FAILPOINT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum failpoint_fault { FAILPOINT_CRASH, FAILPOINT_ERROR, FAILPOINT_HANG };

struct failpoint {
    const char *operation, *step;
    enum failpoint_fault fault;
    bool is_before;
    bool is_reached; /* the transaction under way has the step's work */
    bool is_over;    /* it has happened */
};

/* ERR_INVALID, with a sentence in `a`, for what is none. Whether there is such a step is not asked.
 */
must_use struct err failpoint_parse(struct arena *a, const char *text, struct failpoint *out);

/* The functions below do nothing where `f` is NULL. Operations are named "<who>-<kind>". */

/* Whether the step is not to be taken. */
bool failpoint_holds(struct failpoint *f, const char *who, const char *kind, const char *step);

/* The transaction under way has work of this step. */
void failpoint_reach(struct failpoint *f, const char *who, const char *kind, const char *step);

/* To be asked around each commit; an error is to be taken for the commit's own. */
must_use struct err failpoint_before_commit(struct failpoint *f);
must_use struct err failpoint_after_commit(struct failpoint *f);

/* --- all that there are --- */

struct failpoint_name {
    const char *operation, *step;
};

struct failpoint_names {
    struct failpoint_name *items;
    size_t count, capacity;
};

void failpoint_names_add(struct arena *a, struct failpoint_names *names, const char *who,
                         const char *kind, const char *step);

/* Whether one of them is meant. */
bool failpoint_is_of(const struct failpoint *f, const struct failpoint_names *names);

#endif
