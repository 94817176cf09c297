/*
 * Kind "snapshot": all data of the node as one RDB file, brought to the control plane. The engine
 * gives it as it would to a new replica that wants nothing but the snapshot, so that every kind of
 * engine does it alike, its own files stay as they are and nothing is written on this host. It
 * comes no faster than it goes on: one piece is on its way, one is being filled.
 */
#include "agent/tasks/kind.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/http.h"
#include "base/json.h"
#include "base/net.h"
#include "contract/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES   (512 * 1024)
#define READ_STEP     (64 * 1024)
#define MARK_BYTES    40
#define HEAD_MAX      4096
#define STALL_MS      60000
#define TIMEOUT_MS    60000
#define ANSWER_MAX    (64 << 10)
#define LAST_QUESTION 2 /* answers in front of the snapshot, behind the greeting's */

static const char questions[] = "*3\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n"
                                "*3\r\n$8\r\nREPLCONF\r\n$8\r\nrdb-only\r\n$1\r\n1\r\n";

struct work {
    struct task *task;
    int fd;
    struct loop_watch watch;
    struct loop_timer patience, end;
    struct http_exchange *put;       /* NULL when nothing is on its way */
    struct buf out, in;              /* `in`: the head, then what is to be sent next */
    char wish[DRIVER_COMMAND_BYTES]; /* said once the questions are answered */
    int answers_left;                /* lines in front of the snapshot */
    bool is_streaming, has_ended, is_told;
    char mark[MARK_BYTES];
    bool has_mark;        /* what stands behind a snapshot of unknown length */
    int64_t left;         /* of one of known length */
    int64_t sent, moving; /* bytes that are there; and on their way */
    struct digest_sha256 *digest;
    struct err result;
    char why[NODE_WHY_BYTES];
};

static struct loop *loop_of(struct work *w)
{
    return task_conf(w->task)->loop;
}

/* Ends the task from the loop: sockets and requests are not taken away under their own calls. */
static void end_with(struct work *w, struct err e)
{
    scoped(arena_fini) struct arena a = {0};

    if (w->end.is_on)
        return;
    w->result = e;
    if (err_failed(e)) {
        snprintf(w->why, sizeof(w->why), "%s", err_text(&a, e));
        w->result = (struct err){e.code, 0, w->why};
    }
    loop_unwatch(loop_of(w), &w->watch);
    loop_timer_set(loop_of(w), &w->end, 0);
}

static void on_end(void *context)
{
    struct work *w = context;
    task_end(w->task, w->result);
}

static void on_stall(void *context)
{
    end_with(context, err_make(ERR_TIMEOUT, "the engine gives no snapshot"));
}

/* --- to the control plane --- */

static void send_next(struct work *w);
static void read_on(struct work *w);

static struct err answer_of(struct arena *a, struct err e, const struct http_response *r)
{
    struct json body;

    if (err_failed(e) || r->status == 200)
        return e;
    const char *message =
        err_failed(json_parse(a, r->body, 8, &body)) ? NULL : json_get_text(&body, "Message");
    return err_format(a, ERR_DENIED, "the control plane answers %d: %s", r->status,
                      message ? message : "");
}

static void on_put(void *context, struct err e, const struct http_response *r)
{
    struct work *w = context;
    scoped(arena_fini) struct arena a = {0};

    w->put = NULL;
    e = answer_of(&a, e, r);
    if (err_failed(e)) {
        end_with(w, e);
        return;
    }
    w->sent += w->moving;
    w->moving = 0;
    if (w->is_told)
        end_with(w, OK);
    else
        send_next(w);
    if (!w->end.is_on && !w->has_ended)
        read_on(w);
}

