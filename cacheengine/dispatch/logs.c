/* Log files. The one idea: a new file is open before the old one is let go of. */
#include "cacheengine/dispatch/logs.h"

#include "base/command.h"
#include "base/jsonline.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define GATHER_BYTES  (32 * 1024)
#define DROP_BYTES    (256 * 1024)
#define COMMAND_BYTES 64

/* ---- opening ---- */

/* Non-blocking matters where the file is a pipe. */
static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
}

static struct err refused(struct arena *a, const char *path, int error)
{
    return err_format(a, ERR_IO, "Can't open the log file '%s': %s", path, strerror(error));
}

static void take_over(struct engine *e)
{
    static const enum log_level levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO,
                                            LOG_LEVEL_WARN, LOG_LEVEL_ERROR};
    const struct settings *s = &e->settings;
    struct logs *logs = &e->logs;
    size_t count = 0;

    memset(logs->always, 0, sizeof(logs->always));
    if (*s->log_cluster)
        logs->always[count++] = f_str("CacheClusterId", s->log_cluster);
    if (*s->log_node)
        logs->always[count++] = f_str("CacheNodeId", s->log_node);
    log_setup("larder-engine", levels[s->log_level]);
    log_shape(s->log_format ? LOG_JSON : LOG_TEXT, count ? logs->always : NULL);
}

struct err logs_open(struct engine *e, struct arena *a)
{
    const struct settings *s = &e->settings;
    int engine_fd = -1, slow_fd = -1;

    if (*s->log_file && (engine_fd = open_file(s->log_file)) < 0)
        return refused(a, s->log_file, errno);
    if (*s->slowlog_file && (slow_fd = open_file(s->slowlog_file)) < 0) {
        struct err failed = refused(a, s->slowlog_file, errno);

        if (engine_fd >= 0)
            close(engine_fd);
        return failed;
    }
    if (engine_fd >= 0) {
        (void)dup3(engine_fd, STDERR_FILENO, 0);
        close(engine_fd);
    }
    logs_close(e); /* what was gathered belongs to the old file */
    e->logs.is_open = true;
    e->logs.slow_fd = slow_fd;
    take_over(e);
    return OK;
}

void logs_close(struct engine *e)
{
    struct logs *logs = &e->logs;

    if (logs->is_open) {
        logs_flush(e);
        if (logs->slow_fd >= 0)
            close(logs->slow_fd);
        log_shape(LOG_TEXT, NULL);
    }
    buf_fini(&logs->slow);
    logs->is_open = false;
    logs->slow_fd = -1;
}

/* ---- the slow log ---- */

/* The command alone: its arguments may be anybody's data. */
static void put_command(const struct cmd_call *c, struct buf *out)
{
    struct str name = c->argv[0];
    uint32_t more = c->argc - 1;

    buf_add(out, name.ptr, name.len < COMMAND_BYTES ? name.len : COMMAND_BYTES);
    /* Of a container, which of its commands it was. */
    if (strchr(c->cmd->name, '|') && more > 0) {
        buf_putc(out, ' ');
        buf_add(out, c->argv[1].ptr,
                c->argv[1].len < COMMAND_BYTES ? c->argv[1].len : COMMAND_BYTES);
        more--;
    }
    if (more > 0)
        buf_printf(out, " ... (%u more arguments)", more);
}

static void put_json(const struct engine *e, struct buf *out, int64_t id, int64_t us,
                     struct str command, const char *peer, const char *name)
{
    buf_putc(out, '{');
    for (const struct log_field *f = e->logs.always; f->kind != LOG_FIELD_NONE; f++) {
        buf_printf(out, "\"%s\":", f->key);
        jsonline_put_text(out, str_of(f->text));
        buf_putc(out, ',');
    }
    buf_printf(out,
               "\"Id\":%lld,\"Timestamp\":%lld,\"Duration (us)\":%lld,\"Command\":", (long long)id,
               (long long)(e->keyspace.now_ms / 1000), (long long)us);
    jsonline_put_text(out, command);
    buf_puts(out, ",\"ClientAddress\":");
    jsonline_put_text(out, str_of(peer));
    buf_puts(out, ",\"ClientName\":");
    jsonline_put_text(out, str_of(name));
    buf_puts(out, "}\n");
}

