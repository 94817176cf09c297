/* COMMAND: the table of commands, shown. */
#include "base/command.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/keyspace/glob.h"
#include "contract/command_procs.h"

static bool is_shown(const struct cmd_call *c, const struct command *cmd)
{
    return engine_shows(c->engine, c->client, cmd);
}

static size_t shown_count(const struct cmd_call *c, const struct command *table, size_t count)
{
    size_t shown = 0;

    for (size_t i = 0; i < count; i++)
        shown += is_shown(c, &table[i]);
    return shown;
}

/* A command by its name, "client|list" and "client list" forms not; NULL when kept from the client.
 */
static const struct command *named(const struct cmd_call *c, struct str name)
{
    struct str parent = str_cut(&name, '|');
    const struct command *cmd = command_find(parent.ptr, parent.len);

    if (!cmd || !is_shown(c, cmd))
        return NULL;
    if (!name.len)
        return cmd;
    const struct command *sub = command_find_sub(cmd, name.ptr, name.len);
    return sub && is_shown(c, sub) ? sub : NULL;
}

/* ---- COMMAND INFO ---- */

/* What the server alone needs to know; Redis does not tell it, either. */
#define FLAGS_UNTOLD CMD_MAY_REPLICATE

static void reply_flags(struct reply *r, unsigned bits, const char *const *names, unsigned count,
                        const char *prefix)
{
    char text[64];

    reply_set(r, (size_t)__builtin_popcount(bits));
    for (unsigned i = 0; i < count; i++) {
        if (!(bits & 1U << i))
            continue;
        snprintf(text, sizeof(text), "%s%s", prefix, names[i]);
        reply_status(r, text);
    }
}

static void reply_field(struct reply *r, const char *name, int64_t v)
{
    reply_bulk_text(r, name);
    reply_int(r, v);
}

static void reply_begin_search(struct reply *r, const struct command_keys *k)
{
    reply_bulk_text(r, "begin_search");
    reply_map(r, 2);
    reply_bulk_text(r, "type");
    reply_bulk_text(r, k->is_unknown ? "unknown" : k->keyword ? "keyword" : "index");
    reply_bulk_text(r, "spec");
    if (k->is_unknown) {
        reply_map(r, 0);
        return;
    }
    if (!k->keyword) {
        reply_map(r, 1);
        reply_field(r, "index", k->begin);
        return;
    }
    reply_map(r, 2);
    reply_bulk_text(r, "keyword");
    reply_bulk_text(r, k->keyword);
    reply_field(r, "startfrom", k->from);
}

static void reply_find_keys(struct reply *r, const struct command_keys *k)
{
    reply_bulk_text(r, "find_keys");
    reply_map(r, 2);
    reply_bulk_text(r, "type");
    reply_bulk_text(r, k->is_unknown ? "unknown" : k->is_counted ? "keynum" : "range");
    reply_bulk_text(r, "spec");
    if (k->is_unknown) {
        reply_map(r, 0);
        return;
    }
    reply_map(r, 3);
    if (k->is_counted) {
        reply_field(r, "keynumidx", k->count_at);
        reply_field(r, "firstkey", k->first);
        reply_field(r, "keystep", k->step);
        return;
    }
    reply_field(r, "lastkey", k->last);
    reply_field(r, "keystep", k->step);
    reply_field(r, "limit", k->limit);
}

static void reply_key_specs(struct reply *r, const struct command *cmd)
{
    reply_set(r, cmd->key_specs);
    for (uint32_t i = 0; i < cmd->key_specs; i++) {
        const struct command_keys *k = &cmd->keys[i];

        reply_map(r, k->notes ? 4 : 3);
        if (k->notes) {
            reply_bulk_text(r, "notes");
            reply_bulk_text(r, k->notes);
        }
        reply_bulk_text(r, "flags");
        reply_flags(r, k->flags, command_key_flag_names, COMMAND_KEY_FLAGS, "");
        reply_begin_search(r, k);
        reply_find_keys(r, k);
    }
}

static void reply_tips(struct reply *r, const struct command *cmd)
{
    size_t count = 0;

    while (cmd->tips && cmd->tips[count])
        count++;
    reply_set(r, count);
    for (size_t i = 0; i < count; i++)
        reply_bulk_text(r, cmd->tips[i]);
}

