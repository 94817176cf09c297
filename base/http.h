/*
 * HTTP requests: the house's only door to libcurl. Link larder_http.
 *
 * A `struct http` sends one request after another and blocks; it keeps its connections open between
 * them. A `struct http_loop` runs many requests at once inside somebody else's event loop: it is
 * one descriptor to watch and one function to call. Both are for one thread at a time.
 *
 * Redirects are not followed. A loopback address is never reached through a proxy of the
 * environment.
 */
#ifndef LARDER_BASE_HTTP_H
#define LARDER_BASE_HTTP_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

/* Who signs the request by AWS Signature Version 4. */
struct http_signer {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL when there is none */
    const char *region;
    const char *service;
};

/* A file in place of a body: read from its beginning, or written where it stands. */
struct http_file {
    int fd;
    int64_t bytes; /* to be sent */
    /* Reads in the place of pread(fd), with errno where it fails; NULL: from the descriptor. */
    ssize_t (*read)(void *context, void *to, size_t max, int64_t from);
    void *context;
};

struct http_request {
    const char *method; /* NULL: GET, or POST when there is a body */
    const char *url;
    const char *const *headers; /* "Name: value" lines, `header_count` of them */
    size_t header_count;
    struct str body;
    const struct http_file *body_file; /* in place of `body`; NULL: none */
    const struct http_file
        *answer_file;                 /* gets the body of an answer with status 2xx; NULL: none */
    int timeout_ms;                   /* for the whole exchange; 0: 30 s */
    int connect_timeout_ms;           /* 0: 5 s */
    size_t max_body_bytes;            /* of the answer; 0: 16 MB */
    const struct http_signer *signer; /* NULL: not signed */
};

struct http_header {
    const char *name; /* in lower case */
    const char *value;
};

struct http_response {
    int status;
    const struct http_header *headers;
    size_t header_count;
    struct str body; /* NUL-terminated behind its end */
};

/* The value of the header (name in lower case), or NULL. */
const char *http_header_value(const struct http_response *r, const char *name);

struct http;
struct http *http_open(void);
void http_close(struct http *h);

/*
 * Sends the request and waits for the answer, which lives in `a`. Any status is an answer, not an
 * error. ERR_UNAVAILABLE when nobody answers at that address or the connection broke, ERR_TIMEOUT,
 * ERR_LIMIT when the answer's body is too large, ERR_INVALID for an unusable URL, ERR_DENIED when
 * TLS does not trust the other side. The sentence (in `a`) says what happened, not to whom.
 */
must_use struct err http_send(struct http *h, struct arena *a, const struct http_request *request,
                              struct http_response *out);

/* Called once when a request ended; `response` (NULL on error) and `e.why` live until it returns.
 * It may start further requests and cancel others. */
typedef void (*http_done_fn)(void *context, struct err e, const struct http_response *response);

struct http_loop;
struct http_exchange;

/* ERR_IO when the system has no descriptors left. */
must_use struct err http_loop_open(struct http_loop **out);

/* Ends what is under way without calling anybody. */
void http_loop_close(struct http_loop *l);

/* The descriptor to watch: it is readable when http_loop_run has something to do (also a timeout).
 */
int http_loop_fd(const struct http_loop *l);

/* Goes on with all requests without blocking, and calls those that ended. */
void http_loop_run(struct http_loop *l);

/*
 * Begins a request, and over a connection that is open already sends it before it returns; what it
 * points to is copied. `done` is called from http_loop_run, never from here. The exchange is gone
 * when `done` returned; until then it may be cancelled.
 */
struct http_exchange *http_start(struct http_loop *l, const struct http_request *request,
                                 http_done_fn done, void *context);

/* Ends it without calling `done`. */
void http_cancel(struct http_exchange *x);

#endif
