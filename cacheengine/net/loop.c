/* The rounds: wait, accept, read, run, write, and the regular work in between. */
#include "base/clock.h"
#include "base/log.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/ending.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/net/handshake.h"
#include "cacheengine/net/link.h"
#include "cacheengine/net/resolve.h"
#include "cacheengine/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX       256
#define ADMIN_EVENTS_MAX 32
#define ACCEPTS_MAX      256 /* of one listener in a round */
#define SWEEP_MS         1000

#define ACCEPT_REST_MS 200

static struct err open_signals(struct loop *l)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->signal_kind};
    sigset_t set;

    l->signal_kind = WATCH_SIGNAL;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
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

    int signal = take_signal(l);

    l->is_urged |= signal != 0 && signal != SIGHUP;
    return l->is_urged;
}

static struct err host_retune_tls(struct engine *e, struct arena *a)
{
    return loop_secure(e->host_ctx, a);
}

static void host_serve_others(struct engine *e, const struct client *occupied);
static void host_serve_owner(struct engine *e, const struct client *occupied);

static struct err host_relisten(struct engine *e, struct arena *a)
{
    return listeners_reopen(e->host_ctx, a);
}

static const struct engine_host loop_host = {
    .watch = host_watch,
    .unwatch = host_unwatch,
    .serve_others = host_serve_others,
    .serve_owner = host_serve_owner,
    .is_urged = host_is_urged,
    .retune_tls = host_retune_tls,
    .relisten = host_relisten,
};

/* What the admin epoll has is an event of the other. */
static struct err open_admin(struct loop *l)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->admin_kind};

    l->admin_kind = WATCH_ADMIN;
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->admin_fd, &ev) != 0)
        return err_sys(errno, "epoll refused another");
    return OK;
}

static struct batch *room_new(struct loop *l)
{
    struct batch *b = calloc(1, sizeof(*b));

