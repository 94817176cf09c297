/*
 * Child processes. The child tells over a close-on-exec pipe why it could not exec; an empty pipe
 * at its end means that the program runs. Between fork and exec only async-signal-safe calls are
 * made.
 */
#include "base/proc.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define HASTY_NICENESS (-10)

#define FIRST_FREE_FD 3  /* above standard input, output and error */
#define PARKED_FD     16 /* numbers from here on are used while descriptors are sorted */
#define MAX_FDS       8  /* handed down at once; their numbers are below PARKED_FD */
#define BOOT_ID_BYTES 64
#define READ_STEP     4096

/* Which step of the child failed, sent through the pipe. */
struct child_failure {
    int sys;
    enum { CHILD_FILES, CHILD_DIR, CHILD_EXEC } at;
};

static bool is_same_name(const char *line, const char *other)
{
    size_t len = (size_t)(strchrnul(line, '=') - line);
    return strncmp(line, other, len) == 0 && other[len] == '=';
}

/* Our environment with the lines of `extra` in it. */
static char **merge_env(struct arena *a, const char *const *extra)
{
    size_t ours = 0, added = 0, count = 0;

    while (environ[ours])
        ours++;
    while (extra && extra[added])
        added++;
    char **all = arena_array(a, ours + added + 1, sizeof(*all));
    for (size_t i = 0; i < ours; i++) {
        bool is_replaced = false;
        for (size_t j = 0; j < added && !is_replaced; j++)
            is_replaced = is_same_name(extra[j], environ[i]);
        if (!is_replaced)
            all[count++] = environ[i];
    }
    for (size_t j = 0; j < added; j++)
        all[count++] = arena_strdup(a, extra[j]);
    return all;
}

/* From here on in the child. */

__attribute__((noreturn)) static void child_fails(int pipe_fd, int at)
{
    struct child_failure failure = {errno, at};
    ssize_t done = write(pipe_fd, &failure, sizeof(failure));
    _exit(done == (ssize_t)sizeof(failure) ? 127 : 126);
}

static void child_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        sigaction(s, &standard, NULL); /* fails for SIGKILL and SIGSTOP, which is fine */
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* Parks what is handed down above all numbers in use, hides everything else, then puts it in place.
 */
