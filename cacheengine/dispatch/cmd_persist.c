/* Snapshots by command: SAVE, BGSAVE, LASTSAVE, SHUTDOWN, DEBUG RELOAD, and at the start. */
#include "cacheengine/dispatch/cmd_persist.h"

#include "base/command.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/cluster/topology.h"
#include "cacheengine/dispatch/append_load.h"
#include "cacheengine/dispatch/ending.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/function_payload.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/dispatch/unkept.h"
#include "cacheengine/keyspace/wait.h"
#include "cacheengine/persist/file.h"
#include "contract/command_procs.h"

#include <errno.h>
#include <sys/stat.h>

void cmd_save(struct cmd_call *c)
{
    if (saving_is_snapshot(c->engine->saving))
        reply_error(c->reply, "ERR Background save already in progress");
    else if (saving_save_now(c->engine->saving, false))
        reply_ok(c->reply);
    else
        reply_error(c->reply, "ERR");
}

void cmd_bgsave(struct cmd_call *c)
{
    struct saving *s = c->engine->saving;
    bool is_patient = c->is_inner;

    if (c->argc > 2 || (c->argc == 2 && !call_is(c, 1, "schedule"))) {
        reply_syntax_error(c->reply);
        return;
    }
    is_patient |= c->argc == 2;
    if (saving_is_snapshot(s)) {
        reply_error(c->reply, "ERR Background save already in progress");
    } else if ((saving_runs(s) || c->is_inner) && is_patient) {
        s->is_scheduled = true;
        reply_status(c->reply, "Background saving scheduled");
    } else if (saving_runs(s)) {
        reply_error(c->reply, "ERR Another child process is active (AOF?): can't BGSAVE right now. "
                              "Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever "
                              "possible.");
    } else {
        struct err e = saving_begin_file(s, NULL, NULL);

        if (err_failed(e)) {
            log_error("background saving not begun", f_err(e));
            reply_error(c->reply, "ERR");
        } else {
            reply_status(c->reply, "Background saving started");
        }
    }
}

void cmd_lastsave(struct cmd_call *c)
{
    reply_int(c->reply, c->engine->saved_s);
}

/* ---- the end ---- */

/* The options as bits of enum ending; false after the error. */
static bool parse_ending(struct cmd_call *c, unsigned *how, bool *is_abort)
{
    static const struct {
        const char *word;
        enum ending bit;
    } options[] = {
        {"nosave", ENDING_SAVES_NOT},
        {"save",   ENDING_SAVES    },
        {"now",    ENDING_AT_ONCE  },
        {"force",  ENDING_WHATEVER },
    };
    bool is_known = true;

    *how = 0;
    *is_abort = false;
    for (uint32_t i = 1; i < c->argc; i++) {
        unsigned bits = 0;

        for (size_t o = 0; o < countof(options); o++)
            bits |= call_is(c, i, options[o].word) ? (unsigned)options[o].bit : 0;
        *how |= bits;
        *is_abort |= call_is(c, i, "abort");
        is_known &= bits || call_is(c, i, "abort");
    }
    if (!is_known || (*is_abort && *how) || ((*how & ENDING_SAVES) && (*how & ENDING_SAVES_NOT))) {
        reply_syntax_error(c->reply);
        return false;
    }
    return true;
}

/* Who asked is answered by the end of the connection, or when there is no end after all: one that
 * waits runs again then. */
static void end(struct cmd_call *c, unsigned how)
{
    struct engine *e = c->engine;
    enum ending_result r;

    if (!c->client->waiting)
        r = engine_end(e, how);
    else
        r = e->ending.is_on ? ENDING_WAITS : ENDING_FAILED;
    /* Its connection ends with all others, when nobody can connect any more. */
    if (r != ENDING_FAILED)
        call_wait(c, &(struct wait){.until_ms = NO_DEADLINE});
    else
        reply_error(c->reply, "ERR Errors trying to SHUTDOWN. Check logs.");
}

