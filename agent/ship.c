/*
 * Once a second each log of a running node is looked at: what was written since is cut at its last
 * line, put in the form that is wanted, and sent. Where sending got to is kept in a file beside the
 * log, by the inode, so that a log that was turned over is read to its end first.
 *
 * The engine never waits for a destination: it writes to its file, whose front is given back to the
 * disk as it is sent, and of whose backlog the oldest part is given up beyond a limit.
 */
#include "agent/ship.h"

#include "agent/drivers/driver.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "contract/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEAT_MS         1000
#define RETRY_MS        5000
#define TIMEOUT_MS      10000
#define BATCH_BYTES     (256U << 10)
#define BEAT_BATCHES    8          /* at most, for one log */
#define GIVE_BACK_BYTES (1 << 20)  /* of the front of a log, at a time */
#define BACKLOG_BYTES   (16 << 20) /* beyond that the oldest lines are given up... */
#define KEPT_BYTES      (1 << 20)  /* ...down to this */
#define FILE_MAX_BYTES  (64 << 20) /* a destination file is turned over then */
#define LOG_COUNT       2
#define LINE_DEPTH      4
#define WHY_BYTES       200
#define STATE_BYTES     64

static const struct {
    const char *type, *file, *turned; /* of the node's folder; `turned` NULL: it grows */
} sources[LOG_COUNT] = {
    {"engine-log", "engine.log",    "engine.log.1"},
    {"slow-log",   DRIVER_SLOW_LOG, NULL          },
};

/* One log of one node. */
struct shipment {
    struct shipper *shipper;
    int source;                     /* in sources[] */
    bool is_begun;                  /* where it got to was read */
    uint64_t inode;                 /* of the file that is being read; 0: none was there yet */
    int64_t offset;                 /* up to which all is sent */
    int64_t next;                   /* up to which the batch under way reaches */
    int64_t retry_ms;               /* boot time before which nothing is sent */
    struct http_exchange *exchange; /* NULL when none is under way */
    char why[WHY_BYTES];
};

struct shipper {
    struct ship *ship;
    struct node *node;
    struct shipment logs[LOG_COUNT];
    struct agent_node_log_error_list errors;
    struct agent_node_log_error items[LOG_COUNT];
};

struct ship {
    struct ship_conf conf;
    struct http_loop *http;
    struct loop_watch watch;
    struct loop_timer beat;
};

static int64_t now_ms(const struct shipment *s)
{
    return loop_now_ms(s->shipper->ship->conf.loop);
}

/* What of the node's goal is this log; NULL when it is not to be sent. */
static const struct agent_node_log *wanted(const struct node *n, int source)
{
    for (size_t i = 0; n->goal && i < n->goal->logs.count; i++)
        if (strcmp(n->goal->logs.items[i].log_type, sources[source].type) == 0)
            return &n->goal->logs.items[i];
    return NULL;
}

/* What is told. */

static void tell(struct shipment *s, const char *why)
{
    struct shipper *p = s->shipper;

    if (strcmp(s->why, why) == 0)
        return;
    snprintf(s->why, sizeof(s->why), "%s", why);
    p->errors = (struct agent_node_log_error_list){.has = true, .items = p->items};
    for (int i = 0; i < LOG_COUNT; i++)
        if (p->logs[i].why[0])
            p->items[p->errors.count++] =
                (struct agent_node_log_error){sources[i].type, p->logs[i].why};
    p->node->log_errors = &p->errors;
    p->ship->conf.on_news(p->ship->conf.context, p->node);
}

/* Where it got to. */

static const char *state_path(struct arena *a, const struct shipment *s)
{
    return arena_printf(a, "%s/ship-%s", s->shipper->node->dir, sources[s->source].type);
}

static const char *log_path(struct arena *a, const struct shipment *s, const char *file)
{
    return fs_join(a, s->shipper->node->dir, file);
}

static void save(const struct shipment *s)
{
    scoped(arena_fini) struct arena a = {0};
    const char *text =
        arena_printf(&a, "%llu %lld\n", (unsigned long long)s->inode, (long long)s->offset);

    err_ignore(fs_write_atomic(state_path(&a, s), str_of(text), 0600, FS_NO_SYNC),
               "lines come twice then");
}

