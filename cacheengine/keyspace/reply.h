/*
 * What is said to a client: bytes that are gathered while its commands run and sent with one call.
 *
 * The fast path appends to a buffer that all clients of a round share one after the other; only
 * what the socket did not take at once is kept with the client, as a queue of pieces. Big values
 * are queued by reference and never copied.
 *
 * Functions named reply_* speak RESP in the client's version (2 or 3); other protocols use
 * reply_raw.
 */
#ifndef LARDER_KEYSPACE_REPLY_H
#define LARDER_KEYSPACE_REPLY_H

#include "base/str.h"
#include "cacheengine/keyspace/blob.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REPLY_SHARED_BYTES 65536 /* the shared buffer */
#define REPLY_BIG          16384 /* from here on, values are queued by reference */

struct reply_piece;
struct iovec;

/* One per loop: the shared buffer and the account that queues are booked to. */
struct reply_pool {
    struct reply_piece *spare; /* a shared buffer at rest, or NULL */
    struct account *account;
    size_t shared_bytes; /* of blobs in queues: not booked, the keyspace mostly holds them anyway */
};

struct reply {
    char *next, *end;         /* room of the buffer being filled; NULL while none is held */
    struct reply_piece *open; /* the piece they belong to */
    struct reply_piece *head; /* closed pieces, oldest first */
    struct reply_piece *tail;
    size_t queued_bytes; /* in the closed pieces, unsent */
    uint64_t front;      /* place of the first unsent byte among all that was ever said */
    struct reply_pool *pool;
    uint64_t errors;     /* error replies so far; dispatch compares before and after */
    char error_code[24]; /* first word of the last error */
    uint8_t resp;        /* 2 or 3 */
};

void reply_pool_init(struct reply_pool *pool, struct account *account);
void reply_pool_fini(struct reply_pool *pool);

void reply_init(struct reply *r, struct reply_pool *pool);
void reply_fini(struct reply *r);

/* Bytes not sent yet. */
size_t reply_pending(const struct reply *r);

/* Memory held for bytes not sent yet. */
size_t reply_held_bytes(const struct reply *r);

/* Fills up to `max` vectors with unsent bytes, oldest first, and returns how many. */
int reply_gather(const struct reply *r, struct iovec *out, int max);

/* The place of what will be said next. */
static inline uint64_t reply_place(const struct reply *r)
{
    return r->front + reply_pending(r);
}

/* Puts other bytes in place of those from `begin` to `end`, all unsent. Places behind them stay
 * what they are. */
void reply_replace(struct reply *r, uint64_t begin, uint64_t end, const char *bytes, size_t len);

/* Drops the first `sent` bytes. */
void reply_sent(struct reply *r, size_t sent);

/* Lets go of the shared buffer: what is unsent moves into a piece of its own. Call when turning to
 * another client. */
void reply_settle(struct reply *r);

/* Drops everything unsent. */
void reply_drop(struct reply *r);

/* What is said after reply_hold can be taken back with reply_rewind: CLIENT REPLY OFF. */
struct reply_piece *reply_hold(struct reply *r);
void reply_rewind(struct reply *r, struct reply_piece *held);

/* Room for `len` contiguous bytes in a new buffer; use reply_room. */
char *reply_room_slow(struct reply *r, size_t len);

/* Where the next `len` bytes go (contiguous); the caller advances r->next. */
static inline char *reply_room(struct reply *r, size_t len)
{
    if ((size_t)(r->end - r->next) >= len && r->next)
        return r->next;
    return reply_room_slow(r, len);
}

static inline void reply_raw(struct reply *r, const char *bytes, size_t len)
{
    char *to = reply_room(r, len);

    memcpy(to, bytes, len);
    r->next = to + len;
}

/* Adds bytes behind all that is to be sent, without the shared buffer: for those whose turn it is
 * not. */
void reply_queue(struct reply *r, const char *bytes, size_t len);

/* Bytes of a blob from `from` on, by reference; takes a share of it. */
void reply_raw_blob(struct reply *r, struct blob *b, size_t from, size_t len);

#define reply_literal(r, text) reply_raw((r), (text), sizeof(text) - 1)

/* Simple strings. */
static inline void reply_ok(struct reply *r)
{
    reply_literal(r, "+OK\r\n");
}
void reply_status(struct reply *r, const char *text);

/* "-" TEXT; the text begins with its code ("ERR ..."), CR and LF in it become spaces. Errors are
 * counted by code. */
void reply_error(struct reply *r, const char *text);
void reply_errorf(struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The errors that many commands share. */
void reply_wrong_type(struct reply *r);
void reply_syntax_error(struct reply *r);
void reply_not_integer(struct reply *r);
void reply_not_float(struct reply *r);
void reply_no_key(struct reply *r); /* "ERR no such key" */

void reply_int(struct reply *r, int64_t v);
void reply_bulk(struct reply *r, const char *bytes, size_t len);
void reply_bulk_blob(struct reply *r, struct blob *b); /* by reference when it is big */
void reply_bulk_int(struct reply *r, int64_t v);       /* a bulk string of decimal digits */
void reply_bulk_double(struct reply *r, double v); /* a bulk string, 17 digits, as INCRBYFLOAT */

static inline void reply_bulk_str(struct reply *r, struct str s)
{
    reply_bulk(r, s.ptr, s.len);
}

static inline void reply_bulk_text(struct reply *r, const char *text)
{
    reply_bulk(r, text, strlen(text));
}

void reply_bulkf(struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void reply_null(struct reply *r);             /* $-1 or _ */
void reply_null_array(struct reply *r);       /* *-1 or _ */
void reply_bool(struct reply *r, bool v);     /* :1 / :0 or #t / #f */
void reply_double(struct reply *r, double v); /* a bulk string or , */
/* The same in plain notation with up to 17 digits behind the point. */
void reply_plain_double(struct reply *r, double v);
void reply_big_number(struct reply *r, struct str digits);
void reply_verbatim(struct reply *r, struct str text,
                    const char *format); /* three letters: "txt" */

void reply_array(struct reply *r, size_t count);
void reply_map(struct reply *r, size_t pairs); /* twice as many in RESP2 */
void reply_set(struct reply *r, size_t count);
void reply_push(struct reply *r, size_t count);      /* an array in RESP2 */
void reply_attribute(struct reply *r, size_t pairs); /* RESP3 only: nothing in RESP2 */

/* The answer to HELP: an array of status lines with the usual frame around `lines` (ended by NULL).
 */
void reply_help(struct reply *r, const char *command, const char *const *lines);

/* An aggregate whose count is known at its end. `kind` is one of "array", "map", "set", "push" by
 * its RESP3 letter: '*' '%' '~' '>'. */
struct reply_mark {
    struct reply_piece *piece;
};
struct reply_mark reply_open(struct reply *r);
void reply_close(struct reply *r, struct reply_mark mark, char kind, size_t count);

/* The same with other bytes than a head, at most REPLY_MARK_BYTES. */
#define REPLY_MARK_BYTES 64
void reply_close_raw(struct reply *r, struct reply_mark mark, const char *bytes, size_t len);

#endif
