/*
 * Outgoing connections, as the layers below the network see them: of a replica to its primary, of a
 * node to the one that takes over a slot.
 *
 * A link is dialled and from then on its user is told what happens, always from the event loop and
 * never from within a call of its own. Nothing here waits: names are resolved aside, what the other
 * side does not take at once is queued. A link ends when its user closes it, or becomes a client's
 * connection (adopt); what went wrong is told once, by `failed`, and the user closes it then.
 */
#ifndef LARDER_KEYSPACE_LINK_H
#define LARDER_KEYSPACE_LINK_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct link;

struct link_target {
    const char *host; /* a name or an address; copied */
    int port;
    const char *from; /* the address to connect from; NULL or empty: any */
    int64_t timeout_ms;
    bool is_secure; /* TLS */
};

/* What a user of links is told. */
struct link_user {
    void (*connected)(struct link *l);
    /* Something may be read. Told again as long as it was not. */
    void (*readable)(struct link *l);
    /* It is over: it could not be connected, it broke, or the other side ended it. `why` holds only
     * while this runs. */
    void (*failed)(struct link *l, struct err why);
    /* The time of link_wake_in has come. NULL: it is never asked for. */
    void (*due)(struct link *l);
};

/* What the network can do for a link. */
struct link_host {
    must_use struct err (*read)(struct link *l, void *to, size_t max, size_t *got);
    void (*write)(struct link *l, const void *bytes, size_t len);
    size_t (*pending)(const struct link *l);
    void (*listen)(struct link *l, bool is_listening);
    void (*wake_in)(struct link *l, int64_t ms);
    void (*address)(const struct link *l, bool is_local, char out[128]);
    struct client *(*adopt)(struct link *l, struct str rest);
    void (*close)(struct link *l);
};

struct link {
    const struct link_host *host;
    const struct link_user *user;
    void *owner; /* whatever its user keeps here */
};

/* Who dials; the network fills it in. */
struct link_dialer {
    void *ctx; /* the network's own */
    struct link *(*dial)(void *ctx, const struct link_target *to, const struct link_user *user,
                         void *owner);
};

/* Begins to connect. Never NULL: failures are told like all others. */
static inline struct link *link_dial(const struct link_dialer *d, const struct link_target *to,
                                     const struct link_user *user, void *owner)
{
    return d->dial(d->ctx, to, user, owner);
}

/* What is there, at most `max` bytes; *got is 0 when nothing is there now. ERR_UNAVAILABLE at the
 * end, ERR_IO when it broke. */
static inline must_use struct err link_read(struct link *l, void *to, size_t max, size_t *got)
{
    return l->host->read(l, to, max, got);
}

/* Sends, now or as soon as the other side takes it. */
static inline void link_write(struct link *l, const void *bytes, size_t len)
{
    l->host->write(l, bytes, len);
}

/* Bytes that wait to be sent. */
static inline size_t link_pending(const struct link *l)
{
    return l->host->pending(l);
}

/* Whether `readable` is told; it is at first. */
static inline void link_listen(struct link *l, bool is_listening)
{
    l->host->listen(l, is_listening);
}

/* Asks for `due` once, in so many milliseconds; takes the place of what was asked before. Below 0:
 * never. */
static inline void link_wake_in(struct link *l, int64_t ms)
{
    l->host->wake_in(l, ms);
}

/* "127.0.0.1:6379" of either end. */
static inline void link_address(const struct link *l, bool is_local, char out[128])
{
    l->host->address(l, is_local, out);
}

/* The connection goes on as a client's, whose requests are what the other side sends: first `rest`,
 * then what is not read yet. The link is gone. */
static inline struct client *link_adopt(struct link *l, struct str rest)
{
    return l->host->adopt(l, rest);
}

/* Nothing is told any more. Accepts NULL. */
static inline void link_close(struct link *l)
{
    if (l)
        l->host->close(l);
}

#endif
