/*
 * Selectors: sets of permissions, made rule by rule. What is asked all day, the bits of commands,
 * is kept beside what is shown, the rules in their order; both follow from the same words.
 */
#include "base/command.h"
#include "cacheengine/acl/internal.h"

#include <ctype.h>

static size_t bit_words(void)
{
    return (command_id_count + 63) / 64;
}

void selector_init(struct arena *a, struct acl_selector *s, bool opens_channels)
{
    *s = (struct acl_selector){.all_channels = opens_channels};
    s->commands = arena_array(a, bit_words(), sizeof(*s->commands));
}

static struct str keep(struct arena *a, struct str s)
{
    return (struct str){arena_strndup(a, s.ptr, s.len), s.len};
}

void selector_copy(struct arena *a, struct acl_selector *to, const struct acl_selector *from)
{
    selector_init(a, to, from->all_channels);
    memcpy(to->commands, from->commands, bit_words() * sizeof(*to->commands));
    to->is_from_all = from->is_from_all;
    to->all_commands = from->all_commands;
    to->all_keys = from->all_keys;
    vec_each(rule, &from->rules)
        *vec_add(a, &to->rules) = (struct acl_rule){rule->allows, keep(a, rule->text)};
    vec_each(first, &from->first_args)
        *vec_add(a, &to->first_args) = (struct acl_first_arg){first->command, keep(a, first->word)};
    vec_each(pattern, &from->keys)
        *vec_add(a, &to->keys) = (struct acl_pattern){keep(a, pattern->text), pattern->access};
    vec_each(channel, &from->channels)
        *vec_add(a, &to->channels) = keep(a, *channel);
}

/* ---- commands ---- */

bool selector_has_command(const struct acl_selector *s, int id)
{
    return s->commands[id / 64] >> (id % 64) & 1;
}

static void set_bit(struct acl_selector *s, int id, bool allows)
{
    uint64_t bit = 1ULL << (id % 64);

    if (allows) {
        s->commands[id / 64] |= bit;
        return;
    }
    s->commands[id / 64] &= ~bit;
    s->all_commands = false;
}

static void forget_first_args(struct acl_selector *s, int id)
{
    size_t kept = 0;

    vec_each(first, &s->first_args)
        if (first->command != id)
            s->first_args.items[kept++] = *first;
    s->first_args.count = kept;
}

/* A command and its subcommands. */
static void set_command(struct acl_selector *s, const struct command *cmd, bool allows)
{
    set_bit(s, cmd->id, allows);
    forget_first_args(s, cmd->id);
    for (uint32_t i = 0; i < cmd->sub_count; i++)
        set_bit(s, cmd->subs[i].id, allows);
}

static void set_category(struct acl_selector *s, uint32_t category, bool allows)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *cmd = &command_table[i];

        if (cmd->categories & category)
            set_command(s, cmd, allows);
        for (uint32_t j = 0; j < cmd->sub_count; j++)
            if (cmd->subs[j].categories & category)
                set_bit(s, cmd->subs[j].id, allows);
    }
}

static void set_all(struct acl_selector *s, bool allows)
{
    memset(s->commands, allows ? 0xff : 0, bit_words() * sizeof(*s->commands));
    s->is_from_all = s->all_commands = allows;
    s->rules.count = 0;
    s->first_args.count = 0;
}

/* True when an older rule says nothing any more beside a new one: the same words, or a part of the
 * command that the new one is about. */
static bool is_superseded(struct str old, struct str by)
{
    if (old.len < by.len || memcmp(old.ptr, by.ptr, by.len) != 0)
        return false;
    return old.len == by.len || old.ptr[by.len] == '|';
}

static void note_rule(struct arena *a, struct acl_selector *s, struct str text, bool allows)
{
    size_t kept = 0;
    struct str lower = {str_lower(a, text), text.len};

    vec_each(rule, &s->rules)
        if (!is_superseded(rule->text, lower))
            s->rules.items[kept++] = *rule;
    s->rules.count = kept;
    *vec_add(a, &s->rules) = (struct acl_rule){allows, lower};
}

/* "get" or "config|set". */
static const struct command *find_command(struct str name)
{
    size_t bar = str_find(name, '|');

    if (bar == SIZE_MAX)
        return command_find(name.ptr, name.len);
    const struct command *parent = command_find(name.ptr, bar);
    return parent ? command_find_sub(parent, name.ptr + bar + 1, name.len - bar - 1) : NULL;
}

static const struct err unknown = {.code = ERR_NOT_FOUND,
                                   .why = "Unknown command or category name in ACL"};
static const struct err wrong_syntax = {.code = ERR_INVALID, .why = "Syntax error"};

static void add_first_arg(struct arena *a, struct acl_selector *s, int id, struct str word)
{
    vec_each(first, &s->first_args)
        if (first->command == id && str_is_nocase(word, first->word.ptr))
            return;
    *vec_add(a, &s->first_args) = (struct acl_first_arg){id, keep(a, word)};
}

/* "+select|0" of a command without subcommands. */
static struct err allow_first_arg(struct arena *a, struct acl_selector *s, struct str name)
{
    size_t bar = name.len;

