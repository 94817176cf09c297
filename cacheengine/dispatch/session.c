/* Sessions: what a connection is called, whether it is trusted, and how it is described. */
#include "cacheengine/dispatch/session.h"

#include "base/command.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/monitor.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"

#include <stdlib.h>

bool session_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < '!' || name.ptr[i] > '~')
            return false;
    return true;
}

void session_set_text(char **text, struct str value)
{
    free(*text);
    *text = NULL;
    if (value.len == 0)
        return;
    *text = malloc(value.len + 1);
    check(*text);
    memcpy(*text, value.ptr, value.len);
    (*text)[value.len] = 0;
}

void session_reset(struct engine *e, struct client *c)
{
    transaction_free(e, c);
    pubsub_forget(e, c);
    tracking_end(e, c);
    monitor_forget(e, c);
    session_set_text(&c->name, (struct str){NULL, 0});
    c->db = 0;
    c->reply.resp = e->settings.first_resp ? (uint8_t)e->settings.first_resp : 2;
    c->reply_mode = CLIENT_REPLY_ON;
    c->is_unevictable = c->is_untouching = c->is_asking = false;
    c->reads_replicas = c->is_reader;
    access_begin(e, c);
}

enum session_kind session_kind(const struct client *c)
{
    if (c->is_primary)
        return SESSION_MASTER;
    return c->feed ? SESSION_REPLICA : SESSION_NORMAL;
}

bool session_kind_find(struct str name, enum session_kind *out)
{
    static const struct {
        const char *name;
        enum session_kind kind;
    } kinds[] = {
        {"normal",  SESSION_NORMAL },
        {"replica", SESSION_REPLICA},
        {"slave",   SESSION_REPLICA},
        {"master",  SESSION_MASTER },
        {"pubsub",  SESSION_PUBSUB },
    };

    for (size_t i = 0; i < countof(kinds); i++)
        if (str_is_nocase(name, kinds[i].name)) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

struct client *session_by_id(const struct engine *e, int64_t id)
{
    for (struct client *o = e->newest; o; o = o->older)
        if ((int64_t)o->id == id)
            return o;
    return NULL;
}

bool session_is_shown(const struct cmd_call *c, const struct client *o)
{
    return !o->is_admin || c->client->is_admin || !c->engine->settings.is_restricted;
}

int64_t session_redirect(const struct client *c)
{
    return c->tracker ? (int64_t)c->tracker->redirect_id : -1;
}

size_t session_bytes(const struct client *c)
{
    size_t bytes = c->host->bytes ? c->host->bytes(c) : 0;

    bytes += c->feed ? c->feed->held_bytes(c->feed) : 0;
    if (c->transaction)
        bytes += c->transaction->bytes + c->transaction->watch_bytes;
    if (c->tracker)
        bytes += c->tracker->bytes;
    bytes += pubsub_bytes_of(c);
    return bytes + reply_held_bytes(&c->reply);
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

void session_describe(const struct client *c, int64_t passed_ms, struct buf *out)
{
    struct client_facts f;
    const struct transaction *t = c->transaction;
    size_t pending = c->feed ? c->feed->held_bytes(c->feed) : reply_pending(&c->reply);

    c->host->facts(c, &f);
    buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=",
               (unsigned long long)c->id, f.peer, f.local, f.fd, or_empty(c->name),
               (long long)(passed_ms - c->created_ms) / 1000,
               (long long)(passed_ms - c->active_ms) / 1000);
    size_t before = out->len;
    if (c->is_monitor)
        buf_putc(out, 'O');
    if (c->subscriber)
        buf_putc(out, 'P');
    if (c->is_primary)
        buf_putc(out, 'M');
    if (c->feed)
        buf_putc(out, 'S');
    if (transaction_is_open(c))
        buf_putc(out, 'x');
    if (c->waiting || c->is_postponed)
        buf_putc(out, 'b');
    if (c->tracker)
        buf_putc(out, 't');
    if (c->tracker && c->tracker->is_broken)
        buf_putc(out, 'R');
    if (c->tracker && c->tracker->is_broadcast)
        buf_putc(out, 'B');
    if (t && t->is_stale)
        buf_putc(out, 'd');
    if (c->is_closing)
        buf_putc(out, 'c');
    if (f.is_unix)
        buf_putc(out, 'U');
    if (c->is_unevictable)
        buf_putc(out, 'e');
    if (c->is_untouching)
        buf_putc(out, 'T');
    if (c->reads_replicas)
        buf_putc(out, 'r');
    if (out->len == before)
        buf_putc(out, 'N');
    buf_printf(
        out, " db=%d sub=%zu psub=%zu ssub=%zu multi=%d watch=%u qbuf=%zu qbuf-free=%zu argv-mem=0",
        c->db, pubsub_count_of(c, PUBSUB_CHANNEL), pubsub_count_of(c, PUBSUB_PATTERN),
        pubsub_count_of(c, PUBSUB_SHARD), transaction_is_open(c) ? (int)t->count : -1,
        t ? t->watched : 0, f.input_bytes, f.input_room - f.input_bytes);
    buf_printf(out, " multi-mem=%zu rbs=0 rbp=0 obl=0 oll=%d omem=%zu tot-mem=%zu events=%s cmd=%s",
               t ? t->bytes + t->watch_bytes : 0, pending > 0, pending, session_bytes(c), f.events,
               c->last_cmd ? c->last_cmd->name : "NULL");
    buf_puts(out, " user=");
    buf_add_str(out, c->user ? c->user->name : STR("(superuser)"));
    buf_printf(out, " redir=%lld resp=%d lib-name=%s lib-ver=%s", (long long)session_redirect(c),
               c->reply.resp, or_empty(c->lib_name), or_empty(c->lib_version));
    buf_printf(out, " tot-net-in=%llu tot-net-out=%llu tot-cmds=%llu\n",
               (unsigned long long)c->bytes_in, (unsigned long long)c->bytes_out,
               (unsigned long long)c->commands);
}