static bool load(struct shipment *s)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (err_failed(fs_read_all(state_path(&a, s), STATE_BYTES, &text)))
        return false;
    struct str rest = str_trim(buf_str(&text));
    return str_to_u64(str_cut(&rest, ' '), &s->inode) && str_to_i64(rest, &s->offset) &&
           s->offset >= 0;
}

static bool look_at(const struct shipment *s, const char *file, struct stat *out)
{
    scoped(arena_fini) struct arena a = {0};

    return file && stat(log_path(&a, s, file), out) == 0;
}

/* Without a word of where it got to, all is new: the slow log is written only while it is wanted,
 * and of the engine's log what was written before is not JSON. */
static void begin(struct shipment *s)
{
    s->is_begun = true;
    if (!load(s)) {
        s->inode = 0;
        s->offset = 0;
    }
}

/* What is written from now on until somebody asks for it again is not to be sent then. */
static void end(struct shipment *s)
{
    struct stat st;

    http_cancel(s->exchange);
    s->exchange = NULL;
    s->is_begun = false;
    if (look_at(s, sources[s->source].file, &st)) {
        s->inode = st.st_ino;
        s->offset = st.st_size;
        save(s);
    }
    tell(s, "");
}

/* The file to read from: the one that was read last, unless it is at its end and another one is
 * there. NULL when there is none. */
static const char *current_file(struct shipment *s, struct stat *out)
{
    const char *file = sources[s->source].file, *turned = sources[s->source].turned;

    if (look_at(s, file, out) && out->st_ino == s->inode)
        return file;
    if (s->inode && look_at(s, turned, out) && out->st_ino == s->inode && s->offset < out->st_size)
        return turned;
    if (!look_at(s, file, out))
        return NULL;
    s->inode = out->st_ino;
    s->offset = 0;
    return file;
}

/* Reading. */

