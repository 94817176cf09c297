/*
 * One program that `larder up` keeps running: started, watched, started again after a growing
 * pause. Nothing here blocks; the owner polls the descriptors and calls.
 */
#ifndef LARDER_CLI_UP_CHILD_H
#define LARDER_CLI_UP_CHILD_H

#include "base/buf.h"
#include "base/proc.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct up_child;

struct child {
    const struct up_child *plan;
    const char *const *argv; /* what is started next; the plan's, or a completed copy */
    int lock_fd;             /* held by the child as long as it lives */
    struct proc proc;        /* PROC_NONE while it does not run */
    int out_fd;              /* its standard output, -1 when closed */
    struct buf out;          /* what it wrote there and was not yet taken as a line */
    bool was_ready;          /* it has said so since its last start */
    int failures;            /* starts in a row that did not become ready */
    int64_t log_start;       /* where its log stood at its last start */
    int64_t restart_at_ms;   /* boot clock; meaningful while it does not run */
};

void child_init(struct child *c, const struct up_child *plan, int lock_fd);

/* Ends the program with SIGKILL when it still runs, and frees. */
void child_fini(struct child *c);

bool child_is_running(const struct child *c);

/* Starts the program with its log behind standard error. Errors as proc_spawn, or ERR_IO for the
 * log; the sentence is in `a`. */
must_use struct err child_start(struct arena *a, struct child *c);

/* Takes in what the program wrote. True when there is a whole line, which then stands in `*out` (in
 * `a`). Reads no more than is there. */
bool child_read_line(struct arena *a, struct child *c, const char **out);

/* The program was ready: failures count from zero again. */
void child_note_ready(struct child *c);

/*
 * Reaps a program that has ended and settles when it starts again: at once after a life in which it
 * was ready, else after a pause that doubles. False while it still runs.
 */
bool child_reap(struct child *c, int64_t now_ms, struct proc_exit *out);

/* The last line of its log since its last start without the log's prefix, or NULL; in `a`. */
const char *child_last_words(struct arena *a, const struct child *c);

#endif
