/* flush_all, version, verbosity, cache_memlimit, quit, and what is said about requests that are
 * none. */
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/proto/memcached.h"

#include <signal.h>

#define MEGABYTE      ((int64_t)1 << 20)
#define MEMLIMIT_MIN  8
#define MEMLIMIT_MAX  1000000000
#define VERBOSITY_MAX 2

static void flush_now(struct cmd_call *c)
{
    c->dirty += keyspace_flush(c->ks, -1, true) + 1;
    c->ks->flush_at_ms = 0;
}

void mc_begin(struct cmd_call *c)
{
    struct mc_state *s = mc_state(c);

    c->db = &c->ks->dbs[0];
    s->watch = writes_begin(c->engine, c->client);
    if (__builtin_expect(c->ks->flush_at_ms != 0, 0) && c->ks->now_ms >= c->ks->flush_at_ms)
        flush_now(c);
}

void mc_end(struct cmd_call *c)
{
    c->engine->stats.commands++;
    c->ks->dirty += c->dirty;
    writes_end(c->engine, c->client, &mc_state(c)->watch);
    if (__builtin_expect(c->scratch->total_bytes != 0, 0))
        arena_reset(c->scratch);
}

/* Answers with why not, if there is something. */
static bool may(struct cmd_call *c, const char *why, bool has_body)
{
    if (__builtin_expect(!why, 1))
        return true;
    mc_say(c, arena_printf(c->scratch, "SERVER_ERROR %s", why), has_body);
    engine_count_error(c->engine, "SERVER_ERROR");
    return false;
}

const char *mc_write_refusal(const struct cmd_call *c)
{
    bool is_guarded = c->engine->guards && !c->client->is_admin;

    return is_guarded ? guard_write_refusal(c->engine) : NULL;
}

const char *mc_read_refusal(const struct cmd_call *c)
{
    return c->engine->guards ? guard_read_refusal(c->engine) : NULL;
}

bool mc_may_write(struct cmd_call *c, bool has_body)
{
    return may(c, mc_write_refusal(c), has_body);
}

bool mc_may_read(struct cmd_call *c)
{
    return may(c, mc_read_refusal(c), false);
}

bool mc_may_meta(struct cmd_call *c, bool writes)
{
    const char *why = writes ? mc_write_refusal(c) : mc_read_refusal(c);

    if (__builtin_expect(!why, 1))
        return true;
    mc_line(c, arena_printf(c->scratch, "SERVER_ERROR %s", why));
    engine_count_error(c->engine, "SERVER_ERROR");
    return false;
}

/* ---- flush_all ---- */

void mc_flush(struct cmd_call *c, int64_t exptime)
{
    int64_t at_ms = exptime > 0 ? mc_deadline(exptime, c->ks->now_ms) : MC_AT_ONCE;

    if (at_ms == MC_AT_ONCE)
        flush_now(c);
    else
        c->ks->flush_at_ms = at_ms;
}

static const char *flush_all(struct cmd_call *c)
{
    bool has_delay = c->argc > (mc_is_silent(c, false) ? 2U : 1U);
    int32_t delay_s = 0;

    mc_state(c)->counters.cmd_flush++;
    if (!c->engine->settings.memcached_may_flush)
        return "CLIENT_ERROR flush_all not allowed";
    if (has_delay && !mc_read_i32(c->argv[1], &delay_s))
        return "CLIENT_ERROR invalid exptime argument";
    if (delay_s > 0 && mc_is_serverless(c->engine, c->client))
        return "CLIENT_ERROR a serverless cache has no delayed flush_all";
    mc_flush(c, delay_s);
    return "OK";
}

void mc_run_flush_all(struct cmd_call *c)
{
    mc_begin(c);
    if (mc_may_write(c, false))
        mc_say(c, flush_all(c), false);
    mc_end(c);
}

/* ---- small ones ---- */

void mc_run_version(struct cmd_call *c)
{
    mc_begin(c);
    reply_literal(c->reply, "VERSION ");
    mc_line(c, c->engine->settings.memcached_version);
    mc_end(c);
}

void mc_run_verbosity(struct cmd_call *c)
{
    uint32_t level;
    bool is_number = mc_read_u32(c->argv[1], &level);

    mc_begin(c);
    if (is_number)
        mc_state(c)->verbosity = level > VERBOSITY_MAX ? VERBOSITY_MAX : level;
    mc_say(c, is_number ? "OK" : MC_BAD_FORMAT, false);
    mc_end(c);
}

static const char *memlimit(struct cmd_call *c)
{
    uint32_t megabytes;

    if (c->engine->settings.is_restricted && !(c->client && c->client->is_admin))
        return "ERROR";
    if (!mc_read_u32(c->argv[1], &megabytes))
        return "ERROR";
    if (megabytes < MEMLIMIT_MIN)
        return "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m";
    if (megabytes > MEMLIMIT_MAX)
        return "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes";
    c->engine->settings.max_memory = megabytes * MEGABYTE;
    return "OK";
}

void mc_run_memlimit(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, memlimit(c), false);
    mc_end(c);
}

/* The line that says why not, or NULL. */
static const char *shut_down(struct cmd_call *c)
{
    if (!c->engine->settings.memcached_may_shut_down)
        return "ERROR: shutdown not enabled";
    if (c->argc > 2 || (c->argc == 2 && !str_is(c->argv[1], "graceful")))
        return "CLIENT_ERROR invalid shutdown mode";
    c->client->is_closing = true;
    raise(SIGTERM);
    return NULL;
}

void mc_run_shutdown(struct cmd_call *c)
{
    mc_begin(c);
    const char *line = shut_down(c);
    if (line)
        mc_line(c, line);
    mc_end(c);
}

void mc_run_quit(struct cmd_call *c)
{
    mc_begin(c);
    c->client->is_closing = true;
    mc_end(c);
}

void mc_run_close(struct cmd_call *c)
{
    mc_begin(c);
    mc_session(c)->is_at_fault = c->client->is_closing = true;
    mc_end(c);
}

void mc_run_error(struct cmd_call *c)
{
    mc_begin(c);
    mc_line(c, "ERROR");
    mc_end(c);
}

void mc_run_problem(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, c->problem, false);
    mc_end(c);
}

void mc_run_problem_body(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, c->problem, true);
    mc_end(c);
}
