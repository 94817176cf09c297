/*
 * From a call to its command: which command it is, whether it may run now, running it, and counting
 * what came of it.
 */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/monitor.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/redirect.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "contract/command_procs.h"

#include <stdlib.h>

typedef void command_proc(struct cmd_call *c);

#define PROC(id, function) [id] = function,
static command_proc *const procs[] = {COMMAND_PROCS(PROC)};
#undef PROC

bool engine_shows(const struct engine *e, const struct client *c, const struct command *cmd)
{
    bool is_hidden = cmd->is_internal || (cmd->is_restricted && e->settings.is_restricted) ||
                     (cmd->is_node_only && e->settings.is_serverless);

    if (!is_hidden)
        return true;
    if (!c || cmd->is_internal)
        return c && (c->is_admin || c->is_primary || c->is_importer);
    return c->is_admin || c->is_primary || c->is_importer || (c->user && c->user->is_owners);
}

const struct command *engine_command_by_id(size_t id)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *cmd = &command_table[i];

        if ((size_t)cmd->id == id)
            return cmd;
        for (uint32_t j = 0; j < cmd->sub_count; j++)
            if ((size_t)cmd->subs[j].id == id)
                return &cmd->subs[j];
    }
    return NULL;
}

const struct command *engine_command(const struct engine *e, const struct client *c,
                                     const struct str *argv, uint32_t argc)
{
    const struct command *cmd = command_find(argv[0].ptr, argv[0].len);

    if (!cmd || !engine_shows(e, c, cmd))
        return NULL;
    if (cmd->sub_count == 0 || argc < 2)
        return cmd;
    const struct command *sub = command_find_sub(cmd, argv[1].ptr, argv[1].len);
    return sub && engine_shows(e, c, sub) ? sub : NULL;
}

/* ---- refusing ---- */

static void reject_plainly(struct cmd_call *call, const char *text)
{
    struct engine *e = call->engine;

    reply_error(call->reply, text);
    if (call->cmd && procs[call->cmd->id] == cmd_exec)
        transaction_discard(e, call->client);
    engine_count_error(e, call->reply->error_code);
    if (call->cmd)
        e->by_command[call->cmd->id].rejected++;
    transaction_break(call->client);
}

/* An EXEC that may not run ends its transaction, and says so. */
static void reject(struct cmd_call *call, const char *text)
{
    char said[512];
    bool has_code = strncmp(text, "ERR ", 4) == 0;

    if (call->cmd && procs[call->cmd->id] == cmd_exec) {
        snprintf(said, sizeof(said), "EXECABORT Transaction discarded because of: %s",
                 text + (has_code ? 4 : 0));
        text = said;
    }
    reject_plainly(call, text);
}

/* Counts a refusal that was answered already. */
static void refused(struct cmd_call *call)
{
    engine_count_error(call->engine, call->reply->error_code);
    call->engine->by_command[call->cmd->id].rejected++;
    transaction_break(call->client);
}

/* As much of an argument as an error message shows, up to its first NUL. */
static int shown_len(struct str s, size_t most)
{
    size_t len = strnlen(s.ptr, s.len);

    return (int)(len < most ? len : most);
}

/* What a browser says first: it was made to talk to us, so it gets no answer and no second try. */
static bool is_browser(struct str name)
{
    return str_is_nocase(name, "post") || str_is_nocase(name, "host:");
}

static void reject_unknown(struct cmd_call *call)
{
    const struct command *cmd = command_find(call->argv[0].ptr, call->argv[0].len);
    struct str name = call->argv[0];
    char text[512], args[160];
    size_t len = 0;

    if (cmd && engine_shows(call->engine, call->client, cmd) && cmd->sub_count > 0 &&
        !command_find_sub(cmd, call->argv[1].ptr, call->argv[1].len)) {
        char upper[64];
        size_t i = 0;

        for (; cmd->name[i]; i++)
            upper[i] = (char)(cmd->name[i] >= 'a' && cmd->name[i] <= 'z' ? cmd->name[i] - 32
                                                                         : cmd->name[i]);
        upper[i] = 0;
        snprintf(text, sizeof(text), "ERR unknown subcommand '%.*s'. Try %s HELP.",
                 shown_len(call->argv[1], 128), call->argv[1].ptr, upper);
        reject(call, text);
        return;
    }
    if (is_browser(name)) {
        log_warn("connection dropped: it talks HTTP", f_int("id", call->client->id));
        call->client->host->kill(call->client);
        return;
    }
    args[0] = 0;
    for (uint32_t i = 1; i < call->argc && len < 128; i++) {
        int shown = shown_len(call->argv[i], 128 - len);

        len +=
            (size_t)snprintf(args + len, sizeof(args) - len, "'%.*s' ", shown, call->argv[i].ptr);
    }
    snprintf(text, sizeof(text), "ERR unknown command '%.*s', with args beginning with: %s",
             shown_len(name, 128), name.ptr, args);
    reject(call, text);
}

