/* Transports. The one idea: what is common to both kinds is a function here; what is hot is inline
 * in the header and asks for the kind once. */
#include "cacheengine/net/transport.h"

#include <errno.h>

struct err transport_connect(struct transport *t, int fd, struct tls *tls, const char *host)
{
    (void)host;
    if (tls)
        return err_make(ERR_UNSUPPORTED, "this build does not serve TLS");
    *t = transport_plain(fd);
    return OK;
}

enum transport_state transport_handshake(struct transport *t)
{
    return t->session ? TRANSPORT_FAILED : TRANSPORT_READY;
}

const char *transport_why(const struct transport *t)
{
    (void)t;
    return "the connection broke";
}

void transport_close(struct transport *t)
{
    if (t->fd >= 0)
        close(t->fd);
    *t = transport_plain(-1);
}

ssize_t transport_read_tls(struct transport *t, void *to, size_t room)
{
    (void)t, (void)to, (void)room;
    errno = EPROTO;
    return -1;
}

ssize_t transport_writev_tls(struct transport *t, const struct iovec *iov, int count)
{
    (void)t, (void)iov, (void)count;
    errno = EPROTO;
    return -1;
}
