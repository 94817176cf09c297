/* ACL: users and their permissions. */
#include "base/command.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/pubsub.h"
#include "contract/command_procs.h"

static void reply_described(struct cmd_call *c, const char *name, const struct acl_selector *s,
                            void (*describe)(const struct acl_selector *s, struct buf *out))
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    describe(s, &text);
    reply_bulk_text(c->reply, name);
    reply_bulk(c->reply, text.ptr ? text.ptr : "", text.len);
}

static void reply_selector(struct cmd_call *c, const struct acl_selector *s)
{
    reply_described(c, "commands", s, acl_describe_commands);
    reply_described(c, "keys", s, acl_describe_keys);
    reply_described(c, "channels", s, acl_describe_channels);
}

void cmd_acl_whoami(struct cmd_call *c)
{
    if (c->client->user)
        reply_bulk_str(c->reply, c->client->user->name);
    else
        reply_null(c->reply);
}

static size_t count_shown(const struct cmd_call *c)
{
    const struct acl *acl = &c->engine->acl;
    size_t count = 0;

    for (size_t i = 0; i < acl->count; i++)
        count += access_shows_user(c->engine, c->client, acl->users[i]);
    return count;
}

/* The user of this name; NULL when there is none that the client may know of. */
static const struct acl_user *find_shown(const struct cmd_call *c, struct str name)
{
    const struct acl_user *u = acl_find(&c->engine->acl, name);

    return u && access_shows_user(c->engine, c->client, u) ? u : NULL;
}

void cmd_acl_users(struct cmd_call *c)
{
    const struct acl *acl = &c->engine->acl;

    reply_array(c->reply, count_shown(c));
    for (size_t i = 0; i < acl->count; i++)
        if (access_shows_user(c->engine, c->client, acl->users[i]))
            reply_bulk_str(c->reply, acl->users[i]->name);
}

void cmd_acl_list(struct cmd_call *c)
{
    const struct acl *acl = &c->engine->acl;
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    reply_array(c->reply, count_shown(c));
    for (size_t i = 0; i < acl->count; i++) {
        if (!access_shows_user(c->engine, c->client, acl->users[i]))
            continue;
        buf_clear(&line);
        buf_printf(&line, "user %.*s ", STR_ARG(acl->users[i]->name));
        acl_describe(acl->users[i], &line);
        reply_bulk_str(c->reply, buf_str(&line));
    }
}

static void reply_flags(struct cmd_call *c, const struct acl_user *u)
{
    reply_set(c->reply, 2 + (u->is_passless || u->is_iam) + u->is_owners);
    reply_bulk_text(c->reply, u->is_enabled ? "on" : "off");
    if (u->is_passless)
        reply_bulk_text(c->reply, "nopass");
    if (u->is_iam)
        reply_bulk_text(c->reply, "iam");
    if (u->is_owners)
        reply_bulk_text(c->reply, "owner");
    reply_bulk_text(c->reply, u->skips_sanitizing ? "skip-sanitize-payload" : "sanitize-payload");
}

void cmd_acl_getuser(struct cmd_call *c)
{
    const struct acl_user *u = find_shown(c, c->argv[2]);
    char hex[2 * DIGEST_SHA256_BYTES + 1];

    if (!u) {
        reply_null(c->reply);
        return;
    }
    reply_map(c->reply, 6);
    reply_bulk_text(c->reply, "flags");
    reply_flags(c, u);
    reply_bulk_text(c->reply, "passwords");
    reply_array(c->reply, u->passwords.count);
    vec_each(password, &u->passwords) {
        digest_hex(password->sum, sizeof(password->sum), hex);
        reply_bulk_text(c->reply, hex);
    }
    reply_selector(c, &u->selectors.items[0]);
    reply_bulk_text(c->reply, "selectors");
    reply_array(c->reply, u->selectors.count - 1);
    for (size_t i = 1; i < u->selectors.count; i++) {
        reply_map(c->reply, 3);
        reply_selector(c, &u->selectors.items[i]);
    }
}

/* Who is the owner's own is for the owner to say: to others that is no rule. False after the error.
 */
static bool may_say_rules(struct cmd_call *c)
{
    for (uint32_t i = 3; i < c->argc && !c->client->is_admin; i++) {
        if (!str_is_nocase(c->argv[i], "owner") && !str_is_nocase(c->argv[i], "noowner"))
            continue;
        reply_errorf(c->reply, "ERR Error in ACL SETUSER modifier '%.*s': Syntax error",
                     STR_ARG(c->argv[i]));
        return false;
    }
    return true;
}

