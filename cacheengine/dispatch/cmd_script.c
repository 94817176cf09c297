/* EVAL and its kin, and SCRIPT. */
#include "base/command.h"
#include "cacheengine/dispatch/scripting.h"
#include "contract/command_procs.h"

static void run_script(struct cmd_call *c, struct eval_script *s, const struct machine_words *w,
                       bool is_read_only)
{
    struct scripting_call sc = {
        .call = c, .name = s->sha, .flags = s->flags, .is_read_only = is_read_only, .words = *w};
    int db = c->client->db;

    if (!scripting_begin(&sc))
        return;
    eval_cache_run(scripting_evals(c->engine), s, &sc.run, w);
    scripting_end(&sc);
    /* What it selected is the script's own. */
    c->client->db = db;
}

/* The script of a text, compiled if need be; NULL after the error was sent. */
static struct eval_script *script_of_text(struct cmd_call *c, uint32_t arg)
{
    struct eval_cache *evals = scripting_of(c->engine)->evals;
    uint64_t hash = hash_bytes(&c->ks->seed, c->argv[arg].ptr, c->argv[arg].len);
    struct eval_script *s = eval_cache_find_text(evals, hash, c->argv[arg]);
    const char *wrong;

    if (s)
        return s;
    s = eval_cache_add(evals, c->scratch, hash, c->argv[arg], &wrong);
    if (!s)
        reply_error(c->reply, arena_printf(c->scratch, "ERR %s", wrong));
    return s;
}

static void no_script(struct cmd_call *c)
{
    reply_error(c->reply, c->engine->settings.brand == BRAND_VALKEY
                              ? "NOSCRIPT No matching script."
                              : "NOSCRIPT No matching script. Please use EVAL.");
}

static struct eval_script *script_of_sha(struct cmd_call *c, uint32_t arg)
{
    const struct eval_cache *evals = scripting_evals(c->engine);
    struct eval_script *s = evals ? eval_cache_find(evals, c->argv[arg]) : NULL;

    if (!s)
        no_script(c);
    return s;
}

static void eval(struct cmd_call *c, bool is_read_only)
{
    struct machine_words w;

    if (!scripting_words(c, NULL, &w))
        return;
    struct eval_script *s = script_of_text(c, 1);
    if (s)
        run_script(c, s, &w, is_read_only);
}

static void evalsha(struct cmd_call *c, bool is_read_only)
{
    struct machine_words w;

    if (c->argv[1].len != SCRIPT_SHA_HEX) {
        no_script(c);
        return;
    }
    if (!scripting_words(c, NULL, &w))
        return;
    struct eval_script *s = script_of_sha(c, 1);
    if (s)
        run_script(c, s, &w, is_read_only);
}

void cmd_eval(struct cmd_call *c)
{
    eval(c, false);
}

void cmd_eval_ro(struct cmd_call *c)
{
    eval(c, true);
}

void cmd_evalsha(struct cmd_call *c)
{
    evalsha(c, false);
}

void cmd_evalsha_ro(struct cmd_call *c)
{
    evalsha(c, true);
}

/* ---- SCRIPT ---- */

void cmd_script_load(struct cmd_call *c)
{
    struct eval_script *s = script_of_text(c, 2);

    if (!s)
        return;
    eval_cache_keep(scripting_evals(c->engine), s);
    reply_bulk(c->reply, s->sha, SCRIPT_SHA_HEX);
}

void cmd_script_exists(struct cmd_call *c)
{
    const struct eval_cache *evals = scripting_evals(c->engine);

    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        reply_int(c->reply, evals && eval_cache_find(evals, c->argv[i]));
}

void cmd_script_flush(struct cmd_call *c)
{
    bool is_known = c->argc == 3 && (call_is(c, 2, "sync") || call_is(c, 2, "async"));

    if (c->argc != 2 && !is_known) {
        reply_error(c->reply, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    if (scripting_evals(c->engine))
        eval_cache_flush(scripting_evals(c->engine));
    reply_ok(c->reply);
}

void cmd_script_show(struct cmd_call *c)
{
    const struct eval_script *s = script_of_sha(c, 2);

    if (s)
        reply_bulk_str(c->reply, s->text);
}

void cmd_script_kill(struct cmd_call *c)
{
    scripting_kill(c, false);
}

void cmd_script_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "EXISTS <sha1> [<sha1> ...]",
        "    Say of each fingerprint whether its script is known.",
        "FLUSH [ASYNC|SYNC]",
        "    Forget all scripts.",
        "KILL",
        "    End the script that runs, if it has not written anything.",
        "LOAD <script>",
        "    Make a script known without running it.",
        "SHOW <sha1>",
        "    Show the text of a script.",
        NULL,
    };

    reply_help(c->reply, "SCRIPT", lines);
}