void cmd_shutdown(struct cmd_call *c)
{
    unsigned how;
    bool is_abort;

    if (!parse_ending(c, &how, &is_abort))
        return;
    if (scripting_is_busy(c->engine) && !(how & ENDING_SAVES_NOT))
        reply_error(c->reply, scripting_busy_text(c->engine));
    else if (!is_abort)
        end(c, how);
    else if (ending_abort(c->engine))
        reply_ok(c->reply);
    else
        reply_error(c->reply, "ERR No shutdown in progress.");
}

/* ---- loading at the start ---- */

static struct snapshot_loading loading_of(struct engine *e)
{
    return (struct snapshot_loading){
        .drops_expired = !e->keyspace.hides_expired && !*e->settings.replica_of,
        .sums = e->settings.sums_dumps && !e->keyspace.skips_checksums,
        .seal = e->seal,
        .wants_seal = e->settings.is_sealed,
        .key_delay_us = &e->settings.load_key_delay_us,
        .passed = loading_passed,
        .take_libraries = function_records_take,
        .taker = e,
    };
}

/* Loads a snapshot's file, with turns of the clients but for `occupied`. */
static struct err load_named(struct engine *e, const char *name, enum snapshot_meeting meeting,
                             struct snapshot_loading *l, const struct client *occupied,
                             struct arena *a)
{
    const struct settings *s = &e->settings;
    struct stat st;

    if (stat(fs_join(a, s->dir, name), &st) != 0)
        return errno == ENOENT ? err_make(ERR_NOT_FOUND, "there is no such file")
                               : err_sys(errno, "the file cannot be opened");
    loading_begin(e, (uint64_t)st.st_size, &l->report, occupied);
    struct err failed = snapshot_load_file(&e->keyspace, s->dir, name, meeting, l, a);
    loading_end(e);
    return failed;
}

static struct err load_file(struct engine *e, enum snapshot_meeting meeting,
                            struct snapshot_loading *l, const struct client *occupied,
                            struct arena *a)
{
    return load_named(e, e->settings.dump_file, meeting, l, occupied, a);
}

static void note_loaded(struct engine *e, const struct snapshot_report *r)
{
    e->loaded.keys = r->keys;
    e->loaded.expired = r->expired;
    log_info("Done loading RDB", f_int("keys", (int64_t)r->keys),
             f_int("expired", (int64_t)r->expired), f_int("empty", (int64_t)r->empty));
}

/* Where the stream of a primary ended that has left the file. */
struct left_stream {
    struct engine *engine;
    struct snapshot_loading *loading;
    char id[REPL_ID_LEN + 1];
    int64_t offset;
};

/* Its replicas have what has expired meanwhile, and are told that it is gone. */
static void tell_expired(void *ctx, int db, struct str name)
{
    const struct left_stream *left = ctx;
    struct engine *e = left->engine;
    const struct str argv[] = {e->settings.lazy_expire ? STR("UNLINK") : STR("DEL"), name};

    effect_tell(&e->keyspace, db, argv, countof(argv), EFFECT_FOR_REPLICAS);
}

static void resume_stream(struct left_stream *left)
{
    struct engine *e = left->engine;

    repl_stream_resume(&e->stream, left->id, left->offset);
    e->followers->alone_since_ms = e->keyspace.passed_ms;
    left->loading->expired = tell_expired;
    log_info("replicas can go on from here", f_str("id", left->id), f_int("offset", left->offset));
}

/* Fields stand in front of the keys. */
static void note_field(void *ctx, struct str name, struct str value)
{
    struct left_stream *left = ctx;

    handed_note_field(left->engine, name, value);
    if (str_is(name, "repl-id") && value.len == REPL_ID_LEN)
        memcpy(left->id, value.ptr, value.len);
    if (str_is(name, "repl-offset") && !str_to_i64(value, &left->offset))
        left->offset = -1;
    if (left->id[0] && left->offset >= 0 && !left->loading->expired)
        resume_stream(left);
}

/*
 * What a node begins with that is made from snapshots of others: of several shards, or of some
 * slots. Whose stream they were of means nothing here.
 */
static struct err load_seeds(struct engine *e, const struct client *occupied, struct arena *a)
{
    const char *slots_text = e->settings.seed_slots;
    struct snapshot_loading l = loading_of(e);
    struct snapshot_report all = {0};
    struct slot_set slots = {0};

