/*
 * Pauses: clients' commands are put off for a while, all of them or those that write, and meanwhile
 * nothing goes by itself (no key expires, none is evicted), so that replicas can come level.
 *
 * Who is put off keeps what it has sent; when the pause ends it is cut into calls and run. A pause
 * has an owner; that of one does not end that of another. Replicas and the admin socket are never
 * paused; what the primary of this node sends is put off by CLIENT PAUSE alone.
 */
#ifndef LARDER_DISPATCH_PAUSE_H
#define LARDER_DISPATCH_PAUSE_H

#include "cacheengine/dispatch/engine.h"

enum pause_owner {
    PAUSE_OF_CLIENT,
    PAUSE_OF_FAILOVER,
    PAUSE_OF_ENDING,
    PAUSE_OF_OWNER,
    PAUSE_OWNERS
};

/* Begins one, until a time on the clock of passed_ms (NO_DEADLINE: until it is ended). One that
 * this owner has already lasts at least as long as before. */
void pause_begin(struct engine *e, enum pause_owner owner, bool only_writes, int64_t until_ms);

void pause_end(struct engine *e, enum pause_owner owner);

/* Ends those whose time is up; several times a second. */
void pause_tick(struct engine *e);

/* True when the call is put off: it has not run, and will later. Asked while GUARD_PAUSED is up. */
bool pause_takes(struct cmd_call *call);

#endif
