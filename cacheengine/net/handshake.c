/*
 * Threads that shake hands. The one idea: each thread is a small loop over sockets that it alone
 * touches; only two lists are shared, what comes and what has ended, and their lock is held for the
 * time of a pointer's change.
 */
#include "cacheengine/net/handshake.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define EVENTS_MAX 32
/* Under load, those whose hands are shaken already come first. */
#define NICENESS 5

struct shaker {
    struct handshakes *all;
    pthread_t thread;
    bool is_running;
    int epoll_fd, wake_fd;
    struct handshake *coming;          /* shared: not yet taken up, newest first */
    struct handshake *oldest, *newest; /* the thread's own, by deadline */
};

struct handshakes {
    pthread_mutex_t lock; /* of the shared lists and is_ending */
    struct handshake *ended;
    bool is_ending;
    int done_fd;
    int count, turn;
    struct shaker shakers[];
};

static void ring(int fd)
{
    uint64_t one = 1;

    (void)!write(fd, &one, sizeof(one));
}

static void hush(int fd)
{
    uint64_t count;

    (void)!read(fd, &count, sizeof(count));
}

/* ---- in the threads ---- */

static void link_last(struct shaker *k, struct handshake *s)
{
    s->prev = k->newest;
    s->next = NULL;
    if (k->newest)
        k->newest->next = s;
    else
        k->oldest = s;
    k->newest = s;
}

static void unlink_from(struct shaker *k, struct handshake *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        k->oldest = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else
        k->newest = s->prev;
    s->prev = s->next = NULL;
}

static void watch(const struct shaker *k, struct handshake *s, int op, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};

    (void)epoll_ctl(k->epoll_fd, op, s->transport.fd, &ev);
}

static void end(struct shaker *k, struct handshake *s, const char *why)
{
    struct handshakes *h = k->all;

    s->has_succeeded = why == NULL;
    s->why = why;
    watch(k, s, EPOLL_CTL_DEL, 0);
    unlink_from(k, s);
    pthread_mutex_lock(&h->lock);
    s->next = h->ended;
    h->ended = s;
    pthread_mutex_unlock(&h->lock);
    ring(h->done_fd);
}

static void step(struct shaker *k, struct handshake *s, int op)
{
    switch (transport_handshake(&s->transport)) {
    case TRANSPORT_READY: end(k, s, NULL); break;
    case TRANSPORT_WANTS_READ: watch(k, s, op, EPOLLIN); break;
    case TRANSPORT_WANTS_WRITE: watch(k, s, op, EPOLLOUT); break;
    case TRANSPORT_FAILED: end(k, s, transport_why(&s->transport)); break;
    }
}

static void take_up(struct shaker *k, struct handshake *coming)
{
    struct handshake *in_order = NULL;

    while (coming) {
        struct handshake *s = coming;

        coming = s->next;
        s->next = in_order;
        in_order = s;
    }
    while (in_order) {
        struct handshake *s = in_order;

        in_order = s->next;
        link_last(k, s);
        step(k, s, EPOLL_CTL_ADD);
    }
}

/* Ends those whose time is up, and returns the milliseconds until the next one's is. */
static int end_late_ones(struct shaker *k)
{
    int64_t now_ms = clock_boot_ms(&clock_system);

    while (k->oldest && k->oldest->deadline_ms <= now_ms)
        end(k, k->oldest, "it took too long");
    return k->oldest ? (int)(k->oldest->deadline_ms - now_ms) : -1;
}

static void *shaker_run(void *arg)
{
    struct shaker *k = arg;
    struct epoll_event events[EVENTS_MAX];
    bool is_ending = false;

    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    while (!is_ending) {
        int count = epoll_wait(k->epoll_fd, events, EVENTS_MAX, end_late_ones(k));

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                step(k, events[i].data.ptr, EPOLL_CTL_MOD);
            else
                hush(k->wake_fd);
        }
        pthread_mutex_lock(&k->all->lock);
        struct handshake *coming = k->coming;
        k->coming = NULL;
        is_ending = k->all->is_ending;
        pthread_mutex_unlock(&k->all->lock);
        take_up(k, coming);
    }
    return NULL;
}

/* ---- in the loop ---- */

static struct err open_shaker(struct handshakes *h, struct shaker *k)
{
    struct epoll_event ev = {.events = EPOLLIN};

    k->all = h;
    k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    k->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (k->epoll_fd < 0 || k->wake_fd < 0 ||
        epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->wake_fd, &ev) != 0)
        return err_sys(errno, "no descriptors for handshakes");
    int failed = pthread_create(&k->thread, NULL, shaker_run, k);
    if (failed)
        return err_sys(failed, "no thread for handshakes");
    k->is_running = true;
    return OK;
}

struct err handshakes_open(struct handshakes **out, int threads)
{
    struct handshakes *h = calloc(1, sizeof(*h) + (size_t)threads * sizeof(h->shakers[0]));
    struct err e = OK;

    check(h);
    pthread_mutex_init(&h->lock, NULL);
    h->count = threads;
    for (int i = 0; i < threads; i++)
        h->shakers[i] = (struct shaker){.epoll_fd = -1, .wake_fd = -1};
    h->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (h->done_fd < 0)
        e = err_sys(errno, "no descriptor for handshakes");
    for (int i = 0; i < threads && !err_failed(e); i++)
        e = open_shaker(h, &h->shakers[i]);
    if (err_failed(e)) {
        handshakes_close(h);
        return e;
    }
    *out = h;
    return OK;
}

static void free_list(struct handshake *s)
{
    while (s) {
        struct handshake *next = s->next;

        handshake_free(s);
        s = next;
    }
}

void handshakes_close(struct handshakes *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->is_ending = true;
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < h->count; i++) {
        struct shaker *k = &h->shakers[i];

        if (k->is_running) {
            ring(k->wake_fd);
            pthread_join(k->thread, NULL);
        }
        free_list(k->coming);
        free_list(k->oldest);
        if (k->epoll_fd >= 0)
            close(k->epoll_fd);
        if (k->wake_fd >= 0)
            close(k->wake_fd);
    }
    free_list(h->ended);
    if (h->done_fd >= 0)
        close(h->done_fd);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int handshakes_fd(const struct handshakes *h)
{
    return h->done_fd;
}

struct handshake *handshakes_begin(struct handshakes *h, struct transport t, void *owner,
                                   int64_t deadline_ms)
{
    struct handshake *s = calloc(1, sizeof(*s));
    struct shaker *k = &h->shakers[h->turn++ % h->count];

    check(s);
    *s = (struct handshake){.transport = t, .owner = owner, .deadline_ms = deadline_ms};
    pthread_mutex_lock(&h->lock);
    s->next = k->coming;
    k->coming = s;
    pthread_mutex_unlock(&h->lock);
    ring(k->wake_fd);
    return s;
}

void handshake_give_up(struct handshake *s)
{
    s->owner = NULL;
    /* The one thing that may be done to a socket which is another thread's: it fails there. */
    (void)shutdown(s->transport.fd, SHUT_RDWR);
}

struct handshake *handshakes_take(struct handshakes *h)
{
    pthread_mutex_lock(&h->lock);
    struct handshake *s = h->ended;
    if (s)
        h->ended = s->next;
    pthread_mutex_unlock(&h->lock);
    if (s)
        s->next = NULL;
    return s;
}

void handshake_free(struct handshake *s)
{
    if (!s)
        return;
    transport_close(&s->transport);
    free(s);
}