static void reply_command(struct cmd_call *c, const struct command *cmd)
{
    struct reply *r = c->reply;

    reply_array(r, 10);
    reply_bulk_text(r, cmd->name);
    reply_int(r, cmd->arity);
    reply_flags(r, cmd->flags & ~FLAGS_UNTOLD, command_flag_names, COMMAND_FLAGS, "");
    reply_int(r, cmd->first_key);
    reply_int(r, cmd->last_key);
    reply_int(r, cmd->key_step);
    reply_flags(r, cmd->categories, command_category_names, COMMAND_CATEGORIES, "@");
    reply_tips(r, cmd);
    reply_key_specs(r, cmd);
    reply_set(r, shown_count(c, cmd->subs, cmd->sub_count));
    for (uint32_t i = 0; i < cmd->sub_count; i++)
        if (is_shown(c, &cmd->subs[i]))
            reply_command(c, &cmd->subs[i]);
}

static void reply_all(struct cmd_call *c)
{
    reply_array(c->reply, shown_count(c, command_table, command_count));
    for (size_t i = 0; i < command_count; i++)
        if (is_shown(c, &command_table[i]))
            reply_command(c, &command_table[i]);
}

void cmd_command(struct cmd_call *c)
{
    reply_all(c);
}

void cmd_command_info(struct cmd_call *c)
{
    if (c->argc == 2) {
        reply_all(c);
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct command *cmd = named(c, c->argv[i]);

        if (cmd)
            reply_command(c, cmd);
        else
            reply_null(c->reply);
    }
}

void cmd_command_count(struct cmd_call *c)
{
    reply_int(c->reply, (int64_t)shown_count(c, command_table, command_count));
}

/* ---- COMMAND DOCS ---- */

static void reply_text_field(struct reply *r, const char *name, const char *text)
{
    reply_bulk_text(r, name);
    reply_bulk_text(r, text);
}

static void reply_history(struct reply *r, const struct command_history *h)
{
    size_t count = 0;

    while (h[count].since)
        count++;
    reply_bulk_text(r, "history");
    reply_set(r, count);
    for (size_t i = 0; i < count; i++) {
        reply_array(r, 2);
        reply_bulk_text(r, h[i].since);
        reply_bulk_text(r, h[i].text);
    }
}

static void reply_docs(struct cmd_call *c, const struct command *cmd)
{
    struct reply *r = c->reply;
    size_t subs = shown_count(c, cmd->subs, cmd->sub_count);

    reply_bulk_text(r, cmd->name);
    reply_map(r, 3 + (cmd->complexity != NULL) + cmd->is_deprecated + (cmd->history != NULL) +
                     (subs > 0));
    reply_text_field(r, "summary", cmd->summary);
    reply_text_field(r, "since", cmd->since);
    reply_text_field(r, "group", cmd->group);
    if (cmd->complexity)
        reply_text_field(r, "complexity", cmd->complexity);
    if (cmd->is_deprecated) {
        reply_bulk_text(r, "doc_flags");
        reply_set(r, 1);
        reply_status(r, "deprecated");
    }
    if (cmd->history)
        reply_history(r, cmd->history);
    if (subs == 0)
        return;
    reply_bulk_text(r, "subcommands");
    reply_map(r, subs);
    for (uint32_t i = 0; i < cmd->sub_count; i++)
        if (is_shown(c, &cmd->subs[i]))
            reply_docs(c, &cmd->subs[i]);
}

void cmd_command_docs(struct cmd_call *c)
{
    size_t count = 0;

    if (c->argc == 2) {
        reply_map(c->reply, shown_count(c, command_table, command_count));
        for (size_t i = 0; i < command_count; i++)
            if (is_shown(c, &command_table[i]))
                reply_docs(c, &command_table[i]);
        return;
    }
    struct reply_mark mark = reply_open(c->reply);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct command *cmd = named(c, c->argv[i]);

        if (!cmd)
            continue;
        reply_docs(c, cmd);
        count++;
    }
    reply_close(c->reply, mark, '%', count);
}

/* ---- COMMAND LIST ---- */

