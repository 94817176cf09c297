/* The whole keyspace as commands that make it: the base of an append-only file where
 * `aof-use-rdb-preamble no` asks for that. */
#ifndef LARDER_DISPATCH_APPEND_RETELL_H
#define LARDER_DISPATCH_APPEND_RETELL_H

#include "cacheengine/persist/snapshot.h"

/* Writes commands for all keys. Of the options, `told` and the rest after each key count. The
 * sink's error. */
must_use struct err append_retell(struct keyspace *ks, struct sink *to,
                                  const struct snapshot_options *o);

#endif
