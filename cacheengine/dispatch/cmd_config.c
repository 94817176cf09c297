/* CONFIG: parameters by pattern, changed all or none. */
#include "base/command.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/files.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/dispatch/notify.h"
#include "cacheengine/dispatch/oom_score.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/unkept.h"
#include "cacheengine/keyspace/glob.h"
#include "contract/command_procs.h"

#include <errno.h>
#include <sys/stat.h>

static void reply_value(struct cmd_call *c, struct str name, const struct config_row *row)
{
    struct buf value = BUF_EMPTY;

    config_get(&c->engine->config, row, &value);
    reply_bulk_str(c->reply, name);
    reply_bulk_str(c->reply, buf_str(&value));
    buf_fini(&value);
}

/* Directives for tests are found by their whole names only. */
static bool is_hidden(const char *name)
{
    static const char *const names[] = {"key-load-delay", "rdb-key-save-delay"};

    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The name under which a row is asked for: a pattern finds it by its own name, a plain word is said
 * back as it came. ptr NULL when nobody asks. */
static struct str asked_name(const struct cmd_call *c, const char *name)
{
    for (uint32_t i = 2; name && i < c->argc; i++) {
        bool is_pattern = memchr(c->argv[i].ptr, '*', c->argv[i].len) ||
                          memchr(c->argv[i].ptr, '?', c->argv[i].len) ||
                          memchr(c->argv[i].ptr, '[', c->argv[i].len);

        if (!is_pattern && str_is_nocase(c->argv[i], name))
            return c->argv[i];
        if (is_pattern && !is_hidden(name) && glob_match_nocase(c->argv[i], str_of(name)))
            return str_of(name);
    }
    return (struct str){NULL, 0};
}

void cmd_config_get(struct cmd_call *c)
{
    struct reply_mark mark = reply_open(c->reply);
    size_t row_count, sent = 0;
    const struct config_row *rows = config_rows(&row_count);

    for (size_t i = 0; i < row_count; i++) {
        struct str name = asked_name(c, rows[i].name), alias = asked_name(c, rows[i].alias);

        if (name.ptr)
            reply_value(c, name, &rows[i]);
        if (alias.ptr)
            reply_value(c, alias, &rows[i]);
        sent += (name.ptr != NULL) + (alias.ptr != NULL);
    }
    reply_close(c->reply, mark, '%', sent);
}

static struct err retune_tls(struct engine *e, struct arena *a)
{
    return e->host ? e->host->retune_tls(e, a) : OK;
}

static struct err relisten(struct engine *e, struct arena *a)
{
    return e->host ? e->host->relisten(e, a) : OK;
}

/* What changed settings mean outside the engine, where it may fail: files are opened and read. */
static const struct outside {
    const char *prefixes[4]; /* of the directives that concern it */
    struct err (*take_over)(struct engine *e, struct arena *a); /* all of it or nothing */
    const char *refusal;                                        /* NULL: the error's own words */
} outsides[] = {
    {{"tls-", "larder-tls-"},                                   retune_tls,      "Unable to update TLS configuration. Check server logs."},
    {{"port", "tls-port", "bind", "larder-reader-port"},
     relisten,                                                                   "Unable to listen on this port. Check server logs."     },
    {{"oom-score-adj"},                                         oom_score_apply, NULL                                                    },
    {{"logfile", "loglevel", "larder-log-", "larder-slowlog-"}, logs_open,       NULL                                                    },
};

/* The first argument that concerns it; 0: none. */
static uint32_t concerned(const struct cmd_call *c, const struct outside *o)
{
    for (uint32_t i = 2; i < c->argc; i += 2) {
        const char *name = config_find(c->argv[i])->name;

        for (size_t j = 0; j < countof(o->prefixes) && o->prefixes[j]; j++)
            if (strncmp(name, o->prefixes[j], strlen(o->prefixes[j])) == 0)
                return i;
    }
    return 0;
}

/* Takes all of it over. When something fails, `*at` is the argument to blame. Files are read anew
 * though their names have not changed. */
static struct err take_over_outside(struct cmd_call *c, uint32_t *at)
{
    for (size_t i = 0; i < countof(outsides); i++) {
        const struct outside *o = &outsides[i];
        uint32_t argument = concerned(c, o);
        struct err e = argument ? o->take_over(c->engine, c->scratch) : OK;

        if (!err_failed(e))
            continue;
        *at = argument;
        log_warn("the old settings stay", f_err(e));
        return o->refusal ? err_make(ERR_INVALID, o->refusal) : e;
    }
    return OK;
}

/* Takes over what changed settings mean elsewhere. Saying the password again counts: users may have
 * changed since. */
static void apply(struct cmd_call *c)
{
    struct engine *e = c->engine;

    for (uint32_t i = 2; i < c->argc; i += 2)
        if (call_is(c, i, "requirepass"))
            acl_set_preset_password(&e->acl, c->argv[i + 1]);
    slowlog_trim(&e->slowlog, (size_t)e->settings.slowlog_length);
    engine_apply_timing(e);
    notify_apply(e);
    engine_apply_persistence(e);
    append_drop_history(e->append, c->scratch);
    acks_settle(e);
    keyspace_apply_settings(&e->keyspace);
    replica_apply_settings(e);
    followers_apply_settings(e);
    /* Amid a transaction or a script nothing goes by itself: the next command makes room. */
    if (!c->is_inner && !e->loading.is_on)
        (void)keyspace_make_room(&e->keyspace);
    (void)tracking_limit(e);
}

/* Where files are is the administrator's to say, unless the file says otherwise. */
static bool may_change_protected(const struct cmd_call *c)
{
    struct client_facts f;

    if (c->client->is_admin || c->engine->settings.protected_configs == REACH_EVERYBODY)
        return true;
    if (c->engine->settings.protected_configs == REACH_NOBODY)
        return false;
    c->client->host->facts(c->client, &f);
    return f.is_unix || strncmp(f.peer, "127.", 4) == 0 || strncmp(f.peer, "[::1]", 5) == 0 ||
           strncmp(f.peer, "::1", 3) == 0;
}

/* Where files are and whether there are any stays as it is until they are loaded. */
static bool waits_for_loading(const char *name)
{
    return strcmp(name, "appendonly") == 0 || strcmp(name, "dir") == 0 ||
           strcmp(name, "repl-diskless-load") == 0;
}

static bool is_loading(const struct engine *e)
{
    return e->loading.is_on || replica_is_loading(e, false) || replica_is_loading(e, true);
}

/* The first thing wrong with the pairs, as an error; nothing is changed. */
static bool pairs_are_sound(struct cmd_call *c)
{
    for (uint32_t i = 2; i < c->argc; i += 2) {
        const struct config_row *row = config_find(c->argv[i]);

        if (!row) {
            reply_errorf(c->reply,
                         "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                         STR_ARG(c->argv[i]));
            return false;
        }
        if (row->change == CONFIG_PROTECTED && !may_change_protected(c)) {
            reply_errorf(c->reply,
                         "ERR CONFIG SET failed (possibly related to argument '%.*s') - can't set "
                         "protected config",
                         STR_ARG(c->argv[i]));
            return false;
        }
        if (row->change == CONFIG_FIXED) {
            reply_errorf(c->reply,
                         "ERR CONFIG SET failed (possibly related to argument '%.*s') - can't set "
                         "immutable config",
                         STR_ARG(c->argv[i]));
            return false;
        }
        if (is_loading(c->engine) && waits_for_loading(row->name)) {
            reply_error(c->reply, loading_text(c->engine));
            return false;
        }
        for (uint32_t j = 2; j < i; j += 2)
            if (config_find(c->argv[j]) == row) {
                reply_errorf(c->reply,
                             "ERR CONFIG SET failed (possibly related to argument '%.*s') - "
                             "duplicate parameter",
                             STR_ARG(c->argv[i]));
                return false;
            }
    }
    return true;
}

/* Checks what says where files are; a folder is kept as its absolute path. */
static struct err settle_place(struct cmd_call *c, const struct config_row *row, struct str *value)
{
    struct stat st;

    if (strcmp(row->name, "dbfilename") == 0 && memchr(value->ptr, '/', value->len))
        return err_make(ERR_INVALID, "dbfilename can't be a path, just a filename");
    if (strcmp(row->name, "dir") != 0)
        return OK;
    const char *dir = str_dup(c->scratch, *value);
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_make(ERR_INVALID, strerror(errno ? errno : ENOTDIR));
    TRY(fs_absolute(c->scratch, dir, &dir));
    *value = str_of(dir);
    return OK;
}

/* Turns the append-only file on or off, as the setting says now. */
static struct err switch_append(struct cmd_call *c)
{
    struct engine *e = c->engine;
    struct err failed = OK;

    if (e->settings.appends) {
        failed = append_turn_on(e->append, c->scratch);
    } else {
        append_turn_off(e->append);
        /* Who waits for the disk here waits in vain. */
        blocks_serve_keyless(e);
    }
    if (!err_failed(failed))
        return OK;
    log_error("the append-only file is not begun", f_err(failed));
    e->settings.appends = false;
    return err_make(ERR_INVALID, "Unable to turn on AOF. Check server logs.");
}

/* Sets one parameter; nothing is changed when it does not fit. */
static struct err set_one(struct cmd_call *c, const struct config_row *row, struct str value)
{
    struct settings *s = &c->engine->settings;
    int64_t clients = s->max_clients;

    TRY(unkept_check_one(s, str_of(row->name), value));
    TRY(settle_place(c, row, &value));
    TRY(config_set(&c->engine->config, c->scratch, row, value));
    if (strcmp(row->name, "appendonly") == 0)
        TRY(switch_append(c));
    if (s->max_clients <= clients)
        return OK;
    int64_t granted = files_for_clients(s->max_clients);
    if (granted >= s->max_clients)
        return OK;
    s->max_clients = clients;
    return err_format(c->scratch, ERR_INVALID,
                      "The operating system is not able to handle the specified number of clients, "
                      "try with %lld",
                      (long long)granted);
}

/* Puts the old values back that were replaced before argument `end`. */
static void roll_back(struct cmd_call *c, const struct str *old, uint32_t end, bool was_taken_over)
{
    struct engine *e = c->engine;

    for (uint32_t i = end; i > 2; i -= 2)
        err_ignore(set_one(c, config_find(c->argv[i - 2]), old[i - 2]), "it was valid before");
    for (size_t i = 0; was_taken_over && i < countof(outsides); i++)
        if (concerned(c, &outsides[i]))
            err_ignore(outsides[i].take_over(e, c->scratch), "what was in use stays");
}

void cmd_config_set(struct cmd_call *c)
{
    struct config *config = &c->engine->config;
    struct arena *a = c->scratch;
    struct str *old = arena_array(a, c->argc, sizeof(*old));
    struct err e = OK;
    uint32_t i;

    if (c->argc % 2 != 0) {
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command", c->cmd->name);
        return;
    }
    if (!pairs_are_sound(c))
        return;
    for (i = 2; i < c->argc && !err_failed(e); i += 2) {
        const struct config_row *row = config_find(c->argv[i]);
        struct buf value = BUF_EMPTY;

        config_get(config, row, &value);
        old[i] = (struct str){arena_memdup(a, value.ptr ? value.ptr : "", value.len), value.len};
        buf_fini(&value);
        e = set_one(c, row, c->argv[i + 1]);
    }
    uint32_t blamed = i - 2, end = err_failed(e) ? i - 2 : i;
    bool was_taken_over = !err_failed(e);
    if (!err_failed(e))
        e = take_over_outside(c, &blamed);
    if (!err_failed(e)) {
        apply(c);
        reply_ok(c->reply);
        return;
    }
    reply_errorf(c->reply, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
                 STR_ARG(c->argv[blamed]), e.why);
    roll_back(c, old, end, was_taken_over);
}

/* The users as lines of the file, where they stand in no file of their own; nothing while there is
 * but the default user with the password of `requirepass`. */
static void put_users(const struct engine *e, struct buf *out)
{
    scoped(buf_fini) struct buf plain = BUF_EMPTY;
    struct acl fresh = {0};

    if (*e->settings.acl_file)
        return;
    acl_init(&fresh);
    acl_set_preset_password(&fresh, str_of(e->settings.password));
    acl_save(&fresh, &plain);
    acl_fini(&fresh);
    acl_save(&e->acl, out);
    if (str_eq(buf_str(out), buf_str(&plain)))
        buf_clear(out);
}

void cmd_config_rewrite(struct cmd_call *c)
{
    scoped(buf_fini) struct buf users = BUF_EMPTY;

    if (!c->engine->config_file) {
        reply_error(c->reply, "ERR The server is running without a config file");
        return;
    }
    put_users(c->engine, &users);
    struct err e =
        config_rewrite(&c->engine->config, c->scratch, c->engine->config_file, buf_str(&users));
    if (err_failed(e))
        reply_errorf(c->reply, "ERR Rewriting config file: %s", err_text(c->scratch, e));
    else
        reply_ok(c->reply);
}

void cmd_config_resetstat(struct cmd_call *c)
{
    engine_reset_stats(c->engine);
    reply_ok(c->reply);
}

void cmd_config_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "GET <pattern>",
        "    Show the parameters whose names match, and their values.",
        "SET <directive> <value>",
        "    Change parameters.",
        "REWRITE",
        "    Write the parameters to the configuration file.",
        "RESETSTAT",
        "    Set the counters of INFO back.",
        NULL,
    };

    reply_help(c->reply, "CONFIG", lines);
}
