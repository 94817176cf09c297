/* One request and its answer over a real socket: forms of bodies, limits, stalls, rubbish. */
#include "client.h"
#include "controlplane/front/exchange.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#define FORM  "Action=GetCallerIdentity&Version=2011-06-15"
#define POST  "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
#define MB    (1u << 20)
#define STALL 1000

static struct world world;
static struct front *front;
static int port;

static void setup(void)
{
    world_open(&world);
    struct front_conf conf = world_front_conf(&world);
    conf.stall_ms = STALL;
    struct err e = front_start(&world.arena, &conf, &front);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    port = front_port(front);
}

static void teardown(void)
{
    front_stop(front);
    world_close(&world);
}

TestSuite(exchange, .init = setup, .fini = teardown);

/* The identity answer, or what came instead. */
static void expect_identity(struct answer a)
{
    cr_expect_eq(a.status, 200, "%s", buf_cstr(&a.text));
    cr_expect(answer_has(&a, "<GetCallerIdentityResult>"));
    cr_expect(answer_has(&a, "x-amzn-RequestId: "));
    answer_fini(&a);
}

static void expect_refusal(struct answer a, int status, const char *says)
{
    cr_expect_eq(a.status, status, "%s", buf_cstr(&a.text));
    cr_expect(answer_has(&a, says), "'%s' is not in: %s", says, buf_cstr(&a.text));
    answer_fini(&a);
}

Test(exchange, a_form_is_answered)
{
    expect_identity(client_ask(port, POST "Content-Length: 43\r\n\r\n" FORM));
}

Test(exchange, a_chunked_body_is_put_together)
{
    expect_identity(client_ask(port, POST "Transfer-Encoding: chunked\r\n\r\n"
                                          "7\r\nAction=\r\n24\r\n"
                                          "GetCallerIdentity&Version=2011-06-15\r\n0\r\n\r\n"));
}

Test(exchange, a_request_may_come_byte_by_byte)
{
    static const char text[] = POST "Content-Length: 43\r\n\r\n" FORM;
    int fd = client_connect("127.0.0.1", port);

    for (size_t i = 0; i < strlen(text); i++)
        client_send_bytes(fd, text + i, 1);
    expect_identity(client_read(fd));
    close(fd);
}

Test(exchange, requests_may_follow_each_other_on_one_connection_also_unasked)
{
    int fd = client_connect("127.0.0.1", port);

    for (int i = 0; i < 3; i++) {
        client_send(fd, POST "Content-Length: 43\r\n\r\n" FORM);
        expect_identity(client_read(fd));
    }
    for (int i = 0; i < 20; i++)
        client_send(fd, POST "Content-Length: 43\r\n\r\n" FORM);
    for (int i = 0; i < 20; i++)
        expect_identity(client_read(fd));
    close(fd);
}

Test(exchange, connection_close_and_http_1_0_are_honoured)
{
    int fd = client_connect("127.0.0.1", port);
    client_send(fd, POST "Connection: close\r\nContent-Length: 43\r\n\r\n" FORM);
    expect_identity(client_read(fd));
    cr_expect(client_is_closed(fd));
    close(fd);

    fd = client_connect("127.0.0.1", port);
    client_send(fd, "GET /healthz HTTP/1.0\r\n\r\n");
    expect_refusal(client_read(fd), 200, "ok\n");
    cr_expect(client_is_closed(fd));
    close(fd);
}

