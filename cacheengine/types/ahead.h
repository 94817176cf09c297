/*
 * Asking ahead for members. A command on one member of a big hash, set or sorted set waits for
 * memory twice more than one on a string: for the place in the collection's table, and for what
 * stands there. Where several calls are about to run, those waits can be one.
 */
#ifndef LARDER_TYPES_AHEAD_H
#define LARDER_TYPES_AHEAD_H

#include "cacheengine/keyspace/call.h"

/* Asks the processor for the members that these calls will touch (command.member says which
 * argument names one). The calls are parsed, their keys' entries were asked for, and none of them
 * has run. Changes nothing. Says for how many it did: not for those whose collection is small or
 * not there, and for TYPES_AHEAD_MAX at most. */
#define TYPES_AHEAD_MAX 64
unsigned types_ask_ahead(const struct cmd_call *calls, uint32_t count);

#endif
