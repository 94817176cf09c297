/*
 * The host of scripts. The one idea: a script's command is a client's command whose reply goes
 * elsewhere; it meets the same checks in the same order, and the few that are a script's own.
 */
#include "cacheengine/dispatch/scripting.h"

#include "base/clock.h"
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/amid.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/slot.h"

#include <stdlib.h>

#define VALKEY_SPEAKS_AS "7.2.4" /* the version of Redis that a Valkey says it is like */

static bool is_valkey(const struct engine *e)
{
    return e->settings.brand == BRAND_VALKEY;
}

/* ---- a script's commands ---- */

static const char *access_refusal(struct cmd_call *call)
{
    const struct client *c = call->client;

    if (access_is_free(c))
        return NULL;
    switch (access_judge(call, ACL_IN_SCRIPT)) {
    case ACL_ALLOWED: return NULL;
    case ACL_NO_COMMAND:
        return arena_printf(call->scratch,
                            "ERR ACL failure in script: User %.*s has no permissions to run the "
                            "'%s' command",
                            STR_ARG(c->user->name), call->cmd->name);
    case ACL_NO_KEY: return "ERR ACL failure in script: No permissions to access a key";
    default: return "ERR ACL failure in script: No permissions to access a channel";
    }
}

/* What a redirection says to a script, which cannot follow it. */
static const char *redirection(const struct cmd_call *call, const char *text)
{
    if (strncmp(text, "CROSSSLOT", 9) == 0)
        return arena_printf(
            call->scratch,
            "ERR Command '%s' in script attempted to access keys that don't hash to "
            "the same slot",
            call->cmd->name);
    if (strncmp(text, "TRYAGAIN", 8) == 0)
        return arena_printf(call->scratch,
                            "ERR Unable to execute command '%s' in script because undeclared keys "
                            "were accessed during rehashing of the slot",
                            call->cmd->name);
    if (strncmp(text, "CLUSTERDOWN", 11) == 0)
        return "ERR Script attempted to execute a command while the cluster is down";
    return "ERR Script attempted to access a non local key in a cluster node";
}

/* A script that does not say otherwise keeps to the keys of one slot. */
static const char *slot_refusal(const struct cmd_call *call, struct script_run *run)
{
    uint32_t count;
    const struct key_place *keys;

    if (run->flags & (SCRIPT_PLAIN | SCRIPT_ALLOW_CROSS_SLOT))
        return NULL;
    keys = keys_find(call->scratch, call->cmd, call->argv, call->argc, &count);
    if (count == 0)
        return NULL;
    struct str key = call->argv[keys[0].arg];
    int slot = (int)slot_of_key(key.ptr, key.len);
    if (run->slot >= 0 && run->slot != slot)
        return "ERR Script attempted to access keys that do not hash to the same slot";
    run->slot = slot;
    return NULL;
}

static const char *state_refusal(struct cmd_call *call, struct script_run *run)
{
    bool is_redirection = false;

    call->client->is_asking = run->is_asking;
    const char *text = guard_refusal(call, &is_redirection);
    call->client->is_asking = false;
    if (text && strncmp(text, "MASTERDOWN", 10) == 0)
        return "ERR Can not execute the command on a stale replica";
    if (text && is_redirection)
        return redirection(call, text);
    /* Once it has written it cannot be stopped halfway, but by the owner. */
    if (text)
        return run->has_written ? guard_order_refusal(call) : text;
    return call->engine->guards & GUARD_CLUSTER ? slot_refusal(call, run) : NULL;
}

static const char *memory_refusal(const struct cmd_call *call, const struct script_run *run)
{
    if (!(call->cmd->flags & CMD_DENYOOM))
        return NULL;
    if (!heap_has_room(&call->db->heap))
        return "OOM command not allowed: the database has reached the largest size it can have.";
    if (run->is_out_of_mem && !run->allows_oom && !run->has_written)
        return "OOM command not allowed when used memory > 'maxmemory'.";
    return NULL;
}

/* For tests of what scripts may not call; scripts never reach under themselves. */
static bool is_let_through(const struct cmd_call *call)
{
    return call->engine->scripting->allows_all && strcmp(call->cmd->group, "scripting") != 0;
}

