/*
 * Requests over libcurl. One exchange is the same thing in both forms, an easy handle with what it
 * reads and writes; the blocking form performs it, the other adds it to a multi handle whose
 * sockets and timer stand in an epoll set of their own, so that the outside sees a single
 * descriptor.
 */
#include "base/http.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/net.h"
#include "base/vec.h"

#include <curl/curl.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS         30000
#define DEFAULT_CONNECT_TIMEOUT_MS 5000
#define DEFAULT_MAX_BODY           (16U << 20)
#define MAX_HEADER_BYTES           (64U << 10)
#define KEEPALIVE_IDLE_S           20
#define EVENTS_AT_ONCE             16

struct http_exchange {
    CURL *easy;
    struct curl_slist *lines; /* request headers */
    struct buf body;          /* of the answer */
    size_t max_body_bytes;
    struct http_file from, to; /* fd -1: none */
    int64_t sent;
    struct arena arena; /* of what is copied from the request, and the answer's headers */
    vec_of(struct http_header) headers;
    size_t header_bytes;
    bool is_too_large;
    char why[CURL_ERROR_SIZE];

    /* In a loop only. */
    struct http_loop *loop;
    struct http_exchange *next, *prev;
    http_done_fn done;
    void *context;
};

struct http {
    CURL *easy;
};

struct http_loop {
    CURLM *multi;
    int epoll_fd;
    int timer_fd;
    int wake_fd; /* an eventfd: an exchange may have ended while it was started */
    struct http_exchange *first;
};

/* Answers arrive here piece by piece. */

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct http_exchange *x = context;
    size_t len = size * count;
    long status = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (x->to.fd >= 0 && status / 100 == 2)
        return write(x->to.fd, data, len) == (ssize_t)len ? len : CURL_WRITEFUNC_ERROR;
    if (len > x->max_body_bytes - x->body.len) {
        x->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buf_add(&x->body, data, len);
    return len;
}

static size_t on_read(char *data, size_t size, size_t count, void *context)
{
    struct http_exchange *x = context;
    int64_t left = x->from.bytes - x->sent;
    size_t len = size * count;

    if ((int64_t)len > left)
        len = (size_t)left;
    ssize_t got = len == 0       ? 0
                  : x->from.read ? x->from.read(x->from.context, data, len, x->sent)
                                 : pread(x->from.fd, data, len, x->sent);
    if (got < 0 || (got == 0 && len > 0))
        return CURL_READFUNC_ABORT;
    x->sent += got;
    return (size_t)got;
}

/* Asked for when a connection that was open turns out to be closed: all is sent again. */
static int on_seek(void *context, curl_off_t at, int whence)
{
    struct http_exchange *x = context;

    if (whence != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    x->sent = at;
    return CURL_SEEKFUNC_OK;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct http_exchange *x = context;
    struct str value = {data, size * count};
    size_t len = value.len;

    x->header_bytes += len;
    if (x->header_bytes > MAX_HEADER_BYTES) {
        x->is_too_large = true;
        return 0;
    }
    if (str_starts(value, "HTTP/")) { /* a new head: forget that of "100 Continue" */
        x->headers.count = 0;
        return len;
    }
    if (str_find(value, ':') == SIZE_MAX)
        return len;
    struct str name = str_cut(&value, ':');
    *vec_add(&x->arena, &x->headers) = (struct http_header){str_lower(&x->arena, str_trim(name)),
                                                            str_dup(&x->arena, str_trim(value))};
    return len;
}

/* Setting the exchange up. */

static void add_line(struct http_exchange *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->lines, line);
    check(longer != NULL);
    x->lines = longer;
}

static void sign(struct http_exchange *x, const struct http_signer *s)
{
    struct arena *a = &x->arena;

    curl_easy_setopt(x->easy, CURLOPT_AWS_SIGV4,
                     arena_printf(a, "aws:amz:%s:%s", s->region, s->service));
    curl_easy_setopt(x->easy, CURLOPT_USERNAME, s->access_key);
    curl_easy_setopt(x->easy, CURLOPT_PASSWORD, s->secret_key);
    if (s->session_token)
        add_line(x, arena_printf(a, "X-Amz-Security-Token: %s", s->session_token));
}

static bool is_loopback_url(const char *url)
{
    bool is_loopback = false;
    char *host = NULL;
    struct net_addr address;

    CURLU *parts = curl_url();
    check(parts != NULL);
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        is_loopback =
            strcmp(host, "localhost") == 0 ||
            (net_addr_parse_host(str_of(host), &address) && net_addr_is_loopback(&address));
    curl_free(host);
    curl_url_cleanup(parts);
    return is_loopback;
}

