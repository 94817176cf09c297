/* The engine's log: bounded on disk by one turn-over, and one line of memory. */
#include "agent/shim/enginelog.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_file(struct enginelog *log)
{
    struct stat st;

    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log->size_bytes = log->fd >= 0 && fstat(log->fd, &st) == 0 ? st.st_size : 0;
}

void enginelog_open(struct enginelog *log, const char *path)
{
    *log = (struct enginelog){.path = path, .fd = -1};
    open_file(log);
}

void enginelog_close(struct enginelog *log)
{
    if (!log || !log->path)
        return;
    if (log->fd >= 0)
        close(log->fd);
    *log = (struct enginelog){.fd = -1};
}

/* Begins a new file; the old one is kept beside it. */
static void turn_over(struct enginelog *log)
{
    char old[PATH_MAX];

    int len = snprintf(old, sizeof(old), "%s.1", log->path);
    if (len > 0 && (size_t)len < sizeof(old))
        rename(log->path, old);
    close(log->fd);
    open_file(log);
}

static void end_line(struct enginelog *log)
{
    size_t begin = 0;

    while (begin < log->line_len && log->line[begin] == ' ')
        begin++;
    if (begin < log->line_len) {
        memcpy(log->last, log->line + begin, log->line_len - begin);
        log->last[log->line_len - begin] = '\0';
    }
    log->line_len = 0;
}

static void follow_lines(struct enginelog *log, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\n')
            end_line(log);
        else if (log->line_len < sizeof(log->line) - 1)
            log->line[log->line_len++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
    }
}

void enginelog_add(struct enginelog *log, const char *data, size_t len)
{
    follow_lines(log, data, len);
    if (log->fd >= 0 && log->size_bytes + (off_t)len > ENGINELOG_MAX_BYTES)
        turn_over(log);
    else if (log->fd < 0)
        open_file(log);
    if (log->fd < 0)
        return;
    ssize_t done = write(log->fd, data, len); /* a full disk loses lines, not the engine */
    if (done > 0)
        log->size_bytes += done;
}

const char *enginelog_last_line(struct enginelog *log)
{
    end_line(log);
    return log->last;
}
