/*
 * Permission. The one idea: what a command touches is found once, by the description of the
 * command, and then asked of each of the user's selectors.
 */
#include "cacheengine/dispatch/access.h"

#include "base/command.h"
#include "base/fs.h"
#include "cacheengine/dispatch/iam.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/transaction.h"

#define FILE_MAX_BYTES (64 << 20)

static uint32_t access_of(uint32_t flags)
{
    uint32_t writes = KEY_INSERT | KEY_DELETE | KEY_UPDATE;

    return (flags & KEY_ACCESS ? ACL_READ : 0) | (flags & writes ? ACL_WRITE : 0);
}

/* The arguments that are channels: from the first on, `*last` included. False: there are none. */
static bool find_channels(const struct command *cmd, uint32_t argc, uint32_t *last,
                          bool *is_pattern)
{
    static const struct {
        const char *name;
        bool is_one, is_pattern;
    } rows[] = {
        {"publish",    true,  false},
        {"spublish",   true,  false},
        {"subscribe",  false, false},
        {"ssubscribe", false, false},
        {"psubscribe", false, true },
    };

    for (size_t i = 0; (cmd->flags & CMD_PUBSUB) && argc > 1 && i < countof(rows); i++) {
        if (strcmp(cmd->name, rows[i].name) != 0)
            continue;
        *last = rows[i].is_one ? 1 : argc - 1;
        *is_pattern = rows[i].is_pattern;
        return true;
    }
    return false;
}

static struct acl_request request_of(struct arena *a, const struct command *cmd,
                                     const struct str *argv, uint32_t argc)
{
    struct acl_request r = {.cmd = cmd, .argv = argv, .argc = argc};
    const struct key_place *keys = keys_find(a, cmd, argv, argc, &r.subject_count);
    uint32_t key_count = r.subject_count, last = 0;
    bool is_pattern = false;
    r.subject_count += find_channels(cmd, argc, &last, &is_pattern) ? last : 0;
    struct acl_subject *subjects = arena_array(a, r.subject_count, sizeof(*subjects));

    for (uint32_t i = 0; i < key_count; i++)
        subjects[i] = (struct acl_subject){.arg = keys[i].arg, .access = access_of(keys[i].flags)};
    for (uint32_t i = 1; i <= last; i++)
        subjects[key_count + i - 1] =
            (struct acl_subject){.arg = i, .is_channel = true, .is_pattern = is_pattern};
    r.subjects = subjects;
    return r;
}

enum acl_verdict access_verdict(struct cmd_call *call, const struct acl_user *u,
                                const struct command *cmd, const struct str *argv, uint32_t argc,
                                uint32_t *out_arg)
{
    struct acl_request r = request_of(call->scratch, cmd, argv, argc);

    return acl_check(u, &r, out_arg);
}

static void log_refusal(struct cmd_call *call, enum acl_verdict verdict, enum acl_context context,
                        struct str object, struct str user)
{
    struct engine *e = call->engine;
    struct buf info = BUF_EMPTY;
    struct str line;

    session_describe(call->client, e->keyspace.passed_ms, &info);
    line = str_trim(buf_str(&info));
    acl_log_add(&e->acl_log,
                &(struct acl_refusal){.verdict = verdict,
                                      .context = context,
                                      .object = object,
                                      .user = user,
                                      .client_info = line,
                                      .now_ms = e->keyspace.now_ms},
                (size_t)e->settings.acl_log_length);
    buf_fini(&info);
}

enum acl_verdict access_judge(struct cmd_call *call, enum acl_context context)
{
    const struct acl_user *u = call->client->user;
    uint32_t arg;
    enum acl_verdict verdict = access_verdict(call, u, call->cmd, call->argv, call->argc, &arg);

    if (verdict != ACL_ALLOWED)
        log_refusal(call, verdict, context,
                    verdict == ACL_NO_COMMAND ? str_of(call->cmd->name) : call->argv[arg], u->name);
    return verdict;
}

