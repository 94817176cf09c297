/* Connections: PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET. */
#include "base/command.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

void cmd_ping(struct cmd_call *c)
{
    struct str said = c->argc == 2 ? c->argv[1] : (struct str){"", 0};

    if (c->argc > 2)
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command", c->cmd->name);
    else if (c->client->subscriber && c->reply->resp == 2) {
        reply_array(c->reply, 2);
        reply_bulk_text(c->reply, "pong");
        reply_bulk_str(c->reply, said);
    } else if (c->argc == 2)
        reply_bulk_str(c->reply, said);
    else
        reply_literal(c->reply, "+PONG\r\n");
}

void cmd_echo(struct cmd_call *c)
{
    reply_bulk_str(c->reply, c->argv[1]);
}

void cmd_select(struct cmd_call *c)
{
    int64_t id;

    if (!call_int_within(c, 1, INT32_MIN, INT32_MAX, NULL, &id))
        return;
    if (id != 0 && c->ks->has_slots) {
        reply_error(c->reply, "ERR SELECT is not allowed in cluster mode");
        return;
    }
    if (id < 0 || id >= c->ks->db_count) {
        reply_error(c->reply, "ERR DB index is out of range");
        return;
    }
    c->client->db = (int)id;
    reply_ok(c->reply);
}

void cmd_quit(struct cmd_call *c)
{
    c->client->is_closing = true;
    reply_ok(c->reply);
}

void cmd_reset(struct cmd_call *c)
{
    session_reset(c->engine, c->client);
    reply_status(c->reply, "RESET");
}

void cmd_auth(struct cmd_call *c)
{
    struct str user = STR("default"), password = c->argv[1];

    if (c->argc > 3) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc == 2 && c->engine->acl.preset->is_passless) {
        reply_error(c->reply,
                    "ERR AUTH <password> called without any password configured for the default "
                    "user. Are you sure your configuration is correct?");
        return;
    }
    if (c->argc == 3) {
        user = c->argv[1];
        password = c->argv[2];
    }
    bool is_source = c->argc == 3 && str_is(user, MOVING_USER);
    const char *why = is_source ? moving_login(c, password) : NULL;
    if (why)
        reply_error(c->reply, why);
    else if (is_source || access_login(c, user, password) == LOGIN_DONE)
        reply_ok(c->reply);
}

/* ---- HELLO ---- */

struct hello {
    int64_t version;             /* 0 = unchanged */
    uint32_t user_arg, name_arg; /* 0 = not given */
};

static bool hello_parse(struct cmd_call *c, struct hello *h)
{
    if (c->argc >= 2) {
        if (!call_int_within(c, 1, INT64_MIN, INT64_MAX, NULL, &h->version))
            return false;
        if (h->version < 2 || h->version > 3) {
            reply_error(c->reply, "NOPROTO unsupported protocol version");
            return false;
        }
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        uint32_t more = c->argc - 1 - i;

        if (call_is(c, i, "auth") && more >= 2) {
            h->user_arg = i + 1;
            i += 2;
        } else if (call_is(c, i, "setname") && more >= 1) {
            h->name_arg = ++i;
        } else {
            reply_errorf(c->reply, "ERR Syntax error in HELLO option '%.*s'", STR_ARG(c->argv[i]));
            return false;
        }
    }
    return true;
}

static void hello_reply(struct cmd_call *c)
{
    const struct settings *s = &c->engine->settings;
    bool is_valkey = s->brand == BRAND_VALKEY;

    reply_map(c->reply, 7);
    reply_bulk_text(c->reply, "server");
    reply_bulk_text(c->reply, is_valkey && !s->says_redis ? "valkey" : "redis");
    reply_bulk_text(c->reply, "version");
    reply_bulk_text(c->reply, is_valkey && s->says_redis ? VALKEY_AS_REDIS : s->engine_version);
    reply_bulk_text(c->reply, "proto");
    reply_int(c->reply, c->reply->resp);
    reply_bulk_text(c->reply, "id");
    reply_int(c->reply, (int64_t)c->client->id);
    reply_bulk_text(c->reply, "mode");
    reply_bulk_text(c->reply, s->is_clustered ? "cluster" : "standalone");
    reply_bulk_text(c->reply, "role");
    reply_bulk_text(c->reply, "master");
    reply_bulk_text(c->reply, "modules");
    reply_array(c->reply, 0);
}

void cmd_hello(struct cmd_call *c)
{
    struct hello h = {0};
    int64_t version;

    if (c->argc >= 2 && !number_parse_i64(c->argv[1].ptr, c->argv[1].len, &version)) {
        reply_error(c->reply, "ERR Protocol version is not an integer or out of range");
        return;
    }
    if (!hello_parse(c, &h))
        return;
    if (h.user_arg && access_login(c, c->argv[h.user_arg], c->argv[h.user_arg + 1]) != LOGIN_DONE)
        return;
    if (!c->client->is_authenticated) {
        reply_error(c->reply,
                    "NOAUTH HELLO must be called with the client already authenticated, otherwise "
                    "the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
                    "client and select the RESP protocol version at the same time");
        return;
    }
    if (h.name_arg && !session_name_is_valid(c->argv[h.name_arg])) {
        reply_error(c->reply,
                    "ERR Client names cannot contain spaces, newlines or special characters.");
        return;
    }
    if (h.name_arg)
        session_set_text(&c->client->name, c->argv[h.name_arg]);
    if (h.version)
        c->reply->resp = (uint8_t)h.version;
    hello_reply(c);
}
