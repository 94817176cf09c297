/* The server as a whole: flushing, exchanging databases, time, what it is extended by. */
#include "base/command.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

#include <time.h>

static void flush(struct cmd_call *c, int db)
{
    bool in_background = c->ks->settings->lazy_user_flush;

    if (c->argc > 2 || (c->argc == 2 && !call_is(c, 1, "async") && !call_is(c, 1, "sync"))) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc == 2)
        in_background = call_is(c, 1, "async");
    watches_flush(c->engine, db);
    tracking_flush(c->engine);
    moving_note_flush(c->engine);
    blocks_note_all(c->engine, db);
    c->dirty += keyspace_flush(c->ks, db, in_background) + 1;
    /* What is saved already is not to be counted when the command is done. */
    if (db < 0 && saving_note_flush(c->engine->saving))
        c->ks->dirty -= c->dirty;
    reply_ok(c->reply);
}

void cmd_flushdb(struct cmd_call *c)
{
    flush(c, c->db->id);
}

void cmd_flushall(struct cmd_call *c)
{
    flush(c, -1);
}

/* A database number for SWAPDB; -1 after the error. */
static int db_id(struct cmd_call *c, uint32_t arg, const char *sentence)
{
    int64_t id;

    if (!number_parse_i64(c->argv[arg].ptr, c->argv[arg].len, &id) || id < INT32_MIN ||
        id > INT32_MAX) {
        reply_error(c->reply, sentence);
        return -1;
    }
    return id < 0 ? INT32_MAX : (int)id;
}

void cmd_swapdb(struct cmd_call *c)
{
    if (c->ks->has_slots) {
        reply_error(c->reply, "ERR SWAPDB is not allowed in cluster mode");
        return;
    }
    int a = db_id(c, 1, "ERR invalid first DB index");
    int b = a < 0 ? -1 : db_id(c, 2, "ERR invalid second DB index");

    if (b < 0)
        return;
    if (a >= c->ks->db_count || b >= c->ks->db_count) {
        reply_error(c->reply, "ERR DB index is out of range");
        return;
    }
    if (a != b) {
        watches_swap(c->engine, a, b);
        tracking_flush(c->engine);
        keyspace_swap(c->ks, a, b);
        blocks_note_all(c->engine, a);
        blocks_note_all(c->engine, b);
    }
    c->dirty++;
    reply_ok(c->reply);
}

void cmd_time(struct cmd_call *c)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    /* Within a script or a transaction time stands still. */
    if (c->is_inner)
        t = (struct timespec){c->ks->now_ms / 1000, c->ks->now_ms % 1000 * 1000000};
    reply_array(c->reply, 2);
    reply_bulk_int(c->reply, t.tv_sec);
    reply_bulk_int(c->reply, t.tv_nsec / 1000);
}

/* Clients ask for it to learn what else they may call. */
void cmd_module_list(struct cmd_call *c)
{
    reply_array(c->reply, 0);
}

void cmd_module_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "LIST",
        "    List the modules: there are none, and none can be loaded.",
        NULL,
    };

    reply_help(c->reply, "MODULE", lines);
}