static void put(struct work *w, const char *query, struct str body)
{
    const struct tasks_conf *conf = task_conf(w->task);
    scoped(arena_fini) struct arena a = {0};
    const char *headers[2] = {"Content-Type: application/octet-stream"};
    size_t count = 1;

    if (conf->token)
        headers[count++] = arena_printf(&a, "Authorization: Bearer %s", conf->token);
    const struct http_request request = {
        .method = "PUT",
        .url = arena_printf(&a, "%s/agent/v1/snapshots/%lld?%s", *conf->url,
                            (long long)w->task->goal->task_id.value, query),
        .headers = headers,
        .header_count = count,
        .body = body,
        .timeout_ms = TIMEOUT_MS,
        .max_body_bytes = ANSWER_MAX,
    };
    w->put = http_start(task_http(w->task), &request, on_put, w);
}

static void put_end(struct work *w)
{
    scoped(arena_fini) struct arena a = {0};
    unsigned char digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];

    digest_sha256_end(w->digest, digest);
    digest_hex(digest, sizeof(digest), hex);
    w->is_told = true;
    put(w, arena_printf(&a, "bytes=%lld&sha256=%s", (long long)w->sent, hex), (struct str){0});
}

/* Bytes that are surely of the snapshot, not of the mark behind it. */
static size_t ready_bytes(const struct work *w)
{
    size_t held = w->has_mark && !w->has_ended ? MARK_BYTES : 0;
    return w->in.len > held ? w->in.len - held : 0;
}

static void send_next(struct work *w)
{
    scoped(arena_fini) struct arena a = {0};
    size_t len = ready_bytes(w);

    if (w->put || w->end.is_on || w->is_told)
        return;
    if (w->has_ended && len == 0) {
        put_end(w);
        return;
    }
    if (!w->has_ended && len < PIECE_BYTES)
        return;
    if (len > PIECE_BYTES)
        len = PIECE_BYTES;
    digest_sha256_add(w->digest, w->in.ptr, len);
    w->moving = (int64_t)len;
    put(w, arena_printf(&a, "from=%lld", (long long)w->sent), (struct str){w->in.ptr, len});
    buf_consume(&w->in, len);
}

/* --- from the engine --- */

/* Reads on unless enough waits to be sent. */
static void read_on(struct work *w)
{
    uint32_t events = (w->out.len > 0 ? EPOLLOUT : 0) |
                      (!w->is_streaming || ready_bytes(w) < PIECE_BYTES ? EPOLLIN : 0);

    if (events & EPOLLIN)
        loop_timer_set(loop_of(w), &w->patience, STALL_MS);
    else
        loop_timer_stop(loop_of(w), &w->patience); /* a request has a patience of its own */
    if (err_failed(loop_watch(loop_of(w), &w->watch, w->fd, events)))
        end_with(w, err_make(ERR_IO, "the engine's socket cannot be watched"));
}

static void note_streamed(struct work *w, size_t len)
{
    if (!w->has_mark) {
        w->left -= (int64_t)len;
        w->has_ended = w->left <= 0;
        if (w->left < 0) /* what follows is none of ours */
            w->in.len -= (size_t)-w->left;
        return;
    }
    w->has_ended = w->in.len >= MARK_BYTES &&
                   memcmp(w->in.ptr + w->in.len - MARK_BYTES, w->mark, MARK_BYTES) == 0;
    if (w->has_ended)
        w->in.len -= MARK_BYTES;
}

/* "$12345" or "$EOF:<mark>" */
static struct err begin_stream(struct work *w, struct str head)
{
    struct str mark = {head.ptr + 5, head.len - 5};

    if (str_starts(head, "$EOF:") && mark.len == MARK_BYTES) {
        memcpy(w->mark, mark.ptr, MARK_BYTES);
        w->has_mark = true;
    } else if (head.len < 2 || !str_to_i64((struct str){head.ptr + 1, head.len - 1}, &w->left) ||
               w->left <= 0) {
        return err_make(ERR_INVALID, "the engine answers what nobody understands");
    }
    w->is_streaming = true;
    return OK;
}

/* A line in front of the snapshot. An engine that does not know rdb-only sends its stream behind
 * the snapshot, too, where nobody listens any more. */
static struct err take_line(struct work *w, struct str line)
{
    scoped(arena_fini) struct arena a = {0};

