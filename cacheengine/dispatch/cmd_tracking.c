/* CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO. */
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/tracking.h"
#include "contract/command_procs.h"

/* ---- what is asked for ---- */

/* REDIRECT: whom argument `arg` names. Clients of the owner are not there for others. */
static bool parse_target(struct cmd_call *c, uint32_t arg, struct tracking_wish *w)
{
    int64_t id;

    if (w->target) {
        reply_error(c->reply, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!call_int(c, arg, &id))
        return false;
    w->target = session_by_id(c->engine, id);
    if (w->target && session_is_shown(c, w->target))
        return true;
    reply_error(c->reply, "ERR The client ID you want redirect to does not exist");
    return false;
}

static bool parse(struct cmd_call *c, struct str *prefixes, struct tracking_wish *w)
{
    for (uint32_t i = 3; i < c->argc; i++) {
        bool has_more = i + 1 < c->argc;

        if (call_is(c, i, "redirect") && has_more) {
            if (!parse_target(c, ++i, w))
                return false;
        } else if (call_is(c, i, "prefix") && has_more) {
            prefixes[w->prefix_count++] = c->argv[++i];
        } else if (call_is(c, i, "bcast")) {
            w->is_broadcast = true;
        } else if (call_is(c, i, "optin")) {
            w->is_opt_in = true;
        } else if (call_is(c, i, "optout")) {
            w->is_opt_out = true;
        } else if (call_is(c, i, "noloop")) {
            w->skips_own = true;
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    w->prefixes = prefixes;
    return true;
}

/* ---- what fits ---- */

/* Both have keys in common. */
static bool overlap(struct str a, struct str b)
{
    return memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len) == 0;
}

static bool collides(struct cmd_call *c, struct str prefix, struct str other, const char *which)
{
    if (!overlap(prefix, other))
        return false;
    reply_errorf(c->reply,
                 "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single client "
                 "must not overlap.",
                 STR_ARG(prefix), which, STR_ARG(other));
    return true;
}

static bool prefixes_fit(struct cmd_call *c, const struct tracking_wish *w)
{
    const struct tracker *t = c->client->tracker;

    for (uint32_t i = 0; i < w->prefix_count; i++) {
        for (uint32_t j = 0; t && j < t->prefix_count; j++)
            if (collides(c, w->prefixes[i], t->prefixes[j], "an existing"))
                return false;
        for (uint32_t j = i + 1; j < w->prefix_count; j++)
            if (collides(c, w->prefixes[i], w->prefixes[j], "another provided"))
                return false;
    }
    return true;
}

/* Why a wish cannot be met, or NULL. */
static const char *refusal(const struct tracker *t, const struct tracking_wish *w)
{
    if (!w->is_broadcast && w->prefix_count > 0)
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (t && t->is_broadcast != w->is_broadcast)
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if (w->is_broadcast && (w->is_opt_in || w->is_opt_out))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (w->is_opt_in && w->is_opt_out)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if (t && ((w->is_opt_in && t->is_opt_out) || (w->is_opt_out && t->is_opt_in)))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

void cmd_client_tracking(struct cmd_call *c)
{
    struct tracking_wish w = {0};
    struct str *prefixes = arena_array(c->scratch, c->argc, sizeof(*prefixes));

    if (!parse(c, prefixes, &w))
        return;
    if (call_is(c, 2, "on")) {
        const char *text = refusal(c->client->tracker, &w);

        if (text)
            reply_error(c->reply, text);
        if (text || !prefixes_fit(c, &w))
            return;
        tracking_begin(c->engine, c->client, &w);
    } else if (call_is(c, 2, "off")) {
        tracking_end(c->engine, c->client);
    } else {
        reply_syntax_error(c->reply);
        return;
    }
    reply_ok(c->reply);
}

void cmd_client_caching(struct cmd_call *c)
{
    struct tracker *t = c->client->tracker;

    if (!t)
        reply_error(c->reply, "ERR CLIENT CACHING can be called only when the client is in "
                              "tracking mode with OPTIN or OPTOUT mode enabled");
    else if (call_is(c, 2, "yes") && !t->is_opt_in)
        reply_error(c->reply, "ERR CLIENT CACHING YES is only valid when tracking is enabled in "
                              "OPTIN mode.");
    else if (call_is(c, 2, "no") && !t->is_opt_out)
        reply_error(c->reply, "ERR CLIENT CACHING NO is only valid when tracking is enabled in "
                              "OPTOUT mode.");
    else if (!call_is(c, 2, "yes") && !call_is(c, 2, "no"))
        reply_syntax_error(c->reply);
    else {
        t->is_chosen = true;
        reply_ok(c->reply);
    }
}

/* ---- telling ---- */

void cmd_client_getredir(struct cmd_call *c)
{
    reply_int(c->reply, session_redirect(c->client));
}

static void reply_flags(struct cmd_call *c, const struct tracker *t)
{
    const struct {
        const char *name;
        bool is_set;
    } flags[] = {
        {"off",             !t                                },
        {"on",              t                                 },
        {"bcast",           t && t->is_broadcast              },
        {"optin",           t && t->is_opt_in                 },
        {"caching-yes",     t && t->is_opt_in && t->is_chosen },
        {"optout",          t && t->is_opt_out                },
        {"caching-no",      t && t->is_opt_out && t->is_chosen},
        {"noloop",          t && t->skips_own                 },
        {"broken_redirect", t && t->is_broken                 },
    };
    size_t count = 0;

    for (size_t i = 0; i < countof(flags); i++)
        count += flags[i].is_set;
    reply_set(c->reply, count);
    for (size_t i = 0; i < countof(flags); i++)
        if (flags[i].is_set)
            reply_bulk_text(c->reply, flags[i].name);
}

void cmd_client_trackinginfo(struct cmd_call *c)
{
    const struct tracker *t = c->client->tracker;

    reply_map(c->reply, 3);
    reply_bulk_text(c->reply, "flags");
    reply_flags(c, t);
    reply_bulk_text(c->reply, "redirect");
    reply_int(c->reply, session_redirect(c->client));
    reply_bulk_text(c->reply, "prefixes");
    reply_array(c->reply, t ? t->prefix_count : 0);
    for (uint32_t i = 0; t && i < t->prefix_count; i++)
        reply_bulk_str(c->reply, t->prefixes[i]);
}
