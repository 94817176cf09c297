/* Libraries of functions as bytes: FUNCTION DUMP, and the records of snapshots. */
#ifndef LARDER_DISPATCH_FUNCTION_PAYLOAD_H
#define LARDER_DISPATCH_FUNCTION_PAYLOAD_H

#include "base/buf.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/persist/file.h"
#include "cacheengine/persist/snapshot.h"
#include "cacheengine/script/libraries.h"

/* For snapshot_options: writes all libraries as records. `engine` is the engine. */
struct record_writer;
void function_records_put(void *engine, struct record_writer *w);

/* For snapshot_loading: takes over what a snapshot had, in the place of all that there is, beside
 * it, or where names are the same in its place. `engine` is the engine. */
must_use struct err function_records_take(void *engine, struct arena *a,
                                          const struct snapshot_loading *l,
                                          enum snapshot_meeting meeting);

/* All libraries as FUNCTION RESTORE takes them. */
void function_payload_write(struct engine *e, struct buf *out);

/* Loads them. NULL, or what is wrong, in `a`; then nothing was loaded. */
const char *function_payload_load(struct engine *e, struct arena *a, struct str payload,
                                  enum library_policy policy, bool flushes);

/* The text of an error reply: with a code where it has none. */
const char *function_error(struct arena *a, const char *wrong);

#endif
