/* Between contexts (tls.c) and sessions (tls_session.c). */
#ifndef LARDER_NET_TLS_INTERNAL_H
#define LARDER_NET_TLS_INTERNAL_H

#include "cacheengine/net/tls.h"

#include <openssl/ssl.h>

/* The last error of OpenSSL in this thread as text; its queue is empty then. */
void tls_error_text(char *out, size_t room);

/* NULL: out of memory. */
struct tls_session *tls_session_new(SSL_CTX *ctx, int fd, bool accepts);

/* Who must be at the other end: sent as the server's name; `checks` it in the certificate too. */
void tls_session_expect(struct tls_session *s, const char *host, bool checks);

#endif