    while (name.ptr[bar - 1] != '|')
        bar--;
    const struct command *cmd = find_command((struct str){name.ptr, bar - 1});
    if (!cmd)
        return unknown;
    if (cmd->parent)
        return err_make(ERR_INVALID, "Allowing first-arg of a subcommand is not supported");
    if (bar == name.len)
        return wrong_syntax;
    if (cmd->sub_count > 0)
        return unknown;
    add_first_arg(a, s, cmd->id, (struct str){name.ptr + bar, name.len - bar});
    note_rule(a, s, name, true);
    return OK;
}

static struct err apply_command(struct arena *a, struct acl_selector *s, struct str name,
                                bool allows)
{
    const struct command *cmd = find_command(name);

    if (!cmd && allows && str_find(name, '|') != SIZE_MAX)
        return allow_first_arg(a, s, name);
    if (!cmd)
        return unknown;
    set_command(s, cmd, allows);
    note_rule(a, s, str_of(cmd->name), allows);
    return OK;
}

static struct err apply_category(struct arena *a, struct acl_selector *s, struct str rule)
{
    struct str name = {rule.ptr + 2, rule.len - 2};

    for (int i = 0; i < COMMAND_CATEGORIES; i++) {
        if (!str_is_nocase(name, command_category_names[i]))
            continue;
        note_rule(a, s, (struct str){rule.ptr + 1, rule.len - 1}, rule.ptr[0] == '+');
        set_category(s, 1U << i, rule.ptr[0] == '+');
        return OK;
    }
    return unknown;
}

/* ---- keys and channels ---- */

/* Reads "~", "%R~", "%W~", "%RW~"; *p is moved behind it. 0 when it is none of them. */
static uint32_t parse_access(struct str rule, size_t *p)
{
    uint32_t access = 0;

    if (rule.ptr[0] == '~') {
        *p = 1;
        return ACL_READ | ACL_WRITE;
    }
    for (*p = 1; *p < rule.len; (*p)++) {
        char c = (char)toupper((unsigned char)rule.ptr[*p]);

        if (c == 'R' && !(access & ACL_READ)) {
            access |= ACL_READ;
        } else if (c == 'W' && !(access & ACL_WRITE)) {
            access |= ACL_WRITE;
        } else if (c == '~' && access) {
            (*p)++;
            return access;
        } else {
            return 0;
        }
    }
    return access;
}

static struct err apply_key(struct arena *a, struct acl_selector *s, struct str rule)
{
    size_t p;

    if (s->all_keys)
        return err_make(ERR_INVALID,
                        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid "
                        "and does not have any effect. Try 'resetkeys' to start with an empty list "
                        "of patterns");
    uint32_t access = parse_access(rule, &p);
    struct str text = {rule.ptr + p, rule.len - p};
    if (!access || !acl_name_is_valid(text))
        return wrong_syntax;
    vec_each(pattern, &s->keys) {
        if (!str_eq(pattern->text, text))
            continue;
        pattern->access |= access;
        return OK;
    }
    *vec_add(a, &s->keys) = (struct acl_pattern){keep(a, text), access};
    return OK;
}

static struct err apply_channel(struct arena *a, struct acl_selector *s, struct str rule)
{
    struct str text = {rule.ptr + 1, rule.len - 1};

    if (s->all_channels)
        return err_make(ERR_INVALID,
                        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not "
                        "valid and does not have any effect. Try 'resetchannels' to start with an "
                        "empty list of channels");
    if (!acl_name_is_valid(text))
        return wrong_syntax;
    vec_each(channel, &s->channels)
        if (str_eq(*channel, text))
            return OK;
    *vec_add(a, &s->channels) = keep(a, text);
    return OK;
}

struct err selector_apply(struct arena *a, struct acl_selector *s, struct str rule)
{
    if (str_is_nocase(rule, "allkeys") || str_is(rule, "~*")) {
        s->all_keys = true;
        s->keys.count = 0;
    } else if (str_is_nocase(rule, "resetkeys")) {
        s->all_keys = false;
        s->keys.count = 0;
    } else if (str_is_nocase(rule, "allchannels") || str_is(rule, "&*")) {
        s->all_channels = true;
        s->channels.count = 0;
    } else if (str_is_nocase(rule, "resetchannels")) {
        s->all_channels = false;
        s->channels.count = 0;
    } else if (str_is_nocase(rule, "allcommands") || str_is_nocase(rule, "+@all")) {
        set_all(s, true);
    } else if (str_is_nocase(rule, "nocommands") || str_is_nocase(rule, "-@all")) {
        set_all(s, false);
    } else if (rule.len > 0 && (rule.ptr[0] == '~' || rule.ptr[0] == '%')) {
        return apply_key(a, s, rule);
    } else if (rule.len > 0 && rule.ptr[0] == '&') {
        return apply_channel(a, s, rule);
    } else if (rule.len > 1 && (rule.ptr[0] == '+' || rule.ptr[0] == '-')) {
        if (rule.ptr[1] == '@')
            return apply_category(a, s, rule);
        return apply_command(a, s, (struct str){rule.ptr + 1, rule.len - 1}, rule.ptr[0] == '+');
    } else {
        return wrong_syntax;
    }
    return OK;
}