    if (*slots_text) {
        TRY(slots_parse(a, str_of(slots_text), &slots));
        l.slots = &slots;
    }
    l.allows_twins = true;
    l.wants_seal = false; /* they come from where they are plain */
    for (struct str rest = str_trim(str_of(e->settings.seed_files)); rest.len > 0;) {
        const char *name = str_dup(a, str_cut(&rest, ' '));
        struct err failed = load_named(e, name, SNAPSHOT_MERGES, &l, occupied, a);
        if (err_failed(failed))
            return err_format(a, failed.code, "Fatal error loading the DB: %s: %s", name,
                              err_text(a, failed));
        l.libraries.count = 0; /* they are taken over */
        all.keys += l.report.keys;
        all.expired += l.report.expired;
        all.empty += l.report.empty;
    }
    note_loaded(e, &all);
    return OK;
}

struct err engine_load_data(struct engine *e, const struct client *occupied, struct arena *a)
{
    const struct settings *s = &e->settings;
    struct snapshot_loading l = loading_of(e);
    struct left_stream left = {.engine = e, .loading = &l, .offset = -1};

    if (unkept_is(e) && !*s->seed_files)
        return OK;
    if (s->is_sealed && !e->seal) {
        guard_set(e, GUARD_KEYLESS, true);
        log_info("files are loaded once their key is given");
        return OK;
    }
    if (*s->seed_files)
        return load_seeds(e, occupied, a);
    TRY(append_find(e->append, a));
    if (s->appends) {
        TRY(append_load(e->append, occupied, a));
        return append_start(e->append, a);
    }
    l.field = *s->replica_of ? replica_note_field : note_field;
    l.ctx = *s->replica_of ? (void *)e : (void *)&left;
    struct err failed = load_file(e, SNAPSHOT_REPLACES, &l, occupied, a);

    if (err_is(failed, ERR_NOT_FOUND))
        return OK;
    if (err_failed(failed))
        return err_format(a, failed.code, "Fatal error loading the DB: %s", err_text(a, failed));
    note_loaded(e, &l.report);
    replica_restore(e);
    return OK;
}

/* ---- DEBUG RELOAD ---- */

struct reload_options {
    bool merges, keeps, skips_save;
};

static bool parse_reload(struct cmd_call *c, struct reload_options *o)
{
    for (uint32_t i = 2; i < c->argc; i++) {
        bool *option = call_is(c, i, "merge")     ? &o->merges
                       : call_is(c, i, "noflush") ? &o->keeps
                       : call_is(c, i, "nosave")  ? &o->skips_save
                                                  : NULL;

        if (!option) {
            reply_error(c->reply,
                        "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
            return false;
        }
        *option = true;
    }
    return true;
}

static void load(struct cmd_call *c, const struct reload_options *o)
{
    /* The call's own is of those who have their turns meanwhile. */
    scoped(arena_fini) struct arena arena = {0};
    struct snapshot_loading l = loading_of(c->engine);
    enum snapshot_meeting meeting = !o->keeps   ? SNAPSHOT_REPLACES
                                    : o->merges ? SNAPSHOT_MERGES
                                                : SNAPSHOT_JOINS;

    l.allows_twins = o->merges;
    if (!o->keeps) {
        watches_flush(c->engine, -1);
        tracking_flush(c->engine);
    }
    struct err e = load_file(c->engine, meeting, &l, c->client, &arena);

    if (err_failed(e)) {
        log_error("snapshot not loaded", f_err(e));
        reply_error(c->reply, "ERR Error trying to load the RDB dump, check server logs.");
        return;
    }
    note_loaded(c->engine, &l.report);
    reply_ok(c->reply);
}

void debug_reload(struct cmd_call *c)
{
    struct reload_options o = {0};

    if (!parse_reload(c, &o))
        return;
    if (!o.skips_save && !saving_save_now(c->engine->saving, false)) {
        reply_error(c->reply, "ERR");
        return;
    }
    load(c, &o);
}
