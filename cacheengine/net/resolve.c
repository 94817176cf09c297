/*
 * Resolving names. The one idea: the loop never waits for a resolver, not even to give up. One lock
 * protects the resolver with its list of resolutions, and is held for moments; who is being looked
 * up is left to its thread.
 */
#include "cacheengine/net/resolve.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum resolution_state {
    IS_QUEUED,
    IS_LOOKED_UP, /* by a thread */
    IS_DONE,
};

struct resolution {
    struct resolver *resolver;
    struct resolution *next;
    enum resolution_state state;
    bool is_wanted;
    int ends[2]; /* a pipe: [1] is closed when it is done */
    char *host;
    char port[8];
    int failed; /* of look_up */
    struct addrinfo *found;
};

struct resolver {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a thread has */
    resolve_fn *look_up;
    struct resolution *first; /* all that are not done; queued ones in the order of their coming */
    int threads;
    bool is_closed;
};

static void resolver_free(struct resolver *s)
{
    pthread_cond_destroy(&s->ended);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct resolver *resolver_new(resolve_fn *look_up)
{
    struct resolver *s = calloc(1, sizeof(*s));
    pthread_condattr_t steady;

    check(s);
    s->look_up = look_up;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&s->ended, &steady);
    pthread_condattr_destroy(&steady);
    return s;
}

void resolver_close(struct resolver *s)
{
    struct timespec until;
    int failed = 0;

    if (!s)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RESOLVE_CLOSE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&s->lock);
    while (s->threads > 0 && failed != ETIMEDOUT)
        failed = pthread_cond_timedwait(&s->ended, &s->lock, &until);
    s->is_closed = true;
    bool is_last = s->threads == 0;
    pthread_mutex_unlock(&s->lock);
    if (is_last)
        resolver_free(s);
}

/* ---- resolutions ---- */

static void resolution_free(struct resolution *r)
{
    if (r->found)
        freeaddrinfo(r->found);
    close(r->ends[0]);
    if (r->ends[1] >= 0)
        close(r->ends[1]);
    free(r->host);
    free(r);
}

static void list_add(struct resolver *s, struct resolution *r)
{
    struct resolution **at = &s->first;

    while (*at)
        at = &(*at)->next;
    r->next = NULL;
    *at = r;
}

static void list_take(struct resolver *s, const struct resolution *r)
{
    struct resolution **at = &s->first;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

static void look_up(struct resolution *r, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    struct resolver *s = r->resolver;

    r->failed = (flags ? getaddrinfo : s->look_up)(r->host, r->port, &hints, &r->found);
}

static void finish(struct resolution *r)
{
    r->state = IS_DONE;
    close(r->ends[1]);
    r->ends[1] = -1;
}

/* ---- the threads ---- */

static struct resolution *first_queued(const struct resolver *s)
{
    struct resolution *r = s->first;

    while (r && r->state != IS_QUEUED)
        r = r->next;
    return r;
}

/* Its end is said under the lock, behind which nobody but the last one touches the resolver. */
static void end_thread(struct resolver *s)
{
    s->threads--;
    bool is_last = s->is_closed && s->threads == 0;
    pthread_cond_signal(&s->ended);
    pthread_mutex_unlock(&s->lock);
    if (is_last)
        resolver_free(s);
}

static void *look_up_aside(void *arg)
{
    struct resolver *s = arg;
    struct resolution *r;

    pthread_mutex_lock(&s->lock);
    while ((r = first_queued(s))) {
        r->state = IS_LOOKED_UP;
        pthread_mutex_unlock(&s->lock);
        look_up(r, 0);
        pthread_mutex_lock(&s->lock);
        list_take(s, r);
        finish(r);
        if (!r->is_wanted)
            resolution_free(r);
    }
    end_thread(s);
    return NULL;
}

/* Signals are the loop's: they must not come to the thread. */
static int start_thread(struct resolver *s)
{
    sigset_t all, old;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&thread, NULL, look_up_aside, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!failed)
        pthread_detach(thread);
    return failed;
}

/* Puts it in the queue; when no thread would ever come for it, says why. */
static int queue(struct resolver *s, struct resolution *r)
{
    int failed = 0;

    pthread_mutex_lock(&s->lock);
    list_add(s, r);
    if (s->threads < RESOLVE_THREADS) {
        failed = start_thread(s);
        s->threads += !failed;
    }
    if (s->threads > 0)
        failed = 0;
    else
        list_take(s, r);
    pthread_mutex_unlock(&s->lock);
    return failed;
}

/* ---- for those who ask ---- */

/* The one of that name which somebody has given up; NULL: there is none. */
static struct resolution *take_given_up(struct resolver *s, const char *host, const char *port)
{
    struct resolution *r;

    pthread_mutex_lock(&s->lock);
    for (r = s->first; r; r = r->next)
        if (!r->is_wanted && strcmp(r->host, host) == 0 && strcmp(r->port, port) == 0)
            break;
    if (r)
        r->is_wanted = true;
    pthread_mutex_unlock(&s->lock);
    return r;
}

struct err resolve_begin(struct resolver *s, const char *host, int port, struct resolution **out)
{
    char digits[8];
    int failed = 0;

    snprintf(digits, sizeof(digits), "%d", port);
    struct resolution *r = take_given_up(s, host, digits);
    if (r) {
        *out = r;
        return OK;
    }
    r = calloc(1, sizeof(*r));
    check(r);
    *r = (struct resolution){.resolver = s, .is_wanted = true, .host = strdup(host)};
    check(r->host);
    memcpy(r->port, digits, sizeof(digits));
    if (pipe2(r->ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(r->host);
        free(r);
        return err_sys(errno, "there is no pipe for resolving a name");
    }
    look_up(r, AI_NUMERICHOST);
    if (r->failed == EAI_NONAME)
        failed = queue(s, r);
    else
        finish(r);
    if (failed) {
        resolution_free(r);
        return err_sys(failed, "there is no thread for resolving a name");
    }
    *out = r;
    return OK;
}

int resolve_fd(const struct resolution *r)
{
    return r->ends[0];
}

struct err resolve_result(struct resolution *r, const struct addrinfo **out)
{
    /* The pipe alone orders no memory: the lock does. */
    pthread_mutex_lock(&r->resolver->lock);
    bool is_done = r->state == IS_DONE;
    pthread_mutex_unlock(&r->resolver->lock);
    if (!is_done)
        return err_make(ERR_UNAVAILABLE, "the name is still being looked up");
    if (r->failed)
        return err_make(ERR_UNAVAILABLE, gai_strerror(r->failed));
    *out = r->found;
    return OK;
}

void resolve_end(struct resolution *r)
{
    if (!r)
        return;
    struct resolver *s = r->resolver;

    pthread_mutex_lock(&s->lock);
    bool is_mine = r->state != IS_LOOKED_UP;
    r->is_wanted = false;
    if (r->state == IS_QUEUED)
        list_take(s, r);
    pthread_mutex_unlock(&s->lock);
    if (is_mine)
        resolution_free(r);
}
