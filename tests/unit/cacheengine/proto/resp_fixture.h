/*
 * A RESP client of an engine without a network: bytes go in as reads would bring them, replies come
 * out as one text. For tests and for fuzzers.
 */
#ifndef LARDER_TESTS_RESP_FIXTURE_H
#define LARDER_TESTS_RESP_FIXTURE_H

#include "base/buf.h"
#include "cacheengine/proto/protocol.h"

struct resp_client {
    struct client client;
    struct parse_state parse;
    struct buf input; /* what is not used up */
    bool is_killed;
};

struct resp_fixture {
    struct engine engine;
    struct resp_client main; /* most tests need no other */
    struct arena batch;
    struct buf out; /* what was answered last */
};

/* `options` are directives ("maxmemory 1mb"), ended by NULL; NULL for none. */
void resp_open(struct resp_fixture *f, const char *const *options);
void resp_close(struct resp_fixture *f);

/* Further sessions. */
void resp_client_open(struct resp_fixture *f, struct resp_client *c, bool is_admin);
void resp_client_close(struct resp_fixture *f, struct resp_client *c);

/* One read of these bytes; runs all requests that are complete, up to one that waits for keys, and
 * returns what they answer, which holds until the next call. */
struct str resp_send(struct resp_fixture *f, struct resp_client *c, const char *bytes, size_t len);

/* An inline request of the main client, without its end of line; the answer as a text with a NUL.
 */
const char *resp_ask(struct resp_fixture *f, const char *line);
const char *resp_ask_of(struct resp_fixture *f, struct resp_client *c, const char *line);

/* Moves the clock of the engine. */
void resp_advance(struct resp_fixture *f, int64_t ms);

#endif
