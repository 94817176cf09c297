/* Keeping one program running. Its log is a file that outlives it, so that its last words can be
 * told. */
#include "cli/up/child.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/up/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_MAX_BYTES = 16 << 20, /* a larger log is put aside at the next start */
    LINE_MAX_BYTES = 4096,
    WORDS_MAX_BYTES = 8192,
    FIRST_PAUSE_MS = 100,
    LONGEST_PAUSE_MS = 5000,
    LOCK_FD_IN_CHILD = 3,
};

void child_init(struct child *c, const struct up_child *plan, int lock_fd)
{
    *c = (struct child){
        .plan = plan, .argv = plan->argv, .lock_fd = lock_fd, .proc = PROC_NONE, .out_fd = -1};
}

void child_fini(struct child *c)
{
    if (child_is_running(c))
        proc_kill(&c->proc);
    fd_close(&c->out_fd);
    buf_fini(&c->out);
}

bool child_is_running(const struct child *c)
{
    return c->proc.pid != 0;
}

static struct err open_log(struct arena *a, struct child *c, int *out_fd)
{
    const char *path = c->plan->log_path;
    struct stat st;

    if (stat(path, &st) == 0 && st.st_size > LOG_MAX_BYTES)
        (void)rename(path,
                     arena_printf(a, "%s.1", path)); /* else it grows on: better than no start */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return err_sys(errno, arena_printf(a, "cannot write the log %s", path));
    c->log_start = fstat(fd, &st) == 0 ? st.st_size : 0;
    *out_fd = fd;
    return OK;
}

struct err child_start(struct arena *a, struct child *c)
{
    scoped(fd_close) int log_fd = -1, in_fd = -1;
    int pipe_fds[2];

    TRY(open_log(a, c, &log_fd));
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_sys(errno, "cannot make a pipe");
    fd_close(&c->out_fd);
    buf_clear(&c->out);
    c->out_fd = pipe_fds[0];
    in_fd = pipe_fds[1];
    c->was_ready = false;

    const struct proc_fd fds[] = {
        {in_fd,      STDOUT_FILENO   },
        {log_fd,     STDERR_FILENO   },
        {c->lock_fd, LOCK_FD_IN_CHILD},
    };
    /* A session of its own: Ctrl-C in the terminal is for `larder up` alone, which ends the others
     * in order. */
    const struct proc_spec spec = {
        .argv = c->argv,
        .fds = fds,
        .fd_count = countof(fds),
        .is_quiet = true,
        .is_own_session = true,
        .death_signal = SIGTERM,
    };
    return proc_spawn(a, &spec, &c->proc);
}

static void read_out(struct child *c)
{
    while (c->out_fd >= 0 && c->out.len < LINE_MAX_BYTES) {
        ssize_t got = read(c->out_fd, buf_reserve(&c->out, LINE_MAX_BYTES), LINE_MAX_BYTES);
        if (got > 0)
            c->out.len += (size_t)got;
        else if (got == 0)
            fd_close(&c->out_fd);
        else if (errno != EINTR)
            return;
    }
}

bool child_read_line(struct arena *a, struct child *c, const char **out)
{
    read_out(c);
    struct str rest = buf_str(&c->out);
    const size_t end = str_find(rest, '\n');
    if (end == SIZE_MAX) {
        if (c->out.len >= LINE_MAX_BYTES)
            buf_clear(&c->out); /* no line of ours is that long */
        return false;
    }
    *out = str_dup(a, str_cut(&rest, '\n'));
    buf_consume(&c->out, end + 1);
    return true;
}

void child_note_ready(struct child *c)
{
    c->was_ready = true;
    c->failures = 0;
}

bool child_reap(struct child *c, int64_t now_ms, struct proc_exit *out)
{
    if (err_failed(proc_wait(&c->proc, 0, out)))
        return false;
    proc_fini(&c->proc);
    c->proc = PROC_NONE;
    int64_t pause = 0;
    if (!c->was_ready) {
        const int doublings = c->failures < 10 ? c->failures : 10;
        pause = (int64_t)FIRST_PAUSE_MS << doublings;
        c->failures++;
    }
    c->restart_at_ms = now_ms + (pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
    return true;
}

/* The last line that is not empty. */
static struct str last_line(struct str text)
{
    struct str last = {0};

    while (text.len > 0) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (line.len > 0)
            last = line;
    }
    return last;
}

const char *child_last_words(struct arena *a, const struct child *c)
{
    char bytes[WORDS_MAX_BYTES];
    scoped(fd_close) int fd = open(c->plan->log_path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    struct stat st;
    int64_t from = c->log_start;
    if (fstat(fd, &st) == 0 && st.st_size - from > WORDS_MAX_BYTES)
        from = st.st_size - WORDS_MAX_BYTES;
    ssize_t got = pread(fd, bytes, sizeof(bytes), from);
    if (got <= 0)
        return NULL;
    struct str line = last_line((struct str){bytes, (size_t)got});
    return line.len > 0 ? str_dup(a, line) : NULL;
}