void cmd_acl_setuser(struct cmd_call *c)
{
    struct engine *e = c->engine;

    if (!acl_name_is_valid(c->argv[2])) {
        reply_error(c->reply, "ERR Usernames can't contain spaces or null characters");
        return;
    }
    if (!may_say_rules(c))
        return;
    e->acl.opens_channels = e->settings.acl_channels == ACL_CHANNELS_ALL;
    struct err failed = acl_set_user(&e->acl, c->scratch, c->argv[2], c->argv + 3, c->argc - 3);
    if (err_failed(failed))
        reply_errorf(c->reply, "ERR %s", failed.why);
    else
        reply_ok(c->reply);
    if (!err_failed(failed))
        pubsub_judge(e, acl_find(&e->acl, c->argv[2]));
}

void cmd_acl_deluser(struct cmd_call *c)
{
    int64_t count = 0;

    for (uint32_t i = 2; i < c->argc; i++) {
        if (str_is(c->argv[i], "default")) {
            reply_error(c->reply, "ERR The 'default' user cannot be removed");
            return;
        }
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        struct acl_user *u = acl_remove(&c->engine->acl, c->argv[i]);

        if (!u)
            continue;
        /* Who removes itself hears of it. */
        if (c->client->user == u) {
            c->client->user = c->engine->acl.preset;
            c->client->is_authenticated = false;
            c->client->is_closing = true;
        }
        access_forget_user(c->engine, u);
        count++;
    }
    reply_int(c->reply, count);
}

/* ---- categories ---- */

static size_t reply_category(struct cmd_call *c, const struct command *table, size_t count,
                             uint32_t category)
{
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        const struct command *cmd = &table[i];

        if (!engine_shows(c->engine, c->client, cmd))
            continue;
        if (cmd->categories & category) {
            reply_bulk_text(c->reply, cmd->name);
            sent++;
        }
        sent += reply_category(c, cmd->subs, cmd->sub_count, category);
    }
    return sent;
}

void cmd_acl_cat(struct cmd_call *c)
{
    if (c->argc > 3) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 2) {
        reply_array(c->reply, COMMAND_CATEGORIES);
        for (int i = 0; i < COMMAND_CATEGORIES; i++)
            reply_bulk_text(c->reply, command_category_names[i]);
        return;
    }
    for (int i = 0; i < COMMAND_CATEGORIES; i++) {
        if (!str_is_nocase(c->argv[2], command_category_names[i]))
            continue;
        struct reply_mark mark = reply_open(c->reply);
        reply_close(c->reply, mark, '*', reply_category(c, command_table, command_count, 1U << i));
        return;
    }
    reply_errorf(c->reply, "ERR Unknown category '%.*s'",
                 (int)(c->argv[2].len < 128 ? c->argv[2].len : 128), c->argv[2].ptr);
}

/* ---- passwords and permissions to try ---- */

#define GENPASS_MAX_BITS 4096

void cmd_acl_genpass(struct cmd_call *c)
{
    unsigned char random[GENPASS_MAX_BITS / 8];
    char hex[2 * sizeof(random) + 1];
    int64_t bits = 256;

    if (c->argc > 3) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 3 && !call_int(c, 2, &bits))
        return;
    if (bits <= 0 || bits > GENPASS_MAX_BITS) {
        reply_errorf(c->reply,
                     "ERR ACL GENPASS argument must be the number of bits for the output password, "
                     "a positive number up to %d",
                     GENPASS_MAX_BITS);
        return;
    }
    size_t digits = (size_t)(bits + 3) / 4;
    rng_system_bytes(random, (digits + 1) / 2);
    digest_hex(random, (digits + 1) / 2, hex);
    reply_bulk(c->reply, hex, digits);
}

static void reply_verdict(struct cmd_call *c, const struct acl_user *u, const struct command *cmd,
                          enum acl_verdict verdict, struct str object)
{
    if (verdict == ACL_ALLOWED)
        reply_ok(c->reply);
    else if (verdict == ACL_NO_COMMAND)
        reply_bulkf(c->reply, "User %.*s has no permissions to run the '%s' command",
                    STR_ARG(u->name), cmd->name);
    else
        reply_bulkf(c->reply, "User %.*s has no permissions to access the '%.*s' %s",
                    STR_ARG(u->name), STR_ARG(object), acl_verdict_name(verdict));
}

