/* Transports: what a plain one does is what the socket does. */
#include "cacheengine/net/transport.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static void pair(struct transport *a, struct transport *b)
{
    int fds[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *a = transport_plain(fds[0]);
    *b = transport_plain(fds[1]);
}

Test(transport, a_plain_one_carries_bytes_and_says_when_there_are_none)
{
    struct transport a, b;
    struct iovec pieces[] = {
        {"one ", 4},
        {"two",  3}
    };
    char got[16] = {0};

    pair(&a, &b);
    cr_assert_eq(transport_read(&b, got, sizeof(got)), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(transport_writev(&a, pieces, 2), 7);
    cr_assert_eq(transport_writev(&a, pieces + 1, 1), 3);
    cr_assert_eq(transport_read(&b, got, sizeof(got)), 10);
    cr_assert_str_eq(got, "one twotwo");
    cr_assert_not(b.is_pending);
    transport_close(&a);
    cr_assert_eq(transport_read(&b, got, sizeof(got)), 0);
    transport_close(&b);
}

Test(transport, closing_twice_closes_once)
{
    struct transport a, b;

    pair(&a, &b);
    int fd = a.fd;
    transport_close(&a);
    cr_assert_eq(fcntl(fd, F_GETFD), -1);
    transport_close(&a);
    transport_close(&b);
}

Test(transport, a_plain_outgoing_one_is_ready_at_once)
{
    struct transport a, b, out;

    pair(&a, &b);
    cr_assert_not(err_failed(transport_connect(&out, a.fd, NULL, "somewhere")));
    cr_assert_eq(transport_handshake(&out), TRANSPORT_READY);
    cr_assert_eq(transport_writev(&out, &(struct iovec){"x", 1}, 1), 1);
    transport_close(&out);
    transport_close(&b);
}
