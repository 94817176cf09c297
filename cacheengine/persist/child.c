/*
 * The child and the pipe back. The one idea: the pipe carries whole records of a few bytes, which
 * the kernel never cuts, so that neither side waits for the other.
 */
#include "cacheengine/persist/child.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TELL_MS  100
#define KEEP_MAX 8

/* What the exit status says. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1 };

/* ---- the child ---- */

/* Bytes of memory that are the child's alone: what either side has written to since the fork. */
static uint64_t own_bytes(void)
{
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "re");

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "Private_Dirty:", 14) == 0)
            kib = strtoull(line + 14, NULL, 10);
    if (f)
        fclose(f);
    return kib * 1024;
}

static void look_at_memory(struct child_voice *v, int64_t now_ms)
{
    v->cow_bytes = own_bytes();
    v->looked_ms = clock_boot_ms(&clock_system);
    v->cost_ms = v->looked_ms - now_ms;
}

static void say(struct child_voice *v)
{
    struct child_progress p = {v->keys, v->cow_bytes};

    /* A full pipe means that the parent has heard enough for now. */
    (void)!write(v->fd, &p, sizeof(p));
}

void child_tell(struct child_voice *v, uint64_t keys)
{
    v->keys = keys;
    int64_t now_ms = clock_boot_ms(&clock_system);
    if (now_ms - v->told_ms < TELL_MS)
        return;
    if (now_ms - v->looked_ms >= 1000 && now_ms - v->looked_ms >= 100 * v->cost_ms)
        look_at_memory(v, now_ms);
    say(v);
    v->told_ms = now_ms;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Closes all descriptors above 2 but some. */
static void close_others(const int *keep, size_t count)
{
    int kept[KEEP_MAX], first = 3;

    memcpy(kept, keep, count * sizeof(*kept));
    qsort(kept, count, sizeof(*kept), by_number);
    for (size_t i = 0; i < count; i++) {
        if (kept[i] > first)
            (void)syscall(SYS_close_range, first, kept[i] - 1, 0);
        if (kept[i] >= first)
            first = kept[i] + 1;
    }
    (void)syscall(SYS_close_range, first, ~0U, 0);
}

static void be_child(int report_fd, child_fn *run, void *ctx, const int *keep, size_t keep_count)
{
    struct child_voice v = {.fd = report_fd};
    struct arena a = {0};
    int kept[KEEP_MAX];
    sigset_t none;

    check(keep_count < KEEP_MAX);
    if (keep_count)
        memcpy(kept, keep, keep_count * sizeof(*kept));
    kept[keep_count] = report_fd;
    close_others(kept, keep_count + 1);
    proc_die_with_parent(SIGKILL);
    signal(SIGUSR1, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    v.looked_ms = v.told_ms = clock_boot_ms(&clock_system);
    struct err e = run(ctx, &v, &a);
    if (err_failed(e))
        log_error("background write failed", f_err(e));
    look_at_memory(&v, v.told_ms);
    say(&v);
    /* Nothing of the parent's is to be flushed, freed or closed here. */
    _exit(err_failed(e) ? EXIT_FAILED : EXIT_DONE);
}

/* ---- the parent ---- */

static struct err adopt(struct child *c, pid_t pid, int report_fd)
{
    *c = (struct child){.pid = pid, .pidfd = -1, .report_fd = report_fd};
    c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (c->pidfd >= 0)
        return OK;
    struct err e = err_sys(errno, "the child cannot be watched");
    (void)child_kill(c);
    return e;
}

struct err child_start(struct child *c, child_fn *run, void *ctx, const int *keep,
                       size_t keep_count)
{
    int ends[2];

    check(c->pid == 0);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_sys(errno, "a pipe to the child cannot be made");
    pid_t pid = fork();
    if (pid < 0) {
        struct err e = err_sys(errno, "the process cannot be forked");

        close(ends[0]);
        close(ends[1]);
        return e;
    }
    if (pid == 0)
        be_child(ends[1], run, ctx, keep, keep_count);
    close(ends[1]);
    return adopt(c, pid, ends[0]);
}

static void listen_to(struct child *c)
{
    struct child_progress p;

    while (read(c->report_fd, &p, sizeof(p)) == (ssize_t)sizeof(p)) {
        c->told_ms = clock_boot_ms(&clock_system);
        c->progress = p;
        if (p.cow_bytes > c->cow_peak)
            c->cow_peak = p.cow_bytes;
    }
}

static enum child_state state_of(const struct child *c, int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == EXIT_DONE ? CHILD_DONE : CHILD_FAILED;
    return c->is_killed || WTERMSIG(status) == SIGUSR1 ? CHILD_KILLED : CHILD_FAILED;
}

static enum child_state look(struct child *c, int flags)
{
    int status;
    pid_t pid;

    do
        pid = waitpid(c->pid, &status, flags);
    while (pid < 0 && errno == EINTR);
    listen_to(c);
    if (pid == 0)
        return CHILD_RUNS;
    fd_close(&c->report_fd);
    fd_close(&c->pidfd);
    /* What is no child of ours any more was taken in by somebody else: nothing is known of it. */
    enum child_state state = pid == c->pid ? state_of(c, status) : CHILD_FAILED;
    c->pid = 0;
    return state;
}

enum child_state child_look(struct child *c)
{
    check(c->pid > 0);
    return look(c, WNOHANG);
}

enum child_state child_kill(struct child *c)
{
    if (c->pid == 0)
        return CHILD_KILLED;
    c->is_killed = true;
    kill(c->pid, SIGKILL);
    return look(c, 0);
}
