/* The append-only file by command: BGREWRITEAOF, DEBUG LOADAOF. */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/append_load.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/transaction.h"
#include "contract/command_procs.h"

void cmd_bgrewriteaof(struct cmd_call *c)
{
    struct append *a = c->engine->append;

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

void debug_aof_flush_sleep(struct cmd_call *c)
{
    if (call_int(c, 2, &c->engine->append->flush_delay_us))
        reply_ok(c->reply);
}

void debug_loadaof(struct cmd_call *c)
{
    struct append *a = c->engine->append;

    if (a->state == APPEND_ON)
        append_flush(a, true);
    watches_flush(c->engine, -1);
    keyspace_flush(c->ks, -1, false);
    struct err e = append_load(a, c->scratch);
    a->older_bytes -= a->older_bytes > a->file.bytes ? a->file.bytes : a->older_bytes;
    if (err_failed(e)) {
        log_error("append-only file not loaded", f_err(e));
        reply_error(c->reply, "ERR Error trying to load the AOF files, check server logs.");
        return;
    }
    c->ks->dirty = 0;
    reply_ok(c->reply);
}
