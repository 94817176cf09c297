/* LARDER.ROLE, LEASE, FENCE, STATE: the owner's orders, and what became of them. */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/unkept.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

/* Reads the order's term; false after the error when it is none, or not one to be obeyed. */
static bool term_of(struct cmd_call *c, int64_t *term)
{
    if (!call_int_or(c, 1, 1, INT64_MAX, "ERR the term must be a number above 0", term))
        return false;
    struct err e = authority_accepts(&c->engine->authority, c->scratch, *term);
    if (err_failed(e))
        reply_error(c->reply, e.why);
    return !err_failed(e);
}

/* "<ms> [AT <boot ms>]", from argument `at` to the end. */
static bool lease_of(struct cmd_call *c, uint32_t at, struct lease *out)
{
    *out = (struct lease){0};
    if (c->argc != at + 1 && !(c->argc == at + 3 && call_is(c, at + 1, "at"))) {
        reply_syntax_error(c->reply);
        return false;
    }
    if (!call_int_or(c, at, 0, LEASE_MAX_MS, "ERR a lease lasts 0 to 3600000 milliseconds",
                     &out->length_ms))
        return false;
    return c->argc == at + 1 || call_int_or(c, at + 2, 1, INT64_MAX,
                                            "ERR AT is a boot time in milliseconds", &out->sent_ms);
}

static bool is_replica(const struct engine *e)
{
    return e->replica != NULL;
}

static void log_order(const struct cmd_call *c, int64_t term)
{
    log_info("order obeyed", f_str("order", c->cmd->name), f_int("term", term));
}

/* ---- roles ---- */

static void role_primary(struct cmd_call *c, int64_t term)
{
    struct lease lease;
    bool has_lease = c->argc > 4, needs_lease = c->argc == 4;

    if ((has_lease && !call_is(c, 3, "lease")) || (needs_lease && !call_is(c, 3, "leased"))) {
        reply_syntax_error(c->reply);
        return;
    }
    if (has_lease && !lease_of(c, 4, &lease))
        return;
    repl_become_primary(c->engine, term);
    authority_take_role(c->engine, term, true);
    if (has_lease)
        authority_take_lease(c->engine, term, &lease);
    else if (needs_lease)
        authority_need_lease(c->engine);
    yield_end(c->engine);
    log_order(c, term);
    reply_ok(c->reply);
}

static void role_replica(struct cmd_call *c, int64_t term)
{
    int64_t port;

    if (c->argc != 5) {
        reply_syntax_error(c->reply);
        return;
    }
    if (unkept_refuses(c) || !call_int_or(c, 4, 1, 65535, "ERR Invalid master port", &port))
        return;
    bool was_primary = !is_replica(c->engine);
    repl_become_replica(c->engine, c->argv[3], (int)port);
    authority_take_role(c->engine, term, false);
    if (was_primary)
        authority_close_clients(c->engine);
    yield_end(c->engine);
    log_order(c, term);
    reply_ok(c->reply);
}

/* A term has one primary: within it a node's role does not change. */
static bool role_fits_term(struct cmd_call *c, int64_t term, bool is_primary)
{
    const struct engine *e = c->engine;

    if (e->authority.role_term != term || is_replica(e) != is_primary)
        return true;
    reply_errorf(c->reply, "STALETERM the node is a %s by term %lld already",
                 is_primary ? "replica" : "primary", (long long)term);
    return false;
}

void cmd_larder_role(struct cmd_call *c)
{
    bool is_primary = call_is(c, 2, "primary");
    int64_t term;

    if (!is_primary && !call_is(c, 2, "replica")) {
        reply_syntax_error(c->reply);
        return;
    }
    if (!term_of(c, &term) || !role_fits_term(c, term, is_primary))
        return;
    if (is_primary)
        role_primary(c, term);
    else
        role_replica(c, term);
}

/* ---- leases and fences ---- */

void cmd_larder_lease(struct cmd_call *c)
{
    struct lease lease;
    int64_t term;

    if (!term_of(c, &term))
        return;
    if (c->argc == 3 && call_is(c, 2, "none")) {
        if (c->engine->authority.is_leased)
            log_order(c, term);
        authority_drop_lease(c->engine, term);
    } else if (lease_of(c, 2, &lease)) {
        authority_take_lease(c->engine, term, &lease);
    } else {
        return;
    }
    reply_ok(c->reply);
}

void cmd_larder_fence(struct cmd_call *c)
{
    struct engine *e = c->engine;
    int64_t term;

    if (!term_of(c, &term))
        return;
    if (e->authority.fence_term != term) {
        authority_fence(e, term);
        if (!yield_is_on(e)) /* else they wait, and nothing wrong is said to them */
            authority_close_clients(e);
        log_order(c, term);
    }
    reply_ok(c->reply);
}

/* ---- state ---- */

static void put_int(struct cmd_call *c, const char *name, int64_t v)
{
    reply_bulk_text(c->reply, name);
    reply_int(c->reply, v);
}

static void put_text(struct cmd_call *c, const char *name, const char *text)
{
    reply_bulk_text(c->reply, name);
    reply_bulk_text(c->reply, text);
}

void cmd_larder_state(struct cmd_call *c)
{
    const struct engine *e = c->engine;
    const struct authority *au = &e->authority;

    reply_map(c->reply, 10);
    put_int(c, "term", au->term);
    put_text(c, "role", is_replica(e) ? "replica" : "primary");
    put_int(c, "role-term", au->role_term);
    put_int(c, "lease-left-ms", authority_left_ms(e));
    put_int(c, "fence-term", au->fence_term);
    put_text(c, "writes", guard_write_refusal(e) ? "refused" : "taken");
    put_int(c, "offset", e->stream.offset);
    put_text(c, "replid", e->stream.id);
    put_text(c, "run-id", e->run_id);
    put_int(c, "held-writes", (int64_t)acks_held(e));
}
