/* REPLICAOF, under both its names. */
#include "base/log.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/unkept.h"
#include "contract/command_procs.h"

static void become_replica(struct cmd_call *c)
{
    const struct replica *now = c->engine->replica;
    int64_t port;

    if (unkept_refuses(c))
        return;
    if (!str_to_i64(c->argv[2], &port) || port < 0 || port > 65535) {
        reply_error(c->reply, "ERR Invalid master port");
        return;
    }
    if (now && str_is_nocase(c->argv[1], now->host) && now->port == port) {
        reply_status(c->reply, "OK Already connected to specified master");
        return;
    }
    repl_become_replica(c->engine, c->argv[1], (int)port);
    reply_ok(c->reply);
}

void cmd_replicaof(struct cmd_call *c)
{
    if (c->engine->failover.state != FAILOVER_NONE) {
        reply_error(c->reply, "ERR REPLICAOF not allowed while failing over.");
    } else if (call_is(c, 1, "no") && call_is(c, 2, "one")) {
        repl_become_primary(c->engine, 0);
        reply_ok(c->reply);
    } else {
        become_replica(c);
    }
}

void cmd_slaveof(struct cmd_call *c)
{
    cmd_replicaof(c);
}
