/*
 * This node as a replica: which primary it has, how it gets that one's data and keeps up with it.
 *
 *     WAITS     until the next attempt
 *     CONNECTS  the link is dialled
 *     GREETS    repl/greeting.h: who are you, what can I have
 *     RECEIVES  a snapshot goes to a file without a name
 *     LOADS     a snapshot becomes databases, from that file or straight from the link
 *     FOLLOWS   the link is a client's connection now: its requests are the primary's stream
 *
 * A snapshot is always loaded into databases apart, which take the place of the old ones when all
 * of it has come: a cut in the middle leaves what was there, or nothing, but never a half. Loading
 * is a coroutine that stops every millisecond, so clients are served meanwhile.
 *
 * The stream (repl/stream.h) says what this node has, whether it follows it or makes it: that is
 * what it asks any primary to go on from, and what those below it are given.
 */
#ifndef LARDER_DISPATCH_REPLICA_H
#define LARDER_DISPATCH_REPLICA_H

#include "cacheengine/dispatch/engine.h"
#include "cacheengine/repl/greeting.h"

enum replica_state {
    REPLICA_WAITS,
    REPLICA_CONNECTS,
    REPLICA_GREETS,
    REPLICA_RECEIVES,
    REPLICA_LOADS,
    REPLICA_FOLLOWS,
};

struct replica_load;

struct replica {
    struct engine *engine;
    char *host;
    int port;
    enum replica_state state;
    struct link *link;      /* until it FOLLOWS; NULL also when it broke while a file is loaded */
    struct client *primary; /* FOLLOWS */
    struct greeting greeting;
    struct buf input; /* of the greeting: what is no whole line yet */
    struct replica_load *load;
    struct buf held;       /* bytes of a transaction that is not complete */
    bool has_history;      /* the stream's id and offset are of what the databases hold */
    bool counts_offsets;   /* the primary knows PSYNC: it wants to hear how far this node is */
    bool takes_over;       /* the next PSYNC asks the other side to become primary: FAILOVER */
    int stream_db;         /* that the stream has selected where it stands */
    int failures;          /* in a row; the first are tried again soon */
    int64_t retry_at_ms;   /* on the clock of passed_ms, as all of these */
    int64_t down_since_ms; /* of the link; for how long it has been down */
    int64_t io_ms;         /* when the primary last sent something */
    int64_t spoke_ms;      /* when it was last sent an offset or a sign of life */
    int64_t complained_ms; /* about a command of the primary */
};

/* ---- roles: each is one step that answers at once ---- */

/* Becomes a replica, or the replica of another primary; what the node has is kept, and goes on from
 * there if the primary knows the history. Nothing happens when it is that one's already. */
void repl_become_replica(struct engine *e, struct str host, int port);

/* Becomes a primary, with all that it has, by the order of that term (0: by nobody's); those below
 * it go on with it. Nothing happens when it is one already. */
void repl_become_primary(struct engine *e, int64_t term);

/* At the start: the role that the directive `replicaof` gives. */
void replica_start(struct engine *e);

/* A field of the snapshot that is loaded at the start: of which stream it is a state, and where in
 * it. `ctx` is the engine. */
void replica_note_field(void *ctx, struct str name, struct str value);

/* That snapshot is loaded: a node that begins as a replica goes on from there. */
void replica_restore(struct engine *e);

/* Ends it without a word; before the network does. */
void replica_stop(struct engine *e);

static inline bool replica_is_following(const struct engine *e)
{
    return e->replica && e->replica->state == REPLICA_FOLLOWS;
}

/* A snapshot is being loaded; is_beside: the old data is still served. */
bool replica_is_loading(const struct engine *e, bool is_beside);

/* How far it is; false, and nothing is said, when none is being loaded. */
bool replica_loading_facts(const struct engine *e, struct loading_facts *out);

/* ---- the regular work ---- */

/* Attempts, time-outs, signs of life, a slice of loading. Returns the milliseconds until it wants
 * to be called again at the latest, INT_MAX for whenever. */
int replica_tick(struct engine *e);

/* Settings have changed: what clients may do follows. */
void replica_apply_settings(struct engine *e);

/* ---- the primary's connection (replica_apply.c) ---- */

/* Its connection is gone; called as for every client that goes. */
void replica_client_gone(struct engine *e, struct client *c);

/* Runs one request of the primary; `call->run` of its calls. */
void replica_run(struct cmd_call *call);

/* These bytes of the primary were used up, by requests that have run or by what is none. */
void replica_note_bytes(struct engine *e, struct str bytes);

/* Tells the primary how far this node is. */
void replica_send_offset(struct replica *r);

/* ---- telling ---- */

/* The database that the stream has selected where it stands. */
static inline int replica_stream_db(const struct replica *r)
{
    return r->primary ? r->primary->db : r->stream_db;
}

/* INFO replication, the part of a replica. */
void replica_info(const struct engine *e, struct buf *out);

/* ---- between the files of this module ---- */

/* The attempt is over; another follows. `why` is logged. */
void replica_fail(struct replica *r, struct err why);

/* The databases hold the snapshot that was asked for: goes on with the stream, of which `rest` has
 * come already. */
void replica_follow(struct replica *r, struct str rest);

/* What the databases hold is no state of the stream any more: nobody can go on from it. */
void replica_forget_history(struct replica *r);

/* Raises and lowers what clients are refused in this state. */
void replica_set_guards(struct engine *e);

#endif
