/*
 * The one idea: a source is a client like any other, whose requests are cut, prefetched and run as
 * all are, and so replication, the file and the limits of memory follow by themselves; special is
 * only what it may do, and that nearly nothing is answered.
 */
#include "cacheengine/dispatch/moving.h"

#include "base/command.h"
#include "base/log.h"
#include "cacheengine/cluster/forget.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/dispatch/redirect.h"
#include "cacheengine/dispatch/scripting.h"

#include <stdlib.h>

#define FORGET_SLICE_US 500

/* ---- who is postponed ---- */

void moving_release(struct engine *e)
{
    for (struct client *c = e->oldest; c; c = c->newer) {
        if (!c->is_postponed || c->is_killed)
            continue;
        c->is_postponed = false;
        c->host->resume(c);
    }
}

/* ---- the side that gives ---- */

static const struct str *keys_of(struct arena *a, const struct command *cmd, const struct str *argv,
                                 uint32_t argc, uint32_t *count)
{
    const struct key_place *places = keys_find(a, cmd, argv, argc, count);
    struct str *keys = arena_array(a, *count + 1, sizeof(*keys));

    for (uint32_t i = 0; i < *count; i++)
        keys[i] = argv[places[i].arg];
    return keys;
}

static void on_changed(void *ctx)
{
    struct engine *e = ctx;

    redirect_apply(e);
    if (!e->cluster->paused)
        moving_release(e);
}

static bool is_writing(void *ctx)
{
    const struct engine *e = ctx;

    return e->scripting && e->scripting->running;
}

struct migration_host moving_host(struct engine *e)
{
    return (struct migration_host){.ctx = e,
                                   .dialer = &e->dialer,
                                   .keys = keys_of,
                                   .is_writing = is_writing,
                                   .changed = on_changed};
}

/* ---- the side that gets ---- */

bool moving_login(struct cmd_call *c, struct str token)
{
    struct engine *e = c->engine;
    struct import *i = e->moving ? import_by_token(&e->moving->in, token) : NULL;

    if (!i)
        return false;
    if (i->client && i->client != c->client)
        i->client->host->kill(i->client);
    i->client = c->client;
    c->client->is_importer = c->client->is_authenticated = true;
    c->client->user = NULL;
    return true;
}

void moving_forget_client(struct engine *e, struct client *c)
{
    struct import *i = e->moving && c->is_importer ? import_of(&e->moving->in, c) : NULL;

    if (i)
        i->client = NULL;
}

static void fail_import(struct engine *e, struct import *i, const char *why)
{
    import_fail(i, why);
    log_warn("migration failed on its way here", f_str("id", i->id), f_str("why", i->failure));
    if (i->client) {
        i->client->is_postponed = false;
        i->client->host->kill(i->client);
    }
    imports_settle(&e->moving->in, e->cluster);
}

void moving_note_flush(struct engine *e)
{
    for (size_t i = 0; e->moving && i < e->moving->in.count; i++)
        if (e->moving->in.items[i]->state == IMPORT_RECEIVES)
            fail_import(e, e->moving->in.items[i], "all keys of the target were removed");
}

void moving_run(struct cmd_call *call)
{
    struct engine *e = call->engine;
    struct keyspace *ks = call->ks;
    struct import *i = import_of(&e->moving->in, call->client);
    bool is_talk = call->cmd && strcmp(call->cmd->name, "larder.import") == 0;
    bool hides_expired = ks->hides_expired;
    uint64_t errors = call->reply->errors;

    if (!is_talk && (!call->cmd || !i || i->state != IMPORT_RECEIVES)) {
        reply_error(call->reply, "ERR this is no command of a migration, or it has not begun");
        call->client->is_closing = true;
        return;
    }
    if (is_talk) {
        engine_run(call);
        return;
    }
    /* What ends at which time is for the source to say. */
    ks->shows_expired = ks->hides_expired = true;
    call->client->reply_mode = CLIENT_REPLY_ERRORS;
    engine_run(call);
    call->client->reply_mode = CLIENT_REPLY_ON;
    ks->shows_expired = false;
    ks->hides_expired = hides_expired;
    i->applied++;
    if (call->reply->errors == errors)
        return;
    call->client->is_closing = true;
    import_fail(i, call->reply->error_code);
    imports_settle(&e->moving->in, e->cluster);
    log_warn("a command of a migration failed here", f_str("id", i->id),
             f_str("command", call->cmd->name), f_str("error", call->reply->error_code));
}

/* ---- the whole ---- */

void moving_init(struct engine *e)
{
    e->moving = calloc(1, sizeof(*e->moving));
    check(e->moving);
}

void moving_fini(struct engine *e)
{
    if (!e->moving)
        return;
    migration_free(e->moving->out);
    imports_fini(&e->moving->in);
    free(e->moving);
    e->moving = NULL;
}

/* True when the topology gave any of the slots to this node before they were taken. */
static bool came_too_early(const struct engine *e, const struct import *i)
{
    uint32_t first, last = 0;

    for (uint32_t at = 0; slot_set_run(&i->slots, at, &first, &last); at = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            if (cluster_is_mine(e->cluster, slot))
                return true;
    return false;
}

void moving_apply(struct engine *e)
{
    const struct imports *in = &e->moving->in;

    for (size_t i = 0; i < in->count; i++)
        if (in->items[i]->state == IMPORT_RECEIVES && came_too_early(e, in->items[i]))
            fail_import(e, in->items[i], "the topology gave the slots here before they were taken");
    if (e->moving->out)
        migration_tick(e->moving->out);
}

bool moving_tick(struct engine *e)
{
    bool is_clean = cluster_forget_some(e->cluster, &e->keyspace.dbs[0], FORGET_SLICE_US);

    if (e->moving->out)
        migration_tick(e->moving->out);
    /* Those who wait for slots to be empty look again. */
    for (size_t i = 0; i < e->moving->in.count; i++) {
        struct client *c = e->moving->in.items[i]->client;

        if (is_clean && c && c->is_postponed && !c->is_killed) {
            c->is_postponed = false;
            c->host->resume(c);
        }
    }
    return is_clean;
}