/* A value of a comma list, on its line. */
static void put_column(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        buf_putc(out, c < ' ' || c == 127 || c == ',' ? '?' : (char)c);
    }
}

static void put_text(const struct engine *e, struct buf *out, int64_t us, struct str command,
                     const char *peer, const char *name)
{
    put_column(out, str_of(e->settings.log_cluster));
    buf_putc(out, ',');
    put_column(out, str_of(e->settings.log_node));
    buf_printf(out, ",%lld,%lld,", (long long)(e->keyspace.now_ms / 1000), (long long)us);
    put_column(out, command);
    buf_printf(out, ",%s,", peer);
    put_column(out, str_of(name));
    buf_putc(out, '\n');
}

void logs_note_slow(struct engine *e, const struct cmd_call *c, int64_t id, int64_t us)
{
    scoped(buf_fini) struct buf command = BUF_EMPTY;
    struct logs *logs = &e->logs;
    const char *name = c->client->name ? c->client->name : "";
    struct client_facts f;

    if (logs->slow_fd < 0 || !logs->is_open)
        return;
    if (logs->slow.len >= DROP_BYTES) {
        logs->slow_dropped++;
        return;
    }
    c->client->host->facts(c->client, &f);
    put_command(c, &command);
    if (e->settings.slowlog_format)
        put_json(e, &logs->slow, id, us, buf_str(&command), f.peer, name);
    else
        put_text(e, &logs->slow, us, buf_str(&command), f.peer, name);
    if (logs->slow.len >= GATHER_BYTES)
        logs_flush(e);
}

/* Whole lines only: a reader never meets the half of one. */
static size_t whole_lines(const struct buf *b, size_t most)
{
    const char *last = b->len <= most ? b->ptr + b->len - 1 : memrchr(b->ptr, '\n', most);

    return last ? (size_t)(last - b->ptr) + 1 : 0;
}

void logs_flush(struct engine *e)
{
    struct logs *logs = &e->logs;

    while (logs->slow.len > 0 && logs->slow_fd >= 0) {
        /* A pipe takes so much as one or not at all. */
        size_t len = whole_lines(&logs->slow, PIPE_BUF);
        ssize_t sent = write(logs->slow_fd, logs->slow.ptr, len);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            break; /* kept for the next time, until it is too much */
        buf_consume(&logs->slow, (size_t)sent);
    }
}

/* ---- amid a crash ---- */

static size_t put_name(char *out, size_t at, size_t max, const char *name)
{
    while (*name && at < max)
        out[at++] = *name++;
    return at;
}

static size_t put_id(char *out, size_t at, size_t max, uint64_t v)
{
    char digits[24];
    size_t first = sizeof(digits) - 1;

    digits[first] = 0;
    do
        digits[--first] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    return put_name(out, at, max, digits + first);
}

size_t logs_describe_running(void *engine, char *out, size_t max)
{
    const struct engine *e = engine;
    const struct client *c = e->running;
    size_t at = 0;

    if (!c)
        return put_name(out, 0, max, "no command");
    at = put_name(out, at, max, "client ");
    at = put_id(out, at, max, c->id);
    at = put_name(out, at, max, c->last_cmd ? ": " : ": no command");
    at = put_name(out, at, max, c->last_cmd ? c->last_cmd->name : "");
    for (const struct queued_call *q = c->transaction ? c->transaction->head : NULL; q;
         q = q->next) {
        at = put_name(out, at, max, " ");
        at = put_name(out, at, max, q->cmd->name);
    }
    return at;
}
