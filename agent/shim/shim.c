/*
 * One epoll loop over everything that can happen to an engine: its end (pidfd), its readiness (the
 * sd_notify socket), its words (a pipe), commands and connections of agents, SIGTERM, the end
 * of the grace between SIGTERM and SIGKILL, that of a lease, and that of the patience with one that
 * was killed and is not gone. Kept small, because there is one of these beside each engine.
 */
#include "agent/shim/shim.h"

#include "agent/shim/enginelog.h"
#include "agent/shim/fence.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/shim_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_PEERS         4
#define EVENTS_AT_ONCE    8
#define PIPE_STEP         4096
#define NOTIFY_BYTES      1024
#define TERM_GRACE_MS     10000 /* when SIGTERM and not an agent asks for the end */
#define ENGINE_LOCK_FD    3
#define NOTIFY_NAME_BYTES 64
#define GONE_MS           100 /* after SIGKILL; then the kernel holds it, and it is told so */
#define RT_PRIORITY       5

struct shim;

/* Something that epoll watches; fd -1 when there is none. */
struct source {
    int fd;
    void (*on_ready)(struct shim *s, struct source *self);
};

struct peer {
    struct source source;
    char line[SHIM_LINE_BYTES];
    size_t line_len;
};

struct shim {
    const struct shim_conf *conf;
    struct arena *arena;
    int epoll_fd;
    int lock_fd;
    struct proc engine;
    struct enginelog log;
    struct shim_state state;
    struct source exit, notify, output, listener, signals, grace, lease, control, killed;
    struct fence fence;
    struct peer peers[MAX_PEERS];
    bool is_killed; /* SIGKILL was sent */
    bool is_over;   /* the exit report was taken */
};

static struct err watch(struct shim *s, struct source *source, int fd,
                        void (*on_ready)(struct shim *, struct source *))
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

    *source = (struct source){fd, on_ready};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return err_sys(errno, "cannot watch a descriptor");
    return OK;
}

static void unwatch(struct source *source)
{
    fd_close(&source->fd); /* the only copy, so epoll forgets it */
}

/* Talking to agents. */

static void peer_drop(struct peer *p)
{
    unwatch(&p->source);
    p->line_len = 0;
}

static void tell(struct shim *s, struct peer *p)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    jsonline_write(SHIM_STATE_LINE, &s->state, &line);
    ssize_t done = send(p->source.fd, line.ptr, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done != (ssize_t)line.len)
        peer_drop(p); /* it does not listen; it may connect again */
}

static void tell_all(struct shim *s)
{
    s->state.last_line = enginelog_last_line(&s->log);
    for (size_t i = 0; i < MAX_PEERS; i++)
        if (s->peers[i].source.fd >= 0)
            tell(s, &s->peers[i]);
}

static bool is_gone(const struct shim *s)
{
    return s->state.exit != NULL;
}

static void signal_engine(struct shim *s, int signal)
{
    if (!is_gone(s))
        err_ignore(proc_signal(&s->engine, signal), "it may have ended this instant");
}

static void set_timer(const struct source *timer, int64_t delay_ms)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000 + 1}
    };

    timerfd_settime(timer->fd, 0, &when, NULL);
}

static void stop_engine(struct shim *s, int64_t grace_ms)
{
    signal_engine(s, SIGTERM);
    set_timer(&s->grace, grace_ms);
}

static void kill_engine(struct shim *s)
{
    signal_engine(s, SIGKILL);
    if (!s->is_killed)
        set_timer(&s->killed, GONE_MS);
    s->is_killed = true;
}

/* Who is killed and waits for a disk in the kernel ends when the disk answers, and does nothing
 * any more until then: nobody has to wait for that. */
static void on_killed(struct shim *s, struct source *self)
{
    uint64_t ticks;

    if (read(self->fd, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks) || is_gone(s))
        return;
    s->state.killed_ms = clock_wall_ms(&clock_system);
    tell_all(s);
}

