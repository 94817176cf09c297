/* Transports. The one idea: what is hot is inline in the header and asks for the kind once; here is
 * the rest, where a call more does not count. */
#include "cacheengine/net/transport.h"

#include "cacheengine/net/tls.h"

struct err transport_connect(struct transport *t, int fd, struct tls *tls, const char *host)
{
    struct tls_session *session = NULL;

    if (tls) {
        session = tls_connect(tls, fd, host);
        if (!session)
            return err_make(ERR_INVALID, "TLS is not configured for outgoing connections: there "
                                         "is no certificate authority");
    }
    *t = transport_plain(fd);
    t->session = session;
    return OK;
}

enum transport_state transport_handshake(struct transport *t)
{
    return t->session ? tls_session_handshake(t->session) : TRANSPORT_READY;
}

const char *transport_why(const struct transport *t)
{
    return t->session ? tls_session_why(t->session) : "the connection broke";
}

void transport_close(struct transport *t)
{
    if (t->session)
        tls_session_bye(t->session);
    tls_session_free(t->session);
    if (t->fd >= 0)
        close(t->fd);
    *t = transport_plain(-1);
}

ssize_t transport_read_tls(struct transport *t, void *to, size_t room)
{
    return tls_session_read(t->session, t, to, room);
}

ssize_t transport_writev_tls(struct transport *t, const struct iovec *iov, int count)
{
    return tls_session_writev(t->session, iov, count);
}
