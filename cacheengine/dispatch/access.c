/*
 * Permission. The one idea: what a command touches is found once, by the description of the
 * command, and then asked of each of the user's selectors.
 */
#include "cacheengine/dispatch/access.h"

#include "base/command.h"
#include "base/fs.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/transaction.h"

#define FILE_MAX_BYTES (64 << 20)

static uint32_t access_of(uint32_t flags)
{
    uint32_t writes = KEY_INSERT | KEY_DELETE | KEY_UPDATE;

    return (flags & KEY_ACCESS ? ACL_READ : 0) | (flags & writes ? ACL_WRITE : 0);
}

static struct acl_request request_of(struct arena *a, const struct command *cmd,
                                     const struct str *argv, uint32_t argc)
{
    struct acl_request r = {.cmd = cmd, .argv = argv, .argc = argc};
    const struct key_place *keys = keys_find(a, cmd, argv, argc, &r.subject_count);
    struct acl_subject *subjects = arena_array(a, r.subject_count, sizeof(*subjects));

    for (uint32_t i = 0; i < r.subject_count; i++)
        subjects[i] = (struct acl_subject){.arg = keys[i].arg, .access = access_of(keys[i].flags)};
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

/* ACL_ALLOWED, or what was refused and has been logged. */
static enum acl_verdict judge(struct cmd_call *call, enum acl_context context)
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

    switch (judge(call, in_multi ? ACL_IN_MULTI : ACL_AT_TOP)) {
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
    enum acl_verdict verdict = judge(call, ACL_IN_MULTI);

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

bool access_login(struct cmd_call *call, struct str user, struct str password)
{
    struct client *c = call->client;
    struct acl_user *u = acl_login(&call->engine->acl, user, password);

    if (!u) {
        log_refusal(call, ACL_NO_LOGIN, transaction_is_open(c) ? ACL_IN_MULTI : ACL_AT_TOP,
                    call->argv[0], user);
        return false;
    }
    if (!c->is_admin)
        c->user = u;
    c->is_authenticated = true;
    return true;
}

bool access_adopt(const struct engine *e, struct client *c, struct str user)
{
    struct acl_user *u = acl_find(&e->acl, user);

    if (!u || !u->is_enabled)
        return false;
    c->user = u;
    c->is_authenticated = true;
    return true;
}

void access_begin(const struct engine *e, struct client *c)
{
    const struct acl_user *preset = e->acl.preset;

    c->user = c->is_admin ? NULL : e->acl.preset;
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
    return OK;
}
