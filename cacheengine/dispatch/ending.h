/*
 * The clean end: SHUTDOWN and the signals that ask for it.
 *
 * A node with replicas that lack something waits for them first, at most for shutdown-timeout:
 * writes are paused meanwhile, so that what was acknowledged is on another node when this one is
 * gone. It ends with the regular work that finds them level, or the time up.
 */
#ifndef LARDER_DISPATCH_ENDING_H
#define LARDER_DISPATCH_ENDING_H

#include "cacheengine/dispatch/engine.h"

enum ending {
    ENDING_SAVES = 1 << 0,     /* a snapshot first, whether there are save points or not */
    ENDING_SAVES_NOT = 1 << 1, /* none, although there are */
    ENDING_AT_ONCE = 1 << 2,   /* does not wait for replicas */
    ENDING_WHATEVER = 1 << 3,  /* ends although the snapshot could not be written */
};

enum ending_result {
    ENDING_DONE,   /* e->is_ending is set */
    ENDING_WAITS,  /* for replicas: it is seen later what comes of it */
    ENDING_FAILED, /* something failed without which the engine must not end; the log says what */
};

/* Does what comes before the end, in the order that loses nothing. */
enum ending_result engine_end(struct engine *e, unsigned how);

/* The same for a signal (SIGTERM, SIGINT), as `shutdown-on-sigterm` and `shutdown-on-sigint` say;
 * while the regular work is paused (DEBUG PAUSE-CRON) it is put off. A SIGINT while the end waits
 * for replicas is the end. */
void engine_end_by_signal(struct engine *e, int signal);

/* Ends when what is waited for is there. */
void ending_tick(struct engine *e);

/* Takes an end back that has not come yet. False: there was none. */
bool ending_abort(struct engine *e);

#endif