Test(exchange, head_has_no_body)
{
    int fd = client_connect("127.0.0.1", port);

    client_send(fd, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    char text[4096];
    size_t len = 0;
    ssize_t got;
    while ((got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    const char *second = strstr(text + 1, "HTTP/1.1 200");
    cr_assert_not_null(second);
    cr_expect_eq(memcmp(second - 4, "\r\n\r\n", 4), 0, "the second head follows the first");
    close(fd);
}

Test(exchange, expect_100_continue_gets_it_before_the_body)
{
    int fd = client_connect("127.0.0.1", port);
    char text[64] = "";

    client_send(fd, POST "Expect: 100-continue\r\nContent-Length: 43\r\n\r\n");
    cr_assert_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
    cr_expect(str_starts(str_of(text), "HTTP/1.1 100"));
    client_send(fd, FORM);
    expect_identity(client_read(fd));
    close(fd);
}

static struct answer post_sized(const char *path, const char *extra, size_t size, bool is_sent)
{
    struct buf text = BUF_EMPTY;

    buf_printf(&text, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", path, extra,
               size);
    if (is_sent) {
        memset(buf_reserve(&text, size), 'x', size);
        text.len += size;
    }
    int fd = client_connect("127.0.0.1", port);
    client_send_bytes(fd, text.ptr, text.len);
    struct answer a = client_read(fd);
    cr_expect(a.status != 413 || client_is_closed(fd), "it ends with the refusal");
    close(fd);
    buf_fini(&text);
    return a;
}

Test(exchange, a_body_of_the_limit_is_taken_and_one_byte_more_is_not)
{
    struct answer a = post_sized("/", "", MB, true);
    cr_expect_eq(a.status, 400, "%s", buf_cstr(&a.text));
    answer_fini(&a);
    expect_refusal(post_sized("/", "", MB + 1, true), 413, "<Code>RequestEntityTooLarge</Code>");
}

Test(exchange, a_large_body_is_refused_in_the_form_of_its_path)
{
    expect_refusal(post_sized("/", "", 2 * MB, true), 413, "<ErrorResponse");
    expect_refusal(post_sized("/v1/cache-clusters", "", 2 * MB, true), 413, "application/json");
    expect_refusal(post_sized("/agent/v1/sync", "", 2 * MB, true), 413, "application/json");
}

Test(exchange, who_asks_first_or_announces_far_too_much_is_refused_before_the_body)
{
    expect_refusal(post_sized("/", "Expect: 100-continue\r\n", 2 * MB, false), 413, "TooLarge");
    expect_refusal(post_sized("/", "", 64 * MB, false), 413, "TooLarge");
}

Test(exchange, an_endless_chunked_body_is_cut_off)
{
    int fd = client_connect("127.0.0.1", port);
    struct buf chunk = BUF_EMPTY;

    client_send(fd, POST "Transfer-Encoding: chunked\r\n\r\n");
    buf_puts(&chunk, "100000\r\n");
    memset(buf_reserve(&chunk, MB), 'x', MB);
    chunk.len += MB;
    buf_puts(&chunk, "\r\n");
    for (int i = 0; i < 40; i++)
        client_send_bytes(fd, chunk.ptr, chunk.len);
    cr_expect(client_is_closed(fd));
    close(fd);
    buf_fini(&chunk);
    expect_identity(client_ask(port, POST "Content-Length: 43\r\n\r\n" FORM));
}

Test(exchange, a_stalled_body_or_header_is_told_and_closed)
{
    static const char *const halves[] = {
        POST "Content-Length: 43\r\n\r\nAction=",
        POST "Transfer-Encoding: chunked\r\n\r\n7\r\nAct",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Le",
    };

    for (size_t i = 0; i < countof(halves); i++) {
        int fd = client_connect("127.0.0.1", port);
        client_send(fd, halves[i]);
        expect_refusal(client_read(fd), 408, "<Code>RequestTimeout</Code>");
        cr_expect(client_is_closed(fd));
        close(fd);
    }
}

Test(exchange, silence_and_half_a_request_line_end_the_connection)
{
    static const char *const halves[] = {"", "POS", "GET /x"};

    for (size_t i = 0; i < countof(halves); i++) {
        int fd = client_connect("127.0.0.1", port);
        client_send(fd, halves[i]);
        cr_expect(client_is_closed(fd));
        close(fd);
    }
}

Test(exchange, rubbish_is_refused_and_harms_nobody)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rubbish[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW("\r\n\r\n\r\n"),
        ROW("GET\r\n\r\n"),
        ROW("GET / HTTP/9.9\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\n\r\n"),
        ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello tls \r\n\r\n"),
        ROW("\0\0\0\0\0\0\0\0\r\n\r\n"),
        ROW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"),
        ROW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        ROW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ROW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        ROW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        ROW("GET / HTTP/1.1\r\nHost: x\r\n: no name\r\n\r\n"),
        ROW("GET /%zz%00%ff?%%% HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("*1\r\n$4\r\nPING\r\n"),
    };

    for (size_t i = 0; i < countof(rubbish); i++) {
        int fd = client_connect("127.0.0.1", port);
        client_send_bytes(fd, rubbish[i].bytes, rubbish[i].len);
        struct answer a = client_read(fd);
        cr_expect(a.status == 0 || (a.status >= 400 && a.status <= 505), "row %zu: %d", i,
                  a.status);
        answer_fini(&a);
        close(fd);
    }
    expect_identity(client_ask(port, POST "Content-Length: 43\r\n\r\n" FORM));
}

Test(exchange, headers_beyond_the_limit_are_refused)
{
    struct buf text = BUF_EMPTY;

    buf_puts(&text, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 2000; i++)
        buf_printf(&text, "X-Header-%d: %0*d\r\n", i, 40, i);
    buf_puts(&text, "\r\n");
    struct answer a = client_ask(port, buf_cstr(&text));
    cr_expect(a.status == 431 || a.status == 413 || a.status == 400, "%d", a.status);
    answer_fini(&a);
    buf_fini(&text);
}

Test(exchange, a_stalled_client_does_not_hold_up_others)
{
    int stalled[64];

    for (size_t i = 0; i < countof(stalled); i++) {
        stalled[i] = client_connect("127.0.0.1", port);
        client_send(stalled[i], POST "Content-Length: 43\r\n\r\nAction=");
    }
    for (int i = 0; i < 20; i++)
        expect_identity(client_ask(port, POST "Content-Length: 43\r\n\r\n" FORM));
    for (size_t i = 0; i < countof(stalled); i++)
        close(stalled[i]);
}
