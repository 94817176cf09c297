/* One queue, one thread, started when there is something to do. */
#include "cacheengine/keyspace/lazyfree.h"

#include "base/err.h"

#include <stdlib.h>

void lazyfree_init(struct lazyfree *lf)
{
    *lf = (struct lazyfree){0};
    check(pthread_mutex_init(&lf->lock, NULL) == 0);
    check(pthread_cond_init(&lf->wake, NULL) == 0);
}

static struct lazyfree_job *next_job(struct lazyfree *lf)
{
    pthread_mutex_lock(&lf->lock);
    while (!lf->head && !lf->is_ending)
        pthread_cond_wait(&lf->wake, &lf->lock);
    struct lazyfree_job *job = lf->head;
    if (job)
        lf->head = job->next;
    pthread_mutex_unlock(&lf->lock);
    return job;
}

static void *worker(void *arg)
{
    struct lazyfree *lf = arg;

    for (struct lazyfree_job *job; (job = next_job(lf)); free(job)) {
        atomic_fetch_add(&lf->returned_bytes, job->run(job->object));
        atomic_fetch_add(&lf->freed, job->weight);
        atomic_fetch_sub(&lf->pending, job->weight);
    }
    return NULL;
}

void lazyfree_hand(struct lazyfree *lf, uint64_t (*run)(void *object), void *object,
                   uint64_t weight)
{
    struct lazyfree_job *job = malloc(sizeof(*job));

    check(job);
    *job = (struct lazyfree_job){.run = run, .object = object, .weight = weight};
    atomic_fetch_add(&lf->pending, weight);
    pthread_mutex_lock(&lf->lock);
    if (!lf->is_started)
        lf->is_started = pthread_create(&lf->thread, NULL, worker, lf) == 0;
    check(lf->is_started);
    if (lf->head)
        lf->tail->next = job;
    else
        lf->head = job;
    lf->tail = job;
    pthread_cond_signal(&lf->wake);
    pthread_mutex_unlock(&lf->lock);
}

void lazyfree_settle(struct lazyfree *lf, struct account *account)
{
    if (!atomic_load_explicit(&lf->returned_bytes, memory_order_relaxed))
        return;
    size_t returned = atomic_exchange(&lf->returned_bytes, 0);

    account_sub(account, returned);
    lf->known_bytes -= returned < lf->known_bytes ? returned : lf->known_bytes;
}

void lazyfree_fini(struct lazyfree *lf)
{
    pthread_mutex_lock(&lf->lock);
    lf->is_ending = true;
    pthread_cond_signal(&lf->wake);
    pthread_mutex_unlock(&lf->lock);
    if (lf->is_started)
        pthread_join(lf->thread, NULL);
    pthread_mutex_destroy(&lf->lock);
    pthread_cond_destroy(&lf->wake);
}
