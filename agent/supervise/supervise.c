/*
 * The agent's end of its shims. One idea carries it: the lock in the node's folder is held by shim
 * and engine, so whether anything is left of a process is asked of the kernel and never guessed.
 * When a connection ends, the lock says whether to connect again or to call the process gone.
 */
#include "agent/supervise/supervise.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHIM_LOCK_FD  3
#define SHIM_AGENT_FD 4
#define LOOK_FIRST_MS 1
#define LOOK_LAST_MS  50

struct shims {
    struct supervisor base;
    struct loop *loop;
    const char *shim_path;
};

/* The connection to one shim. */
struct shim_link {
    struct shims *shims;
    struct node *node;
    int fd; /* -1 while it is looked for */
    struct loop_watch watch;
    struct loop_timer look;
    int64_t look_delay_ms;
    char line[SHIM_LINE_BYTES];
    size_t line_len;
};

void run_to_tag(struct arena *a, const struct node_run *run, const char **out)
{
    *out = arena_printf(a, "%s %lld %s %d", run->driver, (long long)run->boot_count, run->address,
                        run->port);
}

static bool take_word(struct str *rest, char *out, size_t size)
{
    struct str word = str_cut(rest, ' ');

    if (word.len == 0 || word.len >= size)
        return false;
    memcpy(out, word.ptr, word.len);
    out[word.len] = '\0';
    return true;
}

bool run_from_tag(const char *tag, struct node_run *out)
{
    struct str rest = str_of(tag);
    struct node_run run = *out;
    int64_t port;

    if (!take_word(&rest, run.driver, sizeof(run.driver)) ||
        !str_to_i64(str_cut(&rest, ' '), &run.boot_count) ||
        !take_word(&rest, run.address, sizeof(run.address)) || !str_to_i64(rest, &port) ||
        port < 0 || port > UINT16_MAX)
        return false;
    run.port = (int)port;
    *out = run;
    return true;
}

/* Connecting. */

static void link_free(struct shim_link *k)
{
    loop_unwatch(k->shims->loop, &k->watch);
    loop_timer_stop(k->shims->loop, &k->look);
    fd_close(&k->fd);
    k->node->shim = NULL;
    free(k);
}

static void look(void *context);

static void look_later(struct shim_link *k)
{
    loop_timer_set(k->shims->loop, &k->look, k->look_delay_ms);
    k->look_delay_ms *= 2;
    if (k->look_delay_ms > LOOK_LAST_MS)
        k->look_delay_ms = LOOK_LAST_MS;
}

static void lose(struct shim_link *k)
{
    loop_unwatch(k->shims->loop, &k->watch);
    fd_close(&k->fd);
    k->line_len = 0;
    k->look_delay_ms = LOOK_FIRST_MS;
    look(k);
}

static void on_line(struct shim_link *k, struct str line)
{
    scoped(arena_fini) struct arena a = {0};
    struct supervisor *s = &k->shims->base;
    struct shim_state state = {0};

    struct err e = jsonline_read(&a, SHIM_STATE_LINE, line, &state);
    if (err_failed(e) || !state.phase)
        log_warn("a shim says what nobody understands", f_int("node", k->node->id), f_err(e));
    else
        s->on_state(s->context, k->node, &state);
}

static void on_readable(void *context, uint32_t events)
{
    struct shim_link *k = context;
    struct node *n = k->node;
    (void)events;

    ssize_t got = recv(k->fd, k->line + k->line_len, sizeof(k->line) - k->line_len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        lose(k);
        return;
    }
    k->line_len += (size_t)got;

    char *end;
    while (n->shim == k && (end = memchr(k->line, '\n', k->line_len))) {
        size_t len = (size_t)(end - k->line);
        char line[SHIM_LINE_BYTES];
        memcpy(line, k->line, len);
        k->line_len -= len + 1;
        memmove(k->line, end + 1, k->line_len);
        on_line(k, (struct str){line, len}); /* may let go of the link */
    }
    if (n->shim == k && k->line_len == sizeof(k->line))
        lose(k);
}

/* Takes the connection over; false when it cannot be watched and is closed. */
static bool attach(struct shim_link *k, int *fd)
{
    k->fd = *fd;
    *fd = -1;
    if (k->fd >= 0 && !err_failed(loop_watch(k->shims->loop, &k->watch, k->fd, EPOLLIN)))
        return true;
    fd_close(&k->fd);
    return false;
}

static void gone(struct shim_link *k)
{
    struct supervisor *s = &k->shims->base;
    struct node *n = k->node;

    link_free(k);
    s->on_gone(s->context, n);
}

/* Asks the kernel whether the process is left, and connects to its shim if so. */
static void look(void *context)
{
    struct shim_link *k = context;
    scoped(arena_fini) struct arena a = {0};
    scoped(fd_close) int lock_fd = -1;

    struct err e = fs_lock(fs_join(&a, k->node->dir, SHIM_LOCK), &lock_fd);
    if (!err_is(e, ERR_CONFLICT)) {
        if (err_failed(e))
            log_warn("cannot ask for a node's process", f_int("node", k->node->id), f_err(e));
        fd_close(&lock_fd);
        gone(k);
        return;
    }
    int fd = net_connect_unix_in(k->node->dir, SHIM_SOCKET);
    if (!attach(k, &fd))
        look_later(k);
}

