/*
 * CLIENT TRACKING: clients that keep copies of what they read hear when these are no longer good.
 *
 * A client is remembered with each key that it reads (tracked.h), once for each, and told with the
 * key's next change; or, in BCAST mode, it hears of all changes under its prefixes (broadcast.h).
 * It hears by itself (RESP3), or another client does in its place (REDIRECT). What the client
 * whose command runs is to hear comes behind the command's reply.
 *
 * While nobody tracks, all of this is one test per command.
 */
#ifndef LARDER_DISPATCH_TRACKING_H
#define LARDER_DISPATCH_TRACKING_H

#include "cacheengine/dispatch/broadcast.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/tracked.h"

struct slot_set;

/* A client that tracks. */
struct tracker {
    struct client *client;       /* NULL: it tracks no more, and only keys still know of it */
    struct tracker *next, *prev; /* all that track */
    struct client *target;       /* who hears in its place, while it lives */
    uint64_t redirect_id;        /* its id; 0: there is none */
    uint64_t items;              /* keys that it stands at */
    struct str *prefixes;        /* owned, with their texts: in BCAST mode */
    uint32_t prefix_count;
    size_t bytes; /* of the prefixes and the tracker, as booked */
    bool is_broadcast, is_opt_in, is_opt_out, skips_own;
    bool is_chosen; /* CLIENT CACHING was said: for the next command, or transaction */
    bool is_broken; /* something was to be told, and its target was gone */
};

struct tracking {
    struct tracker *newest;
    uint64_t count;
    struct tracked keys;
    struct broadcast broadcast;
};

/* What CLIENT TRACKING ON asks for. */
struct tracking_wish {
    struct client *target; /* NULL: no redirection */
    bool is_broadcast, is_opt_in, is_opt_out, skips_own;
    const struct str *prefixes; /* that are to be added to those that it has */
    uint32_t prefix_count;
};

/* Begins to track, or changes how; what is asked for was found to fit. */
void tracking_begin(struct engine *e, struct client *c, const struct tracking_wish *w);

/* Ends it: CLIENT TRACKING OFF, RESET. Nothing happens where nothing is tracked. */
void tracking_end(struct engine *e, struct client *c);

/* The client is gone: for itself, and for those that redirect to it. */
void tracking_forget(struct engine *e, struct client *c);

/* For run.c, of clients that track: a command that reads has run; a call is done. */
void tracking_remember(struct cmd_call *call);
void tracking_settle(const struct cmd_call *call);

/* A key was changed. Call it while e->tracking is not NULL. */
void tracking_note(struct engine *e, struct key k, enum key_event kind);

/* All keys of a database are others now, or gone: whatever a client has may be old. */
void tracking_flush(struct engine *e);

/* The same for the keys of these slots. */
void tracking_leave_slots(struct engine *e, const struct slot_set *gone);

/* Tells those who track prefixes what has changed since; before the loop waits. */
void tracking_broadcast_slow(struct engine *e);

static inline void tracking_broadcast(struct engine *e)
{
    if (__builtin_expect(e->tracking != NULL, 0))
        tracking_broadcast_slow(e);
}

/* Holds the table within its limits, a part at a time. True when it is. */
bool tracking_limit(struct engine *e);

/* The regular work; true when nothing is left to be done. */
bool tracking_tick(struct engine *e);

/* For tracked.c: a key lets go of a tracker. */
void tracker_let_go(struct tracker *t);

#endif
