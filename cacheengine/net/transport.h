/*
 * What carries a connection's bytes: a plain socket, or TLS over one. Accepted connections and
 * outgoing links read and write through it and need not know which.
 *
 * A plain transport costs nothing: each call is the system call it stands for, behind one test.
 * Results and errno are those of read(2) and writev(2) in both cases, EAGAIN included.
 */
#ifndef LARDER_NET_TRANSPORT_H
#define LARDER_NET_TRANSPORT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

struct tls;         /* the certificates and rules of this process (tls.h) */
struct tls_session; /* one connection's keys and what is half read or written */

struct transport {
    int fd;
    /* More can be read at once: what has come is here already, and the socket may stay silent.
     * Whoever stops reading while this is set must come back without being woken. */
    bool is_pending;
    /* Reading goes on when the socket takes bytes: wait for EPOLLOUT too, and read then. */
    bool wants_write;
    struct tls_session *session; /* NULL: plain */
};

enum transport_state {
    TRANSPORT_READY,
    TRANSPORT_WANTS_READ, /* call transport_handshake again once the socket is readable */
    TRANSPORT_WANTS_WRITE,
    TRANSPORT_FAILED,
};

/* A plain transport over a connected socket. */
static inline struct transport transport_plain(int fd)
{
    return (struct transport){.fd = fd};
}

/* One end of an outgoing connection over a socket whose connect(2) has succeeded; it takes the
 * socket over when it succeeds. `tls` NULL: plain. With it, `host` is who must be there: it is sent
 * as the server's name, and checked where the rules say so. */
must_use struct err transport_connect(struct transport *t, int fd, struct tls *tls,
                                      const char *host);

/* Goes on with the handshake of an outgoing connection; plain ones are ready at once. */
enum transport_state transport_handshake(struct transport *t);

/* Why it failed: of the last handshake, read or write. A literal, or text of the transport. */
const char *transport_why(const struct transport *t);

/* Says goodbye if it is TLS, and closes the socket. Accepts a zeroed one with fd -1. */
void transport_close(struct transport *t);

/* The ways of a TLS transport. */
ssize_t transport_read_tls(struct transport *t, void *to, size_t room);
ssize_t transport_writev_tls(struct transport *t, const struct iovec *iov, int count);

static inline ssize_t transport_read(struct transport *t, void *to, size_t room)
{
    if (__builtin_expect(t->session != NULL, 0))
        return transport_read_tls(t, to, room);
    return read(t->fd, to, room);
}

/* What was not taken must be offered again, from its first byte on, before anything else. */
static inline ssize_t transport_writev(struct transport *t, const struct iovec *iov, int count)
{
    if (__builtin_expect(t->session != NULL, 0))
        return transport_writev_tls(t, iov, count);
    if (count == 1)
        return write(t->fd, iov[0].iov_base, iov[0].iov_len);
    return writev(t->fd, iov, count);
}

#endif