/* ---- leases ---- */

/* What the fence says, in numbers: when to look at it again, and its connection. */
static void settle_fence(struct shim *s)
{
    struct fence *f = &s->fence;
    const bool is_on = f->due_ms != INT64_MAX;
    const struct itimerspec when = {
        .it_value = {.tv_sec = is_on ? f->due_ms / 1000 : 0,
                     .tv_nsec = is_on ? f->due_ms % 1000 * 1000000 + 1 : 0}
    };

    timerfd_settime(s->lease.fd, TFD_TIMER_ABSTIME, &when, NULL);
    if (f->is_fresh && f->fd >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->control};
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, f->fd, &event); /* else it times out, and is killed */
    }
    f->is_fresh = false;
    s->control.fd = f->fd;
    if (f->phase == FENCE_IS_KILLED)
        kill_engine(s);
}

static void on_control(struct shim *s, struct source *self)
{
    (void)self;
    fence_read(&s->fence);
    settle_fence(s);
}

static void on_lease_due(struct shim *s, struct source *self)
{
    uint64_t ticks;

    if (read(self->fd, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks) || is_gone(s))
        return;
    fence_due(&s->fence, clock_boot_ms(&clock_system));
    settle_fence(s);
}

static void take_lease(struct shim *s, const struct shim_command *c)
{
    const struct sched_param param = {.sched_priority = RT_PRIORITY};

    if (is_gone(s))
        return;
    if (s->fence.phase == FENCE_OFF) /* what must not be late goes first, where that is allowed */
        (void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
    fence_lease(&s->fence, c, clock_boot_ms(&clock_system));
    settle_fence(s);
}

static void obey(struct shim *s, const struct shim_command *c)
{
    if (!c->command)
        return;
    if (strcmp(c->command, SHIM_STOP) == 0)
        stop_engine(s, c->grace_ms > 0 ? c->grace_ms : 0);
    else if (strcmp(c->command, SHIM_KILL) == 0)
        kill_engine(s);
    else if (strcmp(c->command, SHIM_LEASE) == 0)
        take_lease(s, c);
    else if (strcmp(c->command, SHIM_ACK) == 0 && is_gone(s))
        s->is_over = true;
}

/* Obeys the complete lines that the peer sent and keeps the rest. */
static void obey_lines(struct shim *s, struct peer *p)
{
    struct str left = {p->line, p->line_len};

    while (str_find(left, '\n') != SIZE_MAX) {
        scoped(arena_fini) struct arena a = {0};
        struct shim_command command = {0};
        struct str line = str_cut(&left, '\n');
        if (!err_failed(jsonline_read(&a, SHIM_COMMAND_LINE, line, &command)))
            obey(s, &command);
    }
    memmove(p->line, left.ptr, left.len);
    p->line_len = left.len;
}

static void on_peer(struct shim *s, struct source *self)
{
    struct peer *p = container_of(self, struct peer, source);

    ssize_t got =
        recv(self->fd, p->line + p->line_len, sizeof(p->line) - p->line_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        p->line_len += (size_t)got;
        obey_lines(s, p);
    }
    if (got <= 0 || p->line_len == sizeof(p->line))
        peer_drop(p);
}

static void peer_add(struct shim *s, int fd)
{
    for (size_t i = 0; i < MAX_PEERS; i++) {
        if (s->peers[i].source.fd >= 0)
            continue;
        if (err_failed(watch(s, &s->peers[i].source, fd, on_peer))) {
            peer_drop(&s->peers[i]);
            return;
        }
        s->state.last_line = enginelog_last_line(&s->log);
        tell(s, &s->peers[i]);
        return;
    }
    close(fd);
}

static void on_listener(struct shim *s, struct source *self)
{
    int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        peer_add(s, fd);
}

/* What happens to the engine. */

/* True when there may be more. */
static bool read_output(struct shim *s)
{
    char data[PIPE_STEP];

    ssize_t got = read(s->output.fd, data, sizeof(data));
    if (got > 0)
        enginelog_add(&s->log, data, (size_t)got);
    else if (got == 0)
        unwatch(&s->output);
    return got == (ssize_t)sizeof(data);
}

static void on_output(struct shim *s, struct source *self)
{
    (void)self;
    read_output(s);
}

static void set_exit(struct shim *s, const char *kind, int number)
{
    s->state.phase = SHIM_EXITED;
    s->state.exit = kind;
    s->state.exit_number = number;
    s->state.exited_ms = clock_wall_ms(&clock_system);
}

static void on_exit_of_engine(struct shim *s, struct source *self)
{
    struct proc_exit exit;

    if (err_failed(proc_wait(&s->engine, 0, &exit)))
        return; /* not yet: poll again */
    self->fd = -1;
    proc_fini(&s->engine); /* closes the pidfd, so epoll forgets it */
    set_exit(s, exit.is_signal ? SHIM_EXIT_SIGNAL : SHIM_EXIT_STATUS, exit.number);
    while (s->output.fd >= 0 && read_output(s))
        ;
    tell_all(s);
}

static bool says_ready(struct str message)
{
    while (message.len > 0)
        if (str_is(str_cut(&message, '\n'), "READY=1"))
            return true;
    return false;
}

/* The sender's pid, or 0; only the engine itself may call itself ready. */
static pid_t sender_of(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(c), sizeof(sender));
            return sender.pid;
        }
    return 0;
}