static struct shim_link *link_new(struct shims *s, struct node *n)
{
    struct shim_link *k = calloc(1, sizeof(*k));

    check(k != NULL);
    check(n->shim == NULL);
    k->shims = s;
    k->node = n;
    k->fd = -1;
    k->watch = (struct loop_watch){.on_ready = on_readable, .context = k};
    k->look = (struct loop_timer){.on_due = look, .context = k};
    k->look_delay_ms = LOOK_FIRST_MS;
    n->shim = k;
    return k;
}

/* The supervisor's functions. */

static const char *const *shim_argv(struct arena *a, const struct shims *s, const struct node *n,
                                    const struct launch *launch)
{
    const char *tag;
    size_t count = 0, used = 0;

    while (launch->argv[count])
        count++;
    run_to_tag(a, &launch->run, &tag);
    const char *const head[] = {s->shim_path,
                                "--dir",
                                n->dir,
                                "--tag",
                                tag,
                                "--lock-fd",
                                arena_printf(a, "%d", SHIM_LOCK_FD),
                                "--agent-fd",
                                arena_printf(a, "%d", SHIM_AGENT_FD),
                                "--"};
    const char **all = arena_array(a, countof(head) + count + 1, sizeof(*all));
    for (size_t i = 0; i < countof(head); i++)
        all[used++] = head[i];
    for (size_t i = 0; i < count; i++)
        all[used++] = launch->argv[i];
    return all;
}

static struct err shims_start(struct supervisor *base, struct arena *a, struct node *n,
                              const struct launch *launch)
{
    struct shims *s = container_of(base, struct shims, base);
    scoped(fd_close) int lock_fd = -1, theirs = -1, ours = -1;
    struct proc child;
    int pair[2];

    TRY(fs_lock(fs_join(a, n->dir, SHIM_LOCK), &lock_fd));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(errno, "cannot make a connection for the shim");
    ours = pair[0];
    theirs = pair[1];
    fcntl(ours, F_SETFL, O_NONBLOCK);

    const struct proc_fd fds[] = {
        {lock_fd, SHIM_LOCK_FD },
        {theirs,  SHIM_AGENT_FD}
    };
    const struct proc_spec spec = {.argv = shim_argv(a, s, n, launch),
                                   .fds = fds,
                                   .fd_count = countof(fds),
                                   .is_quiet = true,
                                   .is_own_session = true};
    TRY(proc_spawn(a, &spec, &child));
    proc_fini(&child); /* reaped by the agent's main; its life is known by the connection */

    struct shim_link *k = link_new(s, n);
    if (!attach(k, &ours))
        look_later(k); /* it is there, and will be found by its socket */
    return OK;
}

static struct err shims_adopt(struct supervisor *base, struct node *n)
{
    struct shims *s = container_of(base, struct shims, base);
    scoped(arena_fini) struct arena a = {0};
    scoped(fd_close) int lock_fd = -1;

    if (!fs_exists(fs_join(&a, n->dir, SHIM_LOCK)))
        return err_make(ERR_NOT_FOUND, "no process was ever started");
    struct err e = fs_lock(fs_join(&a, n->dir, SHIM_LOCK), &lock_fd);
    if (!err_failed(e))
        return err_make(ERR_NOT_FOUND, "the process is gone");
    if (!err_is(e, ERR_CONFLICT))
        return err_sys(e.sys, "cannot ask for a node's process");

    struct shim_link *k = link_new(s, n);
    int fd = net_connect_unix_in(n->dir, SHIM_SOCKET);
    if (!attach(k, &fd))
        look_later(k);
    return OK;
}

static void command(struct node *n, const struct shim_command *c)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    if (!n->shim || n->shim->fd < 0)
        return; /* whoever commands does so again when the shim has said its state */
    jsonline_write(SHIM_COMMAND_LINE, c, &line);
    if (send(n->shim->fd, line.ptr, line.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_warn("cannot reach a shim", f_int("node", n->id), f_err(err_sys(errno, "send")));
}

static void shims_stop(struct supervisor *base, struct node *n, int64_t grace_ms)
{
    (void)base;
    command(n, &(struct shim_command){.command = SHIM_STOP, .grace_ms = grace_ms});
}

static void shims_take_exit(struct supervisor *base, struct node *n)
{
    (void)base;
    command(n, &(struct shim_command){.command = SHIM_ACK});
}

struct supervisor *supervise_open(struct loop *loop, const char *shim_path)
{
    struct shims *s = calloc(1, sizeof(*s));

    check(s != NULL);
    s->base = (struct supervisor){.start = shims_start,
                                  .adopt = shims_adopt,
                                  .stop = shims_stop,
                                  .take_exit = shims_take_exit};
    s->loop = loop;
    s->shim_path = shim_path;
    return &s->base;
}

void supervise_close(struct supervisor *s)
{
    if (s)
        free(container_of(s, struct shims, base));
}

void supervise_forget(struct node *n)
{
    if (n->shim)
        link_free(n->shim);
}
