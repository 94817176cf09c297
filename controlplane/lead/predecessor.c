/* Signals go through a descriptor of the process, whose name is compared once that is open. */
#include "controlplane/lead/predecessor.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/proc.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAT_MAX_BYTES 4096
#define START_FIELD    20 /* of /proc/PID/stat, counted behind the program's name */

/* The program's name may have anything in it, but ends at the last parenthesis. */
static struct str start_time(struct str stat)
{
    const char *end = memrchr(stat.ptr, ')', stat.len);
    struct str rest = STR("");

    if (end)
        rest = (struct str){end + 1, stat.len - (size_t)(end + 1 - stat.ptr)};
    rest = str_trim(rest);
    for (int i = 1; i < START_FIELD; i++)
        str_cut(&rest, ' ');
    return str_cut(&rest, ' ');
}

/* The boot, and the space of numbers. */
static struct err where(struct arena *a, const char **out)
{
    char space[PATH_MAX];
    const char *boot_id;

    TRY(proc_boot_id(a, &boot_id));
    ssize_t len = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
    if (len < 0)
        return err_sys(errno, "cannot tell the space of process numbers");
    space[len] = '\0';
    *out = arena_printf(a, "%s %s", boot_id, space);
    return OK;
}

struct err predecessor_name(struct arena *a, pid_t pid, const char **out)
{
    scoped(buf_fini) struct buf stat = BUF_EMPTY;
    const char *here;

    TRY(where(a, &here));
    TRY(fs_read_all(arena_printf(a, "/proc/%d/stat", (int)pid), STAT_MAX_BYTES, &stat));
    const char *started = str_dup(a, start_time(buf_str(&stat)));
    if (*started == '\0')
        return err_make(ERR_INTERNAL, "cannot tell when a process was started");
    *out = arena_printf(a, "%d %s %s", (int)pid, started, here);
    return OK;
}

static bool pid_of(const char *name, pid_t *out)
{
    struct str rest = str_of(name);
    int64_t pid;

    if (!str_to_i64(str_cut(&rest, ' '), &pid) || pid <= 1 || pid > INT_MAX || pid == getpid())
        return false;
    *out = (pid_t)pid;
    return true;
}

/* A number that is used again has another start time. */
bool predecessor_is_gone(struct arena *a, const char *name)
{
    const char *here, *now;
    pid_t pid;

    if (!pid_of(name, &pid) || err_failed(where(a, &here)) || !str_ends(str_of(name), here))
        return false;
    struct err e = predecessor_name(a, pid, &now);
    return err_is(e, ERR_NOT_FOUND) || (!err_failed(e) && strcmp(now, name) != 0);
}

static struct err kill_named(struct arena *a, pid_t pid, int pidfd, const char *name)
{
    const char *now;

    TRY(predecessor_name(a, pid, &now));
    if (strcmp(now, name) != 0)
        return err_make(ERR_NOT_FOUND, "the process is not the one of that name");
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
        return OK;
    return errno == EPERM ? err_make(ERR_DENIED, "the process is another user's")
                          : err_sys(errno, "the process cannot be ended");
}

struct err predecessor_end(struct arena *a, const char *name)
{
    scoped(fd_close) int pidfd = -1;
    pid_t pid;

    if (!pid_of(name, &pid))
        return err_make(ERR_NOT_FOUND, "there is no such process");
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return err_make(ERR_NOT_FOUND, "there is no such process");
    return kill_named(a, pid, pidfd, name);
}
