/* The one idea: a command lies in one block, however long it is, and a block goes when its last
 * command is acknowledged. */
#include "cacheengine/cluster/outbox.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (256 << 10) /* a block that is longer takes no more commands */

/* ---- blocks ---- */

static size_t count_of(const struct outbox_block *b)
{
    return b->lengths.len / sizeof(uint32_t);
}

static size_t length_of(const struct outbox_block *b, size_t command)
{
    uint32_t length;

    memcpy(&length, b->lengths.ptr + command * sizeof(length), sizeof(length));
    return length;
}

static void rebook(struct outbox *o, struct outbox_block *b)
{
    size_t bytes = sizeof(*b) + b->bytes.cap + b->lengths.cap;

    o->held += bytes - b->booked;
    b->booked = bytes;
}

static void add_block(struct outbox *o)
{
    struct outbox_block *b = calloc(1, sizeof(*b));

    check(b);
    if (o->last)
        o->last->next = b;
    else
        o->first = o->sending = b;
    o->last = b;
    rebook(o, b);
}

static void drop_first(struct outbox *o)
{
    struct outbox_block *b = o->first;

    o->first = b->next;
    if (!o->first)
        o->last = NULL;
    if (o->sending == b) {
        o->sending = o->first;
        o->sent = (struct outbox_place){0};
    }
    o->held -= b->booked;
    buf_fini(&b->bytes);
    buf_fini(&b->lengths);
    free(b);
}

void outbox_fini(struct outbox *o)
{
    while (o->first)
        drop_first(o);
    *o = (struct outbox){0};
}

/* ---- adding ---- */

struct buf *outbox_begin(struct outbox *o)
{
    if (!o->last || o->last->bytes.len >= BLOCK_BYTES)
        add_block(o);
    return &o->last->bytes;
}

void outbox_end(struct outbox *o)
{
    struct outbox_block *b = o->last;
    uint32_t length = (uint32_t)(b->bytes.len - b->end);

    b->end = b->bytes.len;
    buf_add(&b->lengths, &length, sizeof(length));
    rebook(o, b);
    o->bytes += length;
    o->appended++;
}

void outbox_add(struct outbox *o, struct str command)
{
    buf_add_str(outbox_begin(o), command);
    outbox_end(o);
}

/* ---- sending ---- */

struct str outbox_next(struct outbox *o, size_t max, bool *ends)
{
    struct outbox_place *p = &o->sent;

    *ends = false;
    if (o->sending && o->sending->next && p->at == o->sending->bytes.len) {
        o->sending = o->sending->next;
        *p = (struct outbox_place){0};
    }
    const struct outbox_block *b = o->sending;
    if (!b || p->at == b->end)
        return (struct str){NULL, 0};
    size_t from = p->at;
    while (p->command < count_of(b) && p->begin + length_of(b, p->command) - from <= max)
        p->begin += length_of(b, p->command++);
    *ends = p->begin > from;
    p->at = *ends ? p->begin : from + max;
    return (struct str){b->bytes.ptr + from, p->at - from};
}

void outbox_resend(struct outbox *o)
{
    o->sending = o->first;
    o->sent = o->first ? o->first->acked : (struct outbox_place){0};
}

/* ---- acknowledging ---- */

static void ack_one(struct outbox *o)
{
    struct outbox_block *b = o->first;
    size_t length = length_of(b, b->acked.command);

    b->acked.command++;
    b->acked.begin = b->acked.at = b->acked.begin + length;
    o->bytes -= length;
    o->acked++;
    /* Who has run what it was not sent need not be sent it. */
    if (o->sending == b && o->sent.at < b->acked.at)
        o->sent = b->acked;
    if (b->acked.command == count_of(b) && b->bytes.len == b->end)
        drop_first(o);
}

void outbox_ack(struct outbox *o, uint64_t count)
{
    check(count >= o->acked && count <= o->appended);
    while (o->acked < count)
        ack_one(o);
}
