/* FAILOVER. The one idea: while writes are paused the stream stands still, so a replica that has
 * acknowledged its end is this node's equal. */
#include "base/log.h"
#include "cacheengine/dispatch/failover.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/replica.h"
#include "contract/command_procs.h"

#include <stdlib.h>

const char *failover_state_name(const struct engine *e)
{
    static const char *const names[] = {"no-failover", "waiting-for-sync", "failover-in-progress"};

    return names[e->failover.state];
}

void failover_fini(struct engine *e)
{
    free(e->failover.host);
    e->failover = (struct failover){0};
}

void failover_done(struct engine *e)
{
    if (e->failover.state == FAILOVER_NONE)
        return;
    failover_fini(e);
    pause_end(e, PAUSE_OF_FAILOVER);
}

void failover_abort(struct engine *e, const char *why)
{
    enum failover_state state = e->failover.state;

    if (state == FAILOVER_NONE)
        return;
    log_warn("failover given up", f_str("host", e->failover.host ? e->failover.host : "any"),
             f_int("port", e->failover.port), f_str("why", why));
    if (state == FAILOVER_HANDS)
        repl_become_primary(e, 0);
    failover_done(e);
}

/* ---- while it waits ---- */

static bool is_at(const struct follower *r, const char *host, int port)
{
    struct client_facts facts;

    return r->port == port && str_is_nocase(follower_address(r, &facts), host);
}

static struct follower *find(struct engine *e, const char *host, int port)
{
    for (struct follower *r = e->followers->first; r; r = r->next)
        if (follower_is_attached(r) && is_at(r, host, port))
            return r;
    return NULL;
}

/* The target if it has everything; where none was named, the first that has becomes it. */
static struct follower *ready_one(struct engine *e)
{
    struct failover *f = &e->failover;

    for (struct follower *r = e->followers->first; r; r = r->next)
        if (r->state == FOLLOWER_ONLINE && r->ack_offset == e->stream.offset &&
            (!f->host || is_at(r, f->host, f->port)))
            return r;
    return NULL;
}

static void hand_over(struct engine *e)
{
    struct failover *f = &e->failover;

    log_info("failover: the replica is asked to take over", f_str("host", f->host),
             f_int("port", f->port));
    f->state = FAILOVER_HANDS;
    repl_become_replica(e, str_of(f->host), f->port);
    e->replica->takes_over = true;
}

void failover_tick(struct engine *e)
{
    struct failover *f = &e->failover;

    if (f->state != FAILOVER_WAITS)
        return;
    const struct follower *r = ready_one(e);
    if (r && !f->host) {
        struct client_facts facts;
        struct str host = follower_address(r, &facts);

        f->host = strndup(host.ptr, host.len);
        f->port = (int)r->port;
        check(f->host);
    }
    bool is_over = f->until_ms && e->keyspace.passed_ms >= f->until_ms;
    if (is_over && f->is_forced)
        log_warn("failover: time out exceeded, failing over.", f_str("host", f->host),
                 f_int("port", f->port));
    if (r || (is_over && f->is_forced))
        hand_over(e);
    else if (is_over)
        failover_abort(e, "Replica never caught up before timeout");
}

/* ---- the command ---- */

struct order {
    int64_t timeout_ms, port;
    const char *host; /* NULL: none was named */
    bool is_forced;
};

/* False after the error. */
static bool parse(struct cmd_call *c, struct order *o)
{
    for (uint32_t i = 1; i < c->argc; i++) {
        if (call_is(c, i, "timeout") && i + 1 < c->argc && o->timeout_ms == 0) {
            if (!call_int(c, ++i, &o->timeout_ms))
                return false;
            if (o->timeout_ms <= 0) {
                reply_error(c->reply, "ERR FAILOVER timeout must be greater than 0");
                return false;
            }
        } else if (call_is(c, i, "to") && i + 2 < c->argc && !o->host) {
            o->host = str_dup(c->scratch, c->argv[i + 1]);
            if (!call_int(c, i + 2, &o->port))
                return false;
            i += 2;
        } else if (call_is(c, i, "force") && !o->is_forced) {
            o->is_forced = true;
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    return true;
}

static const char *refusal(struct engine *e, const struct order *o)
{
    if (e->failover.state != FAILOVER_NONE)
        return "ERR FAILOVER already in progress.";
    if (e->replica)
        return "ERR FAILOVER is not valid when server is a replica.";
    if (e->followers->count == 0)
        return "ERR FAILOVER requires connected replicas.";
    if (o->is_forced && (!o->timeout_ms || !o->host))
        return "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
    if (!o->host)
        return NULL;
    const struct follower *r = find(e, o->host, (int)o->port);
    if (!r)
        return "ERR FAILOVER target HOST and PORT is not a replica.";
    return r->state == FOLLOWER_ONLINE ? NULL : "ERR FAILOVER target replica is not online.";
}

static void begin(struct engine *e, const struct order *o)
{
    struct failover *f = &e->failover;

    *f =
        (struct failover){.state = FAILOVER_WAITS, .port = (int)o->port, .is_forced = o->is_forced};
    if (o->host) {
        f->host = strdup(o->host);
        check(f->host);
    }
    if (o->timeout_ms)
        f->until_ms = e->keyspace.passed_ms + o->timeout_ms;
    log_info("failover begins", f_str("host", f->host ? f->host : "any"), f_int("port", f->port));
    pause_begin(e, PAUSE_OF_FAILOVER, true, NO_DEADLINE);
}

static void abort_by_command(struct cmd_call *c)
{
    if (c->engine->failover.state == FAILOVER_NONE) {
        reply_error(c->reply, "ERR No failover in progress.");
        return;
    }
    failover_abort(c->engine, "Failover manually aborted");
    reply_ok(c->reply);
}

void cmd_failover(struct cmd_call *c)
{
    struct order o = {0};

    if (c->engine->settings.is_clustered) {
        reply_error(c->reply, "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER "
                              "command instead.");
        return;
    }
    if (c->argc == 2 && call_is(c, 1, "abort")) {
        abort_by_command(c);
        return;
    }
    if (!parse(c, &o))
        return;
    const char *text = refusal(c->engine, &o);
    if (text) {
        reply_error(c->reply, text);
        return;
    }
    begin(c->engine, &o);
    reply_ok(c->reply);
}