bool access_allows(struct cmd_call *call)
{
    const struct acl_user *u = call->client->user;
    bool in_multi = transaction_is_open(call->client);

    switch (access_judge(call, in_multi ? ACL_IN_MULTI : ACL_AT_TOP)) {
    case ACL_ALLOWED: return true;
    case ACL_NO_COMMAND:
        reply_errorf(call->reply, "NOPERM User %.*s has no permissions to run the '%s' command",
                     STR_ARG(u->name), call->cmd->name);
        return false;
    case ACL_NO_KEY:
        reply_error(call->reply, "NOPERM No permissions to access a key");
        return false;
    default: reply_error(call->reply, "NOPERM No permissions to access a channel"); return false;
    }
}

bool access_still_allows(struct cmd_call *call)
{
    static const char *const reasons[] = {
        [ACL_NO_COMMAND] = "no permission to execute the command or subcommand",
        [ACL_NO_KEY] = "no permission to touch the specified keys",
        [ACL_NO_CHANNEL] =
            "no permission to access one of the channels used as arguments to the command",
    };
    enum acl_verdict verdict = access_judge(call, ACL_IN_MULTI);

    if (verdict == ACL_ALLOWED)
        return true;
    reply_errorf(call->reply,
                 "NOPERM ACLs rules changed between the moment the transaction was accumulated and "
                 "the EXEC call. This command is no longer allowed for the following reason: %s",
                 reasons[verdict]);
    return false;
}

bool access_reads_all(const struct cmd_call *call)
{
    struct acl_request r;

    if (!call->client || access_is_free(call->client))
        return true;
    r = request_of(call->scratch, call->cmd, call->argv, call->argc);
    return acl_may_reach_all(call->client->user, &r, ACL_READ);
}

static void let_in(struct client *c, struct acl_user *u, struct acl_credential by, int64_t until_ms)
{
    if (!c->is_admin)
        c->user = u;
    c->credential = by;
    c->login_until_ms = until_ms;
    c->is_authenticated = true;
}

static enum login_result refuse_login(struct cmd_call *call, struct str user, const char *text)
{
    log_refusal(call, ACL_NO_LOGIN, transaction_is_open(call->client) ? ACL_IN_MULTI : ACL_AT_TOP,
                call->argv[0], user);
    reply_error(call->reply, text);
    return LOGIN_REFUSED;
}

#define WRONG_PASSWORD "WRONGPASS invalid username-password pair or user is disabled."

static enum login_result login_by_token(struct cmd_call *call, struct acl_user *u, struct str token)
{
    const struct engine *e = call->engine;
    const char *why;

    switch (iam_ask(call, u->name, token, &why)) {
    case IAM_ALLOWED:
        let_in(call->client, u, (struct acl_credential){.kind = ACL_LOGIN_TOKEN},
               e->keyspace.passed_ms + e->settings.iam_session_s * 1000);
        return LOGIN_DONE;
    case IAM_WAITS: return LOGIN_WAITS;
    case IAM_DENIED: return refuse_login(call, u->name, WRONG_PASSWORD);
    default: return refuse_login(call, u->name, arena_printf(call->scratch, "WRONGPASS %s", why));
    }
}

enum login_result access_login(struct cmd_call *call, struct str user, struct str password)
{
    struct acl_user *u = acl_find(&call->engine->acl, user);

    if (u && u->is_enabled && u->is_iam)
        return login_by_token(call, u, password);
    u = acl_login(&call->engine->acl, user, password);
    if (!u)
        return refuse_login(call, user, WRONG_PASSWORD);
    let_in(call->client, u, acl_password_given(password), 0);
    return LOGIN_DONE;
}

bool access_adopt(const struct engine *e, struct client *c, struct str user)
{
    struct acl_user *u = acl_find(&e->acl, user);

    if (!u || !u->is_enabled)
        return false;
    let_in(c, u, (struct acl_credential){.kind = ACL_LOGIN_CERTIFICATE}, 0);
    return true;
}

