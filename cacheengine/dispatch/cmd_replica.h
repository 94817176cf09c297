/* The answers of a replica that are parts of commands with answers of a primary too. */
#ifndef LARDER_DISPATCH_CMD_REPLICA_H
#define LARDER_DISPATCH_CMD_REPLICA_H

#include "cacheengine/dispatch/replica.h"

/* ROLE, asked of a replica. */
void replica_reply_role(struct cmd_call *c);

#endif
