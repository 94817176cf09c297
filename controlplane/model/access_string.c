/*
 * A text is cut into rules once, each with the set of permissions that it belongs to: the user's
 * own or a selector in parentheses. Checking, keeping and telling an engine are loops over that
 * list.
 */
#include "controlplane/model/access_string.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/command.h"
#include "base/vec.h"
#include "contract/faults.h"

#include <string.h>
#include <strings.h>

#define OWN_SET 0 /* the user's own; selectors count from 1 */

struct rule {
    struct str text;
    int set;
};

struct rules {
    vec_of(struct rule) list;
    int sets;      /* the highest number */
    bool is_plain; /* only single spaces part the words */
    bool is_open;  /* a parenthesis is never closed */
};

/* Commands that no tenant may use. see: ElastiCache guide, "Restricted commands" */
static const char *const forbidden[] = {
    "acl|deluser",
    "acl|load",
    "acl|save",
    "acl|setuser",
    "bgrewriteaof",
    "bgsave",
    "cluster|addslots",
    "cluster|addslotsrange",
    "cluster|bumpepoch",
    "cluster|delslots",
    "cluster|delslotsrange",
    "cluster|failover",
    "cluster|flushslots",
    "cluster|forget",
    "cluster|links",
    "cluster|meet",
    "cluster|replicate",
    "cluster|reset",
    "cluster|saveconfig",
    "cluster|set-config-epoch",
    "cluster|setslot",
    "config",
    "debug",
    "migrate",
    "psync",
    "replicaof",
    "save",
    "slaveof",
    "shutdown",
    "sync",
};

/* --- cutting --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static struct str take_word(struct str *rest)
{
    size_t len = 0;

    while (len < rest->len && !is_space(rest->ptr[len]))
        len++;
    struct str word = {rest->ptr, len};
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return word;
}

static bool skip_spaces(struct str *rest)
{
    bool is_plain = rest->len == 0 || (rest->ptr[0] == ' ' && rest->len > 1);

    while (rest->len > 0 && is_space(rest->ptr[0])) {
        rest->ptr++;
        rest->len--;
        is_plain &= rest->len == 0 || !is_space(rest->ptr[0]);
    }
    return is_plain;
}

static struct rules cut(struct arena *a, struct str text)
{
    struct rules r = {.is_plain = text.len > 0 && !is_space(text.ptr[0])};
    int set = OWN_SET;

    for (skip_spaces(&text); text.len > 0;) {
        struct str word = take_word(&text);
        bool closes;

        r.is_plain &= skip_spaces(&text);
        if (set == OWN_SET && word.ptr[0] == '(') {
            set = ++r.sets;
            word = (struct str){word.ptr + 1, word.len - 1};
        }
        closes = set != OWN_SET && word.len > 0 && word.ptr[word.len - 1] == ')';
        word.len -= closes;
        if (word.len > 0)
            *vec_add(a, &r.list) = (struct rule){word, set};
        if (closes)
            set = OWN_SET;
    }
    r.is_open = set != OWN_SET;
    return r;
}

/* --- what a rule is --- */

static bool is_one_of(struct str word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is_nocase(word, words[i]))
            return true;
    return false;
}

#define IS_ONE_OF(word, ...)                              \
    is_one_of((word), (const char *const[]){__VA_ARGS__}, \
              countof(((const char *const[]){__VA_ARGS__})))

static bool is_state(struct str rule)
{
    return IS_ONE_OF(rule, "on", "off");
}

static bool is_base(struct str rule)
{
    return IS_ONE_OF(rule, "+@all", "-@all", "allcommands", "nocommands");
}

static bool is_about_commands(struct str rule)
{
    return is_base(rule) || rule.ptr[0] == '+' || rule.ptr[0] == '-';
}

/* --- checking --- */

static struct err refuse(struct arena *a, struct str rule, const char *why)
{
    return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                      "Invalid rule %.*s in the access string: %s.", STR_ARG(rule), why);
}

/* "config" stands for its subcommands as well. */
static bool is_forbidden(struct str name)
{
    size_t bar = str_find(name, '|');
    struct str parent = {name.ptr, bar == SIZE_MAX ? name.len : bar};

    return is_one_of(name, forbidden, countof(forbidden)) ||
           is_one_of(parent, forbidden, countof(forbidden));
}

