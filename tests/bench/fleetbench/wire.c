/* Answers of larderd have a length and no encoding: nothing else is read. */
#include "wire.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_STEP 65536

void wire_init(struct wire *w, int epoll_fd, const struct sockaddr_in *server, wire_done_fn done,
               void *context)
{
    *w = (struct wire){
        .epoll_fd = epoll_fd, .fd = -1, .server = server, .done = done, .context = context};
}

static void hang_up(struct wire *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->is_busy = false;
    buf_clear(&w->in);
    buf_clear(&w->out);
    w->sent = 0;
}

void wire_fini(struct wire *w)
{
    hang_up(w);
    buf_fini(&w->in);
    buf_fini(&w->out);
}

static void fail(struct wire *w)
{
    hang_up(w);
    w->done(w, 0, (struct str){"", 0});
}

static void watch(struct wire *w, int op, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = w};

    check(epoll_ctl(w->epoll_fd, op, w->fd, &event) == 0);
}

static bool dial(struct wire *w)
{
    int yes = 1;

    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return false;
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(w->fd, (const struct sockaddr *)w->server, sizeof(*w->server)) != 0 &&
        errno != EINPROGRESS) {
        hang_up(w);
        return false;
    }
    watch(w, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    return true;
}

/* False when the connection broke. */
static bool flush(struct wire *w)
{
    while (w->sent < w->out.len) {
        ssize_t done = send(w->fd, w->out.ptr + w->sent, w->out.len - w->sent, MSG_NOSIGNAL);
        if (done < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            watch(w, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (done < 0)
            return false;
        w->sent += (size_t)done;
    }
    watch(w, EPOLL_CTL_MOD, EPOLLIN);
    return true;
}

void wire_post(struct wire *w, const char *path, struct str body)
{
    bool is_new = w->fd < 0;

    check(!w->is_busy);
    if (is_new && !dial(w)) {
        w->done(w, 0, (struct str){"", 0});
        return;
    }
    w->is_busy = true;
    w->sent = 0;
    buf_clear(&w->out);
    buf_printf(&w->out,
               "POST %s HTTP/1.1\r\nHost: larderd\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               path, body.len);
    buf_add_str(&w->out, body);
    if (!is_new && !flush(w))
        fail(w);
}

/* The head's length and what it says; false while it is not whole. */
static bool read_head(struct str in, size_t *out_head, size_t *out_body, int *out_status)
{
    static const char name[] = "content-length:";
    size_t head = 0;

    for (size_t i = 3; i < in.len && !head; i++)
        if (memcmp(in.ptr + i - 3, "\r\n\r\n", 4) == 0)
            head = i + 1;
    if (!head)
        return false;
    int64_t status = 0, length = 0;
    struct str rest = {in.ptr, head}, line = str_cut(&rest, '\n');
    str_cut(&line, ' ');
    (void)str_to_i64(str_cut(&line, ' '), &status);
    while (rest.len > 0) {
        line = str_cut(&rest, '\n');
        if (line.len > strlen(name) && strncasecmp(line.ptr, name, strlen(name)) == 0)
            (void)str_to_i64(
                str_trim((struct str){line.ptr + strlen(name), line.len - strlen(name)}), &length);
    }
    *out_head = head;
    *out_body = (size_t)length;
    *out_status = (int)status;
    return true;
}

static void take_answer(struct wire *w)
{
    size_t head, body;
    int status;

    if (!read_head(buf_str(&w->in), &head, &body, &status) || w->in.len < head + body)
        return;
    struct buf answer = w->in; /* the next request may go out while this one is looked at */
    w->in = BUF_EMPTY;
    w->is_busy = false;
    w->done(w, status, (struct str){answer.ptr + head, body});
    buf_fini(&answer);
}

void wire_ready(struct wire *w, uint32_t events)
{
    static char step[READ_STEP];

    if (w->fd < 0)
        return;
    if (events & EPOLLOUT && !flush(w)) {
        fail(w);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t got = recv(w->fd, step, sizeof(step), 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got > 0) {
        buf_add(&w->in, step, (size_t)got);
        take_answer(w);
    } else if (w->is_busy) {
        fail(w);
    } else {
        hang_up(w);
    }
}
