/* The rounds: wait, accept, read, run, write, and the regular work in between. */
#include "base/clock.h"
#include "base/log.h"
#include "cacheengine/dispatch/ending.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/net/handshake.h"
#include "cacheengine/net/link.h"
#include "cacheengine/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX  256
#define ACCEPTS_MAX 256 /* of one listener in a round */
#define SWEEP_MS    1000

#define ACCEPT_REST_MS 200

static struct err open_signals(struct loop *l)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->signal_kind};
    sigset_t set;

    l->signal_kind = WATCH_SIGNAL;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    l->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (l->signal_fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->signal_fd, &ev) != 0)
        return err_sys(errno, "signals cannot be waited for");
    return OK;
}

/* ---- for those above the network ---- */

static struct err host_watch(struct engine *e, struct fd_watch *w, uint32_t events)
{
    struct loop *l = e->host_ctx;
    struct epoll_event ev = {.events = events, .data.ptr = w};

    w->kind = WATCH_FD;
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, w->fd, &ev) != 0)
        return err_sys(errno, "the descriptor cannot be watched");
    return OK;
}

static void host_unwatch(struct engine *e, struct fd_watch *w)
{
    struct loop *l = e->host_ctx;

    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
}

/* The signal that has come, or 0. */
static int take_signal(const struct loop *l)
{
    struct signalfd_siginfo info;

    return read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo
                                                                            : 0;
}

static bool host_is_urged(struct engine *e)
{
    struct loop *l = e->host_ctx;

    l->is_urged |= take_signal(l) != 0;
    return l->is_urged;
}

static struct err host_retune_tls(struct engine *e, struct arena *a)
{
    return loop_secure(e->host_ctx, a);
}

static const struct engine_host loop_host = {host_watch, host_unwatch, host_is_urged,
                                             host_retune_tls};

struct err loop_open(struct loop *l, struct engine *e, struct arena *a)
{
    *l = (struct loop){.engine = e, .epoll_fd = -1, .signal_fd = -1};
    l->protocol = protocol_of(&e->settings);
    if (!l->protocol)
        return err_make(ERR_UNSUPPORTED, "this build does not serve that protocol");
    e->protocol = l->protocol;
    e->host = &loop_host;
    e->host_ctx = l;
    if (l->protocol->init)
        l->protocol->init(e);
    l->batch = calloc(1, sizeof(*l->batch));
    /* Mapped, not allocated: of it only what is read into is backed by memory. */
    l->pool = mmap(NULL, READ_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(l->batch && l->pool != MAP_FAILED);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0)
        return err_sys(errno, "epoll is not to be had");
    TRY(open_signals(l));
    e->dialer = links_dialer(l);
    TRY(loop_secure(l, a));
    return listeners_open(l, a);
}

static void free_doomed(struct loop *l)
{
    while (l->doomed) {
        struct conn *c = l->doomed;

        l->doomed = c->next_doomed;
        conn_close(c);
    }
}

void loop_close(struct loop *l)
{
    if (!l->engine)
        return;
    for (struct client *o = l->engine->oldest; o; o = o->newer)
        conn_doom(conn_of(o));
    free_doomed(l);
    links_close(l);
    listeners_close(l);
    handshakes_close(l->handshakes);
    tls_close(l->tls);
    if (l->protocol && l->protocol->fini)
        l->protocol->fini(l->engine);
    if (l->batch)
        arena_fini(&l->batch->arena);
    l->engine->host = NULL;
    free(l->batch);
    if (l->pool)
        munmap(l->pool, READ_POOL);
    close(l->signal_fd);
    close(l->epoll_fd);
    *l = (struct loop){0};
}

/* ---- accepting ---- */

static void refuse(struct loop *l, int fd, void (*say)(struct reply *r))
{
    struct reply r;
    struct iovec iov;

    reply_init(&r, &l->engine->replies);
    say(&r);
    if (reply_gather(&r, &iov, 1) == 1)
        (void)!write(fd, iov.iov_base, iov.iov_len);
    reply_fini(&r);
    close(fd);
    l->engine->stats.rejected_connections++;
}

static void say_protected(struct reply *r)
{
    reply_error(r, "DENIED The engine runs in protected mode: it has no password and takes "
                   "connections from the loopback interface only. Set a password with "
                   "'requirepass', or 'protected-mode no'.");
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    if (a->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
    return true;
}

/* What waits to be accepted stays readable: without a rest the loop would do nothing but fail. */
static void accept_later(struct loop *l, struct err e)
{
    log_warn("connections are not accepted for a while", f_err(e), f_int("ms", ACCEPT_REST_MS));
    l->accept_at_ms = clock_boot_ms(&clock_system) + ACCEPT_REST_MS;
    listeners_rest(l, true);
}

static void accept_some(struct loop *l, const struct listener *from)
{
    const struct settings *s = &l->engine->settings;

    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept4(from->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                accept_later(l, err_sys(errno, "accept failed"));
            return;
        }
        if (!from->is_admin && l->engine->client_count >= (uint64_t)s->max_clients)
            refuse(l, fd, l->protocol->refuse_client);
        else if (s->is_protected && !*s->password && !is_loopback(&peer))
            refuse(l, fd, say_protected);
        else
            conn_open(l, fd, from);
    }
}

