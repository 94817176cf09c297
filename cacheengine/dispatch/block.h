/*
 * Clients that wait for keys (keyspace/wait.h): who waits for what, in which order, until when.
 *
 * A command that waits is kept with its arguments. A change of a key that somebody waits for is
 * noted; when the command or transaction that made it has run, the commands that wait for the key
 * run again, one after the other, as long as the key is there.
 */
#ifndef LARDER_DISPATCH_BLOCK_H
#define LARDER_DISPATCH_BLOCK_H

#include "cacheengine/dispatch/engine.h"

struct wait;

/* For keyspace_hooks: begins a wait, or goes on with it. `ctx` is the engine. */
void blocks_wait(void *ctx, struct cmd_call *c, const struct wait *w);

void blocks_fini(struct engine *e);

/* Notes that a key was changed. */
void blocks_note(struct engine *e, struct db *db, struct key k, enum key_event kind);

/* Notes all keys of a database (negative: of all) that got others, or none. */
void blocks_note_all(struct engine *e, int db);

/* Serves those whose keys were noted. Call when no command is running. */
void blocks_serve(struct engine *e);

/* Has those run again that wait for replicas and files (keys 0, over NULL): they may be far enough.
 */
void blocks_serve_keyless(struct engine *e);

/* Ends the waits whose time is up. Returns the milliseconds until the next one's is, INT_MAX for
 * none. */
int blocks_expire(struct engine *e);

/* Ends a client's wait as if its time were up, or with an error. False when it does not wait. */
bool blocks_end(struct engine *e, struct client *c, bool with_error);

/* Ends the waits of commands that may not run any more, with the error that `refusal` has for them
 * (NULL: it may run). */
void blocks_judge(struct engine *e, const char *(*refusal)(const struct cmd_call *call));

/* How many wait for what, for INFO. */
struct block_counts {
    uint64_t keys;      /* that somebody waits for */
    uint64_t gone_keys; /* of which somebody is to hear that they are gone */
    uint64_t timed;     /* waits that end by themselves */
};
struct block_counts blocks_count(const struct engine *e);

/* Whether the command of a client that waits found nothing when it ran last. */
bool blocks_wait_goes_on(const struct client *c);

/* Ends all waits with this error. */
void blocks_refuse_all(struct engine *e, const char *text);

/* Runs the command of a client that waits for something else than keys. */
void blocks_again(struct engine *e, struct client *c);

/* Forgets what a client waits for, without a word. */
void blocks_forget(struct engine *e, struct client *c);

#endif