static struct err check_category(struct arena *a, struct str rule)
{
    struct str name = {rule.ptr + 2, rule.len - 2};

    return is_one_of(name, command_category_names, COMMAND_CATEGORIES)
               ? OK
               : refuse(a, rule, "there is no such category");
}

static struct err check_part(struct arena *a, struct str rule, const struct command *parent,
                             struct str part)
{
    const struct command *sub = command_find_sub(parent, part.ptr, part.len);

    if (sub)
        return sub->is_restricted || sub->is_internal ? refuse(a, rule, "the command is restricted")
                                                      : OK;
    if (parent->sub_count > 0 || part.len == 0)
        return refuse(a, rule, "there is no such subcommand");
    if (rule.ptr[0] == '-' || str_find(part, '|') != SIZE_MAX)
        return refuse(a, rule, "first arguments can only be allowed, one by one");
    return OK;
}

static struct err check_command(struct arena *a, struct str rule)
{
    struct str name = {rule.ptr + 1, rule.len - 1};
    size_t bar = str_find(name, '|');

    if (is_forbidden(name))
        return refuse(a, rule, "the command is restricted");
    struct str parent = {name.ptr, bar == SIZE_MAX ? name.len : bar};
    const struct command *cmd = parent.len > 0 ? command_find(parent.ptr, parent.len) : NULL;
    if (!cmd || cmd->is_internal)
        return refuse(a, rule, "there is no such command");
    if (cmd->is_restricted)
        return refuse(a, rule, "the command is restricted");
    if (bar == SIZE_MAX)
        return OK;
    return check_part(a, rule, cmd, (struct str){name.ptr + bar + 1, name.len - bar - 1});
}

/* "~", "%R~", "%W~", "%RW~": how many bytes stand before the pattern; 0 when it is none of them. */
static size_t key_prefix(struct str rule)
{
    static const char *const prefixes[] = {"~", "%R~", "%W~", "%RW~", "%WR~"};

    for (size_t i = 0; i < countof(prefixes); i++) {
        size_t len = strlen(prefixes[i]);
        if (rule.len >= len && str_is_nocase((struct str){rule.ptr, len}, prefixes[i]))
            return len;
    }
    return 0;
}

/* What a set has been given so far: a pattern beside all of them would say nothing. */
struct reach {
    bool all_keys, all_channels;
};

static struct err check_pattern(struct arena *a, struct str rule, struct reach *reach)
{
    bool is_channel = rule.ptr[0] == '&';
    bool *all = is_channel ? &reach->all_channels : &reach->all_keys;

    if (!is_channel && key_prefix(rule) == 0)
        return refuse(a, rule,
                      "keys are given as ~pattern, %R~pattern, %W~pattern or "
                      "%RW~pattern");
    if (str_is(rule, "~*") || str_is(rule, "&*")) {
        *all = true;
        return OK;
    }
    return *all ? refuse(a, rule, "it follows a rule that allows all of them") : OK;
}

static struct err check_rule(struct arena *a, const struct rule *r, struct reach *reach)
{
    struct str rule = r->text;

    if (IS_ONE_OF(rule, "allkeys", "resetkeys")) {
        reach->all_keys = str_is_nocase(rule, "allkeys");
    } else if (IS_ONE_OF(rule, "allchannels", "resetchannels")) {
        reach->all_channels = str_is_nocase(rule, "allchannels");
    } else if (memchr("~%&", rule.ptr[0], 3)) {
        return check_pattern(a, rule, reach);
    } else if (is_base(rule)) {
        return OK;
    } else if (rule.len > 1 && memchr("+-", rule.ptr[0], 2)) {
        return rule.ptr[1] == '@' ? check_category(a, rule) : check_command(a, rule);
    } else if (memchr("><#!", rule.ptr[0], 4) || IS_ONE_OF(rule, "nopass", "resetpass", "reset")) {
        /* Not told again: it may hold a password. */
        return err_make(FAULT_INVALID_PARAMETER_VALUE,
                        "Rules about passwords are not allowed in an access string.");
    } else if (r->set != OWN_SET || !(is_state(rule) || str_is_nocase(rule, "clearselectors"))) {
        return refuse(a, rule, "it is not known");
    }
    return OK;
}

