/*
 * How much work is done for clients in a second. A simple command is one unit, an ECPU; one that
 * moves more than a KB, or keeps the engine busy for longer, is as many as that would have been.
 * What is more than the limit waits: the calls of clients are put off, as during a pause, until the
 * work that was done is paid for. Nothing is refused and nothing is lost.
 *
 * A shard has one limit. A replica has half of it for its clients and tells its primary, with each
 * acknowledgement, what they did; that much less the primary has for its own. So both together do
 * no more than the limit, and neither can leave the other with less than half.
 *
 * Asked while larder-ecpus-per-second is not -1; 0 counts without a limit. The admin socket, the
 * primary of this node and its replicas are not clients here.
 */
#ifndef LARDER_DISPATCH_THROTTLE_H
#define LARDER_DISPATCH_THROTTLE_H

#include "cacheengine/dispatch/engine.h"

/* How many units a call is that moved so many bytes in and out and ran for so long. */
int64_t throttle_price(uint64_t bytes, uint64_t us);

/* True when the call is put off: it has not run, and will later. */
bool throttle_takes(const struct cmd_call *call);

/* Books a call that ran. */
void throttle_count(struct engine *e, const struct client *c, uint64_t bytes, uint64_t ticks);

struct follower;

/* What a replica did for its clients by now, as it says. */
void throttle_lend(struct engine *e, struct follower *r, int64_t work);

/* Lets those go on who wait, once they may; several times a second. For how many ms nobody may yet,
 * 0 when nobody waits. */
int64_t throttle_tick(struct engine *e);

#endif
