/* CLIENT: about connections. */
#include "base/command.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/keyspace/wait.h"
#include "contract/command_procs.h"

void cmd_client_id(struct cmd_call *c)
{
    reply_int(c->reply, (int64_t)c->client->id);
}

void cmd_client_getname(struct cmd_call *c)
{
    if (c->client->name)
        reply_bulk_text(c->reply, c->client->name);
    else
        reply_null(c->reply);
}

void cmd_client_setname(struct cmd_call *c)
{
    if (!session_name_is_valid(c->argv[2])) {
        reply_error(c->reply,
                    "ERR Client names cannot contain spaces, newlines or special characters.");
        return;
    }
    session_set_text(&c->client->name, c->argv[2]);
    reply_ok(c->reply);
}

void cmd_client_setinfo(struct cmd_call *c)
{
    char **text;

    if (call_is(c, 2, "lib-name")) {
        text = &c->client->lib_name;
    } else if (call_is(c, 2, "lib-ver")) {
        text = &c->client->lib_version;
    } else {
        reply_errorf(c->reply, "ERR Unrecognized option '%.*s'", STR_ARG(c->argv[2]));
        return;
    }
    if (!session_name_is_valid(c->argv[3])) {
        reply_errorf(c->reply, "ERR %.*s cannot contain spaces, newlines or special characters.",
                     STR_ARG(c->argv[2]));
        return;
    }
    session_set_text(text, c->argv[3]);
    reply_ok(c->reply);
}

/* ON or OFF in argument 2; false after the syntax error. */
static bool parse_switch(struct cmd_call *c, bool *out)
{
    if (!call_is(c, 2, "on") && !call_is(c, 2, "off")) {
        reply_syntax_error(c->reply);
        return false;
    }
    *out = call_is(c, 2, "on");
    return true;
}

void cmd_client_no_evict(struct cmd_call *c)
{
    if (parse_switch(c, &c->client->is_unevictable))
        reply_ok(c->reply);
}

void cmd_client_no_touch(struct cmd_call *c)
{
    if (parse_switch(c, &c->client->is_untouching))
        reply_ok(c->reply);
}

/* What is not known is no error: clients say all that they are able to do. */
void cmd_client_capa(struct cmd_call *c)
{
    if (c->engine->settings.brand != BRAND_VALKEY) {
        reply_errorf(c->reply, "ERR unknown subcommand '%.*s'. Try CLIENT HELP.",
                     STR_ARG(str_shorten(c->argv[1], 128)));
        return;
    }
    for (uint32_t i = 2; i < c->argc; i++)
        c->client->follows_redirects |= call_is(c, i, "redirect");
    reply_ok(c->reply);
}

void cmd_client_reply(struct cmd_call *c)
{
    struct client *client = c->client;

    if (call_is(c, 2, "on")) {
        client->reply_mode = CLIENT_REPLY_ON;
        reply_ok(c->reply);
    } else if (call_is(c, 2, "off")) {
        client->reply_mode = CLIENT_REPLY_OFF;
    } else if (call_is(c, 2, "skip")) {
        if (client->reply_mode != CLIENT_REPLY_OFF)
            client->reply_mode = CLIENT_REPLY_SKIP;
    } else {
        reply_syntax_error(c->reply);
    }
}

/* ---- describing ---- */

static void reply_text(struct cmd_call *c, struct buf *text)
{
    reply_verbatim(c->reply, buf_str(text), "txt");
    buf_fini(text);
}

void cmd_client_info(struct cmd_call *c)
{
    struct buf text = BUF_EMPTY;

    session_describe(c->client, c->ks->passed_ms, &text);
    reply_text(c, &text);
}

/* A kind by its name; false after the error was sent. */
static bool parse_kind(struct cmd_call *c, struct str name, enum session_kind *out)
{
    if (session_kind_find(name, out))
        return true;
    reply_errorf(c->reply, "ERR Unknown client type '%.*s'", STR_ARG(name));
    return false;
}

