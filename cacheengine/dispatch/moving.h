/*
 * Slots on their way from node to node: the engine's migration (cluster/migration.h) and imports
 * (cluster/import.h), and what they need of clients: that writes are held, that a source may speak.
 */
#ifndef LARDER_DISPATCH_MOVING_H
#define LARDER_DISPATCH_MOVING_H

#include "cacheengine/cluster/import.h"
#include "cacheengine/cluster/migration.h"
#include "cacheengine/dispatch/engine.h"

/* As whom a source logs in; its password is the token of the import. */
#define MOVING_USER "larder-import"

struct moving {
    struct migration *out; /* the present or the last one; NULL: none */
    struct imports in;
    struct buf field_text; /* of the head of the last snapshot */
};

/* What a migration needs of the engine. */
struct migration_host moving_host(struct engine *e);

/* Beginning and end of cluster mode's part of the engine. */
void moving_init(struct engine *e);
void moving_fini(struct engine *e);

/* The regular work. True when there is nothing more to be done at once. */
bool moving_tick(struct engine *e);

/* A topology was set. */
void moving_apply(struct engine *e);

/* AUTH by a source: an error's text when nothing with this token is expected, or not now; NULL when
 * it may go on. */
const char *moving_login(struct cmd_call *c, struct str token);

/* A client is gone. */
void moving_forget_client(struct engine *e, struct client *c);

/* An import is over here, and its record with it. */
void moving_end_import(struct engine *e, struct import *i);

/* The records were replaced (handed.h): what is expected and taken follows. */
void moving_follow_records(struct engine *e);

/* All keys are about to be removed: what is on its way here can not be told from the rest. */
void moving_note_flush(struct engine *e);

/* Runs a call of a source: it is not answered, but for errors and what LARDER.IMPORT says. */
void moving_run(struct cmd_call *call);

/* Postpones the call: it runs again when moving_release is called. */
static inline void moving_postpone(const struct cmd_call *call)
{
    call->client->is_postponed = true;
}
void moving_release(struct engine *e);

#endif