/* Why the command may not run; NULL: it may. */
static const char *refusal(struct cmd_call *call, struct script_run *run)
{
    const struct engine *e = call->engine;
    const char *text;

    if (!call->cmd)
        return is_valkey(e) ? "ERR Unknown command called from script"
                            : "ERR Unknown Redis command called from script";
    if (!engine_arity_fits(call->cmd, call->argc))
        return is_valkey(e) ? "ERR Wrong number of args calling command from script"
                            : "ERR Wrong number of args calling Redis command from script";
    if ((call->cmd->flags & CMD_NOSCRIPT) && !is_let_through(call))
        return "ERR This Redis command is not allowed from script";
    text = access_refusal(call);
    if (text)
        return text;
    if (run->is_read_only && (call->cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return "ERR Write commands are not allowed from read-only scripts.";
    text = e->guards ? state_refusal(call, run) : NULL;
    return text ? text : memory_refusal(call, run);
}

static unsigned kept_from(enum script_telling t)
{
    return (t & SCRIPT_TELLS_FILE ? 0 : (unsigned)EFFECT_FOR_FILE) |
           (t & SCRIPT_TELLS_REPLICAS ? 0 : (unsigned)EFFECT_FOR_REPLICAS);
}

static void run_command(void *ctx, struct script_run *run, struct str *argv, uint32_t argc)
{
    struct scripting *s = ctx;
    struct engine *e = s->engine;
    struct client *c = run->caller->client;
    struct cmd_call call = {
        .argv = argv,
        .argc = argc,
        .reply = &run->reply,
        .db = &e->keyspace.dbs[c->db],
        .ks = &e->keyspace,
        .client = c,
        .engine = e,
        .scratch = &e->scratch,
        .is_inner = true,
    };

    amid_look(e, c);
    call.cmd = engine_command(e, c, argv, argc);
    const char *text = refusal(&call, run);
    if (text) {
        reply_error(call.reply, text);
        engine_count_error(e, call.reply->error_code);
        if (call.cmd)
            e->by_command[call.cmd->id].rejected++;
        if (e->scratch.total_bytes)
            arena_reset(&e->scratch);
        return;
    }
    run->has_written |= (call.cmd->flags & CMD_WRITE) != 0;
    e->keyspace.effects.withheld = kept_from(run->telling);
    engine_execute(&call);
    e->keyspace.effects.withheld = 0;
}

static int permits(void *ctx, struct script_run *run, struct str *argv, uint32_t argc)
{
    struct scripting *s = ctx;
    struct client *c = run->caller->client;
    const struct command *cmd = engine_command(s->engine, c, argv, argc);
    uint32_t arg;

    if (!cmd)
        return -1;
    if (access_is_free(c))
        return 1;
    return access_verdict(run->caller, c->user, cmd, argv, argc, &arg) == ACL_ALLOWED;
}

/* ---- scripts that take long ---- */

static int64_t elapsed_ms(const struct script_run *run)
{
    return clock_boot_ms(&clock_system) - run->began_ms;
}

static void note_busy(struct script_run *run)
{
    run->is_busy = true;
    log_warn("Slow script detected: it is still in execution, and can be ended",
             f_str("name", run->name), f_int("after_ms", elapsed_ms(run)),
             f_str("with", run->is_function ? "FUNCTION KILL" : "SCRIPT KILL"));
}

static void tick(void *ctx, struct script_run *run)
{
    struct scripting *s = ctx;
    struct engine *e = s->engine;

    amid_look(e, run->caller->client);
    if (!run->is_busy) {
        int64_t threshold = e->settings.busy_reply_ms;

        if (threshold <= 0 || elapsed_ms(run) < threshold)
            return;
        note_busy(run);
    }
    if (e->host && e->host->serve_others) {
        guard_set(e, GUARD_BUSY, true);
        if (e->loading.is_on)
            loading_serve(e);
        else
            e->host->serve_others(e, run->caller->client);
        guard_set(e, GUARD_BUSY, false);
    }
    if (e->is_ending)
        run->is_killed = true;
}

/* What is not known to say anything counts as plain. Nothing is compiled for that: a script that is
 * not known yet has its first line read. */
static uint32_t flags_of(const struct cmd_call *c)
{
    const struct eval_cache *evals = scripting_evals(c->engine);
    const struct libraries *libraries = scripting_libraries(c->engine);
    struct script_header head;

    if (strcmp(c->cmd->name, "eval") == 0 || strcmp(c->cmd->name, "eval_ro") == 0)
        return script_header_read(c->scratch, c->argv[1], &head) ? SCRIPT_PLAIN : head.flags;
    if (strncmp(c->cmd->name, "evalsha", 7) == 0) {
        const struct eval_script *s =
            evals && c->argv[1].len == SCRIPT_SHA_HEX ? eval_cache_find(evals, c->argv[1]) : NULL;
        return s ? s->flags : SCRIPT_PLAIN;
    }
    const struct function *f = libraries ? libraries_find_function(libraries, c->argv[1]) : NULL;
    return f ? f->flags : SCRIPT_PLAIN;
}

bool scripting_only_reads(const struct cmd_call *c)
{
    return scripting_is_run(c->cmd) && (flags_of(c) & SCRIPT_NO_WRITES);
}

uint32_t scripting_says(const struct cmd_call *c)
{
    return scripting_is_run(c->cmd) ? flags_of(c) : SCRIPT_PLAIN;
}

bool scripting_runs(const struct engine *e)
{
    return e->scripting && e->scripting->running;
}

bool scripting_is_busy(const struct engine *e)
{
    return scripting_runs(e) && e->scripting->running->is_busy;
}

const char *scripting_busy_text(const struct engine *e)
{
    bool is_function = e->scripting->running->is_function;

    if (is_valkey(e))
        return is_function
                   ? "BUSY Valkey is busy running a script. You can only call FUNCTION KILL "
                     "or SHUTDOWN NOSAVE."
                   : "BUSY Valkey is busy running a script. You can only call SCRIPT KILL "
                     "or SHUTDOWN NOSAVE.";
    return is_function ? "BUSY Redis is busy running a script. You can only call FUNCTION KILL or "
                         "SHUTDOWN NOSAVE."
                       : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                         "SHUTDOWN NOSAVE.";
}

void scripting_kill(struct cmd_call *c, bool is_function)
{
    struct script_run *run = c->engine->scripting ? c->engine->scripting->running : NULL;

    if (!run) {
        reply_error(c->reply, "NOTBUSY No scripts in execution right now.");
    } else if (run->has_written) {
        reply_error(c->reply,
                    "UNKILLABLE Sorry the script already executed write commands against the "
                    "dataset. You can either wait the script termination or kill the server in a "
                    "hard way using the SHUTDOWN NOSAVE command.");
    } else if (run->is_function != is_function) {
        reply_error(c->reply, scripting_busy_text(c->engine));
    } else {
        run->is_killed = true;
        reply_ok(c->reply);
    }
}

/* ---- the log ---- */

static void log_words(void *ctx, int level, struct str text)
{
    static const enum log_level levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO,
                                            LOG_LEVEL_WARN};
    const struct scripting *s = ctx;
    scoped(buf_fini) struct buf words = BUF_EMPTY;

    if (level < s->engine->settings.log_level - 1)
        return;
    buf_add_str(&words, text);
    log_at(levels[level], "a script says", f_str("words", buf_cstr(&words)));
}

/* ---- runs ---- */

bool scripting_words(struct cmd_call *c, const char *bad_number, struct machine_words *out)
{
    int64_t keys;

    if (bad_number && !number_parse_i64(c->argv[2].ptr, c->argv[2].len, &keys)) {
        reply_error(c->reply, bad_number);
        return false;
    }
    if (!call_int(c, 2, &keys))
        return false;
    if (keys > (int64_t)c->argc - 3) {
        reply_error(c->reply, "ERR Number of keys can't be greater than number of args");
        return false;
    }
    if (keys < 0) {
        reply_error(c->reply, "ERR Number of keys can't be negative");
        return false;
    }
    *out = (struct machine_words){.keys = c->argv + 3,
                                  .key_count = (uint32_t)keys,
                                  .args = c->argv + 3 + keys,
                                  .arg_count = c->argc - 3 - (uint32_t)keys};
    return true;
}

/* A script that says that it writes is judged as a whole, before it begins. */
static const char *write_refusal(const struct scripting_call *sc)
{
    struct cmd_call call = *sc->call;
    struct command as_write = *call.cmd;

    bool is_redirection;

    as_write.flags |= CMD_WRITE;
    call.cmd = &as_write;
    const char *text = call.engine->guards ? guard_refusal(&call, &is_redirection) : NULL;
    if (!text && sc->is_read_only)
        return "ERR Can not execute a script with write flag using *_ro command.";
    return text;
}

#define MASTERDOWN "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no'"

static const char *begin_refusal(const struct scripting_call *sc)
{
    const struct engine *e = sc->call->engine;

    if (e->scripting->running)
        return "ERR a script cannot run another one";
    /* Others were refused before, by what they say. */
    if (sc->flags & SCRIPT_PLAIN)
        return e->guards & GUARD_STALE && !sc->call->client->is_admin
                   ? "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
                   : NULL;
    if ((sc->flags & SCRIPT_NO_CLUSTER) && e->cluster)
        return "ERR Can not run script on cluster, 'no-cluster' flag is set.";
    const char *text = sc->flags & SCRIPT_NO_WRITES ? NULL : write_refusal(sc);
    if (!text && sc->run.is_out_of_mem && !(sc->flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)))
        text = "OOM allow-oom flag is not set on the script, can not run it when used memory > "
               "'maxmemory'";
    return text;
}