bool engine_arity_fits(const struct command *cmd, uint32_t argc)
{
    return cmd->arity > 0 ? argc == (uint32_t)cmd->arity : argc >= (uint32_t)-cmd->arity;
}

static bool arity_is_right(struct cmd_call *call)
{
    char text[160];

    if (engine_arity_fits(call->cmd, call->argc))
        return true;
    snprintf(text, sizeof(text), "ERR wrong number of arguments for '%s' command", call->cmd->name);
    reject(call, text);
    return false;
}

/* For how long more than maxmemory is in use. */
static void note_memory(struct engine *e, bool is_over)
{
    if (is_over && e->over_memory_since_ms == 0)
        e->over_memory_since_ms = e->keyspace.passed_ms;
    if (is_over || e->over_memory_since_ms == 0)
        return;
    e->stats.over_memory_ms += (uint64_t)(e->keyspace.passed_ms - e->over_memory_since_ms);
    e->over_memory_since_ms = 0;
}

bool engine_make_room(struct engine *e)
{
    const struct keyspace *ks = &e->keyspace;

    if (!ks->settings->max_memory || ks->account.used_bytes <= (size_t)ks->settings->max_memory) {
        if (__builtin_expect(e->over_memory_since_ms != 0, 0))
            note_memory(e, false);
        return true;
    }
    if (ks->stands_still)
        return true;
    uint64_t before = engine_ticks();
    enum evict_result result = keyspace_evict_slow(&e->keyspace);
    engine_note_stall(e, LATENCY_EVICTION_CYCLE, engine_ticks() - before);
    note_memory(e, result != EVICT_ENOUGH);
    return result != EVICT_FAILED;
}

/* Commands that end or steer a transaction run at once within it. */
static bool is_queued(const struct cmd_call *call)
{
    static command_proc *const at_once[] = {cmd_exec,  cmd_discard, cmd_multi,
                                            cmd_watch, cmd_quit,    cmd_reset};

    if (!transaction_is_open(call->client))
        return false;
    for (size_t i = 0; i < countof(at_once); i++)
        if (procs[call->cmd->id] == at_once[i])
            return false;
    return true;
}

static bool state_allows(struct cmd_call *call)
{
    bool is_plain = false;

    if ((call->engine->guards & GUARD_PAUSED) && pause_takes(call))
        return false;
    const char *text = guard_refusal(call, &is_plain);

    if (text == redirect_held)
        moving_postpone(call);
    else if (text && is_plain)
        reject_plainly(call, text);
    else if (text)
        reject(call, text);
    return !text;
}

static bool memory_allows(struct cmd_call *call)
{
    bool wants_room = call->cmd->flags & CMD_DENYOOM;

    if (transaction_is_open(call->client) && procs[call->cmd->id] == cmd_exec)
        for (const struct queued_call *q = call->client->transaction->head; q; q = q->next)
            wants_room |= (q->cmd->flags & CMD_DENYOOM) != 0;
    if (wants_room && !heap_has_room(&call->db->heap)) {
        reject(call,
               "OOM command not allowed: the database has reached the largest size it can have.");
        return false;
    }
    bool has_room = call->engine->loading.is_on || engine_make_room(call->engine);
    /* Copies of keys that had to go are old before the command runs: its caller hears it first. */
    if (__builtin_expect(call->engine->has_own_pushes, 0) &&
        call->client->reply_mode == CLIENT_REPLY_ON)
        pubsub_flush_own(call->engine, call->client);
    if (has_room || !wants_room)
        return true;
    reject(call, "OOM command not allowed when used memory > 'maxmemory'.");
    return false;
}

