/*
 * Guards: what a node's state forbids its clients, whoever they are. (What a client's rights forbid
 * is access.h.)
 *
 * Each guard is one bit of engine.guards. Whoever knows of the state raises and lowers it; while
 * no bit is set, a command pays one test for all of them. What a guard says to which command is
 * one function in guard.c's table, whose order is that in which they are asked.
 */
#ifndef LARDER_DISPATCH_GUARD_H
#define LARDER_DISPATCH_GUARD_H

#include "cacheengine/dispatch/engine.h"

enum guard {
    GUARD_REDIRECT = 1 << 9,  /* a replica sends clients that can follow to its primary */
    GUARD_REPLICA = 1 << 0,   /* a replica takes writes from its primary alone */
    GUARD_STALE = 1 << 16,    /* its primary is out of reach, and it shall not show what it has */
    GUARD_LOADING = 1 << 17,  /* a file is being loaded, and there is no other data */
    GUARD_UNSAVED = 1 << 1,   /* the last background save failed, and that shall not go unnoticed */
    GUARD_FENCE = 1 << 2,     /* the owner forbade writes; see authority.h */
    GUARD_LEASE = 1 << 3,     /* the primary's lease is over */
    GUARD_ACKS = 1 << 4,      /* too much waits for acknowledgement; see acks.h */
    GUARD_UNWRITTEN = 1 << 5, /* the append-only file cannot be written */
    GUARD_KEYLESS = 1 << 6,   /* files are to be loaded once their key is given */
    GUARD_CLUSTER = 1 << 8,   /* cluster mode: commands on keys of other nodes are sent there */
    GUARD_BUSY = 1 << 24,     /* others are served amid a command: a script that runs and runs */
    GUARD_PAUSED = 1 << 27,   /* some calls are put off, see pause.h */
    GUARD_FEW_REPLICAS = 1 << 26, /* min-replicas-to-write */
    GUARD_SUBSCRIBED = 1 << 7,    /* somebody listens to channels, and does nothing else in RESP2 */
};

static inline void guard_set(struct engine *e, enum guard g, bool is_raised)
{
    e->guards = is_raised ? e->guards | (uint32_t)g : e->guards & ~(uint32_t)g;
}

/* Why the command may not run, EXEC by what was queued: an error's text, a literal or in the call's
 * scratch. NULL: it may. `is_plain`: the error stands as it is even for EXEC, which otherwise says
 * that it ended its transaction because of it. The admin socket is the owner's: nothing is
 * forbidden there. */
const char *guard_refusal(struct cmd_call *call, bool *is_plain);

/* The same of what the owner has ordered alone (fence, lease), which holds amid a command, too. */
const char *guard_order_refusal(const struct cmd_call *call);

/* Why nothing may be written, for protocols whose commands are their own: a literal, NULL: it may.
 * Call only when any guard is up. */
const char *guard_write_refusal(const struct engine *e);

/* The same for what reads. */
const char *guard_read_refusal(const struct engine *e);

/* True when commands that only read may keep what they found with the key, which is told as a write
 * is. */
bool guard_takes_writes(const struct cmd_call *call);

/* True when the call writes: by its own flags, or EXEC by what was queued. */
bool guard_is_write(const struct cmd_call *call);

#endif
