/*
 * FAILOVER: a primary hands its role to a replica and becomes that one's replica, without a write
 * being lost.
 *
 *     WAITS     writes are paused until the replica has everything
 *     HANDS     this node is its replica already, and asks it to take over with its PSYNC
 *
 * It ends when the other side goes on with the stream as its own, or is given up: then this node is
 * a primary as before.
 */
#ifndef LARDER_DISPATCH_FAILOVER_H
#define LARDER_DISPATCH_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

enum failover_state { FAILOVER_NONE, FAILOVER_WAITS, FAILOVER_HANDS };

struct failover {
    enum failover_state state;
    char *host; /* of the target; NULL: whichever replica is first */
    int port;
    bool is_forced;   /* at the end of the time also to one that lacks something */
    int64_t until_ms; /* on the clock of passed_ms; 0: for ever */
};

/* Looks whether a replica has everything, or the time is up. */
void failover_tick(struct engine *e);

/* The other side has taken over. */
void failover_done(struct engine *e);

/* Gives it up; nothing happens when there is none. */
void failover_abort(struct engine *e, const char *why);

/* "no-failover", "waiting-for-sync", "failover-in-progress". */
const char *failover_state_name(const struct engine *e);

void failover_fini(struct engine *e);

#endif
