/* MONITOR. The one idea: a line is made once, while there is somebody to read it. */
#include "base/clock.h"
#include "base/command.h"
#include "cacheengine/dispatch/monitor.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/secret.h"
#include "contract/command_procs.h"

#include <time.h>

void cmd_monitor(struct cmd_call *c)
{
    if (!c->client->is_monitor) {
        c->client->is_monitor = true;
        c->engine->monitor_count++;
    }
    reply_ok(c->reply);
}

void monitor_forget(struct engine *e, struct client *c)
{
    e->monitor_count -= c->is_monitor;
    c->is_monitor = false;
}

static void put_quoted(struct buf *out, struct str text)
{
    static const char from[] = "\n\r\t\a\b", to[] = "nrtab";

    buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        const char *known = c ? memchr(from, c, sizeof(from) - 1) : NULL;

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (known)
            buf_printf(out, "\\%c", to[known - from]);
        else if (c < ' ' || c > '~')
            buf_printf(out, "\\x%02x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

/* A script calls it, not the script's caller. */
static bool is_of_script(const struct cmd_call *call)
{
    const struct scripting *s = call->engine->scripting;

    return call->is_inner && s && s->running && s->running->caller->client == call->client;
}

static void put_line(struct buf *out, const struct cmd_call *call)
{
    bool is_script = is_of_script(call);
    struct client_facts f;
    struct timespec now;

    call->client->host->facts(call->client, &f);
    clock_gettime(CLOCK_REALTIME, &now);
    const char *peer = f.is_unix ? "unix:" : f.peer;
    buf_printf(out, "+%lld.%06ld [%d %s]", (long long)now.tv_sec, now.tv_nsec / 1000,
               call->client->db, is_script ? "lua" : peer);
    if (f.is_unix && !is_script) {
        const char *colon = strrchr(f.peer, ':');

        out->len -= 1; /* the path stands before the bracket */
        buf_add(out, f.peer, colon ? (size_t)(colon - f.peer) : strlen(f.peer));
        buf_putc(out, ']');
    }
    for (uint32_t i = 0; i < call->argc; i++) {
        buf_putc(out, ' ');
        put_quoted(out, secret_is_argument(call, i) ? SECRET_SHOWN : call->argv[i]);
    }
    buf_puts(out, "\r\n");
}

static void tell(const struct cmd_call *call)
{
    struct buf line = BUF_EMPTY;

    put_line(&line, call);
    for (struct client *c = call->engine->oldest; c; c = c->newer)
        if (c->is_monitor)
            pubsub_push(call->engine, c, line.ptr, line.len);
    buf_fini(&line);
}

/* What administers is not for everybody's eyes. */
void monitor_tell(const struct cmd_call *call)
{
    if (!(call->cmd->flags & (CMD_SKIP_MONITOR | CMD_ADMIN)))
        tell(call);
}

void monitor_tell_ahead(const struct cmd_call *call)
{
    if (scripting_is_run(call->cmd))
        tell(call);
}