enum list_filter { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

static bool list_takes(const struct command *cmd, enum list_filter filter, struct str value)
{
    if (filter == LIST_ALL)
        return true;
    if (filter == LIST_PATTERN)
        return glob_match_nocase(value, str_of(cmd->name));
    for (unsigned i = 0; filter == LIST_CATEGORY && i < COMMAND_CATEGORIES; i++)
        if (str_is_nocase(value, command_category_names[i]))
            return cmd->categories & 1U << i;
    return false; /* there are no modules */
}

static size_t list_table(struct cmd_call *c, const struct command *table, size_t count,
                         enum list_filter filter, struct str value)
{
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_shown(c, &table[i]))
            continue;
        if (list_takes(&table[i], filter, value)) {
            reply_bulk_text(c->reply, table[i].name);
            sent++;
        }
        sent += list_table(c, table[i].subs, table[i].sub_count, filter, value);
    }
    return sent;
}

void cmd_command_list(struct cmd_call *c)
{
    enum list_filter filter = LIST_ALL;
    struct str value = {NULL, 0};

    if (c->argc == 5 && call_is(c, 2, "filterby")) {
        value = c->argv[4];
        if (call_is(c, 3, "module"))
            filter = LIST_MODULE;
        else if (call_is(c, 3, "aclcat"))
            filter = LIST_CATEGORY;
        else if (call_is(c, 3, "pattern"))
            filter = LIST_PATTERN;
    }
    if (c->argc > 2 && filter == LIST_ALL) {
        reply_syntax_error(c->reply);
        return;
    }
    struct reply_mark mark = reply_open(c->reply);
    size_t sent = list_table(c, command_table, command_count, filter, value);
    reply_close(c->reply, mark, '*', sent);
}

/* The keys of the command line from argument 2 on; false after an error was sent. */
static bool find_keys(struct cmd_call *c, const struct key_place **keys, uint32_t *count)
{
    const struct command *cmd = engine_command(c->engine, c->client, c->argv + 2, c->argc - 2);
    uint32_t argc = c->argc - 2;

    if (!cmd) {
        reply_error(c->reply, "ERR Invalid command specified");
        return false;
    }
    if (cmd->key_specs == 0) {
        reply_error(c->reply, "ERR The command has no key arguments");
        return false;
    }
    if (cmd->arity > 0 ? argc != (uint32_t)cmd->arity : argc < (uint32_t)-cmd->arity) {
        reply_error(c->reply, "ERR Invalid number of arguments specified for command");
        return false;
    }
    *keys = keys_find(c->scratch, cmd, c->argv + 2, argc, count);
    if (*count > 0 || (cmd->flags & CMD_NO_MANDATORY_KEYS))
        return true;
    reply_error(c->reply, "ERR Invalid arguments specified for command");
    return false;
}

void cmd_command_getkeys(struct cmd_call *c)
{
    const struct key_place *keys;
    uint32_t count;

    if (!find_keys(c, &keys, &count))
        return;
    reply_array(c->reply, count);
    for (uint32_t i = 0; i < count; i++)
        reply_bulk_str(c->reply, c->argv[2 + keys[i].arg]);
}

void cmd_command_getkeysandflags(struct cmd_call *c)
{
    const struct key_place *keys;
    uint32_t count;

    if (!find_keys(c, &keys, &count))
        return;
    reply_array(c->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        reply_array(c->reply, 2);
        reply_bulk_str(c->reply, c->argv[2 + keys[i].arg]);
        struct reply_mark mark = reply_open(c->reply);
        size_t flags = 0;
        for (int bit = 0; bit < COMMAND_KEY_FLAGS; bit++) {
            if (!(keys[i].flags & 1U << bit))
                continue;
            reply_status(c->reply, command_key_flag_names[bit]);
            flags++;
        }
        reply_close(c->reply, mark, '~', flags);
    }
}

void cmd_command_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe all commands.",
        "COUNT",
        "    Count the commands.",
        "DOCS [<command> [...]]",
        "    Document commands.",
        "GETKEYS <full-command>",
        "    Find the keys in a command's arguments.",
        "GETKEYSANDFLAGS <full-command>",
        "    The same, with what is done to each.",
        "INFO [<command> [...]]",
        "    Describe commands.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    List the names of commands.",
        NULL,
    };

    reply_help(c->reply, "COMMAND", lines);
}