/* That of the keys that the call names; -1: it names none, and the first that is used counts. */
static int declared_slot(const struct scripting_call *sc)
{
    const struct machine_words *w = &sc->words;

    return sc->call->engine->cluster && w->key_count > 0
               ? (int)slot_of_key(w->keys[0].ptr, w->keys[0].len)
               : -1;
}

bool scripting_begin(struct scripting_call *sc)
{
    struct engine *e = sc->call->engine;

    sc->run = (struct script_run){
        .caller = sc->call,
        .name = sc->name,
        .flags = sc->flags,
        .telling = SCRIPT_TELLS_ALL,
        .slot = declared_slot(sc),
        .is_asking = sc->call->client->was_asking,
        .began_ms = clock_boot_ms(&clock_system),
        .is_function = sc->is_function,
        .is_read_only = sc->is_read_only || (sc->flags & SCRIPT_NO_WRITES),
        .allows_oom = (sc->flags & SCRIPT_ALLOW_OOM) != 0,
        .is_out_of_mem = !engine_make_room(e),
    };
    const char *text = begin_refusal(sc);
    if (text) {
        reply_error(sc->call->reply, text);
        return false;
    }
    e->scripting->running = &sc->run;
    amid_begin(e);
    return true;
}

void scripting_end(struct scripting_call *sc)
{
    struct engine *e = sc->call->engine;

    e->scripting->running = NULL;
    e->by_command[sc->call->cmd->id].failed += sc->run.has_failed;
    amid_end(e);
}

