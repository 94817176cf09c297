/*
 * The primary's stream, applied. The one idea: its bytes are requests of a client like any other,
 * so they are cut, prefetched and run as all are; what is special is that nothing is refused,
 * nothing is answered, and every byte that was used up is counted and handed on as it came.
 */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/repl/stream.h"

#define COMPLAIN_MS 1000

/* ---- offsets ---- */

void replica_send_offset(struct replica *r)
{
    struct client *c = r->primary;

    r->spoke_ms = r->engine->keyspace.passed_ms;
    if (!c || !r->counts_offsets)
        return;
    bool appends = r->engine->append->state == APPEND_ON;
    bool tells_work = r->engine->settings.work_limit > 0;

    reply_array(&c->reply, 3 + (appends ? 2 : 0) + (tells_work ? 2 : 0));
    reply_bulk_text(&c->reply, "REPLCONF");
    reply_bulk_text(&c->reply, "ACK");
    reply_bulk_int(&c->reply, r->engine->stream.offset);
    if (appends) {
        reply_bulk_text(&c->reply, "FACK");
        reply_bulk_int(&c->reply, append_synced_offset(r->engine->append));
    }
    if (tells_work) { /* others than our own primaries read no further */
        reply_bulk_text(&c->reply, "LARDER-WORK");
        reply_bulk_int(&c->reply, (int64_t)r->engine->stats.work);
    }
    c->host->wake(c);
}

void replica_note_bytes(struct engine *e, struct str bytes)
{
    struct replica *r = e->replica;

    if (!r || !r->primary)
        return;
    /* A transaction counts when it is whole: if the link breaks in its middle, it comes again. */
    if (transaction_is_open(r->primary)) {
        buf_add_str(&r->held, bytes);
        return;
    }
    if (r->held.len > 0) {
        repl_stream_feed_raw(&e->stream, r->held.ptr, r->held.len);
        buf_clear(&r->held);
    }
    repl_stream_feed_raw(&e->stream, bytes.ptr, bytes.len);
}

/* ---- requests ---- */

/* What a primary says besides changes. */
static bool is_talk(struct replica *r, const struct cmd_call *call)
{
    if (!str_is_nocase(call->argv[0], "replconf"))
        return false;
    if (call->argc >= 2 && call_is(call, 1, "getack"))
        replica_send_offset(r);
    return true;
}

/* Messages that only subscribers would see, and what is kept for scripts: nothing is lost when this
 * build does not know them. */
static bool may_be_unknown(struct str name)
{
    static const char *const names[] = {"publish", "spublish", "script"};

    for (size_t i = 0; i < countof(names); i++)
        if (str_is_nocase(name, names[i]))
            return true;
    return false;
}

/* The data would differ from here on: better none that follows than one that is wrong. */
static void give_up(struct replica *r, const struct cmd_call *call)
{
    struct str name = str_shorten(call->argv[0], 64);
    char shown[65];

    snprintf(shown, sizeof(shown), "%.*s", STR_ARG(name));
    log_error("the primary sent a command that this engine cannot follow", f_str("command", shown));
    replica_forget_history(r);
    replica_fail(r, err_make(ERR_UNSUPPORTED, "this engine cannot follow its commands"));
}

static void complain(struct replica *r, const struct cmd_call *call)
{
    int64_t now_ms = call->ks->passed_ms;

    if (now_ms - r->complained_ms < COMPLAIN_MS)
        return;
    r->complained_ms = now_ms;
    log_error("== CRITICAL == This replica is sending an error to its master: the data may differ",
              f_str("command", call->cmd->name), f_str("error", call->reply->error_code));
}

/* Of the owner's commands the one that primaries say: which slots were handed over. */
static bool is_record(const struct command *cmd)
{
    return strcmp(cmd->name, "larder.slots") == 0;
}

static void apply(struct replica *r, struct cmd_call *call)
{
    uint64_t errors = call->reply->errors;

    if (!call->cmd || !engine_arity_fits(call->cmd, call->argc)) {
        if (!may_be_unknown(call->argv[0]))
            give_up(r, call);
        return;
    }
    bool is_owners = call->cmd->is_internal && !(call->cmd->flags & CMD_WRITE);
    if (!is_record(call->cmd) && (is_owners || (call->cmd->flags & CMD_ADMIN))) {
        log_warn("a command of the primary was left out", f_str("command", call->cmd->name));
        return;
    }
    call->is_inner = true;
    call->ks->shows_expired = true;
    engine_apply(call);
    call->ks->shows_expired = false;
    if (__builtin_expect(call->reply->errors != errors, 0))
        complain(r, call);
}

void replica_run(struct cmd_call *call)
{
    struct replica *r = call->engine->replica;

    if (!r || r->primary != call->client || is_talk(r, call))
        return;
    if (__builtin_expect(call->engine->guards & GUARD_PAUSED, 0) && call->cmd && pause_takes(call))
        return;
    struct reply_piece *held = reply_hold(call->reply);
    apply(r, call);
    reply_rewind(call->reply, held);
}