/* ---- running ---- */

/* Looks closer at a call that took long. */
static void note_slow(struct cmd_call *call, uint64_t ticks)
{
    struct engine *e = call->engine;
    uint64_t us = engine_ticks_us(e, ticks);

    bool is_kept = e->settings.slowlog_length > 0 || (e->logs.is_open && e->logs.slow_fd >= 0);

    if (is_kept && e->settings.slowlog_slower_us >= 0 &&
        us >= (uint64_t)e->settings.slowlog_slower_us && !(call->cmd->flags & CMD_SKIP_SLOWLOG))
        logs_note_slow(
            e, call,
            slowlog_add(&e->slowlog, call, (int64_t)us, (size_t)e->settings.slowlog_length),
            (int64_t)us);
    engine_note_stall(e, call->cmd->flags & CMD_FAST ? LATENCY_FAST_COMMAND : LATENCY_COMMAND,
                      ticks);
}

static void count_duration(struct command_stats *s, uint64_t ticks)
{
    if (__builtin_expect(!s->histogram, 0)) {
        s->histogram = calloc(1, sizeof(*s->histogram));
        check(s->histogram);
    }
    histogram_note(s->histogram, ticks);
}

/* Removes keys of any chance on its way, those that have expired: each for itself. */
static bool meets_any_key(const struct cmd_call *call)
{
    return (call->cmd->flags & CMD_READONLY) && call->cmd->first_key == 0;
}

/* Runs the command with somebody listening to what it changes. */
static void run_told(struct cmd_call *call)
{
    struct engine *e = call->engine;
    int64_t offset = e->stream.offset;
    uint64_t mark = e->append->told;

    effects_begin(call->ks, meets_any_key(call));
    procs[call->cmd->id](call);
    call_tell_own(call);
    effects_end(call->ks);
    if (e->stream.offset != offset)
        call->client->written_offset = e->stream.offset;
    if (e->append->told != mark)
        call->client->written_mark = e->append->told;
}

/* Errors of commands that EXEC ran are theirs and `are_counted` already; a script hides those. */
static void note_failure(const struct cmd_call *call, bool are_counted)
{
    struct engine *e = call->engine;
    bool is_script = scripting_is_run(call->cmd);

    if (is_script)
        engine_count_script_error(e, call->reply->error_code);
    else if (!are_counted)
        engine_count_error(e, call->reply->error_code);
    e->by_command[call->cmd->id].failed += is_script || !are_counted;
}

void engine_execute(struct cmd_call *call)
{
    struct engine *e = call->engine;
    const struct command *cmd = call->cmd;
    uint64_t errors = call->reply->errors, counted = e->stats.errors;
    uint64_t before = engine_ticks();

    /* One that waited was told when it came. */
    bool is_monitored = __builtin_expect(e->monitor_count != 0, 0) && !call->client->waiting;
    if (is_monitored)
        monitor_tell_ahead(call);
    call->ks->spares_age = call->client->is_untouching;
    if (__builtin_expect(call_is_told(call), 0))
        run_told(call);
    else
        procs[cmd->id](call);
    if (is_monitored)
        monitor_tell(call);
    if (__builtin_expect(call->client->tracker != NULL, 0) && (cmd->flags & CMD_READONLY))
        tracking_remember(call);
    struct command_stats *s = &e->by_command[cmd->id];
    /* One that waits is counted when it is done. */
    bool is_done = !call->client->waiting || !blocks_wait_goes_on(call->client);
    uint64_t spent = engine_ticks() - before;
    s->calls += is_done;
    s->ticks += is_done ? spent : 0;
    call->client->commands += is_done;
    if (e->settings.tracks_latency && is_done)
        count_duration(s, spent);
    if (__builtin_expect(spent >= e->slow_ticks, 0) && is_done)
        note_slow(call, spent);
    e->keyspace.dirty += call->dirty;
    e->stats.commands += is_done;
    if (__builtin_expect(call->reply->errors != errors, 0))
        note_failure(call, e->stats.errors != counted);
    if (__builtin_expect(e->scratch.total_bytes != 0, 0))
        arena_reset(&e->scratch);
}

