/*
 * A protocol: how bytes of a client become calls. One `const struct protocol` each, listed in
 * protocol.c and chosen by `larder-protocol`.
 *
 * The network gives `parse` what has arrived; it takes one complete request at a time off the front
 * and describes it in a call whose `run` executes it later. Many requests of many clients are
 * parsed before the first runs, and their keys are prefetched meanwhile: so `parse` must not touch
 * the keyspace, must not reply, and must tell the keys it finds (parse_keys). An error is a call
 * too: its `run` replies (and sets client->is_closing if it must), so that replies keep their
 * order.
 */
#ifndef LARDER_PROTO_PROTOCOL_H
#define LARDER_PROTO_PROTOCOL_H

#include "cacheengine/dispatch/engine.h"
#include "cacheengine/keyspace/call.h"

/* Room for the arguments and hashes of the calls of one batch; grows, reset with each batch. */
struct parse_room {
    struct arena *arena; /* of the batch: calls' argv and hashes that do not fit below */
    struct str *args;    /* next free argument slices */
    struct str *args_end;
    uint64_t *hashes; /* next free hashes */
    uint64_t *hashes_end;
};

/*
 * Where parsing of a client's next request stands; zeroed by the network after each request.
 *
 * A parser that meets a big last argument (REPLY_BIG bytes or more) may say with PARSE_MORE where
 * it stands: the network then reads exactly up to `want` into one blob, and sets out->backing to it
 * when the request is complete, so that call_take hands the argument over without a copy.
 */
struct parse_state {
    size_t want;    /* bytes of input that the request needs in all, when known; 0 = unknown */
    size_t scanned; /* for the protocol: bytes at the front that need not be looked at again */
    int64_t items;  /* for the protocol */
};

enum parse_result {
    PARSE_CALL, /* one request was taken: *used bytes */
    PARSE_MORE, /* incomplete; state says what is known */
    PARSE_NONE, /* *used bytes were skipped; there is no call in them */
};

struct protocol {
    const char *name;
    /* `c` for its settings and session only; `in` is what has arrived, from the request's first
     * byte. */
    enum parse_result (*parse)(struct client *c, struct engine *e, struct parse_state *state,
                               struct str in, struct parse_room *room, struct cmd_call *out,
                               size_t *used);
    /* Makes and frees engine->protocol_state; either may be NULL. init runs once the keyspace
     * stands, fini before it goes. */
    void (*init)(struct engine *e);
    void (*fini)(struct engine *e);
    void (*refuse_client)(struct reply *r); /* says that there are too many */
    void (*refuse_plain)(struct reply *r);  /* says that only TLS is taken here */
};

extern const struct protocol protocol_resp, protocol_memcached;

/* By `larder-protocol`. */
const struct protocol *protocol_of(const struct settings *settings);

/* `count` argument slices that hold until the batch ends. */
struct str *parse_args(struct parse_room *room, size_t count);

/* Tells a call its keys: `count` of its arguments, each `step` behind the one before. They are
 * hashed, and the processor is asked for where the index has them. */
void parse_keys(const struct engine *e, struct parse_room *room, struct cmd_call *call,
                uint32_t first, uint32_t step, uint32_t count);

#endif
