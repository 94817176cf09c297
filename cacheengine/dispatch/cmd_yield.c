/* LARDER.YIELD. The one idea: while writes are put off the stream stands still, so a successor that
 * acknowledges what there was at the beginning has everything. */
#include "base/log.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/yield.h"
#include "cacheengine/keyspace/wait.h"
#include "contract/command_procs.h"

#include <stdlib.h>

#define MS_MAX 60000

bool yield_is_on(const struct engine *e)
{
    return e->yield.state == YIELD_WAITS || e->yield.state == YIELD_LEVEL;
}

static void settle(struct engine *e, enum yield_state state)
{
    e->yield.state = state;
    pause_end(e, PAUSE_OF_OWNER);
}

void yield_end(struct engine *e)
{
    if (yield_is_on(e))
        settle(e, YIELD_OVER);
}

void yield_fini(struct engine *e)
{
    free(e->yield.host);
    e->yield = (struct yield){0};
}

/* ---- while it waits ---- */

/* NULL: there is none that follows. */
static const struct follower *successor(const struct engine *e)
{
    for (const struct follower *r = e->followers->first; r; r = r->next) {
        struct client_facts facts;

        if (r->state == FOLLOWER_ONLINE && !r->client->is_killed && r->port == e->yield.port &&
            str_is_nocase(follower_address(r, &facts), e->yield.host))
            return r;
    }
    return NULL;
}

static void give_up(struct engine *e, const char *why)
{
    log_warn("role is not handed over", f_str("host", e->yield.host), f_int("port", e->yield.port),
             f_str("why", why));
    e->yield.is_untold = true;
    settle(e, YIELD_OVER);
}

/* Whether it has come to something. */
static void look(struct engine *e)
{
    struct yield *y = &e->yield;
    const struct follower *r = y->state == YIELD_WAITS ? successor(e) : NULL;

    if (y->state != YIELD_WAITS)
        return;
    if (!r)
        give_up(e, "the successor does not follow");
    else if (r->ack_offset >= y->offset)
        y->state = YIELD_LEVEL;
    else if (e->keyspace.passed_ms >= y->until_ms)
        give_up(e, "the successor has not come level in time");
}

/* Amid whatever has ended its connection: the owner hears of it a little later. Where this node is
 * fenced that is the moment in which the successor takes its role; who comes back here after that
 * still waits. */
void yield_look(struct engine *e)
{
    if (e->yield.state == YIELD_LEVEL && e->authority.fence_term && !successor(e))
        authority_close_clients(e);
    look(e);
}

/* A fenced one closes its clients: the successor may be the primary by now. */
void yield_tick(struct engine *e)
{
    struct yield *y = &e->yield;

    look(e);
    if (y->is_untold)
        blocks_serve_keyless(e);
    y->is_untold = false;
    if (y->state != YIELD_LEVEL || e->keyspace.passed_ms < y->until_ms)
        return;
    if (e->authority.fence_term)
        authority_close_clients(e);
    settle(e, YIELD_OVER);
}

/* ---- the command ---- */

struct order {
    int64_t term, number, ms, port;
};

/* False after the error. */
static bool parse(struct cmd_call *c, struct order *o)
{
    if (!call_int_or(c, 1, 1, INT64_MAX, "ERR the term must be a number above 0", &o->term) ||
        !call_int_or(c, 2, 1, INT64_MAX, "ERR the number must be above 0", &o->number) ||
        !call_int_or(c, 3, 1, MS_MAX, "ERR writes are put off for 1 to 60000 milliseconds",
                     &o->ms) ||
        !call_int_or(c, 5, 1, 65535, "ERR Invalid port", &o->port))
        return false;
    struct err e = authority_accepts(&c->engine->authority, c->scratch, o->term);
    if (err_failed(e))
        reply_error(c->reply, e.why);
    return !err_failed(e);
}

static void begin(struct cmd_call *c, const struct order *o)
{
    struct engine *e = c->engine;

    yield_end(e); /* another one */
    yield_fini(e);
    e->yield = (struct yield){
        .state = YIELD_WAITS,
        .number = o->number,
        .offset = e->stream.offset,
        .until_ms = e->keyspace.passed_ms + o->ms,
        .host = strndup(c->argv[4].ptr, c->argv[4].len),
        .port = (int)o->port,
    };
    check(e->yield.host);
    log_info("role is to be handed over", f_str("host", e->yield.host),
             f_int("port", e->yield.port), f_int("term", o->term));
    pause_begin(e, PAUSE_OF_OWNER, true, NO_DEADLINE);
    followers_ask(e);
}

/* The same number again is the same order: what became of it is said once more. */
void cmd_larder_yield(struct cmd_call *c)
{
    struct engine *e = c->engine;
    struct order o;

    if (!parse(c, &o))
        return;
    if (e->authority.fence_term == o.term) {
        reply_ok(c->reply); /* it has yielded already */
        return;
    }
    if (e->replica) {
        reply_error(c->reply, "ERR a replica has no role to yield");
        return;
    }
    if (o.number != e->yield.number)
        begin(c, &o);
    look(e);
    if (e->yield.state == YIELD_LEVEL)
        reply_ok(c->reply);
    else if (e->yield.state == YIELD_OVER || c->is_inner)
        reply_error(c->reply, "NOTLEVEL the successor has not come level in time");
    else
        call_wait(c, &(struct wait){.until_ms = e->yield.until_ms});
}
