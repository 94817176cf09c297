/* One queue, one thread, as in lazyfree.c; but what is waited for here may take seconds. */
#include "cacheengine/persist/syncer.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void syncer_init(struct syncer *s)
{
    *s = (struct syncer){0};
    check(pthread_mutex_init(&s->lock, NULL) == 0);
    check(pthread_cond_init(&s->wake, NULL) == 0);
    check(pthread_cond_init(&s->idle, NULL) == 0);
}

static struct syncer_job *next_job(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->head && !s->is_ending)
        pthread_cond_wait(&s->wake, &s->lock);
    struct syncer_job *job = s->head;
    if (job)
        s->head = job->next;
    pthread_mutex_unlock(&s->lock);
    return job;
}

static void run(struct syncer *s, const struct syncer_job *job)
{
    /* What cannot be synced at all (a pipe, /dev/null) has no disk to wait for. */
    int failure = fdatasync(job->fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;

    atomic_store(&s->failure, failure);
    if (failure == 0)
        atomic_store(&s->synced_mark, job->mark);
    if (job->closes)
        close(job->fd);
}

static void *worker(void *arg)
{
    struct syncer *s = arg;

    for (struct syncer_job *job; (job = next_job(s)); free(job)) {
        run(s, job);
        if (!job->closes)
            atomic_fetch_sub(&s->syncing, 1);
        pthread_mutex_lock(&s->lock);
        if (atomic_fetch_sub(&s->pending, 1) == 1)
            pthread_cond_broadcast(&s->idle);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

static void hand(struct syncer *s, struct syncer_job made)
{
    struct syncer_job *job = malloc(sizeof(*job));

    check(job);
    *job = made;
    atomic_fetch_add(&s->pending, 1);
    if (!made.closes)
        atomic_fetch_add(&s->syncing, 1);
    pthread_mutex_lock(&s->lock);
    if (!s->is_started)
        s->is_started = pthread_create(&s->thread, NULL, worker, s) == 0;
    check(s->is_started);
    if (s->head)
        s->tail->next = job;
    else
        s->head = job;
    s->tail = job;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void syncer_sync(struct syncer *s, int fd, uint64_t mark)
{
    hand(s, (struct syncer_job){.fd = fd, .mark = mark});
}

void syncer_sync_and_close(struct syncer *s, int fd, uint64_t mark)
{
    hand(s, (struct syncer_job){.fd = fd, .mark = mark, .closes = true});
}

void syncer_wait(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    while (atomic_load(&s->pending) > 0)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void syncer_fini(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_ending = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    if (s->is_started)
        pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->idle);
}