void cmd_acl_dryrun(struct cmd_call *c)
{
    const struct acl_user *u = find_shown(c, c->argv[2]);
    const struct str *argv = c->argv + 3;
    uint32_t argc = c->argc - 3, arg;

    if (!u) {
        reply_errorf(c->reply, "ERR User '%.*s' not found", STR_ARG(c->argv[2]));
        return;
    }
    const struct command *cmd = engine_command(c->engine, c->client, argv, argc);
    if (!cmd) {
        reply_errorf(c->reply, "ERR Command '%.*s' not found", STR_ARG(argv[0]));
        return;
    }
    if (!engine_arity_fits(cmd, argc)) {
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command", cmd->name);
        return;
    }
    enum acl_verdict verdict = access_verdict(c, u, cmd, argv, argc, &arg);
    reply_verdict(c, u, cmd, verdict, argv[arg]);
}

/* ---- the log ---- */

static void reply_entry(struct cmd_call *c, const struct acl_log_entry *e)
{
    reply_map(c->reply, 10);
    reply_bulk_text(c->reply, "count");
    reply_int(c->reply, (int64_t)e->count);
    reply_bulk_text(c->reply, "reason");
    reply_bulk_text(c->reply, acl_verdict_name(e->verdict));
    reply_bulk_text(c->reply, "context");
    reply_bulk_text(c->reply, acl_context_name(e->context));
    reply_bulk_text(c->reply, "object");
    reply_bulk_str(c->reply, e->object);
    reply_bulk_text(c->reply, "username");
    reply_bulk_str(c->reply, e->user);
    reply_bulk_text(c->reply, "age-seconds");
    reply_double(c->reply, (double)(c->ks->now_ms - e->updated_ms) / 1000);
    reply_bulk_text(c->reply, "client-info");
    reply_bulk_text(c->reply, e->client_info);
    reply_bulk_text(c->reply, "entry-id");
    reply_int(c->reply, (int64_t)e->id);
    reply_bulk_text(c->reply, "timestamp-created");
    reply_int(c->reply, e->created_ms);
    reply_bulk_text(c->reply, "timestamp-last-updated");
    reply_int(c->reply, e->updated_ms);
}

void cmd_acl_log(struct cmd_call *c)
{
    struct acl_log *log = &c->engine->acl_log;
    int64_t wanted = 10;

    if (c->argc > 3) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 3 && call_is(c, 2, "reset")) {
        acl_log_trim(log, 0);
        reply_ok(c->reply);
        return;
    }
    if (c->argc == 3 && !call_int(c, 2, &wanted))
        return;
    size_t count = wanted < 0 ? 0 : (size_t)wanted;
    if (count > log->count)
        count = log->count;
    reply_array(c->reply, count);
    const struct acl_log_entry *e = log->newest;
    for (size_t i = 0; i < count; i++, e = e->next)
        reply_entry(c, e);
}

/* ---- the file ---- */

static bool has_file(struct cmd_call *c)
{
    if (*c->engine->settings.acl_file)
        return true;
    reply_error(c->reply,
                "ERR This instance is not configured to use an ACL file. You may want to specify "
                "users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you "
                "have a configuration file set) in order to store users in the configuration.");
    return false;
}

void cmd_acl_load(struct cmd_call *c)
{
    if (!has_file(c))
        return;
    struct err failed = access_load(c->engine, c->scratch);
    if (err_failed(failed))
        reply_errorf(c->reply, "ERR %s", failed.why);
    else
        reply_ok(c->reply);
}

void cmd_acl_save(struct cmd_call *c)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!has_file(c))
        return;
    acl_save(&c->engine->acl, &text);
    struct err failed =
        fs_write_atomic(c->engine->settings.acl_file, buf_str(&text), 0644, FS_SYNC);
    if (!err_failed(failed)) {
        reply_ok(c->reply);
        return;
    }
    log_warn("users not saved", f_str("file", c->engine->settings.acl_file), f_err(failed));
    reply_error(c->reply, "ERR There was an error trying to save the ACLs. Please check the server "
                          "logs for more information");
}

void cmd_acl_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "CAT [<category>]",
        "    List the categories, or the commands of one.",
        "DELUSER <username> [<username> ...]",
        "    Remove users and close their connections.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Say whether a user may run a command, without running it.",
        "GENPASS [<bits>]",
        "    Make up a password of 256 bits, or as many as wanted.",
        "GETUSER <username>",
        "    Show what a user may do.",
        "LIST",
        "    Show all users as lines of a configuration file.",
        "LOAD",
        "    Replace the users by those of the ACL file.",
        "LOG [<count> | RESET]",
        "    Show or forget what was refused lately.",
        "SAVE",
        "    Write the users to the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]",
        "    Create or change a user.",
        "USERS",
        "    List the names of the users.",
        "WHOAMI",
        "    Say as whom this connection is logged in.",
        NULL,
    };

    reply_help(c->reply, "ACL", lines);
}