static void on_notify(struct shim *s, struct source *self)
{
    char text[NOTIFY_BYTES];
    char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));
    struct iovec part = {text, sizeof(text)};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};

    ssize_t got = recvmsg(self->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0 || sender_of(&m) != s->engine.pid || is_gone(s))
        return;
    if (strcmp(s->state.phase, SHIM_READY) == 0 || !says_ready((struct str){text, (size_t)got}))
        return;
    s->state.phase = SHIM_READY;
    s->state.ready_ms = clock_wall_ms(&clock_system);
    tell_all(s);
}

static void on_grace(struct shim *s, struct source *self)
{
    uint64_t ticks;

    if (read(self->fd, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks))
        kill_engine(s);
}

static void on_signal(struct shim *s, struct source *self)
{
    struct signalfd_siginfo info;

    if (read(self->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (is_gone(s))
        s->is_over = true;
    else
        stop_engine(s, TERM_GRACE_MS);
}

/* Beginning. */

/* A socket whose name the kernel chooses (no path is too long for it): "@00a3f" for the engine. */
static struct err open_notify(struct shim *s, char name[NOTIFY_NAME_BYTES])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(address);
    int yes = 1;

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return err_sys(errno, "cannot make the socket for the engine's readiness");
    snprintf(name, NOTIFY_NAME_BYTES, "NOTIFY_SOCKET=@%.*s",
             (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
    return watch(s, &s->notify, fd, on_notify);
}

/* Bound by its name alone, inside of the working directory: folders may be deeper than a socket's
 * name is long. */
static struct err open_listener(struct shim *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SHIM_SOCKET};

    TRY(fs_remove(SHIM_SOCKET)); /* of a shim that was killed: this one holds the lock */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, MAX_PEERS) != 0)
        return err_sys(errno, "cannot listen on the socket for agents");
    return watch(s, &s->listener, fd, on_listener);
}

static struct err open_signals(struct shim *s)
{
    sigset_t set;

    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return err_sys(errno, "cannot watch signals");
    return watch(s, &s->signals, fd, on_signal);
}

static struct err open_timer(struct shim *s, struct source *source,
                             void (*on_due)(struct shim *, struct source *))
{
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return err_sys(errno, "cannot make a timer");
    return watch(s, source, fd, on_due);
}