static struct err check_rules(struct arena *a, const struct rules *r)
{
    struct reach *reaches = arena_array(a, (size_t)r->sets + 1, sizeof(*reaches));
    bool *is_said = arena_array(a, (size_t)r->sets + 1, sizeof(*is_said));

    vec_each(rule, &r->list) {
        TRY(check_rule(a, rule, &reaches[rule->set]));
        is_said[rule->set] = true;
    }
    for (int set = 1; set <= r->sets; set++)
        if (!is_said[set])
            return err_make(FAULT_INVALID_PARAMETER_VALUE,
                            "A selector in the access string has no rules.");
    return r->is_open ? err_make(FAULT_INVALID_PARAMETER_VALUE,
                                 "A parenthesis in the access string is never closed.")
                      : OK;
}

/* --- keeping --- */

static void put_word(struct buf *out, struct str word)
{
    if (out->len > 0 && out->ptr[out->len - 1] != '(')
        buf_putc(out, ' ');
    buf_add_str(out, word);
}

/* Opens and closes parentheses on the way from one set to the next. */
static void change_set(struct buf *out, int from, int to)
{
    if (from == to)
        return;
    if (from != OWN_SET)
        buf_putc(out, ')');
    if (to != OWN_SET)
        put_word(out, STR("("));
}

struct summary {
    struct str state; /* the last one said; empty for none */
    bool begins_with_state, says_base, says_commands;
};

static struct summary summarize(const struct rules *r)
{
    struct summary s = {0};
    int states = 0;

    vec_each(rule, &r->list) {
        if (rule->set != OWN_SET)
            continue;
        if (is_state(rule->text)) {
            s.state = rule->text;
            states++;
        }
        s.says_base |= is_base(rule->text);
        s.says_commands |= is_about_commands(rule->text);
    }
    s.begins_with_state =
        states == 1 && r->list.items[0].set == OWN_SET && is_state(r->list.items[0].text);
    return s;
}

static const char *rebuild(struct arena *a, const struct rules *r, const struct summary *s)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    bool needs_base = !s->says_base;
    int set = OWN_SET;

    put_word(&out, s->state.len > 0 ? s->state : STR("off"));
    vec_each(rule, &r->list) {
        if (rule->set == OWN_SET && is_state(rule->text))
            continue;
        change_set(&out, set, rule->set);
        set = rule->set;
        if (needs_base && set == OWN_SET && is_about_commands(rule->text)) {
            put_word(&out, STR("-@all"));
            needs_base = false;
        }
        put_word(&out, rule->text);
    }
    change_set(&out, set, OWN_SET);
    if (needs_base)
        put_word(&out, STR("-@all"));
    return str_dup(a, buf_str(&out));
}

struct err access_string_read(struct arena *a, const char *text, const char **out)
{
    if (strlen(text) > ACCESS_STRING_MAX)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The access string must not be longer than %d characters.",
                          ACCESS_STRING_MAX);
    struct rules r = cut(a, str_of(text));
    if (r.list.count == 0)
        return err_make(FAULT_INVALID_PARAMETER_VALUE, "The access string must not be empty.");
    TRY(check_rules(a, &r));
    struct summary s = summarize(&r);
    bool is_whole = r.is_plain && s.begins_with_state && s.says_base;
    *out = is_whole ? arena_strdup(a, text) : rebuild(a, &r, &s);
    return OK;
}

/* --- versions --- */

static bool needs_7(const struct rule *r)
{
    struct str rule = r->text;
    size_t bar = str_find(rule, '|');

    return r->set != OWN_SET || rule.ptr[0] == '%' || str_is_nocase(rule, "clearselectors") ||
           (rule.ptr[0] == '-' && bar != SIZE_MAX);
}

static bool needs_6_2(const struct rule *r)
{
    return r->text.ptr[0] == '&' || IS_ONE_OF(r->text, "allchannels", "resetchannels");
}

const char *access_string_since(const char *text)
{
    scoped(arena_fini) struct arena a = {0};
    struct rules r = cut(&a, str_of(text));
    const char *since = "6.0";

    vec_each(rule, &r.list) {
        if (needs_7(rule))
            return "7.0";
        if (needs_6_2(rule))
            since = "6.2";
    }
    return since;
}

/* --- for engines --- */

