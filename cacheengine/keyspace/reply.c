/*
 * The queue of replies. The one idea: a piece is either bytes of its own or a reference to a blob;
 * the piece being filled is most often the one shared buffer, which no client keeps beyond its
 * turn.
 */
#include "cacheengine/keyspace/reply.h"

#include "base/err.h"
#include "cacheengine/keyspace/number.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

/* A closed buffer with less in it is copied, so that the shared one stays shared. */
#define COPY_BELOW 8192

struct reply_piece {
    struct reply_piece *next;
    struct blob *blob; /* NULL: the bytes are below */
    size_t from, end;  /* what is unsent of it */
    size_t room;       /* of the bytes below, or what was to be sent of the blob */
    size_t cost;
    char bytes[];
};

static struct reply_piece *piece_new(struct reply_pool *pool, size_t room)
{
    struct reply_piece *p = malloc(sizeof(*p) + room);

    check(p);
    *p = (struct reply_piece){.room = room, .cost = malloc_usable_size(p) + 8};
    account_add(pool->account, p->cost);
    pool->account->client_bytes += p->cost;
    return p;
}

static void piece_free(struct reply_pool *pool, struct reply_piece *p)
{
    if (!p)
        return;
    if (p->blob)
        pool->shared_bytes -= p->room;
    blob_drop(pool->account, p->blob);
    account_sub(pool->account, p->cost);
    pool->account->client_bytes -= p->cost;
    free(p);
}

void reply_pool_init(struct reply_pool *pool, struct account *account)
{
    *pool = (struct reply_pool){.account = account};
}

void reply_pool_fini(struct reply_pool *pool)
{
    piece_free(pool, pool->spare);
    pool->spare = NULL;
}

void reply_init(struct reply *r, struct reply_pool *pool)
{
    *r = (struct reply){.pool = pool, .resp = 2};
}

static void queue_add(struct reply *r, struct reply_piece *p)
{
    p->next = NULL;
    if (r->head)
        r->tail->next = p;
    else
        r->head = p;
    r->tail = p;
    r->queued_bytes += p->end - p->from;
}

static size_t open_bytes(const struct reply *r)
{
    return r->open ? (size_t)(r->next - r->open->bytes) - r->open->from : 0;
}

static void open_set(struct reply *r, struct reply_piece *p)
{
    r->open = p;
    r->next = p ? p->bytes : NULL;
    r->end = p ? p->bytes + p->room : NULL;
}

/* Moves what is in the open buffer to the queue; the buffer stays when that is little. */
static void open_close(struct reply *r)
{
    size_t len = open_bytes(r);
    struct reply_piece *p = r->open;

    if (len == 0)
        return;
    if (len < COPY_BELOW) {
        struct reply_piece *copy = piece_new(r->pool, len);

        memcpy(copy->bytes, p->bytes + p->from, len);
        copy->end = len;
        queue_add(r, copy);
        p->from = 0;
        r->next = p->bytes;
        return;
    }
    p->end = p->from + len;
    queue_add(r, p);
    open_set(r, NULL);
}

/* Gives an empty open buffer back. */
static void open_release(struct reply *r)
{
    struct reply_piece *p = r->open;

    open_set(r, NULL);
    if (!p)
        return;
    p->from = 0;
    if (!r->pool->spare && p->room == REPLY_SHARED_BYTES)
        r->pool->spare = p;
    else
        piece_free(r->pool, p);
}

/* What comes in small parts outside a client's turn shares pieces of this size. */
#define QUEUE_PIECE 512

void reply_queue(struct reply *r, const char *bytes, size_t len)
{
    open_close(r);
    struct reply_piece *p = r->head ? r->tail : NULL;
    if (p && !p->blob && p->room - p->end >= len) {
        memcpy(p->bytes + p->end, bytes, len);
        p->end += len;
        r->queued_bytes += len;
        return;
    }
    p = piece_new(r->pool, len > QUEUE_PIECE ? len : QUEUE_PIECE);
    memcpy(p->bytes, bytes, len);
    p->end = len;
    queue_add(r, p);
}

void reply_settle(struct reply *r)
{
    open_close(r);
    open_release(r);
}

