/*
 * TLS by OpenSSL: the certificates and rules of this process, and the sessions made by them. The
 * only door to OpenSSL's ssl library.
 *
 * Rules come from the settings named tls-*. Taking over changed ones is all or nothing: a
 * certificate that does not fit its key, or a file that cannot be read, changes nothing. Sessions
 * keep the rules under which they began.
 */
#ifndef LARDER_NET_TLS_H
#define LARDER_NET_TLS_H

#include "base/arena.h"
#include "cacheengine/keyspace/settings.h"
#include "cacheengine/net/transport.h"

/* About what a session takes while nothing is half read or half written. */
#define TLS_SESSION_BYTES 14336

/* The first byte of every TLS connection: a handshake record's. No request of any protocol here
 * begins with it. */
#define TLS_FIRST_BYTE 0x16

#define TLS_NAME_BYTES 128

/* True when the settings ask for TLS anywhere. */
bool tls_is_wanted(const struct settings *s);

/* Errors say what is wrong with which file or rule, in `a`. */
must_use struct err tls_open(const struct settings *s, struct arena *a, struct tls **out);
void tls_close(struct tls *tls);

/* Takes over changed settings and reads all files again; nothing changes when it fails. */
must_use struct err tls_reload(struct tls *tls, const struct settings *s, struct arena *a);

/* Gives back the memory that loading OpenSSL has touched; what is needed comes again by itself. For
 * those who use none of it: it is more than all the rest of an empty engine. */
void tls_rest(void);

/* ---- sessions: of one thread at a time ---- */

/* The accepting and the connecting end over a socket that stays the caller's. NULL: no such end is
 * configured, or memory is out. */
struct tls_session *tls_accept(struct tls *tls, int fd);
struct tls_session *tls_connect(struct tls *tls, int fd, const char *host);
void tls_session_free(struct tls_session *s);

/* Goes on with the handshake. */
enum transport_state tls_session_handshake(struct tls_session *s);

/* As transport_read and transport_writev; what they say of the transport goes to `t`. */
ssize_t tls_session_read(struct tls_session *s, struct transport *t, void *to, size_t room);
ssize_t tls_session_writev(struct tls_session *s, const struct iovec *iov, int count);

/* Tells the other side that nothing more comes, if the session is sound. */
void tls_session_bye(struct tls_session *s);

/* The common name in the certificate that the other side has shown; false: there is none. */
bool tls_session_peer_name(const struct tls_session *s, char out[TLS_NAME_BYTES]);

/* Why the session failed; lives as long as it. */
const char *tls_session_why(const struct tls_session *s);

#endif
