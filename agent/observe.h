/*
 * Looks at engines: asks each that starts or runs whether it serves, over a connection that stays
 * open (so that a full table of clients blinds nobody), and now and then for its numbers.
 *
 * An engine that starts is asked at short intervals, because not every kind says when it is ready;
 * one that runs, once a second, and once a minute for all of its numbers. A primary that others
 * could follow is asked five times a second, and called hung by hang.h; one that is to become the
 * primary is asked more often, and given less time.
 */
#ifndef LARDER_AGENT_OBSERVE_H
#define LARDER_AGENT_OBSERVE_H

#include "base/str.h"

#include <stdint.h>

struct driver_host;
struct loop;
struct node;
struct observe;

struct observe_conf {
    struct loop *loop;              /* borrowed, as is the next */
    const struct driver_host *host; /* what contact needs to know */
    /* It answered as an engine does that serves. */
    void (*on_alive)(void *context, struct node *n);
    /* What it answered when it was asked for its numbers, once in each minute of the clock. */
    void (*on_numbers)(void *context, struct node *n, struct str answer);
    /* It did not answer for so long; said at each beat that finds no answer. `why` says what it
     * does. */
    void (*on_silent)(void *context, struct node *n, int64_t silent_ms, const char *why);
    /* A primary that has replicas is of no use any more: why. Said again as long as that is so. */
    void (*on_hung)(void *context, struct node *n, const char *why);
    void *context;
};

struct observe *observe_open(const struct observe_conf *conf);

/* All nodes have been let go of by observe_node or observe_forget. */
void observe_close(struct observe *o);

/* To be called when a node changed: begins or ends looking at it, as its state asks. */
void observe_node(struct observe *o, struct node *n);

/* Ends looking at it. */
void observe_forget(struct node *n);

#endif
