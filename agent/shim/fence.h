/*
 * The lease of an engine that knows of none: redis-server and valkey-server. Until the deadline it
 * takes writes; then its clients are cut off and it takes none, and where it does not confirm that
 * at once it is killed. All by boot time, of which agents may be late or gone.
 */
#ifndef LARDER_AGENT_SHIM_FENCE_H
#define LARDER_AGENT_SHIM_FENCE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define FENCE_CONFIRM_MS 50 /* an engine that has not confirmed its fence by then is killed */

struct shim_command;

enum fence_phase {
    FENCE_OFF,       /* nothing is watched */
    FENCE_OPEN,      /* there is a lease */
    FENCE_CLOSING,   /* it is over, and the engine was told */
    FENCE_CLOSED,    /* and has confirmed it */
    FENCE_IS_KILLED, /* or has not: the caller ends it */
};

struct fence {
    enum fence_phase phase;
    int64_t due_ms;   /* boot time of the next fence_due; INT64_MAX for none */
    int fd;           /* the connection to the engine; -1 */
    bool is_fresh;    /* it is one that nobody has seen yet: for who watches it, who lowers this */
    unsigned awaited; /* answers that are to come */
    bool is_doubted;  /* one of them was an error, or the connection ended */
    char *control, *greeting, *fence, *unfence;
    char *allowed; /* the last of `unfence` that the engine was told; NULL: none */
    struct buf in;
};

void fence_init(struct fence *f);
void fence_fini(struct fence *f);

/* Takes a SHIM_LEASE. */
void fence_lease(struct fence *f, const struct shim_command *c, int64_t now_ms);

/* Its time has come. */
void fence_due(struct fence *f, int64_t now_ms);

/* The connection is readable, or ended: then fd is -1. */
void fence_read(struct fence *f);

#endif
