/* The append-only file by command: BGREWRITEAOF, DEBUG LOADAOF. */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/append_load.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/dispatch/unkept.h"
#include "cacheengine/keyspace/wait.h"
#include "contract/command_procs.h"

void cmd_bgrewriteaof(struct cmd_call *c)
{
    struct append *a = c->engine->append;

    if (unkept_refuses(c))
        return;
    if (saving_runs_kind(c->engine->saving, SAVING_REWRITE)) {
        reply_error(c->reply, "ERR Background append only file rewriting already in progress");
        return;
    }
    if (saving_runs(c->engine->saving) || c->is_inner) {
        a->is_scheduled = true;
        a->failures_in_turn = 0;
        a->retry_s = 0;
        reply_status(c->reply, "Background append only file rewriting scheduled");
        return;
    }
    struct err e = append_rewrite_begin(a, c->scratch);
    if (!err_failed(e)) {
        reply_status(c->reply, "Background append only file rewriting started");
        return;
    }
    log_error("the append-only file is not rewritten", f_err(e));
    reply_error(c->reply, "ERR Can't execute an AOF background rewriting. Please check the server "
                          "logs for more information.");
}

/* Whether the disk here has what this connection wrote. */
static int64_t saved_here(struct cmd_call *c)
{
    struct append *a = c->engine->append;

    return a->state == APPEND_ON && append_synced(a) >= c->client->written_mark;
}

void cmd_waitaof(struct cmd_call *c)
{
    struct engine *e = c->engine;
    int64_t here, replicas, until_ms;

    if (e->stream.is_following) {
        reply_error(c->reply,
                    "ERR WAITAOF cannot be used with replica instances. Please also note that "
                    "writes to replicas are just local and are not propagated.");
        return;
    }
    if (!call_int_within(c, 1, 0, 1, NULL, &here) ||
        !call_int_within(c, 2, 0, INT64_MAX, "ERR value is out of range, must be positive",
                         &replicas) ||
        !call_timeout_ms(c, 3, &until_ms))
        return;
    if (here && e->append->state == APPEND_OFF) {
        reply_error(c->reply, "ERR WAITAOF cannot be used when numlocal is set but appendonly is "
                              "disabled.");
        return;
    }
    uint32_t saved = followers_saved(e, c->client->written_offset);
    if ((saved_here(c) >= here && saved >= replicas) || c->is_inner) {
        reply_array(c->reply, 2);
        reply_int(c->reply, saved_here(c));
        reply_int(c->reply, saved);
        return;
    }
    /* One that waits already has asked. */
    if (!c->client->waiting && replicas > 0)
        followers_ask(e);
    call_wait(c, &(struct wait){.until_ms = until_ms});
}

void debug_aof_flush_sleep(struct cmd_call *c)
{
    if (call_int(c, 2, &c->engine->append->flush_delay_us))
        reply_ok(c->reply);
}

void debug_loadaof(struct cmd_call *c)
{
    /* The call's own is of those who have their turns meanwhile. */
    scoped(arena_fini) struct arena arena = {0};
    struct append *a = c->engine->append;

    if (a->state == APPEND_ON)
        append_flush(a, true);
    watches_flush(c->engine, -1);
    tracking_flush(c->engine);
    keyspace_flush(c->ks, -1, false);
    struct err e = append_load(a, c->client, &arena);
    a->older_bytes -= a->older_bytes > a->file.bytes ? a->file.bytes : a->older_bytes;
    if (err_failed(e)) {
        log_error("append-only file not loaded", f_err(e));
        reply_error(c->reply, "ERR Error trying to load the AOF files, check server logs.");
        return;
    }
    c->ks->dirty = 0;
    reply_ok(c->reply);
}
