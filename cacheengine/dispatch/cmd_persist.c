/* Snapshots by command: SAVE, LASTSAVE, DEBUG RELOAD. */
#include "cacheengine/dispatch/cmd_persist.h"

#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/persist/file.h"
#include "contract/command_procs.h"

/* Saves everything to the configured file; logs how that went. */
static bool save(struct cmd_call *c)
{
    const struct settings *s = c->ks->settings;
    struct snapshot_options o = {
        .version = RECORD_VERSION, .compresses = s->compresses_dumps, .sums = s->sums_dumps};
    struct err e = snapshot_save_file(c->ks, s->dir, s->dump_file, &o, c->scratch);

    if (err_failed(e)) {
        log_error("snapshot not saved", f_err(e));
        return false;
    }
    c->engine->saved_s = c->ks->now_ms / 1000;
    c->engine->saves++;
    c->ks->dirty = 0;
    log_info("snapshot saved", f_str("file", s->dump_file));
    return true;
}

void cmd_save(struct cmd_call *c)
{
    if (save(c))
        reply_ok(c->reply);
    else
        reply_error(c->reply, "ERR");
}

void cmd_lastsave(struct cmd_call *c)
{
    reply_int(c->reply, c->engine->saved_s);
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
    const struct settings *s = c->ks->settings;
    struct snapshot_loading l = {.drops_expired = !c->ks->hides_expired,
                                 .sums = s->sums_dumps && !c->ks->skips_checksums,
                                 .allows_twins = o->merges};
    enum snapshot_meeting meeting = !o->keeps   ? SNAPSHOT_REPLACES
                                    : o->merges ? SNAPSHOT_MERGES
                                                : SNAPSHOT_JOINS;

    if (!o->keeps)
        watches_flush(c->engine, -1);
    struct err e = snapshot_load_file(c->ks, s->dir, s->dump_file, meeting, &l, c->scratch);

    if (err_failed(e)) {
        log_error("snapshot not loaded", f_err(e));
        reply_error(c->reply, "ERR Error trying to load the RDB dump, check server logs.");
        return;
    }
    c->engine->loaded.keys = l.report.keys;
    c->engine->loaded.expired = l.report.expired;
    log_info("snapshot loaded", f_int("keys", (int64_t)l.report.keys),
             f_int("expired", (int64_t)l.report.expired), f_int("empty", (int64_t)l.report.empty));
    reply_ok(c->reply);
}

void debug_reload(struct cmd_call *c)
{
    struct reload_options o = {0};

    if (!parse_reload(c, &o))
        return;
    if (!o.skips_save && !save(c)) {
        reply_error(c->reply, "ERR");
        return;
    }
    load(c, &o);
}
