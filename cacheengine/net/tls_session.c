/*
 * Sessions. The one idea: to callers a session is a socket whose bytes happen to be sealed. So
 * reads take as many records as fit, writes gather small pieces into records of full size, and
 * whatever OpenSSL says comes back as errno.
 */
#include "cacheengine/net/tls_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_session {
    SSL *ssl;
    bool is_broken; /* nothing more can be read or written, not even a goodbye */
    char why[160];
};

struct tls_session *tls_session_new(SSL_CTX *ctx, int fd, bool accepts)
{
    SSL *ssl = SSL_new(ctx);

    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    if (accepts)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    struct tls_session *s = malloc(sizeof(*s));
    check(s);
    *s = (struct tls_session){.ssl = ssl};
    return s;
}

static bool is_address(const char *host)
{
    struct in6_addr room;

    return inet_pton(AF_INET, host, &room) == 1 || inet_pton(AF_INET6, host, &room) == 1;
}

void tls_session_expect(struct tls_session *s, const char *host, bool checks)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(s->ssl);

    if (!host || !*host)
        return;
    /* Addresses are no server names, but certificates may hold them. */
    if (is_address(host)) {
        if (checks)
            (void)X509_VERIFY_PARAM_set1_ip_asc(rules, host);
        return;
    }
    (void)SSL_set_tlsext_host_name(s->ssl, host);
    if (checks)
        (void)X509_VERIFY_PARAM_set1_host(rules, host, 0);
}

void tls_session_free(struct tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    free(s);
}

const char *tls_session_why(const struct tls_session *s)
{
    return s->why;
}

/* Notes what broke the session. */
static void break_off(struct tls_session *s, int error)
{
    long verdict = SSL_get_verify_result(s->ssl);

    s->is_broken = true;
    if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN)
        snprintf(s->why, sizeof(s->why), "%s", errno ? strerror(errno) : "the connection ended");
    else
        tls_error_text(s->why, sizeof(s->why));
    if (verdict != X509_V_OK)
        snprintf(s->why, sizeof(s->why), "%s", X509_verify_cert_error_string(verdict));
    ERR_clear_error();
}

enum transport_state tls_session_handshake(struct tls_session *s)
{
    if (s->is_broken)
        return TRANSPORT_FAILED;
    ERR_clear_error();
    errno = 0;
    int done = SSL_do_handshake(s->ssl);
    if (done == 1)
        return TRANSPORT_READY;
    int error = SSL_get_error(s->ssl, done);
    if (error == SSL_ERROR_WANT_READ)
        return TRANSPORT_WANTS_READ;
    if (error == SSL_ERROR_WANT_WRITE)
        return TRANSPORT_WANTS_WRITE;
    break_off(s, error);
    return TRANSPORT_FAILED;
}

/* ---- bytes ---- */

/* What a read or write that got nowhere means, as the result of one: 0 or -1 with errno. */
static ssize_t failed(struct tls_session *s, int result, bool *wants_write)
{
    int error = SSL_get_error(s->ssl, result);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        *wants_write = error == SSL_ERROR_WANT_WRITE;
        errno = EAGAIN;
        return -1;
    }
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    int cause = error == SSL_ERROR_SYSCALL && errno ? errno : EPROTO;
    break_off(s, error);
    errno = cause;
    return -1;
}

ssize_t tls_session_read(struct tls_session *s, struct transport *t, void *to, size_t room)
{
    size_t got = 0;
    int n = 0;

    t->is_pending = false;
    t->wants_write = false;
    if (s->is_broken) {
        errno = EPROTO;
        return -1;
    }
    ERR_clear_error();
    errno = 0;
    do {
        size_t left = room - got < INT_MAX ? room - got : INT_MAX;

        n = SSL_read(s->ssl, (char *)to + got, (int)left);
        got += n > 0 ? (size_t)n : 0;
    } while (n > 0 && got < room && SSL_has_pending(s->ssl));
    if (n > 0) {
        t->is_pending = SSL_has_pending(s->ssl);
        return (ssize_t)got;
    }
    ssize_t result = failed(s, n, &t->wants_write);
    if (got == 0)
        return result;
    /* What has come first; the end or error behind it is said again without the socket. */
    t->is_pending = result == 0 || errno != EAGAIN;
    return (ssize_t)got;
}

/* The bytes from `from` on as one run of at most a record: where they stand, or copied to `room`
 * when they are several pieces. */
static const char *next_record(const struct iovec *iov, int count, size_t from, char *room,
                               size_t *out_len)
{
    size_t len = 0;

    while (count > 0 && from >= iov->iov_len) {
        from -= iov->iov_len;
        iov++;
        count--;
    }
    if (count == 0) {
        *out_len = 0;
        return room;
    }
    const char *first = (const char *)iov->iov_base + from;
    size_t first_len = iov->iov_len - from;
    if (count == 1 || first_len >= SSL3_RT_MAX_PLAIN_LENGTH) {
        *out_len = first_len < SSL3_RT_MAX_PLAIN_LENGTH ? first_len : SSL3_RT_MAX_PLAIN_LENGTH;
        return first;
    }
    for (int i = 0; i < count && len < SSL3_RT_MAX_PLAIN_LENGTH; i++) {
        size_t skip = i == 0 ? from : 0, n = iov[i].iov_len - skip;

        if (n > SSL3_RT_MAX_PLAIN_LENGTH - len)
            n = SSL3_RT_MAX_PLAIN_LENGTH - len;
        memcpy(room + len, (const char *)iov[i].iov_base + skip, n);
        len += n;
    }
    *out_len = len;
    return room;
}

ssize_t tls_session_writev(struct tls_session *s, const struct iovec *iov, int count)
{
    char room[SSL3_RT_MAX_PLAIN_LENGTH];
    size_t sent = 0, len;
    bool is_waited_for;

    if (s->is_broken) {
        errno = EPIPE;
        return -1;
    }
    ERR_clear_error();
    errno = 0;
    for (;;) {
        const char *bytes = next_record(iov, count, sent, room, &len);

        if (len == 0)
            return (ssize_t)sent;
        int n = SSL_write(s->ssl, bytes, (int)len);
        if (n <= 0 && sent > 0)
            return (ssize_t)sent; /* the next call says what is wrong */
        if (n <= 0) {
            ssize_t result = failed(s, n, &is_waited_for);

            if (result == 0)
                errno = EPIPE;
            return -1;
        }
        sent += (size_t)n;
    }
}

void tls_session_bye(struct tls_session *s)
{
    if (s->is_broken || !SSL_is_init_finished(s->ssl))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
}

bool tls_session_peer_name(const struct tls_session *s, char out[TLS_NAME_BYTES])
{
    const X509 *shown = SSL_get0_peer_certificate(s->ssl);

    if (!shown)
        return false;
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, out,
                                        TLS_NAME_BYTES);
    /* A name that does not fit, or with a NUL in it, is nobody's. */
    return len > 0 && len < TLS_NAME_BYTES - 1 && strlen(out) == (size_t)len;
}
