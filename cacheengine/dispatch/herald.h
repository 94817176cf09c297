/*
 * News of this node's place in replication: its owner listens on a connection of the admin socket
 * and hears of a change when it happens, so that nobody has to ask often to know soon.
 *
 *     > LARDER.LISTEN
 *     + OK
 *     < push: role primary|replica up|down <offset>
 *
 * "up" is a replica's link to its primary; a primary is always up. When the link went down, the
 * offset counts all that had come over it.
 */
#ifndef LARDER_DISPATCH_HERALD_H
#define LARDER_DISPATCH_HERALD_H

#include "cacheengine/dispatch/engine.h"

/* From now on this client hears of changes, in the place of whoever did before. */
void herald_listen(struct engine *e, struct client *c);

/* Role or link may have changed: tells, if they have since the last time. */
void herald_look(struct engine *e);

/* The client goes. */
void herald_forget(struct engine *e, const struct client *c);

#endif
