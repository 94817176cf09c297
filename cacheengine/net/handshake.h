/*
 * Handshakes of accepted connections, in threads of their own: one costs a millisecond of
 * signatures, for which no other client shall wait.
 *
 * A connection is given away with its socket and session, and comes back when its handshake has
 * succeeded or failed, or took too long. The loop learns of it by a descriptor.
 */
#ifndef LARDER_NET_HANDSHAKE_H
#define LARDER_NET_HANDSHAKE_H

#include "cacheengine/net/transport.h"

#include <stdint.h>

struct handshakes;

struct handshake {
    struct transport transport;
    void *owner;         /* of the loop's thread; NULL: it was given up */
    int64_t deadline_ms; /* on the boot clock */
    bool has_succeeded;
    const char *why; /* it failed; lives as long as the transport */
    struct handshake *next, *prev;
};

/* Starts the threads. */
must_use struct err handshakes_open(struct handshakes **out, int threads);

/* Ends the threads; handshakes under way are freed with their sockets. Accepts NULL. */
void handshakes_close(struct handshakes *h);

/* Becomes readable when handshakes have ended. */
int handshakes_fd(const struct handshakes *h);

/* Takes over the transport of an accepted connection. */
struct handshake *handshakes_begin(struct handshakes *h, struct transport t, void *owner,
                                   int64_t deadline_ms);

/* The owner is no more: it fails soon. */
void handshake_give_up(struct handshake *s);

/* One that has ended, or NULL; the caller takes the transport out and frees it. */
struct handshake *handshakes_take(struct handshakes *h);

/* Closes what is left of its transport. */
void handshake_free(struct handshake *s);

#endif
