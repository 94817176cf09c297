#include "net_fixture.h"

#include <signal.h>

/* Sends a SET of a value of `len` bytes in pieces and reads it back. */
static void big_value(int fd, size_t len, size_t step)
{
    struct buf b = BUF_EMPTY;
    char head[32], *got = malloc(len + 2);

    buf_printf(&b, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%zu\r\n", len);
    char *value = buf_reserve(&b, len + 2);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)(i * 7 + i / 251);
    memcpy(value + len, "\r\n", 2);
    b.len += len + 2;
    for (size_t at = 0; at < b.len; at += step)
        net_send(fd, b.ptr + at, b.len - at < step ? b.len - at : step);
    net_expect(fd, "+OK\r\n");
    net_send(fd, "GET big\r\n", 9);
    int n = snprintf(head, sizeof(head), "$%zu\r\n", len);
    cr_assert(net_read(fd, got, (size_t)n));
    cr_assert(net_read(fd, got, len + 2));
    cr_assert_eq(memcmp(got, b.ptr + b.len - len - 2, len + 2), 0);
    free(got);
    buf_fini(&b);
}

Test(conn, big_values_arrive_whole_and_leave_no_memory_behind)
{
    struct net_fixture f;

    net_begin(&f, NULL);
    int fd = net_connect(f.path);
    for (size_t len = 10000; len < 3000000; len *= 3) {
        big_value(fd, len, 100000);
        big_value(fd, len, 4000);
    }
    net_ask(fd, "DEL big", ":1\r\n");
    close(fd);
    net_end(&f);
}

static const char set_head[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n";

Test(conn, a_slow_reader_with_too_much_to_read_is_dropped)
{
    static const char *const options[] = {"client-output-buffer-limit normal 4mb 0 0", NULL};
    struct net_fixture f;
    static char value[100000], gets[700];
    char c;

    net_begin(&f, options);
    int fd = net_connect(f.path), other = net_connect(f.path);
    memset(value, 'x', sizeof(value));
    net_send(fd, set_head, sizeof(set_head) - 1);
    net_send(fd, value, sizeof(value));
    net_send(fd, "\r\n", 2);
    net_expect(fd, "+OK\r\n");
    for (int i = 0; i < 100; i++)
        memcpy(gets + (size_t)i * 7, "GET k\r\n", 7);
    net_send(fd, gets, sizeof(gets)); /* at once: it may be dropped before the last is read */
    size_t got = 0;
    while (net_read(fd, &c, 1))
        got++;
    cr_assert(got < 100 * sizeof(value));
    net_ask(other, "PING", "+PONG\r\n");
    close(fd);
    close(other);
    net_end(&f);
}

Test(conn, more_than_may_ever_wait_is_not_begun_to_be_sent)
{
    static const char *const options[] = {"client-output-buffer-limit normal 90kb 0 0", NULL};
    struct net_fixture f;
    static char value[100000];
    char c;

    net_begin(&f, options);
    int fd = net_connect(f.path), other = net_connect(f.path);
    memset(value, 'x', sizeof(value));
    net_send(fd, set_head, sizeof(set_head) - 1);
    net_send(fd, value, sizeof(value));
    net_send(fd, "\r\n", 2);
    net_expect(fd, "+OK\r\n");
    net_send(fd, "PING\r\nGET k\r\n", 13);
    cr_expect_not(net_read(fd, &c, 1));
    net_ask(other, "PING", "+PONG\r\n");
    close(fd);
    close(other);
    net_end(&f);
}

Test(conn, a_slow_reader_without_a_limit_gets_everything)
{
    struct net_fixture f;
    static char value[100000];
    enum { TIMES = 60 };

    net_begin(&f, NULL);
    int fd = net_connect(f.path);
    memset(value, 'x', sizeof(value));
    net_send(fd, set_head, sizeof(set_head) - 1);
    net_send(fd, value, sizeof(value));
    net_send(fd, "\r\n", 2);
    net_expect(fd, "+OK\r\n");
    for (int i = 0; i < TIMES; i++)
        net_send(fd, "GET k\r\nAPPEND k y\r\n", 19);
    for (size_t i = 0; i < TIMES; i++) {
        char head[16], line[32];
        int n = snprintf(head, sizeof(head), "$%zu\r\n", sizeof(value) + i);

        /* A value that is changed while it waits to be sent is sent as it was. */
        cr_assert(net_read(fd, line, (size_t)n));
        cr_assert_eq(memcmp(line, head, (size_t)n), 0);
        char *got = malloc(sizeof(value) + i + 2);
        cr_assert(net_read(fd, got, sizeof(value) + i + 2));
        cr_assert(i == 0 || got[sizeof(value) + i - 1] == 'y');
        free(got);
        n = snprintf(head, sizeof(head), ":%zu\r\n", sizeof(value) + i + 1);
        cr_assert(net_read(fd, line, (size_t)n));
        cr_assert_eq(memcmp(line, head, (size_t)n), 0);
    }
    close(fd);
    net_end(&f);
}

Test(conn, input_without_an_end_is_dropped_at_the_limit)
{
    static const char *const options[] = {"client-query-buffer-limit 1mb", NULL};
    struct net_fixture f;
    static char piece[65536];
    char c;

    signal(SIGPIPE, SIG_IGN);
    net_begin(&f, options);
    int fd = net_connect(f.path);
    net_send(fd, "*2\r\n$4\r\nECHO\r\n$100000000\r\n", 27);
    for (int i = 0; i < 64; i++)
        if (write(fd, piece, sizeof(piece)) < 0)
            break;
    cr_assert_not(net_read(fd, &c, 1));
    cr_assert_eq(f.engine.stats.query_limit_kills, 1);
    close(fd);
    net_end(&f);
}