char *reply_room_slow(struct reply *r, size_t len)
{
    open_close(r);
    if (r->open && r->open->room >= len)
        return r->next;
    open_release(r);
    if (r->pool->spare && len <= REPLY_SHARED_BYTES) {
        open_set(r, r->pool->spare);
        r->pool->spare = NULL;
    } else {
        open_set(r, piece_new(r->pool, len > REPLY_SHARED_BYTES ? len : REPLY_SHARED_BYTES));
    }
    return r->next;
}

size_t reply_pending(const struct reply *r)
{
    return r->queued_bytes + open_bytes(r);
}

size_t reply_held_bytes(const struct reply *r)
{
    return r->queued_bytes + open_bytes(r);
}

static const char *piece_bytes(const struct reply_piece *p)
{
    return p->blob ? blob_str(p->blob).ptr : p->bytes;
}

int reply_gather(const struct reply *r, struct iovec *out, int max)
{
    int count = 0;

    for (const struct reply_piece *p = r->head; p && count < max; p = p->next)
        if (p->end > p->from)
            out[count++] = (struct iovec){(void *)(piece_bytes(p) + p->from), p->end - p->from};
    if (count < max && open_bytes(r))
        out[count++] = (struct iovec){r->open->bytes + r->open->from, open_bytes(r)};
    return count;
}

void reply_sent(struct reply *r, size_t sent)
{
    r->front += sent;
    while (r->head) {
        struct reply_piece *p = r->head;
        size_t len = p->end - p->from;

        if (sent < len) {
            p->from += sent;
            r->queued_bytes -= sent;
            return;
        }
        sent -= len;
        r->queued_bytes -= len;
        r->head = p->next;
        piece_free(r->pool, p);
    }
    if (sent == 0)
        return;
    check(sent <= open_bytes(r));
    r->open->from += sent;
    if (open_bytes(r) == 0) {
        r->open->from = 0;
        r->next = r->open->bytes;
    }
}

/* Parts a piece behind its first `len` unsent bytes. */
static void piece_split(struct reply *r, struct reply_piece *p, size_t len)
{
    size_t rest = p->end - p->from - len;
    struct reply_piece *second = piece_new(r->pool, p->blob ? 0 : rest);

    if (p->blob) {
        second->blob = blob_share(p->blob);
        second->from = p->from + len;
        second->room = rest;
        p->room -= rest;
    } else {
        memcpy(second->bytes, p->bytes + p->from + len, rest);
    }
    second->end = second->from + rest;
    p->end -= rest;
    second->next = p->next;
    p->next = second;
    if (r->tail == p)
        r->tail = second;
}

/* What points at the piece that begins at byte `at` of the queue, which is made to begin there. */
static struct reply_piece **cut_at(struct reply *r, size_t at)
{
    struct reply_piece **link = &r->head;

    while (*link && at > 0) {
        size_t len = (*link)->end - (*link)->from;

        if (at < len)
            piece_split(r, *link, at);
        at -= at < len ? at : len;
        link = &(*link)->next;
    }
    return link;
}

void reply_replace(struct reply *r, uint64_t begin, uint64_t end, const char *bytes, size_t len)
{
    struct reply_piece *p = piece_new(r->pool, len);
    size_t gone = (size_t)(end - begin);

    open_close(r);
    struct reply_piece **link = cut_at(r, (size_t)(begin - r->front));
    memcpy(p->bytes, bytes, len);
    p->end = len;
    p->next = *link;
    *link = p;
    if (!p->next)
        r->tail = p;
    r->queued_bytes += len;
    struct reply_piece *behind = *cut_at(r, (size_t)(begin - r->front) + len + gone);
    while (p->next != behind) {
        struct reply_piece *old = p->next;

        p->next = old->next;
        r->queued_bytes -= old->end - old->from;
        piece_free(r->pool, old);
    }
    if (!behind)
        r->tail = p;
    r->front += gone - len;
}

void reply_drop(struct reply *r)
{
    reply_sent(r, reply_pending(r));
    open_release(r);
}

void reply_fini(struct reply *r)
{
    if (r->pool)
        reply_drop(r);
    *r = (struct reply){0};
}

