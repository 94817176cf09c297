/*
 * AskSource: may the node follow a server outside of its group? A thread asks there, for names and
 * sockets may take their time; the loop hears of the answer by an eventfd. A question that nobody
 * waits for any more is left to its thread. With AwaitsOffset the work ends when the node has come
 * as far in the source's stream as the source was when it was asked.
 */
#include "agent/drivers/conf.h"
#include "agent/supervise/loop.h"
#include "agent/tasks/kind.h"
#include "agent/tasks/source.h"
#include "base/fs.h"
#include "contract/agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ASK_LIMIT_MS      5000
#define LOOK_MS           50
#define DATABASES_DEFAULT 16

/* What the thread works on; freed by whoever of both lets go of it last. */
struct question {
    pthread_mutex_t lock; /* guards the two below */
    bool is_answered, is_left;
    int fd; /* rings at the answer */
    struct arena arena;
    struct source_wish wish;
    struct source_facts facts;
    struct err result;
};

struct asking {
    struct task *task;
    struct question *question;
    struct loop_watch watch;
    struct loop_timer look;
    int64_t offset;
};

static void question_free(struct question *q)
{
    fd_close(&q->fd);
    arena_fini(&q->arena);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static void *ask(void *context)
{
    struct question *q = context;
    uint64_t one = 1;

    q->result = source_ask(&q->arena, &q->wish, ASK_LIMIT_MS, &q->facts);
    pthread_mutex_lock(&q->lock);
    q->is_answered = true;
    bool is_left = q->is_left;
    if (!is_left && write(q->fd, &one, sizeof(one)) < 0)
        check(!"an eventfd takes its first number");
    pthread_mutex_unlock(&q->lock);
    if (is_left)
        question_free(q);
    return NULL;
}

/* NULL with errno where the system has no room for it. */
static struct question *question_begin(const struct source_wish *wish)
{
    struct question *q = calloc(1, sizeof(*q));
    pthread_attr_t attr;
    pthread_t thread;

    check(q != NULL);
    pthread_mutex_init(&q->lock, NULL);
    q->wish = *wish;
    q->wish.address = arena_strdup(&q->arena, wish->address);
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = q->fd < 0 ? errno : pthread_create(&thread, &attr, ask, q);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        return q;
    question_free(q);
    errno = rc;
    return NULL;
}

/* The thread goes on alone, if it is not at its end. */
static void question_leave(struct question *q)
{
    pthread_mutex_lock(&q->lock);
    bool is_answered = q->is_answered;
    q->is_left = true;
    pthread_mutex_unlock(&q->lock);
    if (is_answered)
        question_free(q);
}

/* --- the task --- */

static void look(void *context)
{
    struct asking *asking = context;
    struct task *t = asking->task;

    if (t->node->replication_offset >= asking->offset)
        task_end(t, OK);
    else
        loop_timer_set(task_conf(t)->loop, &asking->look, LOOK_MS);
}

static void on_answer(void *context, uint32_t events)
{
    struct asking *asking = context;
    struct task *t = asking->task;
    struct question *q = asking->question;

    (void)events;
    struct err e = err_keep(&t->arena, q->result);
    asking->offset = q->facts.offset;
    loop_unwatch(task_conf(t)->loop, &asking->watch);
    if (err_failed(e) || !t->goal->ask_source->awaits_offset.value)
        task_end(t, e);
    else
        look(asking);
}

static void ask_source_begin(struct task *t)
{
    const struct agent_ask_source *goal = t->goal->ask_source;
    const char *databases = goal_parameter(t->node->goal, "databases");
    struct source_wish wish = {.memory_bytes = t->node->goal->maxmemory_bytes.value,
                               .databases =
                                   databases ? strtol(databases, NULL, 10) : DATABASES_DEFAULT};

    if (!goal || !goal->address || goal->port.value < 1 || goal->port.value > UINT16_MAX) {
        task_end(t, err_make(ERR_INVALID, "the task does not say where the source is"));
        return;
    }
    wish.address = goal->address;
    wish.port = (int)goal->port.value;
    struct asking *asking = calloc(1, sizeof(*asking));
    check(asking != NULL);
    t->work = asking;
    *asking = (struct asking){
        .task = t,
        .question = question_begin(&wish),
        .watch = {.on_ready = on_answer, .context = asking},
        .look = {.on_due = look,        .context = asking},
    };
    struct err e = asking->question ? loop_watch(task_conf(t)->loop, &asking->watch,
                                                 asking->question->fd, EPOLLIN)
                                    : err_sys(errno, "a thread");
    if (err_failed(e))
        task_end(t, e);
}

static void ask_source_drop(struct task *t)
{
    struct asking *asking = t->work;

    if (!asking)
        return;
    loop_unwatch(task_conf(t)->loop, &asking->watch);
    loop_timer_stop(task_conf(t)->loop, &asking->look);
    if (asking->question)
        question_leave(asking->question);
    free(asking);
    t->work = NULL;
}

const struct task_kind task_ask_source = {
    .name = "AskSource",
    .begin = ask_source_begin,
    .drop = ask_source_drop,
};
