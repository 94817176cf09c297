/*
 * Nodes that keep nothing: those of the memcached protocol, as elsewhere. Such a node has no
 * replicas, is none, writes nothing by itself, and begins empty however it ended. Whoever asks for
 * that is refused, at the start and later.
 *
 * What its owner can have is a snapshot: SAVE and BGSAVE write one, and SYNC behind REPLCONF
 * rdb-only gives one without a stream behind it. It begins with some where larder-seed-files names
 * them.
 */
#ifndef LARDER_DISPATCH_UNKEPT_H
#define LARDER_DISPATCH_UNKEPT_H

#include "cacheengine/dispatch/engine.h"

static inline bool unkept_is(const struct engine *e)
{
    return e->settings.protocol != PROTOCOL_RESP;
}

/* For commands that would have data kept or followed: true after the error was sent. */
bool unkept_refuses(struct cmd_call *c);

/* Whether settings ask for what such a node does not have. ERR_INVALID. */
must_use struct err unkept_check(const struct settings *s);

/* The same of one setting that is about to be changed. */
must_use struct err unkept_check_one(const struct settings *s, struct str name, struct str value);

#endif