/* A name with a bar or without, or NULL. */
static const struct command *find(const char *name)
{
    const char *bar = strchr(name, '|');
    const struct command *parent = command_find(name, bar ? (size_t)(bar - name) : strlen(name));

    return parent && bar ? command_find_sub(parent, bar + 1, strlen(bar + 1)) : parent;
}

/* Its own and those of its subcommands, which a rule may give one by one. */
static uint32_t categories_of(const struct command *cmd)
{
    uint32_t categories = cmd->categories;

    for (uint32_t i = 0; i < cmd->sub_count; i++)
        categories |= cmd->subs[i].categories;
    return categories;
}

/* What the rules of one set may give, whatever they take back: too much does no harm. */
struct gift {
    bool everything;
    uint32_t categories;
    const struct rules *rules;
    int set;
};

static struct gift gift_of(const struct rules *r, int set)
{
    struct gift g = {.rules = r, .set = set};

    vec_each(rule, &r->list) {
        if (rule->set != set)
            continue;
        g.everything |= IS_ONE_OF(rule->text, "+@all", "allcommands");
        for (int i = 0; i < COMMAND_CATEGORIES && str_starts(rule->text, "+@"); i++)
            if (str_is_nocase((struct str){rule->text.ptr + 2, rule->text.len - 2},
                              command_category_names[i]))
                g.categories |= 1U << i;
    }
    return g;
}

/* "+acl" gives what is forbidden of it. */
static bool gives_parent(const struct gift *g, const char *name)
{
    const char *bar = strchr(name, '|');

    vec_each(rule, &g->rules->list)
        if (bar && rule->set == g->set && rule->text.len == (size_t)(bar - name) + 1 &&
            rule->text.ptr[0] == '+' &&
            strncasecmp(rule->text.ptr + 1, name, (size_t)(bar - name)) == 0)
            return true;
    return false;
}

static void take_back(const struct gift *g, bool is_bundled, struct buf *out)
{
    for (size_t i = 0; i < countof(forbidden); i++) {
        const struct command *cmd = find(forbidden[i]);
        uint32_t categories = cmd ? categories_of(cmd) : UINT32_MAX;

        if (!cmd && is_bundled)
            continue;
        if (!g->everything && !(g->categories & categories) && !gives_parent(g, forbidden[i]))
            continue;
        put_word(out, STR("-"));
        buf_puts(out, forbidden[i]);
    }
}

/* A pattern of channels is refused where new users may hear all of them anyway. */
static bool limits_channels(const struct rules *r)
{
    vec_each(rule, &r->list)
        if (rule->set == OWN_SET && rule->text.ptr[0] == '&' && !str_is(rule->text, "&*"))
            return true;
    return false;
}

/* Selectors that a later rule clears are none. */
static void drop_cleared(struct rules *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->list.count; i++) {
        struct rule rule = r->list.items[i];
        size_t from = kept;

        if (rule.set == OWN_SET && str_is_nocase(rule.text, "clearselectors")) {
            kept = 0;
            for (size_t k = 0; k < from; k++)
                if (r->list.items[k].set == OWN_SET)
                    r->list.items[kept++] = r->list.items[k];
        } else {
            r->list.items[kept++] = rule;
        }
    }
    r->list.count = kept;
}

static bool has_set(const struct rules *r, int set)
{
    vec_each(rule, &r->list)
        if (rule->set == set)
            return true;
    return false;
}

void access_string_rules(struct str text, bool is_bundled, struct buf *out)
{
    scoped(arena_fini) struct arena a = {0};
    struct rules r = cut(&a, text);

    drop_cleared(&r);
    if (limits_channels(&r))
        put_word(out, STR("resetchannels"));
    vec_each(rule, &r.list)
        if (rule->set == OWN_SET)
            put_word(out, rule->text);
    struct gift own = gift_of(&r, OWN_SET);
    take_back(&own, is_bundled, out);
    for (int set = 1; set <= r.sets; set++) {
        struct gift gift = gift_of(&r, set);

        if (!has_set(&r, set))
            continue;
        put_word(out, STR("("));
        vec_each(rule, &r.list)
            if (rule->set == set)
                put_word(out, rule->text);
        take_back(&gift, is_bundled, out);
        buf_putc(out, ')');
    }
}
