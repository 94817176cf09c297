/*
 * Files are loaded while clients are served. Whoever reads one says how far it is, and every
 * loading-process-events-interval-bytes the clients have a turn: what needs the data is refused
 * (GUARD_LOADING), INFO shows how far it is, and a signal or SHUTDOWN ends it.
 */
#ifndef LARDER_DISPATCH_LOADING_H
#define LARDER_DISPATCH_LOADING_H

#include "cacheengine/dispatch/engine.h"
#include "cacheengine/persist/snapshot.h"

/* Begins: so many bytes are to be read; `report` (borrowed until the end) is what is known of a
 * snapshot, NULL for other files. `occupied` is the client whose command loads, which has no turn;
 * NULL at the start. Guards of clients are kept aside until the end: what is loaded may set
 * its own. */
void loading_begin(struct engine *e, uint64_t total_bytes, const struct snapshot_report *report,
                   const struct client *occupied);
void loading_end(struct engine *e);

/* For file_source: so many bytes were read. ERR_UNAVAILABLE when the engine is to end. */
must_use struct err loading_passed(void *engine, size_t bytes);

/* Gives clients a turn now: amid what takes long without reading. */
void loading_serve(struct engine *e);

/* What commands are told that need the data. */
const char *loading_text(const struct engine *e);

/* How far it is, as INFO shows it. */
void loading_info(const struct loading_facts *f, int64_t now_s, struct buf *out);

#endif
