/* The clean end: SHUTDOWN and the signals that ask for it. */
#ifndef LARDER_DISPATCH_ENDING_H
#define LARDER_DISPATCH_ENDING_H

#include "cacheengine/dispatch/engine.h"

enum ending {
    ENDING_SAVES = 1 << 0,     /* a snapshot first, whether there are save points or not */
    ENDING_SAVES_NOT = 1 << 1, /* none, although there are */
    ENDING_AT_ONCE = 1 << 2,   /* does not wait for replicas */
    ENDING_WHATEVER = 1 << 3,  /* ends although the snapshot could not be written */
};

/* Does what comes before the end, in the order that loses nothing, and sets e->is_ending. False
 * when something failed without which the engine must not end; the log says what. */
bool engine_end(struct engine *e, unsigned how);

/* The same for a signal (SIGTERM, SIGINT), as `shutdown-on-sigterm` and `shutdown-on-sigint` say;
 * while the regular work is paused (DEBUG PAUSE-CRON) it is put off. */
void engine_end_by_signal(struct engine *e, int signal);

#endif
