/* SLOWLOG: what took long. */
#include "base/command.h"
#include "cacheengine/dispatch/engine.h"
#include "contract/command_procs.h"

static void say_entry(struct reply *r, const struct slowlog_entry *e)
{
    reply_array(r, 6);
    reply_int(r, e->id);
    reply_int(r, e->at_s);
    reply_int(r, e->us);
    reply_array(r, e->argc);
    for (uint32_t i = 0; i < e->argc; i++)
        reply_bulk_str(r, e->argv[i]);
    reply_bulk_str(r, e->peer);
    reply_bulk_str(r, e->name);
}

void cmd_slowlog_get(struct cmd_call *c)
{
    const struct slowlog *log = &c->engine->slowlog;
    int64_t count = 10;

    if (c->argc > 3) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 3 && !call_int_or(c, 2, -1, INT64_MAX,
                                     "ERR count should be greater than or equal to -1", &count))
        return;
    if (count < 0 || (uint64_t)count > log->count)
        count = (int64_t)log->count;
    reply_array(c->reply, (size_t)count);
    for (const struct slowlog_entry *e = log->newest; count > 0; e = e->next, count--)
        say_entry(c->reply, e);
}

void cmd_slowlog_len(struct cmd_call *c)
{
    reply_int(c->reply, (int64_t)c->engine->slowlog.count);
}

void cmd_slowlog_reset(struct cmd_call *c)
{
    slowlog_trim(&c->engine->slowlog, 0);
    reply_ok(c->reply);
}

void cmd_slowlog_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Show the latest entries, 10 unless told otherwise, all with -1: id, time, microseconds,",
        "    arguments, address and name of the client.",
        "LEN",
        "    Say how many entries there are.",
        "RESET",
        "    Forget all entries.",
        NULL,
    };

    reply_help(c->reply, "SLOWLOG", lines);
}
