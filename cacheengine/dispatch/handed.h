/*
 * The records of hand-overs (cluster/handover.h) on their way to who keeps them: the replication
 * stream, the append-only file, the heads of snapshots; and back.
 */
#ifndef LARDER_DISPATCH_HANDED_H
#define LARDER_DISPATCH_HANDED_H

#include "cacheengine/dispatch/engine.h"

struct snapshot_field;

/* Tells the records, all as they are; call after each change. Returns the place in the replication
 * stream behind them. */
int64_t handed_tell(struct engine *e);

/* Whether what was told up to this place of the stream is kept as writes are: in the file, with
 * every replica that is online, and with as many as acknowledge writes; and this node may write. */
bool handed_is_kept(struct engine *e, int64_t place);

/* Takes over the records of a file, or of the primary: nothing where this node is in no cluster.
 * False, after the log was told, when they make no sense: then there are none. */
bool handed_take(struct engine *e, const struct str *words, size_t count);
bool handed_take_text(struct engine *e, struct str text);

/* For who reads the head of a snapshot at the start: takes the field that has them. */
void handed_note_field(struct engine *e, struct str name, struct str value);

/* Fills in the field for the head of a snapshot, and returns how many that are: 0 or 1. The text
 * holds until the next call. */
size_t handed_field(struct engine *e, struct snapshot_field *out);

#endif