struct reply_piece *reply_hold(struct reply *r)
{
    struct reply_piece *p = piece_new(r->pool, 0);

    open_close(r);
    queue_add(r, p);
    return p;
}

void reply_rewind(struct reply *r, struct reply_piece *held)
{
    if (r->open) {
        r->open->from = 0;
        r->next = r->open->bytes;
    }
    struct reply_piece *p = held->next;
    while (p) {
        struct reply_piece *next = p->next;

        r->queued_bytes -= p->end - p->from;
        piece_free(r->pool, p);
        p = next;
    }
    held->next = NULL;
    r->tail = held;
}

void reply_raw_blob(struct reply *r, struct blob *b, size_t from, size_t len)
{
    struct reply_piece *p = piece_new(r->pool, 0);

    p->blob = blob_share(b);
    p->from = from;
    p->end = from + len;
    p->room = len;
    r->pool->shared_bytes += len;
    open_close(r);
    queue_add(r, p);
}

/* ---- RESP ---- */

/* A letter, a number and the end of line. */
static void put_head(struct reply *r, char letter, int64_t v)
{
    char *to = reply_room(r, NUMBER_I64_MAX + 3);

    *to++ = letter;
    if (v >= 0 && v < 10)
        *to++ = (char)('0' + v);
    else
        to += number_write_i64(to, v);
    *to++ = '\r';
    *to++ = '\n';
    r->next = to;
}

void reply_status(struct reply *r, const char *text)
{
    reply_literal(r, "+");
    reply_raw(r, text, strlen(text));
    reply_literal(r, "\r\n");
}

void reply_error(struct reply *r, const char *text)
{
    size_t len = strlen(text);
    size_t word = strcspn(text, " ");
    char *to = reply_room(r, len + 3);

    *to++ = '-';
    for (size_t i = 0; i < len; i++)
        *to++ = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    *to++ = '\r';
    *to++ = '\n';
    r->next = to;
    r->errors++;
    if (word >= sizeof(r->error_code))
        word = sizeof(r->error_code) - 1;
    memcpy(r->error_code, text, word);
    r->error_code[word] = 0;
}

void reply_errorf(struct reply *r, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    /* Ends of lines at the end, which an argument may have, are left out. */
    for (size_t len = strlen(text); len > 0 && strchr("\r\n", text[len - 1]); len--)
        text[len - 1] = 0;
    reply_error(r, text);
}

