/*
 * Waiting for keys: what BLPOP, BZPOPMIN and their kin do when they find nothing.
 *
 *     if (!found)
 *         call_wait(c, &(struct wait){TYPE_ZSET, 1, keys, until_ms, reply_null_array, false});
 *
 * The command says nothing then and returns. It runs again, as if it had come just now, when one
 * of its keys has changed and is of that type; it finds what it wants or calls call_wait again and
 * keeps its place. Clients that wait for one key are served in the order in which they came.
 */
#ifndef LARDER_KEYSPACE_WAIT_H
#define LARDER_KEYSPACE_WAIT_H

#include "cacheengine/keyspace/call.h"

struct wait {
    enum entry_type type;          /* what a key must be to be of use */
    uint32_t first, keys;          /* the arguments that are keys */
    int64_t until_ms;              /* on the clock of passed_ms; NO_DEADLINE: for ever */
    void (*over)(struct reply *r); /* what is said when the time is up */
    bool wakes_gone;               /* runs again when a key is gone or has another type, too */
};

/*
 * Waiting for something else than keys: `keys` is 0, and whoever knows that it may have come has
 * the command run again (dispatch/block.h). `over` may be NULL then: when the time is up the
 * command runs for the last time, as one that must not wait (is_inner).
 */

/* Lets the client wait; where that cannot be (in a transaction) its time is up at once. */
void call_wait(struct cmd_call *c, const struct wait *w);

/* The argument as seconds from now (0: for ever) as a time for `until_ms`; false after the error
 * was sent. */
bool call_timeout(struct cmd_call *c, uint32_t arg, int64_t *until_ms);

/* The same in whole milliseconds. */
bool call_timeout_ms(struct cmd_call *c, uint32_t arg, int64_t *until_ms);

#endif
