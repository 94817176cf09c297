/*
 * Redirections: in cluster mode, commands on keys that this node does not serve are told where to
 * go (MOVED, ASK), or why nobody can run them (CROSSSLOT, TRYAGAIN, CLUSTERDOWN).
 */
#ifndef LARDER_DISPATCH_REDIRECT_H
#define LARDER_DISPATCH_REDIRECT_H

#include "cacheengine/cluster/show.h"
#include "cacheengine/dispatch/engine.h"

/* Said of a call that is to wait, for its slot is being handed over. */
extern const char redirect_held[];

/* For guard.c: why the call may not run here, an error's text in the engine's scratch; EXEC is
 * judged by all that was queued. NULL: it may. Uses up what ASKING has said. */
const char *redirect_refusal(const struct cmd_call *call);

/* What clients are shown of the cluster; `c` may be NULL. */
struct cluster_view redirect_view(const struct engine *e, const struct client *c);

/* Takes over that slots have changed hands: keys are hidden or shown, and clients that wait for
 * keys of other nodes are sent there. */
void redirect_apply(struct engine *e);

#endif