static struct err start_engine(struct shim *s, const char *notify)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_sys(errno, "cannot make a pipe for the engine's output");
    int write_end = ends[1];
    TRY(watch(s, &s->output, ends[0], on_output));
    fcntl(write_end, F_SETFL, 0); /* only our end does not block */

    const char *const env[] = {notify, NULL};
    const struct proc_fd fds[] = {
        {write_end,  STDOUT_FILENO },
        {write_end,  STDERR_FILENO },
        {s->lock_fd, ENGINE_LOCK_FD}  /* so the lock is free only when both are gone */
    };
    const struct proc_spec spec = {.argv = (const char *const *)s->conf->argv,
                                   .env = env,
                                   .fds = fds,
                                   .fd_count = countof(fds),
                                   .is_quiet = true,
                                   .death_signal = SIGKILL,
                                   .has_all_files = true};

    s->state.started_ms = clock_wall_ms(&clock_system);
    struct err e = proc_spawn(s->arena, &spec, &s->engine);
    close(write_end);
    if (err_failed(e)) {
        const char *why = err_text(s->arena, e);
        enginelog_add(&s->log, why, strlen(why));
        enginelog_add(&s->log, "\n", 1);
        set_exit(s, SHIM_EXIT_UNRUN, 0);
        return OK;
    }
    s->state.pid = s->engine.pid;
    return watch(s, &s->exit, s->engine.pidfd, on_exit_of_engine);
}

static struct err shim_begin(struct shim *s)
{
    char notify[NOTIFY_NAME_BYTES];

    if (chdir(s->conf->dir) != 0)
        return err_sys(errno, "cannot enter the node's folder");
    if (s->lock_fd < 0)
        TRY(fs_lock(SHIM_LOCK, &s->lock_fd));
    enginelog_open(&s->log, SHIM_LOG);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0)
        return err_sys(errno, "cannot make an epoll set");
    TRY(open_signals(s));
    TRY(open_timer(s, &s->grace, on_grace));
    TRY(open_timer(s, &s->lease, on_lease_due));
    TRY(open_timer(s, &s->killed, on_killed));
    TRY(open_listener(s));
    TRY(open_notify(s, notify));
    TRY(start_engine(s, notify));
    if (s->conf->agent_fd >= 0)
        peer_add(s, s->conf->agent_fd);
    return OK;
}

static void shim_loop(struct shim *s)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    while (!s->is_over) {
        int count = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, -1);
        for (int i = 0; i < count; i++) {
            struct source *source = events[i].data.ptr;
            if (source->fd >= 0) /* closed by an event before this one */
                source->on_ready(s, source);
        }
    }
}

struct err shim_run(struct arena *a, const struct shim_conf *conf)
{
    struct shim *s = arena_new(a, struct shim);

    *s = (struct shim){
        .conf = conf,
        .arena = a,
        .epoll_fd = -1,
        .lock_fd = conf->lock_fd,
        .engine = PROC_NONE,
        .log.fd = -1,
        .state = {.phase = SHIM_STARTING, .tag = conf->tag},
        .exit.fd = -1,
        .notify.fd = -1,
        .output.fd = -1,
        .listener.fd = -1,
        .signals.fd = -1,
        .grace.fd = -1,
        .lease.fd = -1,
        .control = {-1,                     on_control      },
    };
    fence_init(&s->fence);
    for (size_t i = 0; i < MAX_PEERS; i++)
        s->peers[i].source.fd = -1;

    struct err e = shim_begin(s);
    if (err_failed(e)) {
        proc_kill(&s->engine);
        return e;
    }
    shim_loop(s);
    /* In this order: who sees the connection end finds the lock free. */
    err_ignore(fs_remove(SHIM_SOCKET), "the next shim of this node removes it too");
    fd_close(&s->lock_fd);
    fence_fini(&s->fence);
    enginelog_close(&s->log);
    return OK;
}
