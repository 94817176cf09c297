/*
 * A thread that waits for the disk: fdatasync and close of files that somebody appends to. Started
 * with the first job; jobs are done in their order.
 */
#ifndef LARDER_PERSIST_SYNCER_H
#define LARDER_PERSIST_SYNCER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct syncer_job {
    struct syncer_job *next;
    uint64_t mark;
    int fd;
    bool closes;
};

struct syncer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    struct syncer_job *head, *tail;   /* guarded by lock */
    bool is_started, is_ending;       /* guarded by lock */
    atomic_uint_fast64_t pending;     /* jobs that are not done */
    atomic_uint_fast64_t syncing;     /* of which: files that are still written to */
    atomic_uint_fast64_t synced_mark; /* the highest mark of a job that was done well */
    atomic_int failure;               /* errno of the last job; 0: it was done well */
};

void syncer_init(struct syncer *s);

/* Ends the thread after the jobs it has. */
void syncer_fini(struct syncer *s);

/* Has a file's data brought to the disk, and the file closed afterwards. `mark` says how far the
 * writer is, on a counter of its own. */
void syncer_sync(struct syncer *s, int fd, uint64_t mark);
void syncer_sync_and_close(struct syncer *s, int fd, uint64_t mark);

/* Waits until no job is left. */
void syncer_wait(struct syncer *s);

#endif