static void set_body(struct http_exchange *x, const struct http_request *r)
{
    static const struct http_file none = {.fd = -1};

    x->from = r->body_file ? *r->body_file : none;
    x->to = r->answer_file ? *r->answer_file : none;
    if (r->body_file) {
        curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->from.bytes);
        curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
        curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
    }
    if (r->body.len > 0 || (r->method && strcmp(r->method, "POST") == 0)) {
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, r->body.len > 0 ? r->body.ptr : "");
    }
    if (r->method && strcmp(r->method, "HEAD") == 0)
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    else if (r->method)
        curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_limits(struct http_exchange *x, const struct http_request *r)
{
    x->max_body_bytes = r->max_body_bytes ? r->max_body_bytes : DEFAULT_MAX_BODY;
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS,
                     (long)(r->timeout_ms ? r->timeout_ms : DEFAULT_TIMEOUT_MS));
    curl_easy_setopt(
        x->easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(r->connect_timeout_ms ? r->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS));
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (is_loopback_url(r->url))
        curl_easy_setopt(x->easy, CURLOPT_NOPROXY, "*");
}

/* Fills the easy handle, which is fresh or was reset, from the request. */
static void exchange_setup(struct http_exchange *x, CURL *easy, const struct http_request *r)
{
    x->easy = easy;
    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "larder/" LARDER_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->why);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    set_limits(x, r);
    set_body(x, r);
    if (r->signer)
        sign(x, r->signer);
    for (size_t i = 0; i < r->header_count; i++)
        add_line(x, r->headers[i]);
    if (!r->signer) /* else the library signs the absence of what it then does not send */
        add_line(x, "Expect:"); /* no round trip before a body */
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->lines);
}

/* Frees all but the easy handle. */
static void exchange_fini(struct http_exchange *x)
{
    curl_slist_free_all(x->lines);
    buf_fini(&x->body);
    arena_fini(&x->arena);
}

static int code_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return ERR_INVALID;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return ERR_DENIED;
    default: return ERR_UNAVAILABLE;
    }
}

/* What became of the exchange, its sentence in `a`. */
static struct err exchange_result(struct http_exchange *x, CURLcode code, struct arena *a)
{
    if (code == CURLE_OK)
        return OK;
    if (x->is_too_large)
        return err_make(ERR_LIMIT, "the answer is too large");
    return err_format(a, code_of(code), "%s", x->why[0] ? x->why : curl_easy_strerror(code));
}

/* The answer, its parts still owned by the exchange. */
static struct http_response exchange_response(struct http_exchange *x)
{
    long status = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    const char *text = buf_cstr(&x->body);
    return (struct http_response){
        .status = (int)status,
        .headers = x->headers.items,
        .header_count = x->headers.count,
        .body = {text, x->body.len},
    };
}

const char *http_header_value(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

/* One after another. */

struct http *http_open(void)
{
    struct http *h = calloc(1, sizeof(*h));
    check(h != NULL);
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    h->easy = curl_easy_init();
    check(h->easy != NULL);
    return h;
}

void http_close(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->easy);
    curl_global_cleanup();
    free(h);
}

static void response_copy(struct arena *a, const struct http_response *from,
                          struct http_response *out)
{
    struct http_header *headers = arena_array(a, from->header_count + 1, sizeof(*headers));

    for (size_t i = 0; i < from->header_count; i++)
        headers[i] = (struct http_header){arena_strdup(a, from->headers[i].name),
                                          arena_strdup(a, from->headers[i].value)};
    *out = (struct http_response){
        .status = from->status,
        .headers = headers,
        .header_count = from->header_count,
        .body = {arena_strndup(a, from->body.ptr, from->body.len), from->body.len},
    };
}

struct err http_send(struct http *h, struct arena *a, const struct http_request *request,
                     struct http_response *out)
{
    struct http_exchange x = {0};

    curl_easy_reset(h->easy);
    exchange_setup(&x, h->easy, request);
    struct err e = exchange_result(&x, curl_easy_perform(h->easy), a);
    if (!err_failed(e)) {
        struct http_response response = exchange_response(&x);
        response_copy(a, &response, out);
    }
    exchange_fini(&x);
    return e;
}

/* Many at once. */

