/*
 * The one idea: a source is a client like any other, whose requests are cut, prefetched and run as
 * all are, and so replication, the file and the limits of memory follow by themselves; special is
 * only what it may do, and that nearly nothing is answered.
 */
#include "cacheengine/dispatch/moving.h"

#include "base/command.h"
#include "base/log.h"
#include "cacheengine/cluster/forget.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/handed.h"
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

/* True when the node is a primary, by its topology and by its role. */
static bool is_primary(const struct engine *e)
{
    return e->cluster->word_count > 0 && topology_self(e->cluster->topology)->is_primary &&
           !e->replica;
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

static int64_t tell(void *ctx)
{
    return handed_tell(ctx);
}

static bool is_kept(void *ctx, int64_t mark)
{
    return handed_is_kept(ctx, mark);
}

struct migration_host moving_host(struct engine *e)
{
    return (struct migration_host){.ctx = e,
                                   .dialer = &e->dialer,
                                   .keys = keys_of,
                                   .is_writing = is_writing,
                                   .changed = on_changed,
                                   .tell = tell,
                                   .is_kept = is_kept};
}

/* A record, "given", of which nobody here knows more: another process has left it. */
static const struct handover *find_left(const struct engine *e)
{
    const struct topology *t = e->cluster->topology;
    const char *own = t->shards[topology_own_shard(t)].id;

    for (size_t i = 0; i < e->cluster->handovers.count; i++) {
        const struct handover *one = &e->cluster->handovers.items[i];

        if (one->stage == HANDOVER_GIVEN && strcmp(one->from, own) == 0)
            return one;
    }
    return NULL;
}

/* Goes on with what a process that is gone had given, as soon as this one may. */
static void revive(struct engine *e)
{
    struct moving *m = e->moving;

    if (e->cluster->handovers.count == 0 || (m->out && !migration_is_over(m->out)) ||
        !is_primary(e) || guard_write_refusal(e) || !e->dialer.dial)
        return;
    const struct handover *one = find_left(e);
    if (!one)
        return;
    struct migration_host host = moving_host(e);
    log_info("migration goes on where it was left", f_str("id", one->id));
    migration_free(m->out);
    m->out = migration_revive(&e->keyspace, e->cluster, &host, one);
}

static void go_on_giving(struct engine *e)
{
    struct moving *m = e->moving;

    /* What was given stays so, and is the next primary's to ask for. */
    if (m->out && !migration_is_over(m->out) && e->replica) {
        log_warn("migration left: this node is a replica now", f_str("id", m->out->order.id));
        migration_free(m->out);
        m->out = NULL;
    }
    if (m->out)
        migration_tick(m->out);
    revive(e);
}

/* ---- the side that gets ---- */

const char *moving_login(struct cmd_call *c, struct str token)
{
    struct engine *e = c->engine;
    struct import *i = e->moving ? import_by_token(&e->moving->in, token) : NULL;

    if (e->moving && (e->loading.is_on || e->guards & GUARD_KEYLESS))
        return "TRYAGAIN the data is not loaded yet";
    if (!i)
        return "WRONGPASS invalid username-password pair or user is disabled.";
    if (!is_primary(e))
        return "TRYAGAIN this node is no primary at present";
    if (i->client && i->client != c->client)
        i->client->host->kill(i->client);
    i->client = c->client;
    c->client->is_importer = c->client->is_authenticated = true;
    c->client->user = NULL;
    return NULL;
}

void moving_forget_client(struct engine *e, struct client *c)
{
    struct import *i = e->moving && c->is_importer ? import_of(&e->moving->in, c) : NULL;

    if (i)
        i->client = NULL;
}

void moving_end_import(struct engine *e, struct import *i)
{
    if (cluster_take_back(e->cluster, str_of(i->id))) {
        handed_tell(e);
        redirect_apply(e);
    }
    imports_settle(&e->moving->in, e->cluster);
}

static void fail_import(struct engine *e, struct import *i, const char *why)
{
    import_fail(i, why);
    log_warn("migration failed on its way here", f_str("id", i->id), f_str("why", i->failure));
    if (i->client) {
        i->client->is_postponed = false;
        i->client->host->kill(i->client);
    }
    moving_end_import(e, i);
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
    moving_end_import(e, i);
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
    buf_fini(&e->moving->field_text);
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

    for (size_t i = 0; i < in->count; i++) {
        struct import *one = in->items[i];

        if (one->state > IMPORT_RECEIVES)
            continue;
        if (came_too_early(e, one))
            fail_import(e, one, "the topology gave the slots here before they were taken");
        else if (!handover_find(&e->cluster->handovers, str_of(one->id)))
            fail_import(e, one, "the slots are not that shard's any more");
    }
    go_on_giving(e);
}

/* ---- records that came ---- */

static void follow_record(struct imports *in, const struct handover *one)
{
    struct import *i = import_find(in, str_of(one->id));

    if (!i)
        i = import_add(in, one);
    if (i && one->stage == HANDOVER_TAKEN)
        i->state = IMPORT_TAKEN;
}

void moving_follow_records(struct engine *e)
{
    const struct handovers *h = &e->cluster->handovers;
    struct imports *in = &e->moving->in;

    for (size_t i = in->count; i-- > 0;)
        if (!handover_find(h, str_of(in->items[i]->id)))
            import_drop(in, e->cluster, in->items[i]);
    for (size_t i = 0; i < h->count; i++)
        if (h->items[i].stage == HANDOVER_EXPECTED || h->items[i].stage == HANDOVER_TAKEN)
            follow_record(in, &h->items[i]);
    imports_settle(in, e->cluster);
    redirect_apply(e);
}

bool moving_tick(struct engine *e)
{
    /* Who follows another cluster forgets what that one does. */
    bool is_clean =
        e->replica || cluster_forget_some(e->cluster, &e->keyspace.dbs[0], FORGET_SLICE_US);

    go_on_giving(e);
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
