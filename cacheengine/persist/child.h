/*
 * A child process that writes what the keyspace held when it was forked: a snapshot to a file, to
 * a socket or a pipe, a new base of an append-only file. What is written is the caller's function;
 * here stand the fork, the word back and the end.
 *
 *     parent  child_start -> goes on; child_look when `pidfd` is readable, or now and then
 *     child   closes what is not its own, runs the function, tells how far it is, ends
 *
 * The parent never waits for it but in child_kill. One child per struct; nothing in it is shared.
 */
#ifndef LARDER_PERSIST_CHILD_H
#define LARDER_PERSIST_CHILD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

/* How far a child is, as it told last. */
struct child_progress {
    uint64_t keys;      /* written */
    uint64_t cow_bytes; /* memory that it does not share with the parent any more */
};

struct child {
    pid_t pid;     /* 0: none runs */
    int pidfd;     /* readable once it ended; -1 */
    int report_fd; /* what it tells comes here; -1 */
    bool is_killed;
    struct child_progress progress;
    uint64_t cow_peak; /* the most there was */
    int64_t told_ms;   /* on the boot clock: when it told of memory last; 0: never */
};

#define CHILD_NONE ((struct child){.pidfd = -1, .report_fd = -1})

/* The child's side of it. */
struct child_voice {
    int fd;
    uint64_t keys;
    uint64_t cow_bytes; /* as of the last look */
    int64_t looked_ms;  /* at the memory */
    int64_t cost_ms;    /* of that look: it is repeated so that it takes a hundredth at most */
    int64_t told_ms;
};

/* Says that so many keys are written; passed on about ten times a second. Cheap when called often.
 */
void child_tell(struct child_voice *v, uint64_t keys);

/* What the child does; its failure is logged by the child, and its end tells of it. */
typedef struct err child_fn(void *ctx, struct child_voice *v, struct arena *a);

/*
 * Forks. In the child all descriptors but 0 to 2 and `keep[0..keep_count)` are closed before `run`
 * is called; it dies with its parent. ERR_IO when there is no memory or no process to be had.
 */
must_use struct err child_start(struct child *c, child_fn *run, void *ctx, const int *keep,
                                size_t keep_count);

enum child_state {
    CHILD_RUNS,
    CHILD_DONE,   /* it ended, and well */
    CHILD_FAILED, /* its function failed, or something killed it */
    CHILD_KILLED, /* by child_kill, or by SIGUSR1 from elsewhere: nobody's mistake */
};

/* Takes in what the child told and whether it ended; after its end the descriptors are closed and
 * the struct is free for another, with `progress` and `cow_peak` as they were at last. Call only
 * while one runs. */
enum child_state child_look(struct child *c);

/* Ends it and takes it in: CHILD_KILLED, or how it ended just before. */
enum child_state child_kill(struct child *c);

#endif
