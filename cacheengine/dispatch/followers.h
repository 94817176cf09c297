/*
 * The replicas of this node: who they are, how each gets a snapshot and then the stream
 * (repl/stream.h), how far they are.
 *
 *     REPLCONF   a connection says what it knows and wants        followers_of
 *     PSYNC      goes on where it was, if the stream is kept,     followers_continue
 *                or waits for a snapshot                          followers_add
 *     snapshot   made by a child (saving.h) for all that wait,    followers_sync.c
 *                to the file or through a pipe
 *     stream     sent from the blocks that all replicas share     followers_feed.c
 *
 * Here they are called followers, as "replica" alone is what this node may be itself (replica.h). A
 * follower is a client whose connection sends, in place of replies, what followers_feed.c gives it.
 */
#ifndef LARDER_DISPATCH_FOLLOWERS_H
#define LARDER_DISPATCH_FOLLOWERS_H

#include "base/buf.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/host.h"

enum follower_state {
    FOLLOWER_NONE,     /* it has only said who it is */
    FOLLOWER_WAITS,    /* for a snapshot to begin */
    FOLLOWER_PREPARES, /* the file is being written */
    FOLLOWER_RECEIVES, /* the snapshot is being sent */
    FOLLOWER_ONLINE,
    FOLLOWER_SERVED, /* it wanted the snapshot alone, and has it */
};

/* What a replica wants of a snapshot: only equal ones share one. */
enum follower_want {
    WANTS_NO_KEYS = 1,
    WANTS_NO_FUNCTIONS = 2,
};

#define FOLLOWER_HEAD_MAX 256

struct follower {
    struct client_feed feed;
    struct engine *engine;
    struct client *client;
    struct follower *next;
    enum follower_state state;

    /* what it said */
    bool knows_eof, knows_psync2;
    bool is_old;          /* SYNC: it gets no ids and acknowledges nothing */
    bool wants_only_keys; /* a snapshot and no stream */
    unsigned wants;       /* of enum follower_want */
    int64_t version;      /* 0x070200 for 7.2; 0: it did not say */
    int64_t port;
    char *address; /* owned; NULL: that of the connection */

    /* what it is sent */
    char head[FOLLOWER_HEAD_MAX]; /* in front of all else */
    size_t head_len;
    int file_fd; /* of a snapshot in a file; -1 */
    int64_t file_at, file_end;
    size_t chunk_at; /* in the chunk of a snapshot from a pipe */
    struct repl_reader reader;
    bool waits_for_ack; /* it has the snapshot; the stream begins when it says so */

    /* times on the clock of passed_ms */
    int64_t since_ms;    /* it waits for a snapshot */
    int64_t progress_ms; /* it took something of the snapshot */
    int64_t ack_ms;      /* it was heard */
    int64_t ack_offset, ack_file_offset;

    /* what it did for clients of its own, see throttle.h */
    int64_t work, work_rate; /* all of it; in a second */
    int64_t work_ms;         /* when it said so; 0: it never did */
};

/* A snapshot on its way to replicas. */
struct followers_sync {
    bool is_running; /* the child is ours */
    bool is_piped;
    bool child_is_done; /* and did well */
    struct fd_watch pipe;
    bool is_watched;
    char *chunk; /* FOLLOWERS_CHUNK bytes; NULL while there is no pipe */
    size_t chunk_len;
    char mark[40]; /* behind a snapshot of unknown length */
};

struct followers {
    struct engine *engine;
    struct follower *first;
    uint32_t count;
    uint32_t good_count; /* as min-replicas-to-write counts them */
    struct followers_sync sync;
    char *window; /* of files being sent; NULL mostly */
    bool made_file;
    bool wants_acks; /* they are to be asked for their offsets */
    int64_t flushed; /* offset up to which connections were told of the stream */
    int64_t alone_since_ms;
    int64_t pinged_ms, second_at_ms;
    uint64_t full_syncs, partial_syncs, refused_partial_syncs;
    uint64_t bytes_out;
    char field_text[2][24]; /* of a snapshot's head */
};

void followers_init(struct engine *e);
void followers_fini(struct engine *e);

/* ---- coming and going ---- */

/* What is known of a client as a replica; made with the first call. */
struct follower *followers_of(struct engine *e, struct client *c);

/* Takes it in, to be sent a snapshot. */
void followers_add(struct engine *e, struct follower *r);

/* Takes it in, to be sent the stream from byte `next` on, which is kept. */
void followers_continue(struct engine *e, struct follower *r, int64_t next);

/* The client is going. */
void followers_forget(struct engine *e, struct client *c);

/* Its connection was killed: nothing more is kept for it. */
void followers_let_go(struct engine *e, struct client *c);

/* Closes all their connections, so that they ask anew: the history has changed. */
void followers_drop_all(struct engine *e);

static inline bool follower_is_attached(const struct follower *r)
{
    return r && r->state != FOLLOWER_NONE;
}

/* ---- how far they are ---- */

/* It has everything up to `offset`; and up to `file_offset` on its disk (-1: not told). */
void followers_acknowledge(struct engine *e, struct follower *r, int64_t offset,
                           int64_t file_offset);

/* How many have everything up to an offset; on their disks. */
uint32_t followers_reached(const struct engine *e, int64_t offset);
uint32_t followers_saved(const struct engine *e, int64_t offset);

/* Whether all that are online and acknowledge have everything up to an offset. */
bool followers_all_have(const struct engine *e, int64_t offset);

/* Asks all to acknowledge, with the next flush. */
void followers_ask(struct engine *e);

/* Takes over changed settings, and what has become of the replicas: min-replicas-to-write. */
void followers_apply_settings(struct engine *e);

/* ---- the loop ---- */

/* Has the connections send what the stream has got since the last call. Call before each wait. */
void followers_flush_slow(struct engine *e);

static inline void followers_flush(struct engine *e)
{
    if (__builtin_expect(e->stream.reader_count > 0, 0))
        followers_flush_slow(e);
}

/* What is due: snapshots, pings, time-outs. */
void followers_tick(struct engine *e);

/* ---- what is shown ---- */

/* Name of its state in INFO; NULL: it is not shown. */
const char *follower_state_name(const struct follower *r);

/* Its address without a port. */
struct str follower_address(const struct follower *r, struct client_facts *room);

/* The lines of INFO replication from connected_slaves on. */
void followers_info(const struct engine *e, struct buf *out);

/* ---- within the module ---- */

#define FOLLOWERS_CHUNK  ((size_t)1024 * 1024) /* of a pipe, at a time */
#define FOLLOWERS_WINDOW ((size_t)256 * 1024)  /* of a file */

/* Begins a snapshot for those who wait if it is time. */
void followers_sync_begin_due(struct followers *rs);

/* A replica waits since now: the snapshot that is being made may serve it. */
void followers_sync_join(struct followers *rs, struct follower *r);

/* One that gets the snapshot of the pipe has taken the present chunk. */
void followers_sync_go_on(struct followers *rs);

/* One that waited for a snapshot, or was getting it, is gone: what is of use to nobody ends. */
void followers_sync_lost(struct followers *rs);

void followers_sync_stop(struct followers *rs);

/* Puts bytes in front of all that it is still to be sent. */
void follower_say(struct follower *r, const char *bytes, size_t len);

/* The connection's side. */
void follower_feed_init(struct follower *r);

/* It has the whole snapshot. */
void follower_has_snapshot(struct follower *r, bool waits_for_ack);

void follower_close_file(struct follower *r);

#endif