static bool child_files(const struct proc_spec *spec, int *pipe_fd)
{
    *pipe_fd = fcntl(*pipe_fd, F_DUPFD_CLOEXEC, PARKED_FD);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (*pipe_fd < 0 || null_fd < 0)
        return false;

    int parked[MAX_FDS];
    for (size_t i = 0; i < spec->fd_count; i++)
        if ((parked[i] = fcntl(spec->fds[i].ours, F_DUPFD_CLOEXEC, PARKED_FD)) < 0)
            return false;
    if (syscall(SYS_close_range, FIRST_FREE_FD, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return false;
    for (int fd = 0; spec->is_quiet && fd < FIRST_FREE_FD; fd++)
        if (dup2(null_fd, fd) < 0)
            return false;
    for (size_t i = 0; i < spec->fd_count; i++)
        if (dup2(parked[i], spec->fds[i].theirs) < 0)
            return false;
    return true;
}

static void child_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

__attribute__((noreturn)) static void child_run(const struct proc_spec *spec, const char *program,
                                                char **env, int pipe_fd, pid_t parent)
{
    if (spec->death_signal) {
        prctl(PR_SET_PDEATHSIG, spec->death_signal);
        if (getppid() != parent) /* it ended before the line above */
            _exit(126);
    }
    if (spec->is_own_session)
        setsid();
    if (spec->has_all_files)
        child_limits();
    child_signals();
    if (!child_files(spec, &pipe_fd))
        child_fails(pipe_fd, CHILD_FILES);
    if (spec->dir && chdir(spec->dir) != 0)
        child_fails(pipe_fd, CHILD_DIR);
    execve(program, (char *const *)spec->argv, env);
    child_fails(pipe_fd, CHILD_EXEC);
}

/* From here on in the parent. */

static struct err spawn_error(struct arena *a, const struct proc_spec *spec,
                              struct child_failure failure)
{
    const char *why = NULL;

    switch (failure.at) {
    case CHILD_FILES: why = arena_printf(a, "cannot hand descriptors to %s", spec->argv[0]); break;
    case CHILD_DIR: why = arena_printf(a, "cannot enter the folder %s", spec->dir); break;
    case CHILD_EXEC: why = arena_printf(a, "cannot run %s", spec->argv[0]); break;
    }
    return (struct err){failure.sys == ENOENT ? ERR_NOT_FOUND : ERR_IO, failure.sys, why};
}

/* fork with all signals held back, so that no handler of ours ever runs in the child. */
static pid_t fork_quietly(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid != 0)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* Waits until the child runs its program or said why it cannot. */
static struct err await_exec(struct arena *a, const struct proc_spec *spec, int fd)
{
    struct child_failure failure;
    ssize_t got;

    do
        got = read(fd, &failure, sizeof(failure));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(failure) ? spawn_error(a, spec, failure) : OK;
}

/* The program's path, which must not depend on the folder that the child enters. */
static struct err find_program(struct arena *a, const struct proc_spec *spec, const char **out)
{
    TRY(fs_find_program(a, spec->argv[0], out));
    return **out == '/' ? OK : fs_absolute(a, *out, out);
}

struct err proc_spawn(struct arena *a, const struct proc_spec *spec, struct proc *out)
{
    const char *program;
    int ends[2];

    check(spec->fd_count <= MAX_FDS);
    struct err e = find_program(a, spec, &program);
    if (err_failed(e))
        return err_format(a, e.code, "cannot run %s: no such program", spec->argv[0]);
    char **env = merge_env(a, spec->env);
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(errno, "cannot make a pipe");
    pid_t pid = fork_quietly();
    if (pid == 0)
        child_run(spec, program, env, ends[1], parent);
    int sys = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_sys(sys, "cannot make a process");
    }

    struct proc child = {pid, (int)syscall(SYS_pidfd_open, pid, 0)};
    e = child.pidfd < 0 ? err_sys(errno, "cannot watch the process") : await_exec(a, spec, ends[0]);
    close(ends[0]);
    if (err_failed(e)) {
        kill(pid, SIGKILL); /* not reaped yet, so the number is still its own */
        waitpid(pid, NULL, 0);
        proc_fini(&child);
        return e;
    }
    *out = child;
    return OK;
}

char *proc_exit_text(struct arena *a, struct proc_exit exit)
{
    if (!exit.is_signal)
        return arena_printf(a, "exit status %d", exit.number);
    const char *name = sigdescr_np(exit.number);
    return arena_printf(a, "signal %d (%s)", exit.number, name ? name : "unknown");
}

/* What is left of a wait that began at `start_ms`; -1 for ever. */
static int left_ms(int64_t start_ms, int timeout_ms)
{
    if (timeout_ms < 0)
        return -1;
    int64_t left = start_ms + timeout_ms - clock_boot_ms(&clock_system);
    return left > 0 ? (int)left : 0;
}

struct err proc_wait(struct proc *p, int timeout_ms, struct proc_exit *out)
{
    struct pollfd watched = {.fd = p->pidfd, .events = POLLIN};
    int64_t start_ms = clock_boot_ms(&clock_system);
    siginfo_t info = {0};
    int ready;

    do
        ready = poll(&watched, 1, left_ms(start_ms, timeout_ms));
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return err_make(ERR_TIMEOUT, "the process still runs");
    if (ready < 0 || waitid((idtype_t)P_PIDFD, (id_t)p->pidfd, &info, WEXITED) != 0)
        return err_sys(errno, "cannot wait for the process");
    *out = (struct proc_exit){info.si_code != CLD_EXITED, info.si_status};
    p->pid = 0;
    return OK;
}

struct err proc_signal(const struct proc *p, int signal)
{
    if (p->pidfd >= 0 && syscall(SYS_pidfd_send_signal, p->pidfd, signal, NULL, 0) == 0)
        return OK;
    if (p->pidfd < 0 || errno == ESRCH)
        return err_make(ERR_NOT_FOUND, "the process has ended");
    return err_sys(errno, "cannot signal the process");
}

void proc_fini(struct proc *p)
{
    if (!p)
        return;
    if (p->pidfd > 0) /* 0: a zeroed object; standard input is never a pidfd of ours */
        close(p->pidfd);
    *p = PROC_NONE;
}

void proc_kill(struct proc *p)
{
    struct proc_exit exit;

    if (p->pid > 0) {
        err_ignore(proc_signal(p, SIGKILL), "it may have ended by itself");
        err_ignore(proc_wait(p, -1, &exit), "nobody asks how it ended");
    }
    proc_fini(p);
}

/* Reads until the other side closes. */
static struct err read_output(int fd, int timeout_ms, size_t max_bytes, struct buf *out)
{
    int64_t start_ms = clock_boot_ms(&clock_system);
    size_t before = out->len;

    for (;;) {
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        int ready = poll(&watched, 1, left_ms(start_ms, timeout_ms));
        if (ready == 0)
            return err_make(ERR_TIMEOUT, "the program did not end in time");
        ssize_t got = ready < 0 ? -1 : read(fd, buf_reserve(out, READ_STEP), READ_STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(errno, "cannot read what the program says");
        if (got == 0)
            return OK;
        out->len += (size_t)got;
        if (out->len - before > max_bytes)
            return err_make(ERR_LIMIT, "the program says too much");
    }
}

struct err proc_run(struct arena *a, const char *const *argv, int timeout_ms, size_t max_bytes,
                    struct buf *out, struct proc_exit *out_exit)
{
    scoped(proc_kill) struct proc child = PROC_NONE;
    scoped(fd_close) int read_end = -1;
    scoped(fd_close) int write_end = -1;
    int64_t start_ms = clock_boot_ms(&clock_system);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(errno, "cannot make a pipe");
    read_end = ends[0];
    write_end = ends[1];
    const struct proc_fd fds[] = {
        {write_end, STDOUT_FILENO},
        {write_end, STDERR_FILENO}
    };
    struct proc_spec spec = {.argv = argv, .fds = fds, .fd_count = countof(fds), .is_quiet = true};
    TRY(proc_spawn(a, &spec, &child));
    fd_close(&write_end);
    TRY(read_output(read_end, timeout_ms, max_bytes, out));
    return proc_wait(&child, left_ms(start_ms, timeout_ms), out_exit);
}

void proc_die_with_parent(int signal)
{
    prctl(PR_SET_PDEATHSIG, signal);
}

enum proc_haste proc_hasten(void)
{
    const struct sched_param first = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    const struct sched_param as_all = {0};

    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first) == 0)
        return PROC_REAL_TIME;
    if (setpriority(PRIO_PROCESS, 0, HASTY_NICENESS) != 0)
        return PROC_AS_ALL;
    if (sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &as_all) == 0)
        return PROC_NICER;
    (void)setpriority(PRIO_PROCESS, 0, 0); /* else children would have it, too */
    return PROC_AS_ALL;
}

void proc_limit_capabilities(bool needs)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (!needs && geteuid() != 0)
        syscall(SYS_capset, &head, none);
}

const char *proc_haste_name(enum proc_haste haste)
{
    static const char *const names[] = {
        [PROC_AS_ALL] = "as all others",
        [PROC_NICER] = "niceness below zero",
        [PROC_REAL_TIME] = "real-time",
    };
    return names[haste];
}

struct err proc_boot_id(struct arena *a, const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    TRY(fs_read_all("/proc/sys/kernel/random/boot_id", BOOT_ID_BYTES, &text));
    *out = str_dup(a, str_trim(buf_str(&text)));
    return OK;
}
