/* What the files of the hash type share. */
#ifndef LARDER_TYPES_HASH_H
#define LARDER_TYPES_HASH_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/collection.h"

/* The hash in argument 1 for reading. False when there is none; *ok is false after WRONGTYPE was
 * sent. */
bool hash_read(struct cmd_call *c, struct collection *h, bool *ok);

#endif