/* ---- beginning and end ---- */

struct scripting *scripting_of(struct engine *e)
{
    struct scripting *s = e->scripting;
    size_t limit = (size_t)e->settings.script_memory;

    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    check(s);
    *s = (struct scripting){
        .engine = e,
        .host = {.ctx = s,
                 .command = run_command,
                 .permits = permits,
                 .tick = tick,
                 .log = log_words,
                 .redis_version = is_valkey(e) ? VALKEY_SPEAKS_AS : e->settings.engine_version,
                 .valkey_version = is_valkey(e) ? e->settings.engine_version : NULL},
    };
    s->evals = eval_cache_new(&s->host, &e->keyspace.account, limit);
    s->libraries = libraries_new(&s->host, &e->keyspace.account, limit);
    e->scripting = s;
    return s;
}

void scripting_fini(struct engine *e)
{
    if (!e->scripting)
        return;
    eval_cache_free(e->scripting->evals);
    libraries_free(e->scripting->libraries);
    free(e->scripting);
    e->scripting = NULL;
}

struct eval_cache *scripting_evals(const struct engine *e)
{
    return e->scripting ? e->scripting->evals : NULL;
}

struct libraries *scripting_libraries(const struct engine *e)
{
    return e->scripting ? e->scripting->libraries : NULL;
}
