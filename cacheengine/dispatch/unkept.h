/*
 * Nodes whose data is nowhere but in their memory: those of the memcached protocol. The items of
 * that protocol (flags, cas) have no form in snapshots, streams or append-only files, as they have
 * none elsewhere; so such a node has no replicas, is none, and writes and reads no files. Whoever
 * asks for that is refused, at the start and later.
 */
#ifndef LARDER_DISPATCH_UNKEPT_H
#define LARDER_DISPATCH_UNKEPT_H

#include "cacheengine/dispatch/engine.h"

static inline bool unkept_is(const struct engine *e)
{
    return e->settings.protocol != PROTOCOL_RESP;
}

/* For commands that would bring data to or from elsewhere: true after the error was sent. */
bool unkept_refuses(struct cmd_call *c);

/* Whether settings ask for what such a node does not have. ERR_INVALID. */
must_use struct err unkept_check(const struct settings *s);

/* The same of one setting that is about to be changed. */
must_use struct err unkept_check_one(const struct settings *s, struct str name, struct str value);

#endif
