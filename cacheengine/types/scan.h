/* What HSCAN, SSCAN and ZSCAN have in common: cursor, options and the shape of the answer. */
#ifndef LARDER_TYPES_SCAN_H
#define LARDER_TYPES_SCAN_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/packed.h"

struct scan {
    struct reply *reply;
    uint64_t cursor;    /* where to begin, then where to go on; 0 = at the end */
    int64_t count;      /* about how many are wanted */
    struct str pattern; /* ptr NULL: all */
    bool is_bare;       /* members without what belongs to them */
    uint64_t met;       /* members seen */
    size_t sent;        /* elements said */
    struct reply_mark head, list;
};

/* The cursor in argument 2; false after the error was sent. */
bool scan_cursor(struct cmd_call *c, struct scan *s);

/* The options from argument 3 on; false after the error was sent. `type` says which of NOVALUES
 * and NOSCORES there is. */
bool scan_options(struct cmd_call *c, enum entry_type type, struct scan *s);

/* The answer for a key that is not there. */
void scan_reply_empty(struct cmd_call *c);

/* Begins and ends the answer around what scan_says lets through. */
void scan_begin(struct cmd_call *c, struct scan *s);
void scan_end(struct scan *s);

/* Says a member if the pattern lets it through; true when what belongs to it is to follow
 * (sent by the caller, counted here). */
bool scan_says(struct scan *s, const struct packed_item *member);

/* True while more may be looked at; call once per step. */
bool scan_goes_on(struct scan *s, uint64_t step);

#endif