void reply_wrong_type(struct reply *r)
{
    reply_error(r, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void reply_syntax_error(struct reply *r)
{
    reply_error(r, "ERR syntax error");
}

void reply_not_integer(struct reply *r)
{
    reply_error(r, "ERR value is not an integer or out of range");
}

void reply_not_float(struct reply *r)
{
    reply_error(r, "ERR value is not a valid float");
}

void reply_no_key(struct reply *r)
{
    reply_error(r, "ERR no such key");
}

void reply_int(struct reply *r, int64_t v)
{
    put_head(r, ':', v);
}

void reply_bulk(struct reply *r, const char *bytes, size_t len)
{
    char *to = reply_room(r, len + NUMBER_I64_MAX + 5);

    *to++ = '$';
    if (len < 10)
        *to++ = (char)('0' + len);
    else
        to += number_write_u64(to, len);
    *to++ = '\r';
    *to++ = '\n';
    memcpy(to, bytes, len);
    to += len;
    *to++ = '\r';
    *to++ = '\n';
    r->next = to;
}

void reply_bulk_blob(struct reply *r, struct blob *b)
{
    if (b->len < REPLY_BIG) {
        reply_bulk_str(r, blob_str(b));
        return;
    }
    put_head(r, '$', (int64_t)b->len);
    reply_raw_blob(r, b, 0, b->len);
    reply_literal(r, "\r\n");
}

void reply_bulk_int(struct reply *r, int64_t v)
{
    char text[NUMBER_I64_MAX];

    reply_bulk(r, text, number_write_i64(text, v));
}

void reply_bulk_double(struct reply *r, double v)
{
    char text[40];

    reply_bulk(r, text, number_write_double(text, v));
}

void reply_bulkf(struct reply *r, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    check(len >= 0 && (size_t)len < sizeof(text));
    reply_bulk(r, text, (size_t)len);
}

void reply_null(struct reply *r)
{
    if (r->resp >= 3)
        reply_literal(r, "_\r\n");
    else
        reply_literal(r, "$-1\r\n");
}

void reply_null_array(struct reply *r)
{
    if (r->resp >= 3)
        reply_literal(r, "_\r\n");
    else
        reply_literal(r, "*-1\r\n");
}

void reply_bool(struct reply *r, bool v)
{
    if (r->resp < 3)
        reply_int(r, v);
    else if (v)
        reply_literal(r, "#t\r\n");
    else
        reply_literal(r, "#f\r\n");
}

static void double_text(struct reply *r, const char *text, unsigned len)
{
    if (r->resp < 3) {
        reply_bulk(r, text, len);
        return;
    }
    reply_literal(r, ",");
    reply_raw(r, text, len);
    reply_literal(r, "\r\n");
}

void reply_double(struct reply *r, double v)
{
    char text[40];

    double_text(r, text, number_write_double(text, v));
}

void reply_plain_double(struct reply *r, double v)
{
    char text[NUMBER_DOUBLE_MAX];

    double_text(r, text, number_write_plain(text, v));
}

void reply_big_number(struct reply *r, struct str digits)
{
    if (r->resp < 3) {
        reply_bulk_str(r, digits);
        return;
    }
    reply_literal(r, "(");
    reply_raw(r, digits.ptr, digits.len);
    reply_literal(r, "\r\n");
}

void reply_verbatim(struct reply *r, struct str text, const char *format)
{
    if (r->resp < 3) {
        reply_bulk_str(r, text);
        return;
    }
    put_head(r, '=', (int64_t)text.len + 4);
    reply_raw(r, format, 3);
    reply_literal(r, ":");
    reply_raw(r, text.ptr, text.len);
    reply_literal(r, "\r\n");
}

void reply_array(struct reply *r, size_t count)
{
    put_head(r, '*', (int64_t)count);
}

void reply_map(struct reply *r, size_t pairs)
{
    if (r->resp >= 3)
        put_head(r, '%', (int64_t)pairs);
    else
        put_head(r, '*', (int64_t)pairs * 2);
}

void reply_set(struct reply *r, size_t count)
{
    put_head(r, r->resp >= 3 ? '~' : '*', (int64_t)count);
}

void reply_push(struct reply *r, size_t count)
{
    put_head(r, r->resp >= 3 ? '>' : '*', (int64_t)count);
}

void reply_attribute(struct reply *r, size_t pairs)
{
    if (r->resp >= 3)
        put_head(r, '|', (int64_t)pairs);
}

void reply_help(struct reply *r, const char *command, const char *const *lines)
{
    char first[128];
    size_t count = 0;

    while (lines[count])
        count++;
    snprintf(first, sizeof(first),
             "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", command);
    reply_array(r, count + 3);
    reply_status(r, first);
    for (size_t i = 0; i < count; i++)
        reply_status(r, lines[i]);
    reply_status(r, "HELP");
    reply_status(r, "    Print this help.");
}

struct reply_mark reply_open(struct reply *r)
{
    struct reply_piece *p = piece_new(r->pool, REPLY_MARK_BYTES);

    open_close(r);
    queue_add(r, p);
    return (struct reply_mark){p};
}

void reply_close_raw(struct reply *r, struct reply_mark mark, const char *bytes, size_t len)
{
    check(len <= REPLY_MARK_BYTES);
    memcpy(mark.piece->bytes, bytes, len);
    mark.piece->end = len;
    r->queued_bytes += len;
}

void reply_close(struct reply *r, struct reply_mark mark, char kind, size_t count)
{
    char text[REPLY_MARK_BYTES];
    unsigned len = 1;

    if (r->resp < 3 && kind == '%')
        count *= 2;
    text[0] = r->resp < 3 ? '*' : kind;
    len += number_write_u64(text + 1, count);
    text[len++] = '\r';
    text[len++] = '\n';
    reply_close_raw(r, mark, text, len);
}
