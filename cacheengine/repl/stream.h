/*
 * The replication stream: the one sequence of bytes that a primary and all below it share, what it
 * is called, how long it is, and as much of its end as must be kept.
 *
 *     id, offset        every byte has a number, the first one 1; `offset` is the last one's
 *     former id         the stream was another's up to `former_end` - 1, and so may be continued by
 *                       those who know it by that name
 *     blocks            the bytes that are kept, once for all: the backlog, from which a replica
 *                       that was away goes on, and what replicas are still to be sent
 *     readers           places in it, one per replica; what is behind one is kept for it
 *
 * On a primary the stream is made of effects (effect.h); on a replica it is its primary's, byte for
 * byte (repl_stream_feed_raw), so that those below it can change to another without a full sync.
 */
#ifndef LARDER_REPL_STREAM_H
#define LARDER_REPL_STREAM_H

#include "cacheengine/keyspace/keyspace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iovec;
struct repl_block;

#define REPL_ID_LEN 40

struct repl_stream {
    struct keyspace *ks;
    struct effect_sink sink;
    bool is_open;      /* bytes are kept and counted; before, nobody ever asked for them */
    bool is_following; /* a replica's: the bytes come from its primary, effects do not go in */
    int selected;      /* the database that the bytes so far leave selected; -1: unknown */
    char id[REPL_ID_LEN + 1], former_id[REPL_ID_LEN + 1];
    int64_t offset;
    int64_t former_end; /* -1: there is no former id */
    struct repl_block *head, *tail;
    int64_t first;       /* number of the first byte that is kept */
    size_t held_bytes;   /* memory of all blocks, booked */
    size_t exempt_bytes; /* of it, as the account has it */
    uint64_t reader_count;
};

/* A place in the stream. Embedded by its owner; zeroed when it reads nothing. */
struct repl_reader {
    struct repl_block *block;
    size_t at;    /* in the block */
    int64_t next; /* number of the next byte */
};

/* Draws an id; nothing is kept yet. */
void repl_stream_init(struct repl_stream *s, struct keyspace *ks);
void repl_stream_fini(struct repl_stream *s);

/* ---- what it is called ---- */

/*
 * By the order of which term whoever writes the stream became a primary: it stands in the id, which
 * all that follow take over, and so tells of two streams which is the later one. 0 where nobody
 * ordered that.
 */
int64_t repl_id_lineage(const char *id);

/* A new id of the same lineage, and no former one: nobody can continue. */
void repl_stream_renew(struct repl_stream *s);

/* The same of no lineage: what was followed is no longer all here. */
void repl_stream_forget(struct repl_stream *s);

/* Another id for what comes from here on; the one so far becomes the former (a promotion, by the
 * order of that term; 0: of the lineage that it has). */
void repl_stream_branch(struct repl_stream *s, int64_t term);

/* The primary gave the stream another id at this point: a partial resync told it. */
void repl_stream_rename(struct repl_stream *s, const char *id);

/* Takes over a stream that ends at `offset`, as a full sync or a file told; nothing before is
 * kept. There must be no reader. */
void repl_stream_adopt(struct repl_stream *s, const char *id, int64_t offset);

/* Goes on, under a name of its own, from where a file says that it ended: what this node had when
 * it was stopped. Those that have just that can continue. Nothing must have been fed yet. */
void repl_stream_resume(struct repl_stream *s, const char *id, int64_t offset);

/* ---- what is kept ---- */

/* Begins to keep bytes; nothing happens when it is open. */
void repl_stream_open(struct repl_stream *s);

/* Drops what is kept and keeps no more. There must be no reader. */
void repl_stream_close(struct repl_stream *s);

/* Says whether the bytes come from a primary (raw) or from effects. */
void repl_stream_follow(struct repl_stream *s, bool is_following);

/* Bytes of the primary, as they came and in whatever portions; counted, whether kept or not. */
void repl_stream_feed_raw(struct repl_stream *s, const char *bytes, size_t len);

/* A primary's own bytes that are no effect (PING, REPLCONF GETACK): whole commands. */
void repl_stream_say(struct repl_stream *s, struct str bytes);

/* Frees what is kept beyond repl-backlog-size and nobody reads; a little at a time. */
void repl_stream_trim(struct repl_stream *s);

/* Bytes that are kept. */
static inline int64_t repl_stream_kept(const struct repl_stream *s)
{
    return s->is_open ? s->offset - s->first + 1 : 0;
}

/* Memory beyond the backlog's size, which replicas that are behind cause: it is not to be made up
 * for by eviction, as that would make it more. */
size_t repl_stream_excess(const struct repl_stream *s);

/* ---- who goes on with it ---- */

enum repl_continue {
    REPL_CONTINUES,
    REPL_OTHER_ID, /* another history */
    REPL_TOO_FAR,  /* the former id, but past its end */
    REPL_NOT_KEPT, /* before what is kept, or behind the end */
};

/* Whether somebody who has the stream `id` up to byte `next` - 1 can go on from here. */
enum repl_continue repl_stream_continues(const struct repl_stream *s, struct str id, int64_t next);

/* Opens a reader at the end, or at byte `next`, which must be kept or the next one. */
void repl_reader_open(struct repl_stream *s, struct repl_reader *r, int64_t next);
void repl_reader_close(struct repl_stream *s, struct repl_reader *r);

static inline bool repl_reader_is_open(const struct repl_reader *r)
{
    return r->block != NULL;
}

/* Bytes that it is still to read. */
static inline int64_t repl_reader_left(const struct repl_stream *s, const struct repl_reader *r)
{
    return r->block ? s->offset + 1 - r->next : 0;
}

/* Fills up to `max` vectors with what is to be read next and returns how many; then moves over
 * bytes that were read. */
int repl_reader_gather(const struct repl_reader *r, struct iovec *out, int max);
void repl_reader_move(struct repl_stream *s, struct repl_reader *r, size_t bytes);

#endif
