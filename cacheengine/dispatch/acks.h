/*
 * When the reply to a write may leave: not after the lease is over (authority.h), and with
 * `larder-write-acks k` not before k replicas have acknowledged the write's place in the
 * replication stream.
 *
 * Whoever runs a request frames it:
 *
 *     struct write_watch w = writes_begin(e, client);
 *     ... the request runs and replies ...
 *     writes_end(e, client, &w);
 *
 * A request that changed something is noted, with the bytes that it was answered by. What is held
 * keeps its place: later replies of the same connection stay behind it, those before it and all of
 * other connections go their way. Each connection learns from acks_sendable how much it may send.
 *
 * A write that is not acknowledged within `larder-write-acks-timeout` is answered by an error in
 * place of its reply: it was made here, and is not confirmed. Clients whose held replies are many
 * are not read from (acks_are_many); while all that is held takes more than
 * `larder-write-acks-memory`, further writes are refused (GUARD_ACKS).
 */
#ifndef LARDER_DISPATCH_ACKS_H
#define LARDER_DISPATCH_ACKS_H

#include "cacheengine/dispatch/engine.h"

#include <limits.h>

/* Replies that one client may have held, in number and in bytes, before it is read no more. */
#define ACKS_HELD_MAX       4096
#define ACKS_HELD_BYTES_MAX (1024 * 1024)

struct write_watch {
    bool is_on;
    uint64_t dirty; /* changes of the keyspace until then */
    uint64_t at;    /* place of the reply among all that the client was ever told */
};

static inline struct write_watch writes_begin(const struct engine *e, const struct client *c)
{
    if (__builtin_expect(!e->watches_writes, 1))
        return (struct write_watch){0};
    return (struct write_watch){true, e->keyspace.dirty, reply_place(&c->reply)};
}

/* Notes the replies to a write as what acknowledges it. */
void acks_note(struct engine *e, struct client *c, uint64_t begin);

static inline void writes_end(struct engine *e, struct client *c, const struct write_watch *w)
{
    if (__builtin_expect(w->is_on, 0) && e->keyspace.dirty != w->dirty)
        acks_note(e, c, w->at);
}

/* Replies that are held now. */
uint64_t acks_held(const struct engine *e);

/* ---- for the replication ---- */

/* The replica with this id (its client's) has everything up to this offset. */
void acks_reached(struct engine *e, uint64_t replica, int64_t offset);

/* The replica is gone: what it had acknowledged stays so, for what comes it counts no more. */
void acks_lost(struct engine *e, uint64_t replica);

/* True once for each time that something is held which no replica was asked about yet: then ask all
 * of them for their offsets. Call at the end of a round. */
bool acks_want_asking_slow(struct engine *e);

static inline bool acks_want_asking(struct engine *e)
{
    return acks_held(e) > 0 && acks_want_asking_slow(e);
}

/* ---- for the connections ---- */

/* Bytes at the front of what is pending that may be sent now. */
size_t acks_sendable(const struct client *c);

/* True when so much of this client is held that nothing more of it should run. */
static inline bool acks_are_many(const struct client *c)
{
    return c->held_count >= ACKS_HELD_MAX ||
           (c->held_count > 0 && reply_pending(&c->reply) >= ACKS_HELD_BYTES_MAX);
}

/* The client is going: its replies are nobody's. */
void acks_forget(struct engine *e, struct client *c);

/* Answers those whose time is up. Returns the milliseconds until the next one's is, INT_MAX for
 * none. */
int acks_expire_slow(struct engine *e);

static inline int acks_expire(struct engine *e)
{
    return acks_held(e) > 0 ? acks_expire_slow(e) : INT_MAX;
}

/* ---- for the engine ---- */

/* Takes over changed settings, roles and leases: what needs no further acknowledgement leaves. */
void acks_settle(struct engine *e);

void acks_fini(struct engine *e);

#endif