/* ---- rounds ---- */

void loop_serve(struct loop *l, struct conn *c)
{
    if (__builtin_expect(c->stage != CONN_OPEN, 0))
        conn_greet(c);
    if (c->client.is_killed || c->client.is_closing || c->stage != CONN_OPEN)
        return;
    /* What came before is used up when its batch has run: then the shared buffer is free again. */
    if (!c->input && READ_POOL - l->pool_used < READ_MIN) {
        batch_run(l);
        l->pool_used = 0;
    }
    if (!conn_read(c)) {
        conn_drain(c);
        return;
    }
    if (__builtin_expect(c->transport.is_pending, 0))
        conn_read_again(c);
    if (__builtin_expect(c->transport.wants_write, 0))
        conn_write(c);
    if (c->feed.len > 0)
        batch_feed(l, c);
}

static void on_signal(struct loop *l)
{
    int signal = take_signal(l);

    l->is_urged = false;
    if (signal)
        engine_end_by_signal(l->engine, signal);
}

static void on_event(struct loop *l, const struct epoll_event *ev)
{
    enum watch_kind *kind = ev->data.ptr;
    struct conn *c = ev->data.ptr;

    if (*kind == WATCH_LISTENER) {
        accept_some(l, ev->data.ptr);
    } else if (*kind == WATCH_SIGNAL) {
        on_signal(l);
    } else if (*kind == WATCH_HANDSHAKES) {
        loop_take_shaken(l);
    } else if (*kind == WATCH_LINK) {
        links_event(ev->data.ptr, ev->events);
    } else if (*kind == WATCH_FD) {
        struct fd_watch *w = ev->data.ptr;

        w->ready(w, ev->events);
    } else {
        if ((ev->events & EPOLLOUT) && !c->client.is_killed) {
            bool reads = c->transport.wants_write;

            conn_write(c);
            if (__builtin_expect(reads, 0) && !c->is_parked)
                loop_serve(l, c);
        }
        if ((ev->events & ~(uint32_t)EPOLLOUT) && c->is_parked)
            conn_doom(c);
        else if ((ev->events & ~(uint32_t)EPOLLOUT) && !c->client.is_closing)
            loop_serve(l, c);
        else if (ev->events & (EPOLLERR | EPOLLHUP))
            conn_doom(c);
    }
}

/* Runs what was read, and what those had sent before who wait for keys no more. */
static void run_round(struct loop *l)
{
    batch_run(l);
    l->pool_used = 0;
    while (l->resumed) {
        struct conn *c = l->resumed;

        l->resumed = c->next_resumed;
        c->is_resumed = false;
        if (!c->client.is_killed)
            conn_unpark(c);
        batch_run(l);
    }
}

/* Reads on where TLS had more than there was room for. One turn each: the others come in between.
 */
static void serve_unread(struct loop *l)
{
    struct conn *c = l->unread;

    l->unread = NULL;
    while (c) {
        struct conn *next = c->next_unread;

        c->is_unread = false;
        if (!c->is_parked)
            loop_serve(l, c);
        c = next;
    }
}

static void set_now(struct loop *l)
{
    engine_set_now(l->engine, clock_wall_ms(&clock_system), clock_boot_ms(&clock_system));
}

/* Does what is due and returns for how long the next wait may last. */
static int regular_work(struct loop *l)
{
    int64_t now_ms = clock_boot_ms(&clock_system);

    if (now_ms >= l->sweep_at_ms) {
        conns_sweep(l);
        l->sweep_at_ms = now_ms + SWEEP_MS;
    }
    if (l->accept_at_ms && now_ms >= l->accept_at_ms) {
        l->accept_at_ms = 0;
        listeners_rest(l, false);
    }
    if (now_ms >= l->tick_at_ms) {
        set_now(l);
        l->tick_at_ms = now_ms + engine_tick(l->engine);
    }
    int wait_ms = l->tick_at_ms > now_ms ? (int)(l->tick_at_ms - now_ms) : 0;
    if (l->links) {
        int link_ms = links_due(l);

        run_round(l);
        wait_ms = link_ms < wait_ms ? link_ms : wait_ms;
    }
    if (l->engine->waiting_count == 0)
        return wait_ms;
    set_now(l);
    int due_ms = engine_end_waits(l->engine);
    run_round(l);
    return due_ms < wait_ms ? due_ms : wait_ms;
}

void loop_round(struct loop *l, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(l->epoll_fd, events, EVENTS_MAX, l->unread ? 0 : wait_ms);

    set_now(l);
    serve_unread(l);
    for (int i = 0; i < count; i++)
        on_event(l, &events[i]);
    run_round(l);
    engine_evict_clients(l->engine);
    free_doomed(l);
    links_free_closed(l);
}

void loop_run(struct loop *l)
{
    while (!l->engine->is_ending) {
        int wait_ms = regular_work(l);

        free_doomed(l);
        loop_round(l, wait_ms);
    }
}