static uint32_t events_of(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct http_loop *l = context;
    struct epoll_event event = {.events = events_of(what), .data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* it may be closed already */
        return 0;
    }
    epoll_ctl(l->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    curl_multi_assign(l->multi, fd, l);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_loop *l = context;
    struct itimerspec when = {0};

    (void)multi;
    if (timeout_ms >= 0) {
        when.it_value.tv_sec = timeout_ms / 1000;
        when.it_value.tv_nsec =
            timeout_ms % 1000 * 1000000 + (timeout_ms == 0); /* 0 would disarm */
    }
    timerfd_settime(l->timer_fd, 0, &when, NULL);
    return 0;
}

static bool watch_own(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void close_own(struct http_loop *l)
{
    fd_close(&l->wake_fd);
    fd_close(&l->timer_fd);
    fd_close(&l->epoll_fd);
}

struct err http_loop_open(struct http_loop **out)
{
    struct http_loop own = {
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
        .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
    };

    if (!watch_own(own.epoll_fd, own.timer_fd) || !watch_own(own.epoll_fd, own.wake_fd)) {
        struct err e = err_sys(errno, "cannot make the descriptors for HTTP requests");
        close_own(&own);
        return e;
    }

    struct http_loop *l = calloc(1, sizeof(*l));
    check(l != NULL);
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    *l = own;
    l->multi = curl_multi_init();
    check(l->multi != NULL);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    *out = l;
    return OK;
}

/* Takes the exchange out of its loop; it still has to be freed. */
static void exchange_unlink(struct http_exchange *x)
{
    struct http_loop *l = x->loop;

    curl_multi_remove_handle(l->multi, x->easy);
    *(x->prev ? &x->prev->next : &l->first) = x->next;
    if (x->next)
        x->next->prev = x->prev;
    x->loop = NULL;
}

static void exchange_free(struct http_exchange *x)
{
    curl_easy_cleanup(x->easy);
    exchange_fini(x);
    free(x);
}

void http_loop_close(struct http_loop *l)
{
    if (!l)
        return;
    for (struct http_exchange *x = l->first, *next; x; x = next) {
        next = x->next;
        http_cancel(x);
    }
    curl_multi_cleanup(l->multi);
    close_own(l);
    curl_global_cleanup();
    free(l);
}

int http_loop_fd(const struct http_loop *l)
{
    return l->epoll_fd;
}

static int actions_of(uint32_t events)
{
    return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
           (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

static void finish(struct http_exchange *x, CURLcode code)
{
    struct err e = exchange_result(x, code, &x->arena);
    struct http_response response = exchange_response(x);

    exchange_unlink(x);
    x->done(x->context, e, err_failed(e) ? NULL : &response);
    exchange_free(x);
}

static void finish_all(struct http_loop *l)
{
    int left;

    for (CURLMsg *m; (m = curl_multi_info_read(l->multi, &left));) {
        struct http_exchange *x = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result; /* the message is gone when the handle is removed */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        finish(x, code);
    }
}

/* Goes on with what happened at one descriptor. */
static void act(struct http_loop *l, const struct epoll_event *event)
{
    uint64_t count;
    int running;

    if (event->data.fd == l->wake_fd) {
        if (read(l->wake_fd, &count, sizeof(count)) < 0)
            return; /* nothing to count */
    } else if (event->data.fd == l->timer_fd) {
        if (read(l->timer_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
            curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    } else {
        curl_multi_socket_action(l->multi, event->data.fd, actions_of(event->events), &running);
    }
}

void http_loop_run(struct http_loop *l)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    int count = epoll_wait(l->epoll_fd, events, EVENTS_AT_ONCE, 0);
    for (int i = 0; i < count; i++)
        act(l, &events[i]);
    finish_all(l);
}

/* Goes as far as it can at once: over a connection that is open, to the last byte of the request.
 */
static void begin(struct http_loop *l)
{
    const uint64_t one = 1;
    int running;

    curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check(write(l->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

struct http_exchange *http_start(struct http_loop *l, const struct http_request *request,
                                 http_done_fn done, void *context)
{
    struct http_exchange *x = calloc(1, sizeof(*x));
    check(x != NULL);
    CURL *easy = curl_easy_init();
    check(easy != NULL);

    exchange_setup(x, easy, request);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    x->done = done;
    x->context = context;
    x->loop = l;
    x->next = l->first;
    if (x->next)
        x->next->prev = x;
    l->first = x;
    check(curl_multi_add_handle(l->multi, easy) == CURLM_OK);
    begin(l);
    return x;
}

void http_cancel(struct http_exchange *x)
{
    if (!x)
        return;
    exchange_unlink(x);
    exchange_free(x);
}
