/*
 * A background thread that frees what would take long: big values, whole databases. It is started
 * with the first job. Jobs are handed over for good; nothing comes back but the count of those
 * pending.
 */
#ifndef LARDER_KEYSPACE_LAZYFREE_H
#define LARDER_KEYSPACE_LAZYFREE_H

#include "cacheengine/keyspace/account.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lazyfree_job {
    /* Called in the background: touches nothing but the object, returns the bytes that the account
     * still carries for it. */
    uint64_t (*run)(void *object);
    void *object;
    uint64_t weight; /* how many objects it stands for: INFO lazyfree_pending_objects */
    struct lazyfree_job *next;
};

struct lazyfree {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct lazyfree_job *head, *tail; /* guarded by lock */
    bool is_started, is_ending;       /* guarded by lock */
    atomic_uint_fast64_t pending;
    atomic_uint_fast64_t freed;
    atomic_uint_fast64_t returned_bytes; /* to be taken out of the account by lazyfree_settle */
    size_t known_bytes; /* what is pending will return these at least; of the caller's thread */
};

void lazyfree_init(struct lazyfree *lf);

/* Ends the thread after the jobs it has. */
void lazyfree_fini(struct lazyfree *lf);

/* Takes what the background has freed since the last call out of the account. */
void lazyfree_settle(struct lazyfree *lf, struct account *account);

void lazyfree_hand(struct lazyfree *lf, uint64_t (*run)(void *object), void *object,
                   uint64_t weight);

#endif