/* Gives the front of a log that only grows back to the disk. */
static void give_back(const struct shipment *s)
{
    scoped(arena_fini) struct arena a = {0};

    if (sources[s->source].turned || s->offset < GIVE_BACK_BYTES)
        return;
    int fd = open(log_path(&a, s, sources[s->source].file), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    /* A file system that cannot keeps the log until the node goes. */
    (void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                     s->offset / GIVE_BACK_BYTES * GIVE_BACK_BYTES);
    close(fd);
}

static void give_up_oldest(struct shipment *s, int64_t size)
{
    if (size - s->offset <= BACKLOG_BYTES)
        return;
    log_warn("lines of a log are given up: its destination is out of reach",
             f_int("node", s->shipper->node->id), f_str("log", sources[s->source].type),
             f_int("bytes", size - KEPT_BYTES - s->offset));
    s->offset = size - KEPT_BYTES;
}

/* The whole lines behind the offset, as far as they fit. */
static bool read_lines(struct shipment *s, const char *file, struct buf *out)
{
    scoped(arena_fini) struct arena a = {0};
    int fd = open(log_path(&a, s, file), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t got = pread(fd, buf_reserve(out, BATCH_BYTES), BATCH_BYTES, s->offset);
    close(fd);
    if (got <= 0)
        return false;
    const char *last = memrchr(out->ptr, '\n', (size_t)got);
    if (!last && got < (ssize_t)BATCH_BYTES)
        return false; /* the line is not whole yet */
    out->len = last ? (size_t)(last + 1 - out->ptr) : (size_t)got;
    s->next = s->offset + (int64_t)out->len;
    return true;
}

/* The form that is wanted. */

static char role_letter(const struct node *n)
{
    return n->role == NODE_ROLE_REPLICA ? 'S' : 'M';
}

static char level_mark(const char *level)
{
    static const struct {
        const char *level;
        char mark;
    } marks[] = {
        {"WARNING", '#'},
        {"NOTICE",  '*'},
        {"VERBOSE", '-'},
    };

    for (size_t i = 0; level && i < countof(marks); i++)
        if (strcmp(level, marks[i].level) == 0)
            return marks[i].mark;
    return '.';
}

static void put_text(const struct node *n, const struct json *line, struct buf *out)
{
    const char *at = json_get_text(line, "Time"), *message = json_get_text(line, "Message");

    buf_printf(out, "%s/%s:%c %s %c %s\n", n->goal->cluster ? n->goal->cluster : "",
               n->goal->cache_node_id ? n->goal->cache_node_id : "", role_letter(n), at ? at : "",
               level_mark(json_get_text(line, "LogLevel")), message ? message : "");
}

static void put_json(const struct node *n, const struct json *line, struct buf *out)
{
    const char role[] = {role_letter(n), '\0'};
    struct json_writer w = JSON_WRITER(out);

    json_begin_object(&w);
    for (size_t i = 0; i < line->count; i++) {
        if (strcmp(line->items[i].name, "Time") == 0)
            json_name_text(&w, "Role", role);
        json_name(&w, line->items[i].name);
        json_value(&w, &line->items[i]);
    }
    json_end_object(&w);
    buf_putc(out, '\n');
}

/* The engine's log is always written as JSON while it is sent; what else is in it is of the start,
 * or another program's. */
static void put_engine_lines(const struct node *n, bool is_text, struct str lines, struct buf *out)
{
    while (lines.len > 0) {
        scoped(arena_fini) struct arena a = {0};
        struct str text = str_cut(&lines, '\n');
        struct json line;
        if (text.len == 0 || text.ptr[0] != '{' ||
            err_failed(json_parse(&a, text, LINE_DEPTH, &line)) || line.kind != JSON_OBJECT)
            continue;
        if (is_text)
            put_text(n, &line, out);
        else
            put_json(n, &line, out);
    }
}

/* Sending. */

static void advance(struct shipment *s)
{
    s->offset = s->next;
    save(s);
    give_back(s);
    tell(s, "");
}

static void fail(struct shipment *s, const char *why)
{
    s->retry_ms = now_ms(s) + RETRY_MS;
    tell(s, why);
}

static struct err append(struct arena *a, const char *path, struct str lines)
{
    struct stat st;
    char *dir = arena_strdup(a, path);

    *strrchr(dir, '/') = '\0';
    TRY(fs_make_dirs(dir, 0750));
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return err_sys(errno, "the destination cannot be opened");
    ssize_t wrote = write(fd, lines.ptr, lines.len);
    int failure = wrote < 0 ? errno : ENOSPC;
    bool is_full = fstat(fd, &st) == 0 && st.st_size > FILE_MAX_BYTES;
    close(fd);
    if (wrote != (ssize_t)lines.len)
        return err_sys(failure, "the destination cannot be written");
    if (is_full)
        (void)rename(path, arena_printf(a, "%s.1", path));
    return OK;
}

static void to_file(struct shipment *s, const char *url, struct str lines)
{
    scoped(arena_fini) struct arena a = {0};
    struct err e = append(&a, url + strlen("file:"), lines);

    if (err_failed(e))
        fail(s, err_text(&a, e));
    else
        advance(s);
}

static void on_posted(void *context, struct err e, const struct http_response *r)
{
    struct shipment *s = context;
    scoped(arena_fini) struct arena a = {0};

    s->exchange = NULL;
    if (err_failed(e))
        fail(s, err_text(&a, e));
    else if (r->status < 200 || r->status > 299)
        fail(s, arena_printf(&a, "the destination answers with status %d", r->status));
    else
        advance(s);
}

static void to_webhook(struct shipment *s, const struct agent_node_log *log, struct str lines)
{
    scoped(arena_fini) struct arena a = {0};
    const struct agent_node_goal *goal = s->shipper->node->goal;
    bool is_text = strcmp(log->format, "text") == 0;
    const char *const headers[] = {
        is_text ? "Content-Type: text/plain; charset=utf-8" : "Content-Type: application/x-ndjson",
        arena_printf(&a, "X-Log-Type: %s", log->log_type),
        arena_printf(&a, "X-Cache-Cluster-Id: %s", goal->cluster ? goal->cluster : ""),
        arena_printf(&a, "X-Cache-Node-Id: %s", goal->cache_node_id ? goal->cache_node_id : ""),
    };
    const struct http_request request = {
        .method = "POST",
        .url = log->url,
        .headers = headers,
        .header_count = countof(headers),
        .body = lines,
        .timeout_ms = TIMEOUT_MS,
    };

    s->exchange = http_start(s->shipper->ship->http, &request, on_posted, s);
}

static void send_lines(struct shipment *s, const struct agent_node_log *log, struct str raw)
{
    scoped(buf_fini) struct buf formed = BUF_EMPTY;
    struct str lines = raw;

    if (strcmp(log->log_type, "engine-log") == 0) {
        put_engine_lines(s->shipper->node, strcmp(log->format, "text") == 0, raw, &formed);
        lines = buf_str(&formed);
    }
    if (lines.len == 0)
        advance(s);
    else if (strncmp(log->url, "file:/", strlen("file:/")) == 0)
        to_file(s, log->url, lines);
    else
        to_webhook(s, log, lines);
}

/* Sends one batch on; true when another may follow at once. */
static bool send_batch(struct shipment *s, const struct agent_node_log *log)
{
    scoped(buf_fini) struct buf lines = BUF_EMPTY;
    struct stat st;

    const char *file = now_ms(s) < s->retry_ms ? NULL : current_file(s, &st);
    if (!file)
        return false;
    if (!sources[s->source].turned)
        give_up_oldest(s, st.st_size);
    if (!read_lines(s, file, &lines))
        return false;
    send_lines(s, log, buf_str(&lines));
    return !s->exchange;
}

static void look(struct shipment *s)
{
    const struct agent_node_log *log = wanted(s->shipper->node, s->source);

    if (!log && s->is_begun)
        end(s);
    if (!log || s->exchange)
        return;
    if (!s->is_begun)
        begin(s);
    for (int i = 0; i < BEAT_BATCHES && send_batch(s, log); i++)
        continue;
}

/* Nodes. */

static struct shipper *shipper_of(struct ship *ship, struct node *n)
{
    struct shipper *p = n->shipper;

    if (p)
        return p;
    p = n->shipper = calloc(1, sizeof(*p));
    check(p != NULL);
    p->ship = ship;
    p->node = n;
    for (int i = 0; i < LOG_COUNT; i++)
        p->logs[i] = (struct shipment){.shipper = p, .source = i};
    return p;
}

static void on_beat(void *context)
{
    struct ship *ship = context;

    vec_each(at, ship->conf.nodes) {
        struct node *n = *at;
        bool is_there = n->state == NODE_RUNNING || n->shipper;
        if (!is_there || n->state == NODE_ABSENT || (!n->shipper && n->goal->logs.count == 0))
            continue;
        for (int i = 0; i < LOG_COUNT; i++)
            look(&shipper_of(ship, n)->logs[i]);
    }
    loop_timer_set(ship->conf.loop, &ship->beat, BEAT_MS);
}

void ship_forget(struct node *n)
{
    struct shipper *p = n->shipper;

    for (int i = 0; p && i < LOG_COUNT; i++)
        http_cancel(p->logs[i].exchange);
    free(p);
    n->shipper = NULL;
    n->log_errors = NULL;
}

/* Beginning and end. */

static void on_http(void *context, uint32_t events)
{
    struct ship *ship = context;

    (void)events;
    http_loop_run(ship->http);
}

struct err ship_open(const struct ship_conf *conf, struct ship **out)
{
    struct http_loop *http;

    TRY(http_loop_open(&http));
    struct ship *s = calloc(1, sizeof(*s));
    check(s != NULL);
    s->conf = *conf;
    s->http = http;
    s->watch = (struct loop_watch){.on_ready = on_http, .context = s};
    s->beat = (struct loop_timer){.on_due = on_beat, .context = s};
    struct err e = loop_watch(conf->loop, &s->watch, http_loop_fd(http), EPOLLIN);
    if (err_failed(e)) {
        ship_close(s);
        return e;
    }
    loop_timer_set(conf->loop, &s->beat, BEAT_MS);
    *out = s;
    return OK;
}

void ship_close(struct ship *s)
{
    if (!s)
        return;
    loop_unwatch(s->conf.loop, &s->watch);
    loop_timer_stop(s->conf.loop, &s->beat);
    http_loop_close(s->http);
    free(s);
}
