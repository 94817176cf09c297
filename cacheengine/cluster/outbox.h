/*
 * Commands on their way to another node: kept until it has run them, so that they can be sent again
 * on a new connection.
 *
 *     blocks   [ command command ... ] -> [ command ... ] -> ...      some 100 KB each
 *              acknowledged | sent | to be sent
 *
 * However much has to wait, adding, sending and forgetting a command take the time that its own
 * bytes take: nothing is ever moved together.
 */
#ifndef LARDER_CLUSTER_OUTBOX_H
#define LARDER_CLUSTER_OUTBOX_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A place in a block: in front of a command, or amid it. */
struct outbox_place {
    size_t command;
    size_t begin; /* of its bytes */
    size_t at;
};

struct outbox_block {
    struct outbox_block *next;
    struct buf bytes, lengths; /* of the commands, uint32_t each */
    size_t end;                /* of the last whole command */
    size_t booked;
    struct outbox_place acked;
};

struct outbox {
    struct outbox_block *first, *last;
    struct outbox_block *sending; /* where it is sent from; NULL: there is no block */
    struct outbox_place sent;     /* in that block */
    uint64_t acked, appended;     /* commands, since the begin of all */
    size_t bytes;                 /* of those that were not acknowledged */
    size_t held;                  /* bytes of memory */
};

void outbox_fini(struct outbox *o);

/* A command is written between the two into what outbox_text says. */
struct buf *outbox_begin(struct outbox *o);
void outbox_end(struct outbox *o);

static inline struct buf *outbox_text(struct outbox *o)
{
    return &o->last->bytes;
}

/* A command as it is. */
void outbox_add(struct outbox *o, struct str command);

/* The next bytes to be sent, at most `max`, which then are; none when all are. *ends says that they
 * end with a command. They hold until the next call. */
struct str outbox_next(struct outbox *o, size_t max, bool *ends);

/* Sending begins anew with what is not acknowledged. */
void outbox_resend(struct outbox *o);

/* So many commands have run, in all: not less than before, not more than there are. */
void outbox_ack(struct outbox *o, uint64_t count);

#endif
