/* One that fails is left to the next poke: commits go on, and the log grows meanwhile. */
#include "controlplane/store/checkpointer.h"

#include "base/arena.h"
#include "base/log.h"
#include "controlplane/store/db.h"

#include <pthread.h>
#include <stdlib.h>

struct checkpointer {
    const char *path;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t poked;
    bool has_thread, is_due, is_stopping;
};

struct checkpointer *checkpointer_new(const char *path)
{
    struct checkpointer *c = calloc(1, sizeof(*c));

    check(c != NULL);
    c->path = path;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->poked, NULL);
    return c;
}

/* False at the end. */
static bool wait_for_poke(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->is_due && !c->is_stopping)
        pthread_cond_wait(&c->poked, &c->lock);
    c->is_due = false;
    bool goes_on = !c->is_stopping;
    pthread_mutex_unlock(&c->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct checkpointer *c = context;
    scoped(arena_fini) struct arena a = {0};
    struct db *db = NULL;

    while (wait_for_poke(c)) {
        arena_reset(&a);
        struct err e = db ? OK : db_open(&a, c->path, &db);
        if (!err_failed(e))
            e = db_checkpoint(db, &a);
        if (err_failed(e))
            log_warn("the database's log stays long", f_err(e));
    }
    db_close(db);
    return NULL;
}

void checkpointer_poke(struct checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    if (!c->has_thread)
        c->has_thread = pthread_create(&c->thread, NULL, run, c) == 0;
    c->is_due = true;
    pthread_cond_signal(&c->poked);
    pthread_mutex_unlock(&c->lock);
}

void checkpointer_free(struct checkpointer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    pthread_cond_signal(&c->poked);
    pthread_mutex_unlock(&c->lock);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->poked);
    free(c);
}