static void run(struct cmd_call *call)
{
    struct engine *e = call->engine;
    struct client *c = call->client;

    call->db = &call->ks->dbs[c->db];
    if (__builtin_expect(!call->cmd, 0)) {
        reject_unknown(call);
        return;
    }
    c->last_cmd = call->cmd;
    if (__builtin_expect(!arity_is_right(call), 0))
        return;
    if (__builtin_expect(!c->is_authenticated, 0) && !(call->cmd->flags & CMD_NO_AUTH)) {
        reject(call, "NOAUTH Authentication required.");
        return;
    }
    if (__builtin_expect(!access_is_free(c), 0) && !access_allows(call)) {
        refused(call);
        return;
    }
    if (__builtin_expect(e->guards != 0, 0) && !state_allows(call))
        return;
    if (__builtin_expect(!memory_allows(call), 0))
        return;
    if (__builtin_expect(c->transaction != NULL, 0) && is_queued(call)) {
        if (call->cmd->flags & CMD_NO_MULTI)
            reject(call, "ERR Command not allowed inside a transaction");
        else
            transaction_queue(call);
        return;
    }
    engine_execute(call);
    /* Amid a script nobody is served: what it has put there is not all yet. */
    if (__builtin_expect(e->waiting_count > 0, 0) && !(e->guards & GUARD_BUSY))
        blocks_serve(e);
}

void engine_apply(struct cmd_call *call)
{
    struct client *c = call->client;

    call->db = &call->ks->dbs[c->db];
    c->last_cmd = call->cmd;
    if (is_queued(call)) {
        transaction_queue(call);
        return;
    }
    engine_execute(call);
    if (call->engine->waiting_count > 0)
        blocks_serve(call->engine);
}

/* CLIENT REPLY OFF and SKIP: the command runs, what it says is taken back, unless it has turned
 * replies on again: then it says so. */
static void run_muted(struct cmd_call *call)
{
    struct client *c = call->client;
    struct reply_piece *held = reply_hold(call->reply);

    if (c->reply_mode == CLIENT_REPLY_SKIP)
        c->reply_mode = CLIENT_REPLY_SKIPPING;
    run(call);
    if (c->reply_mode != CLIENT_REPLY_ON)
        reply_rewind(call->reply, held);
    /* One that waits is skipped when its answer has come. */
    if (c->reply_mode == CLIENT_REPLY_SKIPPING && !c->waiting)
        c->reply_mode = CLIENT_REPLY_ON;
}

/* Answers that fit where they begin: of the commands that a shard sends which gives its slots away,
 * nearly all. */
static bool says_little(const struct cmd_call *call)
{
    command_proc *proc = call->cmd ? procs[call->cmd->id] : NULL;

    return (proc == cmd_set && (call->argc == 3 || call->argc == 5)) || proc == cmd_restore ||
           proc == cmd_unlink || proc == cmd_del;
}

static void run_but_for_errors(struct cmd_call *call)
{
    struct reply *r = call->reply;
    uint64_t errors = r->errors;

    if (says_little(call)) {
        char *next = reply_room(r, 64);

        run(call);
        if (r->errors == errors)
            r->next = next;
    } else {
        struct reply_piece *held = reply_hold(r);

        run(call);
        if (r->errors == errors)
            reply_rewind(r, held);
    }
}

void engine_run(struct cmd_call *call)
{
    struct engine *e = call->engine;
    struct write_watch w = writes_begin(e, call->client);

    e->running = call->client;
    if (__builtin_expect(call->client->reply_mode == CLIENT_REPLY_ON, 1))
        run(call);
    else if (call->client->reply_mode == CLIENT_REPLY_ERRORS)
        run_but_for_errors(call);
    else
        run_muted(call);
    writes_end(e, call->client, &w);
    if (__builtin_expect(call->client->tracker != NULL, 0))
        tracking_settle(call);
    e->running = NULL;
    if (__builtin_expect(e->has_own_pushes, 0))
        pubsub_flush_own(e, call->client);
}