bool access_shows_user(const struct engine *e, const struct client *c, const struct acl_user *u)
{
    if (!u->is_owners || !e->settings.is_restricted)
        return true;
    return c->is_admin || (c->user && c->user->is_owners);
}

void access_begin(const struct engine *e, struct client *c)
{
    const struct acl_user *preset = e->acl.preset;

    c->user = c->is_admin ? NULL : e->acl.preset;
    c->credential = (struct acl_credential){.kind = ACL_LOGIN_NONE};
    c->login_until_ms = 0;
    c->is_authenticated = c->is_admin || (preset->is_enabled && preset->is_passless);
}

void access_forget_user(struct engine *e, struct acl_user *u)
{
    for (struct client *c = e->newest; c; c = c->older) {
        if (c->user != u)
            continue;
        c->user = e->acl.preset;
        c->is_authenticated = false;
        c->host->kill(c);
    }
    acl_user_free(u);
}

/* Closes who is logged in and would not be let in again. */
static uint64_t close_revoked(struct engine *e)
{
    uint64_t count = 0;

    for (struct client *c = e->newest; c; c = c->older) {
        if (!c->user || !c->is_authenticated || c->is_killed ||
            acl_may_stay(c->user, &c->credential))
            continue;
        c->is_authenticated = false;
        c->host->kill(c);
        count++;
    }
    return count;
}

/* A password that is shown is one that is good. */
static void settle_password(struct engine *e, struct arena *a)
{
    struct acl_credential shown = acl_password_given(str_of(e->settings.password));

    if (!*e->settings.password ||
        (!e->acl.preset->is_passless && acl_may_stay(e->acl.preset, &shown)))
        return;
    err_ignore(config_set(&e->config, a, config_find(STR("requirepass")), STR("")),
               "no password is valid text");
}

struct err access_replace(struct engine *e, struct arena *a, struct str lines, uint64_t *closed)
{
    struct acl_gone gone = {.users = VEC_EMPTY};
    uint64_t count = 0;

    TRY(acl_load(&e->acl, a, lines, "users", &gone));
    for (struct client *c = e->newest; c; c = c->older)
        vec_each(u, &gone.users)
            count += c->user == *u && !c->is_killed;
    vec_each(u, &gone.users)
        access_forget_user(e, *u);
    settle_password(e, a);
    pubsub_judge(e, NULL);
    *closed = count + close_revoked(e);
    return OK;
}

/* Users of the configuration file. The password of `requirepass` is the default user's unless a
 * line says otherwise. */
static struct err load_lines(struct engine *e, struct arena *a)
{
    struct acl_gone gone = {.users = VEC_EMPTY};
    struct str lines = buf_str(&e->config.users), rest = lines;
    bool has_default = false;

    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');

        str_cut(&line, ' ');
        has_default = has_default || str_eq(str_cut(&line, ' '), STR("default"));
    }
    TRY(acl_load(&e->acl, a, lines, "configuration", &gone));
    if (!has_default)
        acl_set_preset_password(&e->acl, str_of(e->settings.password));
    return OK;
}

struct err access_load(struct engine *e, struct arena *a)
{
    const char *path = e->settings.acl_file;
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct acl_gone gone = {.users = VEC_EMPTY};

    if (!*path)
        return e->config.users.len > 0 ? load_lines(e, a) : OK;
    if (e->config.users.len > 0)
        return err_make(ERR_INVALID,
                        "users stand in the configuration and aclfile is set: they can "
                        "be at one place only");
    struct err failed = fs_read_all(path, FILE_MAX_BYTES, &text);
    if (err_failed(failed))
        return err_format(a, failed.code, "Error loading ACLs, opening file '%s': %s", path,
                          failed.sys ? strerror(failed.sys) : "No such file or directory");
    TRY(acl_load(&e->acl, a, buf_str(&text), path, &gone));
    vec_each(u, &gone.users)
        access_forget_user(e, *u);
    pubsub_judge(e, NULL);
    return OK;
}
