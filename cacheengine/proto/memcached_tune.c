/*
 * slabs, lru, refresh_certs, debugtime. There are no slabs and no queues to tune: what is set is
 * kept and shown by "stats settings", and what would move something is answered as by a memcached
 * in which it is off.
 */
#include "cacheengine/dispatch/host.h"
#include "cacheengine/proto/memcached.h"

#include <stdlib.h>

static bool read_double(struct cmd_call *c, uint32_t arg, double *out)
{
    const char *text = str_dup(c->scratch, c->argv[arg]);
    char *end;

    *out = strtod(text, &end);
    return end != text;
}

/* ---- slabs ---- */

static const char *automove(struct cmd_call *c)
{
    struct mc_tuning *t = &mc_state(c)->tuning;
    uint32_t level;

    if (str_is(c->argv[2], "ratio")) {
        double ratio;

        if (c->argc < 4 || !read_double(c, 3, &ratio))
            return "ERROR";
        t->slab_automove_ratio = ratio;
        return "OK";
    }
    if (!mc_read_u32(c->argv[2], &level))
        return MC_BAD_FORMAT;
    if (level > 2)
        return "ERROR";
    t->slab_automove = level;
    return "OK";
}

static const char *slabs(struct cmd_call *c)
{
    if (c->argc == 4 && str_is(c->argv[1], "reassign"))
        return "CLIENT_ERROR slab reassignment disabled";
    return c->argc >= 3 && str_is(c->argv[1], "automove") ? automove(c) : "ERROR";
}

void mc_run_slabs(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, slabs(c), false);
    mc_end(c);
}

/* ---- lru ---- */

static const char *tune(struct cmd_call *c)
{
    struct mc_tuning *t = &mc_state(c)->tuning;
    uint32_t hot, warm;
    double hot_factor, warm_factor;

    if (!mc_read_u32(c->argv[2], &hot) || !mc_read_u32(c->argv[3], &warm) ||
        !read_double(c, 4, &hot_factor) || !read_double(c, 5, &warm_factor))
        return "ERROR";
    if (hot + warm > 80)
        return "ERROR hot and warm pcts must not exceed 80";
    if (hot_factor <= 0 || warm_factor <= 0)
        return "ERROR hot/warm age factors must be greater than 0";
    t->hot_percent = hot;
    t->warm_percent = warm;
    t->hot_factor = hot_factor;
    t->warm_factor = warm_factor;
    return "OK";
}

void mc_run_lru(struct cmd_call *c)
{
    mc_begin(c);
    /* "mode" and "temp_ttl" are for a maintainer thread, which there is not. */
    mc_say(c, c->argc >= 6 && str_is(c->argv[1], "tune") ? tune(c) : "ERROR", false);
    mc_end(c);
}

/* ---- refresh_certs ---- */

static const char *refresh(struct cmd_call *c)
{
    struct engine *e = c->engine;

    if (e->settings.tls_mode == TLS_OFF || !e->host || !e->host->retune_tls)
        return "Error TLS not enabled";
    struct err failed = e->host->retune_tls(e, c->scratch);
    if (!err_failed(failed))
        return "OK";
    return arena_printf(c->scratch, "SERVER_ERROR %s", err_text(c->scratch, failed));
}

void mc_run_refresh_certs(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, refresh(c), false);
    mc_end(c);
}

/* ---- debugtime ---- */

/* As in debug builds of memcached: p holds the clock, r lets it run, and a number moves it; while
 * it is held, by all that it was moved by so far. */
static const char *set_clock(struct cmd_call *c)
{
    struct engine *e = c->engine;
    int32_t seconds;

    if (!e->settings.memcached_sets_clock)
        return "ERROR";
    if (str_is(c->argv[1], "p") || str_is(c->argv[1], "r")) {
        e->is_clock_held = str_is(c->argv[1], "p");
        return "OK";
    }
    if (!mc_read_i32(c->argv[1], &seconds))
        return "ERROR";
    e->clock_ahead_ms += (int64_t)seconds * 1000;
    keyspace_set_now(c->ks, c->ks->now_ms + e->clock_ahead_ms);
    return "OK";
}

void mc_run_debug_time(struct cmd_call *c)
{
    mc_begin(c);
    mc_line(c, set_clock(c));
    mc_end(c);
}