    if (line.len == 0)
        return OK; /* it is busy with it */
    if (line.ptr[0] == '$')
        return begin_stream(w, line);
    bool is_error = line.ptr[0] == '-';
    bool is_fine = !is_error || w->answers_left == 1;
    if (w->answers_left > 0 && is_fine) {
        if (--w->answers_left == 0)
            buf_printf(&w->out, "*1\r\n$%zu\r\n%s\r\n", strlen(w->wish), w->wish);
        return OK;
    }
    struct err e = err_format(&a, ERR_DENIED, "the engine refuses: %.*s", STR_ARG(line));
    end_with(w, e);
    return OK;
}

static void take_head(struct work *w)
{
    struct str rest = buf_str(&w->in);

    while (!w->is_streaming && !w->end.is_on && str_find(rest, '\n') != SIZE_MAX) {
        struct err e = take_line(w, str_trim(str_cut(&rest, '\n')));
        if (err_failed(e))
            end_with(w, e);
    }
    buf_consume(&w->in, w->in.len - rest.len);
    if (!w->is_streaming && w->in.len > HEAD_MAX)
        end_with(w, err_make(ERR_INVALID, "the engine answers what nobody understands"));
}

static void take(struct work *w, size_t len)
{
    if (!w->is_streaming) {
        take_head(w);
        len = w->in.len;
    }
    if (w->end.is_on || !w->is_streaming)
        return;
    note_streamed(w, len);
    send_next(w);
    if (w->has_ended) {
        loop_unwatch(loop_of(w), &w->watch);
        loop_timer_stop(loop_of(w), &w->patience);
    }
}

static bool flush(struct work *w)
{
    while (w->out.len > 0) {
        ssize_t sent = send(w->fd, w->out.ptr, w->out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0)
            return true;
        buf_consume(&w->out, (size_t)sent);
    }
    return true;
}

static void on_ready(void *context, uint32_t events)
{
    struct work *w = context;
    ssize_t got = -1;

    if (!flush(w)) {
        end_with(w, err_make(ERR_UNAVAILABLE, "the engine hung up"));
        return;
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
        got = recv(w->fd, buf_reserve(&w->in, READ_STEP), READ_STEP, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            end_with(w, err_make(ERR_UNAVAILABLE, "the engine hung up amid its snapshot"));
            return;
        }
    }
    if (got > 0) {
        w->in.len += (size_t)got;
        take(w, (size_t)got);
    }
    if (!w->end.is_on && !w->has_ended)
        read_on(w);
}

/* --- beginning and end --- */

static void snapshot_begin(struct task *t)
{
    struct work *w = calloc(1, sizeof(*w));
    struct driver_contact contact;

    check(w != NULL);
    *w = (struct work){
        .task = t,
        .fd = -1,
        .watch = {.on_ready = on_ready, .context = w},
        .patience = {.on_due = on_stall,   .context = w},
        .end = {.on_due = on_end,     .context = w},
        .answers_left = LAST_QUESTION,
        .digest = digest_sha256_new(),
    };
    t->work = w;
    task_driver(t)->contact(task_conf(t)->host, t->node->goal, &contact);
    memcpy(w->wish, contact.sync, sizeof(w->wish));
    if (contact.socket && contact.sync[0])
        w->fd = net_connect_unix_in(t->node->dir, contact.socket);
    if (w->fd < 0) {
        end_with(w, err_make(ERR_UNSUPPORTED, "the engine gives no snapshots"));
        return;
    }
    buf_puts(&w->out, contact.greeting);
    w->answers_left += contact.greeting[0] ? 1 : 0;
    buf_puts(&w->out, questions);
    read_on(w);
}

static void snapshot_drop(struct task *t)
{
    struct work *w = t->work;

    loop_unwatch(loop_of(w), &w->watch);
    loop_timer_stop(loop_of(w), &w->patience);
    loop_timer_stop(loop_of(w), &w->end);
    if (w->put)
        http_cancel(w->put);
    fd_close(&w->fd);
    buf_fini(&w->in);
    buf_fini(&w->out);
    digest_sha256_free(w->digest);
    free(w);
    t->work = NULL;
}

const struct task_kind task_snapshot = {"snapshot", snapshot_begin, snapshot_drop};