    /* Mapped, not allocated: of it only what is read into is backed by memory. */
    l->pool = mmap(NULL, READ_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(b && l->pool != MAP_FAILED);
    l->pool_used = 0;
    return b;
}

struct err loop_open(struct loop *l, struct engine *e, struct arena *a)
{
    *l = (struct loop){.engine = e, .epoll_fd = -1, .admin_fd = -1, .signal_fd = -1};
    l->protocol = protocol_of(&e->settings);
    if (!l->protocol)
        return err_make(ERR_UNSUPPORTED, "this build does not serve that protocol");
    e->protocol = l->protocol;
    e->host = &loop_host;
    e->host_ctx = l;
    if (l->protocol->init)
        l->protocol->init(e);
    l->batch = room_new(l);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->admin_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0 || l->admin_fd < 0)
        return err_sys(errno, "epoll is not to be had");
    TRY(open_admin(l));
    TRY(open_signals(l));
    l->resolver = resolver_new(getaddrinfo);
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
    /* Who sees its connection closed finds nobody there any more. */
    listeners_close(l);
    for (struct client *o = l->engine->oldest; o; o = o->newer)
        conn_doom(conn_of(o));
    free_doomed(l);
    replica_stop(l->engine);
    links_close(l);
    resolver_close(l->resolver);
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
    close(l->admin_fd);
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

static void say_not_owner(struct reply *r)
{
    reply_error(r, "DENIED The admin socket is for the user that the engine runs as.");
}

/* The mode of the socket keeps others out already, but for those whom no mode keeps out, and but
 * for a folder where somebody else may change it. */
static bool is_owner(int fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
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

    for (int i = 0; i < ACCEPTS_MAX && from->fd >= 0; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept4(from->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                accept_later(l, err_sys(errno, "accept failed"));
            return;
        }
        if (from->is_admin && !is_owner(fd))
            refuse(l, fd, say_not_owner);
        else if (!from->is_admin && l->engine->client_count >= (uint64_t)s->max_clients)
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
    /* Read twice in a round: what the first left of the input is kept once its calls have run. */
    if (__builtin_expect(c->calls != 0, 0))
        batch_run(l);
    if (c->client.is_killed || c->client.is_closing || c->is_parked || c->stage != CONN_OPEN)
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

/* Log files were moved away: others of their names are begun. */
static void reopen_logs(struct engine *e)
{
    scoped(arena_fini) struct arena a = {0};
    struct err failed = logs_open(e, &a);

    if (err_failed(failed))
        log_warn("the old log files stay in use", f_err(failed));
    else
        log_info("log files are open anew");
}

static void on_signal(struct loop *l)
{
    int signal = take_signal(l);

    if (signal == SIGHUP) {
        reopen_logs(l->engine);
        return;
    }
    l->is_urged = false;
    if (signal)
        engine_end_by_signal(l->engine, signal);
}

/* One that waits for keys is gone when its other side is; one that is held back is still to be
 * sent what is held, unless the whole connection broke. */
static void on_parked_event(struct conn *c, uint32_t events)
{
    if (c->client.waiting || (events & (EPOLLERR | EPOLLHUP)))
        conn_doom(c);
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
    } else if (*kind == WATCH_ADMIN) {
        return; /* was served before all others */
    } else {
        if ((ev->events & EPOLLOUT) && !c->client.is_killed) {
            bool reads = c->transport.wants_write;

            conn_write(c);
            if (__builtin_expect(reads, 0) && !c->is_parked)
                loop_serve(l, c);
        }
        if ((ev->events & ~(uint32_t)EPOLLOUT) && c->is_parked)
            on_parked_event(c, ev->events);
        else if ((ev->events & ~(uint32_t)EPOLLOUT) && !c->client.is_closing)
            loop_serve(l, c);
        else if (ev->events & (EPOLLERR | EPOLLHUP))
            conn_doom(c);
    }
}

/* Sends what came outside the clients' turns, and what the append-only file has now. */
static void send_rest(struct loop *l)
{
    conns_send_posted(l);
    if (__builtin_expect(l->engine->has_unwritten || l->held, 0))
        conns_send_held(l);
}

static void run_resumed(struct loop *l)
{
    while (l->resumed) {
        struct conn *c = l->resumed;

        l->resumed = c->next_resumed;
        c->is_resumed = false;
        l->engine->authority.heard_ms = c->heard_ms;
        if (!c->client.is_killed)
            conn_unpark(c);
        batch_run(l);
    }
}

/* Runs what was read, and what those had sent before who wait for keys no more. */
static void run_round(struct loop *l)
{
    batch_run(l);
    l->pool_used = 0;
    run_resumed(l);
    conns_send_posted(l);
    /* Who waited for the disk may go on, and what that changes is written again. */
    while (__builtin_expect(l->engine->has_unwritten || l->held, 0)) {
        conns_send_held(l);
        run_resumed(l);
        conns_send_posted(l);
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

/* ---- the owner ---- */

static bool has_unread(const struct conn *c)
{
    int bytes = 0;

    return ioctl(c->transport.fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* One event of the admin socket, with what comes of it. Who was not read for a while has sent his
 * leases then, whatever the others' sockets show. */
static void serve_owner(struct loop *l, const struct epoll_event *ev)
{
    const enum watch_kind *kind = ev->data.ptr;
    struct conn *c = *kind == WATCH_CONN ? ev->data.ptr : NULL;
    bool is_late = c && c->heard_ms;

    l->engine->authority.heard_ms = is_late ? c->heard_ms : l->heard_ms;
    on_event(l, ev);
    batch_run(l);
    if (is_late && !c->is_parked && !has_unread(c))
        c->heard_ms = 0;
}

/* ---- amid a command that takes long ---- */

/* Connections with commands in the batch that is running must wait for it, lest they overtake
 * themselves; so must whoever sent the command, and those whose commands are obeyed whatever runs.
 */
static bool is_in_between(const struct epoll_event *ev, const struct client *occupied)
{
    const enum watch_kind *kind = ev->data.ptr;
    const struct conn *c = ev->data.ptr;

    if (*kind == WATCH_LISTENER || *kind == WATCH_SIGNAL || *kind == WATCH_HANDSHAKES)
        return true;
    return *kind == WATCH_CONN && &c->client != occupied && c->calls == 0 && !c->is_feeding &&
           !client_is_obeyed(&c->client);
}

/* What stands where calls are read and cut, while others stand there. */
struct aside {
    struct batch *batch;
    char *pool;
    size_t pool_used;
};

static struct aside amid_enter(struct loop *l)
{
    struct aside was = {l->batch, l->pool, l->pool_used};

    l->batch = room_new(l);
    l->is_amid = true;
    return was;
}

static void amid_leave(struct loop *l, const struct aside *was)
{
    arena_fini(&l->batch->arena);
    free(l->batch);
    munmap(l->pool, READ_POOL);
    l->batch = was->batch;
    l->pool = was->pool;
    l->pool_used = was->pool_used;
    l->is_amid = false;
}

/* One short round of the others. What is read and cut into calls meanwhile has room of its own: in
 * the usual one stands what runs. */
static void host_serve_others(struct engine *e, const struct client *occupied)
{
    struct loop *l = e->host_ctx;
    struct epoll_event events[EVENTS_MAX];

    batch_run_others(l->batch, occupied);
    int count = epoll_wait(l->epoll_fd, events, EVENTS_MAX, 0);
    if (count <= 0)
        return;
    struct aside was = amid_enter(l);
    for (int i = 0; i < count; i++)
        if (is_in_between(&events[i], occupied))
            on_event(l, &events[i]);
    batch_run(l);
    if (!l->is_running) {
        serve_unread(l);
        batch_run(l);
        conns_send_posted(l);
        free_doomed(l);
    }
    amid_leave(l, &was);
}

/* Events that cannot be served now are left out; who has sent them is heard late. */
static int keep_servable(const struct loop *l, struct epoll_event *events, int count,
                         const struct client *occupied)
{
    int kept = 0;

    for (int i = 0; i < count; i++) {
        struct conn *c = events[i].data.ptr;

        if (is_in_between(&events[i], occupied))
            events[kept++] = events[i];
        else if (c->kind == WATCH_CONN && !c->heard_ms)
            c->heard_ms = l->heard_ms;
    }
    return kept;
}

/* Two looks, as between rounds: so that what a new connection has brought comes at once. */
static void host_serve_owner(struct engine *e, const struct client *occupied)
{
    struct loop *l = e->host_ctx;
    struct epoll_event events[ADMIN_EVENTS_MAX];

    for (int pass = 0; pass < 2; pass++) {
        int64_t began_ms = clock_boot_ms(&clock_system);
        int count = epoll_wait(l->admin_fd, events, ADMIN_EVENTS_MAX, 0);

        count = keep_servable(l, events, count, occupied);
        if (count == 0) {
            l->heard_ms = began_ms;
            return;
        }
        struct aside was = amid_enter(l);
        for (int i = 0; i < count; i++)
            serve_owner(l, &events[i]);
        amid_leave(l, &was);
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
    if (l->engine->waiting_count == 0 && acks_held(l->engine) == 0)
        return wait_ms;
    set_now(l);
    int due_ms = engine_end_waits(l->engine), confirm_ms = acks_expire(l->engine);
    run_round(l);
    if (confirm_ms < due_ms)
        due_ms = confirm_ms;
    return due_ms < wait_ms ? due_ms : wait_ms;
}

/* ---- the rounds themselves ---- */

/* Runs all that the owner has sent. */
static void serve_admin(struct loop *l)
{
    struct epoll_event events[ADMIN_EVENTS_MAX];
    int count = ADMIN_EVENTS_MAX;

    batch_run(l); /* what stands there must not share a batch with him: a script may be among it */
    /* Twice, so that what a new connection has brought is not taken for newer than it is. */
    for (int pass = 0; pass < 2 && count > 0; pass++) {
        count = epoll_wait(l->admin_fd, events, ADMIN_EVENTS_MAX, 0);
        for (int i = 0; i < count; i++)
            serve_owner(l, &events[i]);
    }
    l->admin_looked_ticks = engine_ticks();
}

/* In a long round the owner is looked for this often. */
static uint64_t admin_ticks(const struct loop *l)
{
    return l->engine->ticks_per_ms;
}

/* Serves the owner before everybody else. The wait before this one has not found what he has
 * sent, so it came after that had begun: leases are counted from then. */
static void begin_round(struct loop *l, const struct epoll_event *events, int count)
{
    bool has_admin = count == EVENTS_MAX; /* it may stand behind those that fit */

    if (l->heard_ms < l->waited_before_ms)
        l->heard_ms = l->waited_before_ms;
    for (int i = 0; i < count && !has_admin; i++)
        has_admin = events[i].data.ptr == &l->admin_kind;
    l->admin_looked_ticks = engine_ticks();
    if (has_admin)
        serve_admin(l);
}

/* Counts what was done since the last wait. */
static void note_round(struct loop *l)
{
    struct engine_stats *s = &l->engine->stats;

    if (!l->busy_since)
        return;
    s->rounds++;
    s->round_ticks += engine_ticks() - l->busy_since;
}

void loop_round(struct loop *l, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];

    tracking_broadcast(l->engine);
    followers_flush(l->engine);
    send_rest(l); /* of the regular work */
    free_doomed(l);
    l->waited_before_ms = l->waited_ms;
    l->waited_ms = l->engine->keyspace.passed_ms;
    note_round(l);
    int count = epoll_wait(l->epoll_fd, events, EVENTS_MAX, l->unread || l->resumed ? 0 : wait_ms);

    l->busy_since = engine_ticks();
    set_now(l);
    begin_round(l, events, count);
    serve_unread(l);
    for (int i = 0; i < count; i++) {
        on_event(l, &events[i]);
        if (l->engine->admin_count && engine_ticks() - l->admin_looked_ticks > admin_ticks(l))
            serve_admin(l);
    }
    run_round(l);
    engine_evict_clients(l->engine);
    free_doomed(l);
    links_free_closed(l);
}

void loop_run(struct loop *l)
{
    l->is_running = true;
    while (!l->engine->is_ending) {
        int wait_ms = regular_work(l);

        free_doomed(l);
        loop_round(l, wait_ms);
    }
}