static bool list_ids(struct cmd_call *c, struct buf *text)
{
    for (uint32_t i = 3; i < c->argc; i++) {
        int64_t id;

        if (!str_to_i64(c->argv[i], &id)) {
            reply_error(c->reply, "ERR Invalid client ID");
            return false;
        }
        const struct client *o = session_by_id(c->engine, id);
        if (o)
            session_describe(o, c->ks->passed_ms, text);
    }
    return true;
}

void cmd_client_list(struct cmd_call *c)
{
    struct buf text = BUF_EMPTY;
    bool has_kind = c->argc == 4 && call_is(c, 2, "type"), has_ids = false, ok = true;
    enum session_kind kind = SESSION_NORMAL;

    if (has_kind) {
        if (!parse_kind(c, c->argv[3], &kind))
            return;
    } else if (c->argc > 3 && call_is(c, 2, "id")) {
        ok = list_ids(c, &text);
        has_ids = true;
    } else if (c->argc != 2) {
        reply_syntax_error(c->reply);
        return;
    }
    for (const struct client *o = c->engine->oldest; !has_ids && o; o = o->newer)
        if (session_is_shown(c, o) && (!has_kind || session_kind(o) == kind))
            session_describe(o, c->ks->passed_ms, &text);
    if (ok)
        reply_text(c, &text);
    else
        buf_fini(&text);
}

/* ---- pausing ---- */

void cmd_client_pause(struct cmd_call *c)
{
    bool only_writes = c->argc == 4 && call_is(c, 3, "write");
    int64_t until_ms;

    if (c->argc > 4) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 4 && !only_writes && !call_is(c, 3, "all")) {
        reply_error(c->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
        return;
    }
    if (!call_timeout_ms(c, 2, &until_ms))
        return;
    /* Zero is no time at all here. */
    if (until_ms != NO_DEADLINE)
        pause_begin(c->engine, PAUSE_OF_CLIENT, only_writes, until_ms);
    reply_ok(c->reply);
}

void cmd_client_unpause(struct cmd_call *c)
{
    pause_end(c->engine, PAUSE_OF_CLIENT);
    reply_ok(c->reply);
}

/* ---- killing ---- */

struct kill_filter {
    int64_t id;
    int64_t age_s; /* at least so old; 0: any */
    bool has_kind;
    enum session_kind kind;
    struct str address, local;   /* ptr NULL: any */
    const struct acl_user *user; /* NULL: any */
    bool skips_me;
};

