/* Loading an append-only file: at the start, and for DEBUG LOADAOF. */
#ifndef LARDER_DISPATCH_APPEND_LOAD_H
#define LARDER_DISPATCH_APPEND_LOAD_H

#include "cacheengine/dispatch/append.h"

/* Reads the manifest, where there is one; the file of one piece of older versions gets one. */
must_use struct err append_find(struct append *a, struct arena *arena);

/*
 * Runs what the files of the manifest say, into the databases as they are. A tail that was cut off
 * is dropped, from the file too, where `aof-load-truncated` allows that. Any other damage is an
 * error with where and why, in `arena`; the databases are then as far as the files were read.
 * Clients but for `occupied` have their turns meanwhile (loading.h).
 */
must_use struct err append_load(struct append *a, const struct client *occupied,
                                struct arena *arena);

#endif
