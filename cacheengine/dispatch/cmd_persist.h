/* What the persistence commands lend to DEBUG and to the start. */
#ifndef LARDER_DISPATCH_CMD_PERSIST_H
#define LARDER_DISPATCH_CMD_PERSIST_H

#include "base/err.h"

struct arena;
struct client;
struct cmd_call;
struct engine;

/* DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]: saves all keys and loads them again. */
void debug_reload(struct cmd_call *c);

/* DEBUG AOF-FLUSH-SLEEP <microseconds>: the append-only file is slow (cmd_append.c). */
void debug_aof_flush_sleep(struct cmd_call *c);

/* DEBUG LOADAOF: drops all keys and loads them from the append-only file (cmd_append.c). */
void debug_loadaof(struct cmd_call *c);

/* At the start: loads what earlier runs have left in the files that the settings name; that there
 * are none is fine. The failure is one of which the engine must not go on, with a sentence in `a`;
 * ERR_UNAVAILABLE when it was told to end meanwhile. `occupied` is the client who asked for it, who
 * has no turn amid it; NULL at the start.
 */
must_use struct err engine_load_data(struct engine *e, const struct client *occupied,
                                     struct arena *a);

#endif
