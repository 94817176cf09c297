/* MULTI and WATCH: commands that wait for EXEC, and keys whose change forbids it. */
#ifndef LARDER_DISPATCH_TRANSACTION_H
#define LARDER_DISPATCH_TRANSACTION_H

#include "cacheengine/dispatch/engine.h"

/* A command kept for EXEC, with its arguments behind it. */
struct queued_call {
    struct queued_call *next;
    const struct command *cmd;
    uint32_t argc;
    struct str argv[];
};

struct transaction {
    struct queued_call *head, *tail;
    uint32_t count;
    size_t bytes, watch_bytes; /* of the queue, of the watches; both are in the client's memory */
    struct watch *watches;
    uint32_t watched; /* how many there are */
    bool is_open;     /* between MULTI and EXEC */
    bool is_broken;   /* a command was refused: EXEC will be too */
    bool is_stale;    /* a watched key was changed: EXEC answers null */
};

void watches_fini(struct engine *e);

/* True while any key is watched. */
bool watches_exist(const struct engine *e);

/* Marks the watchers of a key that was changed. */
void watches_note(struct engine *e, struct db *db, struct key k, enum key_event kind);

/* Marks all watchers of keys that a flush removes (db -1: all), or that an exchange of databases
 * moves. */
void watches_flush(struct engine *e, int db);

/* How many clients watch keys, and how many keys that are. */
uint64_t watches_clients(const struct engine *e);
uint64_t watches_keys(const struct engine *e);
void watches_swap(struct engine *e, int a, int b);

static inline bool transaction_is_open(const struct client *c)
{
    return c->transaction && c->transaction->is_open;
}

/* Keeps the call for EXEC and says QUEUED. */
void transaction_queue(struct cmd_call *call);

/* Notes that a command was refused while a transaction is open. */
void transaction_break(struct client *c);

/* Ends an open transaction without running it; its watches go too. */
void transaction_discard(struct engine *e, struct client *c);

/* Forgets the queue, the watches and the rest of it. */
void transaction_free(struct engine *e, struct client *c);

#endif
