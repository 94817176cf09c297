/* MONITOR: every command that runs, told to those who ask for it, without what is secret. */
#ifndef LARDER_DISPATCH_MONITOR_H
#define LARDER_DISPATCH_MONITOR_H

#include "cacheengine/dispatch/engine.h"

/* Tells that a command has run; and of scripts that they will, for their commands come behind them.
 * Call both while e->monitor_count is not 0. */
void monitor_tell(const struct cmd_call *call);
void monitor_tell_ahead(const struct cmd_call *call);

/* The client asks no more. */
void monitor_forget(struct engine *e, struct client *c);

#endif