static bool filter_parse(struct cmd_call *c, struct kill_filter *f)
{
    for (uint32_t i = 2; i < c->argc; i += 2) {
        struct str value = i + 1 < c->argc ? c->argv[i + 1] : (struct str){NULL, 0};
        bool ok = value.ptr != NULL;

        if (ok && call_is(c, i, "id")) {
            if (!str_to_i64(value, &f->id) || f->id < 1) {
                reply_error(c->reply, "ERR client-id should be greater than 0");
                return false;
            }
        } else if (ok && call_is(c, i, "maxage")) {
            if (!call_int_or(c, i + 1, INT64_MIN, INT64_MAX,
                             "ERR maxage is not an integer or out of range", &f->age_s))
                return false;
            if (f->age_s <= 0) {
                reply_error(c->reply, "ERR maxage should be greater than 0");
                return false;
            }
        } else if (ok && call_is(c, i, "type")) {
            if (!parse_kind(c, value, &f->kind))
                return false;
            f->has_kind = true;
        } else if (ok && call_is(c, i, "addr")) {
            f->address = value;
        } else if (ok && call_is(c, i, "laddr")) {
            f->local = value;
        } else if (ok && call_is(c, i, "user")) {
            f->user = acl_find(&c->engine->acl, value);
            if (!f->user) {
                reply_errorf(c->reply, "ERR No such user '%.*s'", STR_ARG(value));
                return false;
            }
        } else if (ok && call_is(c, i, "skipme") &&
                   (str_is_nocase(value, "yes") || str_is_nocase(value, "no"))) {
            f->skips_me = str_is_nocase(value, "yes");
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    return true;
}

static bool filter_takes(const struct cmd_call *c, const struct kill_filter *f,
                         const struct client *o)
{
    struct client_facts facts;

    if ((o == c->client && f->skips_me) || !session_is_shown(c, o))
        return false;
    if (f->id && (int64_t)o->id != f->id)
        return false;
    if ((c->ks->passed_ms - o->created_ms) / 1000 < f->age_s)
        return false;
    if (f->has_kind && session_kind(o) != f->kind)
        return false;
    if (f->user && o->user != f->user)
        return false;
    o->host->facts(o, &facts);
    if (f->address.ptr && !str_is(f->address, facts.peer))
        return false;
    return !f->local.ptr || str_is(f->local, facts.local);
}

static void kill(struct engine *e, struct client *c)
{
    c->host->kill(c);
    if (c->follower)
        followers_let_go(e, c);
}

void cmd_client_kill(struct cmd_call *c)
{
    struct kill_filter f = {.skips_me = true};
    bool is_old = c->argc == 3;
    int64_t count = 0;

    if (is_old) {
        f.address = c->argv[2];
        f.skips_me = false;
    } else if (!filter_parse(c, &f)) {
        return;
    }
    for (struct client *o = c->engine->oldest; o; o = o->newer) {
        if (!filter_takes(c, &f, o))
            continue;
        count++;
        /* One that ends itself gets its answer first. */
        if (o == c->client)
            o->is_closing = true;
        else
            kill(c->engine, o);
    }
    if (!is_old)
        reply_int(c->reply, count);
    else if (count > 0)
        reply_ok(c->reply);
    else
        reply_error(c->reply, "ERR No such client");
}

/* ---- waiting ---- */

void cmd_client_unblock(struct cmd_call *c)
{
    bool with_error = c->argc == 4 && call_is(c, 3, "error");
    int64_t id;

    if (c->argc > 4) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 4 && !with_error && !call_is(c, 3, "timeout")) {
        reply_error(c->reply, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
        return;
    }
    if (!call_int(c, 2, &id))
        return;
    struct client *o = session_by_id(c->engine, id);
    reply_int(c->reply, o && session_is_shown(c, o) && blocks_end(c->engine, o, with_error));
}

#define OF_VALKEY 2 /* lines, the first */

void cmd_client_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "CAPA <ability> [<ability> ...]",
        "    Tell what this client is able to do: REDIRECT, to go where a replica sends it.",
        "CACHING (YES|NO)",
        "    Say whether the keys of the next command are tracked (OPTIN, OPTOUT).",
        "GETNAME",
        "    Say the name of this connection.",
        "GETREDIR",
        "    Say which connection hears in place of this one: 0 none, -1 nothing is tracked.",
        "ID",
        "    Say the number of this connection.",
        "INFO",
        "    Describe this connection.",
        "KILL <ip:port>",
        "    Close the connection from an address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close connections by ID, TYPE, ADDR, LADDR, USER, MAXAGE; SKIPME no: this one too.",
        "LIST [TYPE <type> | ID <id> [<id> ...]]",
        "    Describe connections.",
        "NO-EVICT (ON|OFF)",
        "    Keep this connection from being closed to save memory.",
        "NO-TOUCH (ON|OFF)",
        "    Keep the commands of this connection from marking keys as used.",
        "REPLY (ON|OFF|SKIP)",
        "    Say whether commands are answered.",
        "SETINFO <option> <value>",
        "    Tell LIB-NAME or LIB-VER of the library in use.",
        "SETNAME <name>",
        "    Name this connection.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Put commands off for so many milliseconds.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] "
        "[NOLOOP]",
        "    Hear when keys that were read here have changed, or all under the prefixes.",
        "TRACKINGINFO",
        "    Say how this connection tracks.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    End the wait of another connection.",
        NULL,
    };

    reply_help(c->reply, "CLIENT",
               c->engine->settings.brand == BRAND_VALKEY ? lines : lines + OF_VALKEY);
}
