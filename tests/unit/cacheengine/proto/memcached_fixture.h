/* An engine that speaks memcached without sockets: bytes in, bytes out. */
#ifndef LARDER_TESTS_MEMCACHED_FIXTURE_H
#define LARDER_TESTS_MEMCACHED_FIXTURE_H

#include "base/buf.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/proto/memcached.h"
#include "cacheengine/proto/protocol.h"

struct mc_fixture {
    struct engine engine;
    struct client client;
    struct parse_state state;
    struct arena arena;
    struct buf in;  /* what was sent and is not parsed yet */
    struct buf out; /* all replies since the last mc_ask */
};

/* `options` are directives, "name value", ended by NULL. */
void mc_open(struct mc_fixture *f, const char *const *options);
void mc_close(struct mc_fixture *f);

/* Gives bytes to the parser, runs what is complete, and returns all replies as text; they hold
 * until the next call. */
const char *mc_ask_bytes(struct mc_fixture *f, const char *bytes, size_t len);
const char *mc_ask(struct mc_fixture *f, const char *text);

/* A binary request, with an opaque of 7, and all replies to it; f->out has them. */
struct mc_binary {
    uint8_t opcode;
    struct str extras, key, value;
    uint64_t cas;
};
void mc_ask_binary(struct mc_fixture *f, const struct mc_binary *request);

/* Of the one reply that is in f->out: its status, and the cas; its body. */
unsigned mc_status(const struct mc_fixture *f);
uint64_t mc_reply_cas(const struct mc_fixture *f);
struct str mc_body(const struct mc_fixture *f);

/* Moves the engine's clock. */
void mc_advance(struct mc_fixture *f, int64_t ms);

/* The entry behind a key, without a trace. */
struct entry *mc_entry(struct mc_fixture *f, const char *key);

#endif
