/*
 * How a replica introduces itself: from the connection's first byte to the first byte of a snapshot
 * or of the stream of commands.
 *
 *     replica                                    primary
 *     PING                                       +PONG
 *     AUTH, REPLCONF port, address, abilities    +OK each; errors of REPLCONF do not matter
 *     PSYNC <id> <offset>                        +CONTINUE [id]             the stream follows
 *                                                +FULLRESYNC <id> <offset>  and then a head:
 *                                                $<bytes> or $EOF:<mark>    a snapshot follows
 *     SYNC, to one that knows no PSYNC           the head
 *
 * A pure machine: whole lines go in, bytes to be sent come out.
 */
#ifndef LARDER_REPL_GREETING_H
#define LARDER_REPL_GREETING_H

#include "base/buf.h"
#include "base/str.h"
#include "cacheengine/repl/stream.h"

#include <stdbool.h>
#include <stdint.h>

#define GREETING_LINE_MAX 1024 /* longer ones no primary sends */

/* Who introduces itself, and what it has. Text is borrowed. */
struct greeting_self {
    const char *user, *password; /* empty: none */
    int port;                    /* that the primary shows */
    const char *address;         /* likewise; empty: the connection's */
    const char *version;         /* of the engine */
    const char *id;              /* of the history that it has; NULL: none */
    int64_t offset;              /* up to which it has that history */
    bool takes_over;             /* the primary is to hand over: FAILOVER */
};

enum greeting_stage {
    GREETING_PING,
    GREETING_AUTH,
    GREETING_CONF,
    GREETING_PSYNC,
    GREETING_HEAD, /* what comes is a full sync: its head is awaited */
    GREETING_OVER,
};

enum greeting_step {
    GREETING_GOES_ON,
    GREETING_CONTINUES, /* the stream goes on where it stopped */
    GREETING_SENDS_ALL, /* the snapshot follows */
    GREETING_LATER,     /* it cannot now: `why` */
    GREETING_FAILED,    /* `why` */
};

struct greeting {
    struct greeting_self self;
    enum greeting_stage stage;
    int awaited;              /* answers to REPLCONF that are still to come */
    bool has_history;         /* the primary said which history and offset this is; not with SYNC */
    char id[REPL_ID_LEN + 1]; /* CONTINUES: the history's new name, or empty; SENDS_ALL: its name */
    int64_t offset;           /* SENDS_ALL: of the snapshot */
    int64_t length;           /* of the snapshot; -1: it ends with `mark` */
    char mark[REPL_ID_LEN];
    char why[256];
};

/* Begins: the first bytes to be sent are put into `out`. */
void greeting_begin(struct greeting *h, const struct greeting_self *self, struct buf *out);

/* Takes a line, without its line feed; what is to be sent then is put into `out`. */
enum greeting_step greeting_take(struct greeting *h, struct str line, struct buf *out);

#endif
