#include "base/arena.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/net.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server that says what it was asked; one thread for each connection. The path says how to
 * answer. */
static int listener;
static char url[64];
static atomic_int connections, requests;
static struct arena arena;

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

static void answer(int fd, const char *head, const char *body)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    scoped(buf_fini) struct buf big = BUF_EMPTY;

    if (strstr(head, " /echo")) {
        buf_printf(&text, "HTTP/1.1 200 OK\r\nX-Test: a  \r\nContent-Length: %zu\r\n\r\n%s%s",
                   strlen(head) + strlen(body), head, body);
    } else if (strstr(head, " /big")) {
        for (int i = 0; i < 100000; i++)
            buf_puts(&big, "0123456789");
        buf_printf(&text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", big.len,
                   buf_cstr(&big));
    } else if (strstr(head, " /gone")) {
        buf_puts(&text, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
    } else if (strstr(head, " /moved")) {
        buf_puts(&text, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    } else if (strstr(head, " /broken")) {
        buf_puts(&text, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
        say(fd, buf_cstr(&text));
        shutdown(fd, SHUT_RDWR);
        return;
    } else if (strstr(head, " /silent")) {
        return;
    }
    say(fd, buf_cstr(&text));
}

static void *serve(void *context)
{
    int fd = (int)(intptr_t)context;
    scoped(buf_fini) struct buf in = BUF_EMPTY;

    for (;;) {
        char *end;
        while (!(end = strstr(buf_cstr(&in), "\r\n\r\n"))) {
            ssize_t got = recv(fd, buf_reserve(&in, 4096), 4096, 0);
            if (got <= 0) {
                close(fd);
                return NULL;
            }
            in.len += (size_t)got;
        }
        char *head = strndup(in.ptr, (size_t)(end + 4 - in.ptr));
        buf_consume(&in, strlen(head));
        const char *length = strcasestr(head, "content-length: ");
        size_t len = length ? strtoul(length + 16, NULL, 10) : 0;
        while (in.len < len) {
            ssize_t got = recv(fd, buf_reserve(&in, 4096), 4096, 0);
            if (got <= 0)
                break;
            in.len += (size_t)got;
        }
        char *body = strndup(in.ptr, len);
        buf_consume(&in, len);
        requests++;
        answer(fd, head, body);
        free(head);
        free(body);
    }
}

static void *accept_all(void *context)
{
    (void)context;
    for (;;) {
        struct pollfd watched = {.fd = listener, .events = POLLIN};
        pthread_t thread;
        poll(&watched, 1, -1);
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        connections++;
        pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
        pthread_detach(thread);
    }
    return NULL;
}

static void start_server(void)
{
    struct net_addr address;
    pthread_t thread;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_not(err_failed(net_listen_tcp(&arena, &address, &listener)));
    address = net_addr_of_socket(listener);
    snprintf(url, sizeof(url), "http://%s", net_addr_text(&arena, &address));
    pthread_create(&thread, NULL, accept_all, NULL);
}

TestSuite(http, .init = start_server);

static struct http_request request_of(const char *path)
{
    return (struct http_request){.url = arena_printf(&arena, "%s%s", url, path),
                                 .timeout_ms = 10000};
}

static struct http_response get(struct http *h, struct http_request request)
{
    struct http_response r = {0};
    struct err e = http_send(h, &arena, &request, &r);
    cr_assert_not(err_failed(e), "%s", e.why);
    return r;
}

Test(http, a_request_is_sent_as_it_is_described)
{
    static const char *const headers[] = {"Content-Type: application/json", "X-One: 1"};
    struct http *h = http_open();
    struct http_request request = request_of("/echo?a=b");

    request.method = "PUT";
    request.headers = headers;
    request.header_count = 2;
    request.body = STR("{\"x\":1}");
    struct http_response r = get(h, request);
    cr_assert_eq(r.status, 200);
    cr_assert(str_starts(r.body, "PUT /echo?a=b HTTP/1.1\r\n"));
    cr_assert(str_ends(r.body, "\r\n\r\n{\"x\":1}"));
    cr_assert_not_null(strstr(r.body.ptr, "X-One: 1\r\n"));
    cr_assert_not_null(strstr(r.body.ptr, "Content-Type: application/json\r\n"));
    cr_assert_null(strcasestr(r.body.ptr, "expect:"));
    cr_assert_str_eq(http_header_value(&r, "x-test"), "a");
    cr_assert_null(http_header_value(&r, "x-none"));
    http_close(h);
}

Test(http, a_connection_serves_many_requests)
{
    struct http *h = http_open();

    for (int i = 0; i < 5; i++)
        cr_assert(str_starts(get(h, request_of("/echo")).body, "GET /echo"));
    cr_assert_eq(connections, 1);
    http_close(h);
    http_close(NULL);
}

Test(http, one_request_leaves_nothing_behind_for_the_next)
{
    struct http *h = http_open();
    struct http_request post = request_of("/echo");

    post.body = STR("body");
    cr_assert(str_starts(get(h, post).body, "POST "));
    struct http_response r = get(h, request_of("/echo"));
    cr_assert(str_starts(r.body, "GET "));
    cr_assert_null(strstr(r.body.ptr, "body"));
    struct http_request empty = request_of("/echo");
    empty.method = "POST";
    r = get(h, empty);
    cr_assert_not_null(strcasestr(r.body.ptr, "content-length: 0\r\n"));
    http_close(h);
}

Test(http, any_status_is_an_answer)
{
    struct http *h = http_open();

    struct http_response r = get(h, request_of("/gone"));
    cr_assert_eq(r.status, 404);
    cr_assert(str_is(r.body, "nope"));
    cr_assert_eq(get(h, request_of("/moved")).status, 302, "redirects are not followed");
    http_close(h);
}

Test(http, what_goes_wrong_has_a_code_and_a_sentence)
{
    struct http *h = http_open();
    struct http_response r;
    struct http_request request = request_of("/big");

    request.max_body_bytes = 1000;
    cr_expect(err_is(http_send(h, &arena, &request, &r), ERR_LIMIT));
    request.max_body_bytes = 1000000;
    cr_expect_not(err_failed(http_send(h, &arena, &request, &r)), "exactly as large as allowed");

    request = request_of("/silent");
    request.timeout_ms = 50;
    cr_expect(err_is(http_send(h, &arena, &request, &r), ERR_TIMEOUT));

    request = request_of("/broken");
    cr_expect(err_is(http_send(h, &arena, &request, &r), ERR_UNAVAILABLE));

    close(listener);
    request.url = "http://127.0.0.1:1/";
    struct err e = http_send(h, &arena, &request, &r);
    cr_expect(err_is(e, ERR_UNAVAILABLE));
    cr_expect_not_null(strstr(e.why, "127.0.0.1"));

    request.url = "file:///etc/passwd";
    cr_expect(err_is(http_send(h, &arena, &request, &r), ERR_INVALID));
    request.url = "not a url";
    cr_expect(err_failed(http_send(h, &arena, &request, &r)));
    http_close(h);
}

Test(http, loopback_is_never_reached_through_a_proxy)
{
    struct http *h = http_open();

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    cr_assert_eq(get(h, request_of("/echo")).status, 200);
    http_close(h);
}

Test(http, a_signed_request_carries_scope_and_token)
{
    struct http *h = http_open();
    static const struct http_signer signer = {"AKID", "secret", "tok", "eu-west-1", "elasticache"};
    struct http_request request = request_of("/echo");

    request.body = STR("Action=DescribeCacheClusters");
    request.signer = &signer;
    struct http_response r = get(h, request);
    const char *line = strstr(r.body.ptr, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/");
    cr_assert_not_null(line, "%s", r.body.ptr);
    cr_assert_not_null(strstr(line, "/eu-west-1/elasticache/aws4_request"));
    cr_assert_not_null(strstr(r.body.ptr, "X-Amz-Security-Token: tok\r\n"));
    cr_assert_null(strstr(r.body.ptr, "secret"));
    cr_assert_null(strstr(get(h, request_of("/echo")).body.ptr, "AWS4"),
                   "the next one is not signed");
    http_close(h);
}

/* The other form. */

struct seen {
    int count;
    int code;
    int status;
    bool is_body_right;
    struct http_loop *loop;
    struct http_exchange *other;
};

static void on_done(void *context, struct err e, const struct http_response *r)
{
    struct seen *seen = context;

    seen->count++;
    seen->code = e.code;
    seen->status = r ? r->status : 0;
    seen->is_body_right = r && str_starts(r->body, "GET /echo");
}

static void run_until(struct http_loop *l, const struct seen *seen, int count)
{
    while (seen->count < count) {
        struct pollfd watched = {.fd = http_loop_fd(l), .events = POLLIN};
        cr_assert_eq(poll(&watched, 1, 10000), 1, "something to do within ten seconds");
        http_loop_run(l);
    }
}

Test(http, many_exchanges_go_on_at_once_behind_one_descriptor)
{
    struct http_loop *l;
    struct seen seen = {0};
    struct http_request request = request_of("/echo");

    cr_assert_not(err_failed(http_loop_open(&l)));
    for (int i = 0; i < 20; i++)
        http_start(l, &request, on_done, &seen);
    cr_assert_eq(seen.count, 0, "never from http_start");
    run_until(l, &seen, 20);
    cr_assert(seen.code == ERR_OK && seen.status == 200 && seen.is_body_right);
    http_loop_close(l);
    http_loop_close(NULL);
}

Test(http, over_an_open_connection_a_request_leaves_at_once)
{
    struct http_loop *l;
    struct seen seen = {0};
    struct http_request request = request_of("/echo");

    cr_assert_not(err_failed(http_loop_open(&l)));
    http_start(l, &request, on_done, &seen);
    run_until(l, &seen, 1);
    http_start(l, &request, on_done, &seen);
    for (int left = 10000; requests < 2 && left > 0; left--)
        poll(NULL, 0, 1); /* and not http_loop_run */
    cr_assert_eq(requests, 2);
    cr_assert_eq(seen.count, 1);
    run_until(l, &seen, 2);
    http_loop_close(l);
}

Test(http, timeouts_and_refusals_arrive_through_the_descriptor_too)
{
    struct http_loop *l;
    struct seen seen = {0};
    struct http_request request = request_of("/silent");

    cr_assert_not(err_failed(http_loop_open(&l)));
    request.timeout_ms = 50;
    http_start(l, &request, on_done, &seen);
    run_until(l, &seen, 1);
    cr_assert_eq(seen.code, ERR_TIMEOUT);
    request.url = "http://127.0.0.1:1/";
    http_start(l, &request, on_done, &seen);
    run_until(l, &seen, 2);
    cr_assert_eq(seen.code, ERR_UNAVAILABLE);
    http_loop_close(l);
}

static void cancel_other(void *context, struct err e, const struct http_response *r)
{
    struct seen *seen = context;
    struct http_request request = request_of("/echo");

    on_done(seen, e, r);
    http_cancel(seen->other);
    http_start(seen->loop, &request, on_done, seen);
}

Test(http, a_call_back_may_cancel_and_start)
{
    struct seen seen = {0}, cancelled = {0};
    struct http_request request = request_of("/silent");
    struct http_request quick = request_of("/echo");

    cr_assert_not(err_failed(http_loop_open(&seen.loop)));
    seen.other = http_start(seen.loop, &request, on_done, &cancelled);
    http_start(seen.loop, &quick, cancel_other, &seen);
    run_until(seen.loop, &seen, 2);
    cr_assert_eq(cancelled.count, 0);
    http_start(seen.loop, &request, on_done, &cancelled);
    http_loop_close(seen.loop); /* ends what is under way without a word */
    cr_assert_eq(cancelled.count, 0);
}
