/*
 * Tells when something was written to a file. An engine that tells its owner nothing by itself
 * writes to its log when its link ends, or it is done with what it was told: whoever waits for that
 * need not wait for the next time it is asked. What was written does not matter, only that
 * something was.
 */
#ifndef LARDER_AGENT_SUPERVISE_LOGWATCH_H
#define LARDER_AGENT_SUPERVISE_LOGWATCH_H

#include "base/err.h"

#include <stdbool.h>

struct logwatch;
struct loop;

/* One file; a member of its owner. */
struct logwatch_file {
    void (*on_written)(void *context); /* once for all that came together; may end the watch */
    void *context;
    bool is_on;
    int number; /* the kernel's */
    struct logwatch_file *next;
};

/* ERR_IO when the system gives no more of what it takes. */
must_use struct err logwatch_open(struct loop *loop, struct logwatch **out);

/* All files have been let go of. Accepts NULL. */
void logwatch_close(struct logwatch *l);

/* Begins, unless it is on. One that is not there, or is set aside for another one later, is not on
 * then: to be called again now and then. */
void logwatch_begin(struct logwatch *l, struct logwatch_file *f, const char *path);

/* Fine when it is off. */
void logwatch_end(struct logwatch *l, struct logwatch_file *f);

#endif
