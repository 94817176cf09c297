/* The server as a whole: flushing, exchanging databases, time, DEBUG. */
#include "base/command.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/session.h"
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
    c->dirty += keyspace_flush(c->ks, db, in_background);
    if (db < 0)
        saving_note_flush(c->engine->saving);
    c->dirty++;
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
        keyspace_swap(c->ks, a, b);
        blocks_note_swap(c->engine, a, b);
    }
    c->dirty++;
    reply_ok(c->reply);
}

void cmd_time(struct cmd_call *c)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    reply_array(c->reply, 2);
    reply_bulk_int(c->reply, t.tv_sec);
    reply_bulk_int(c->reply, t.tv_nsec / 1000);
}

/* ---- DEBUG ---- */

static void debug_sleep(struct cmd_call *c)
{
    double seconds;

    if (!number_parse_double(c->argv[2], &seconds) || !(seconds >= 0) || seconds > 1e6)
        seconds = 0;
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
    reply_ok(c->reply);
}

static void debug_set_active_expire(struct cmd_call *c)
{
    c->ks->is_expiry_paused = str_is(c->argv[2], "0");
    reply_ok(c->reply);
}

static void debug_object(struct cmd_call *c)
{
    const struct entry *e = db_peek(c->db, call_key(c, 2));
    char text[256];

    if (!e) {
        reply_no_key(c->reply);
        return;
    }
    snprintf(text, sizeof(text),
             "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%u",
             (const void *)e, db_encoding(c->db, e), db_entry_bytes(c->db, e), entry_age(e),
             db_idle_s(c->db, e));
    reply_status(c->reply, text);
}

static void debug_error(struct cmd_call *c)
{
    char text[1024];

    snprintf(text, sizeof(text), "%.*s", STR_ARG(c->argv[2]));
    reply_error(c->reply, text);
}

static void debug_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "ERROR <string>",
        "    Answer with this error.",
        "OBJECT <key>",
        "    Show how a key is stored.",
        "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
        "    Save all keys to the file and load them again: in place of those that are there, or",
        "    (NOFLUSH) beside them, where a key that both have is an error or (MERGE) replaced.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Pause or resume the removal of expired keys in the background.",
        "SLEEP <seconds>",
        "    Stand still, with fractions if wanted.",
        NULL,
    };

    reply_help(c->reply, "DEBUG", lines);
}

void cmd_debug(struct cmd_call *c)
{
    static const struct {
        const char *name;
        uint32_t argc; /* 0: any */
        void (*run)(struct cmd_call *c);
    } subs[] = {
        {"error",             3, debug_error            },
        {"help",              2, debug_help             },
        {"object",            3, debug_object           },
        {"reload",            0, debug_reload           },
        {"set-active-expire", 3, debug_set_active_expire},
        {"sleep",             3, debug_sleep            },
    };

    for (size_t i = 0; i < countof(subs); i++)
        if (call_is(c, 1, subs[i].name) && (!subs[i].argc || c->argc == subs[i].argc)) {
            subs[i].run(c);
            return;
        }
    reply_errorf(c->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                 (int)(c->argv[1].len < 128 ? c->argv[1].len : 128), c->argv[1].ptr);
}
