/*
 * Reading an operation's options. Two passes: the first sorts words to options, the second sets the
 * input, so that --cli-input-json comes first wherever it stands and single options override it.
 */
#include "cli/commands/options.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "cli/commands/names.h"
#include "cli/commands/values.h"
#include "cli/commands/view.h"

#include <stddef.h>
#include <string.h>

enum fixed_kind {
    FIXED_TEXT,
    FIXED_NUMBER,
    FIXED_SWITCH,
    FIXED_JSON,
    FIXED_IGNORED,
    FIXED_DROPPED
};

/* What the fixed options leave behind; zeroed before the words are read. */
struct fixed {
    const char *endpoint_url, *region, *starting_token, *input_json;
    int64_t timeout_s, max_items, page_size;
    bool is_unsigned, is_unpaged, is_help, has_max_items, has_page_size, has_starting_token;
};

struct fixed_option {
    const char *name;
    const char *value; /* what the help calls it; NULL for a switch */
    enum fixed_kind kind;
    size_t at;       /* where the value goes in struct fixed */
    size_t has_at;   /* where to note that it was given, or 0 */
    const char *doc; /* NULL: not shown, there for aws-cli's sake */
};

#define AT(field) offsetof(struct fixed, field)
#define OPTION(name_, value_, kind_, field, doc_)                                           \
    {                                                                                       \
        .name = (name_), .value = (value_), .kind = (kind_), .at = AT(field), .doc = (doc_) \
    }
#define PAGE_OPTION(name_, value_, kind_, field, doc_)                        \
    {                                                                         \
        .name = (name_), .value = (value_), .kind = (kind_), .at = AT(field), \
        .has_at = AT(has_##field), .doc = (doc_)                              \
    }
#define OTHER(name_, value_, kind_)                         \
    {                                                       \
        .name = (name_), .value = (value_), .kind = (kind_) \
    }

static const struct fixed_option globals[] = {
    OPTION("--endpoint-url", "URL", FIXED_TEXT, endpoint_url,
           "where the service answers; where control planes stand by for one another: all, with "
           "commas between (default: $LARDER_ENDPOINT_URL, $AWS_ENDPOINT_URL, or "
           "http://127.0.0.1:9379)"),
    OPTION("--region", "NAME", FIXED_TEXT, region,
           "which region is meant (default: $AWS_REGION, $AWS_DEFAULT_REGION, or the service's "
           "first)"),
    OPTION("--cli-input-json", "JSON", FIXED_TEXT, input_json,
           "the whole input as JSON or file://PATH; other options override it"),
    OPTION("--cli-read-timeout", "SECONDS", FIXED_NUMBER, timeout_s,
           "how long to wait for an answer (default: 60)"),
    OPTION("--no-sign-request", NULL, FIXED_SWITCH, is_unsigned,
           "send the request unsigned, also where there are credentials"),
    OPTION("--output", "json", FIXED_JSON, input_json,
           "how results are shown; json is the only form"),
    OPTION("--help", NULL, FIXED_SWITCH, is_help, "shows this text"),
    OTHER("--no-cli-pager", NULL, FIXED_IGNORED),
    OTHER("--no-verify-ssl", NULL, FIXED_DROPPED),
    OTHER("--profile", "NAME", FIXED_DROPPED),
    OTHER("--query", "EXPRESSION", FIXED_DROPPED),
};

static const struct fixed_option paging[] = {
    PAGE_OPTION("--max-items", "N", FIXED_NUMBER, max_items,
                "show at most so many; the rest is behind NextToken"),
    PAGE_OPTION("--starting-token", "TOKEN", FIXED_TEXT, starting_token,
                "go on where an earlier NextToken ends"),
    PAGE_OPTION("--page-size", "N", FIXED_NUMBER, page_size, "how many to ask for in one request"),
    OPTION("--no-paginate", NULL, FIXED_SWITCH, is_unpaged,
           "make one request only and show its answer as it is"),
};

/* A member that was given, with its words. */
struct given {
    const struct shape_member *member;
    const char *option;
    char **words;
    size_t count;
};

struct parse {
    struct arena *arena;
    const struct op_desc *op;
    const struct paginator_desc *paginator;
    char **argv;
    int argc, at;
    char *inline_value; /* what stands behind the = of the current word, or NULL */
    struct fixed fixed;
    vec_of(struct given) given;
};

const struct paginator_desc *paginator_of(const struct service_desc *s, const char *op)
{
    for (size_t i = 0; i < s->paginator_count; i++)
        if (strcmp(s->paginators[i].op, op) == 0)
            return &s->paginators[i];
    return NULL;
}

static bool doc_of(const struct fixed_option *rows, size_t count, size_t index,
                   struct option_doc *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].doc)
            continue;
        if (index-- == 0) {
            *out = (struct option_doc){rows[i].name, rows[i].value, rows[i].doc};
            return true;
        }
    }
    return false;
}

bool options_global(size_t index, struct option_doc *out)
{
    return doc_of(globals, countof(globals), index, out);
}

bool options_paging(size_t index, struct option_doc *out)
{
    return doc_of(paging, countof(paging), index, out);
}

bool options_is_switch(const char *word)
{
    for (size_t i = 0; i < countof(globals); i++)
        if (strcmp(globals[i].name, word) == 0)
            return !globals[i].value;
    return true;
}

static const struct fixed_option *fixed_named(const struct parse *p, const char *name)
{
    for (size_t i = 0; i < countof(globals); i++)
        if (strcmp(globals[i].name, name) == 0)
            return &globals[i];
    for (size_t i = 0; p->paginator && i < countof(paging); i++)
        if (strcmp(paging[i].name, name) == 0)
            return &paging[i];
    /* An operation without pages has one page: the switch is harmless there, as in aws-cli. */
    return strcmp(name, "--no-paginate") == 0 ? &paging[countof(paging) - 1] : NULL;
}

static const char *member_option(struct arena *a, const struct shape_member *m)
{
    return arena_printf(a, "--%s", name_kebab(a, m->name));
}

/* The member that an option sets; `*out_no` says that it was --no-NAME of a boolean. */
static const struct shape_member *member_named(struct parse *p, const char *name, bool *out_no)
{
    for (size_t i = 0; i < p->op->in->member_count; i++) {
        const struct shape_member *m = &p->op->in->members[i];
        const char *option = member_option(p->arena, m);
        *out_no = false;
        if (strcmp(name, option) == 0)
            return m;
        *out_no = m->shape->kind == SHAPE_BOOLEAN;
        if (*out_no && strcmp(name, arena_printf(p->arena, "--no-%s", option + 2)) == 0)
            return m;
    }
    return NULL;
}

static struct err unknown_option(struct parse *p, const char *name)
{
    struct name_guess guess = {.typed = name};
    const char *kebab = name_kebab(p->arena, p->op->name);

    for (size_t i = 0; i < p->op->in->member_count; i++)
        name_guess_try(&guess, member_option(p->arena, &p->op->in->members[i]));
    for (size_t i = 0; i < countof(globals); i++)
        name_guess_try(&guess, globals[i].name);
    for (size_t i = 0; p->paginator && i < countof(paging); i++)
        name_guess_try(&guess, paging[i].name);
    if (guess.best)
        return err_format(p->arena, ERR_INVALID, "unknown option %s: did you mean %s?", name,
                          guess.best);
    return err_format(p->arena, ERR_INVALID, "unknown option %s: see larder %s --help", name,
                      kebab);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

/* The words that belong to the current option: what is behind its =, or what follows it. */
static size_t take_words(struct parse *p, size_t most, char ***out)
{
    size_t count = 0;

    if (p->inline_value) {
        *out = &p->inline_value;
        return 1;
    }
    *out = p->argv + p->at;
    while (count < most && p->at < p->argc && !is_option(p->argv[p->at])) {
        count++;
        p->at++;
    }
    return count;
}

static struct err needs_value(struct parse *p, const char *name)
{
    return err_format(p->arena, ERR_INVALID, "%s needs a value", name);
}

static struct err take_fixed(struct parse *p, const struct fixed_option *o)
{
    void *at = (char *)&p->fixed + o->at;
    char **words = NULL;

    if (o->kind == FIXED_DROPPED)
        return err_format(p->arena, ERR_INVALID,
                          "%s is an option of aws-cli that larder does not have", o->name);
    if (!o->value && p->inline_value)
        return err_format(p->arena, ERR_INVALID, "%s takes no value", o->name);
    if (o->value && take_words(p, 1, &words) == 0)
        return needs_value(p, o->name);
    if (o->has_at)
        *(bool *)((char *)&p->fixed + o->has_at) = true;
    switch (o->kind) {
    case FIXED_TEXT: *(const char **)at = words[0]; break;
    case FIXED_SWITCH: *(bool *)at = true; break;
    case FIXED_NUMBER:
        if (!str_to_i64(str_of(words[0]), at) || *(int64_t *)at < 0)
            return err_format(p->arena, ERR_INVALID, "%s: '%s' is not a whole number", o->name,
                              words[0]);
        break;
    case FIXED_JSON:
        if (strcmp(words[0], "json") != 0)
            return err_format(p->arena, ERR_INVALID, "--output %s: json is the only form",
                              words[0]);
        break;
    case FIXED_IGNORED:
    case FIXED_DROPPED: break;
    }
    return OK;
}

static struct err take_member(struct parse *p, const char *name, const struct shape_member *m,
                              bool is_no)
{
    static char yes[] = "true", no[] = "false";
    struct given g = {.member = m, .option = name, .count = 1};

    if (m->shape->kind == SHAPE_BOOLEAN) {
        if (p->inline_value)
            return err_format(p->arena, ERR_INVALID, "%s takes no value; there is --no-%s too",
                              name, name_kebab(p->arena, m->name));
        g.words = arena_new(p->arena, char *);
        g.words[0] = is_no ? no : yes;
    } else {
        char **words = NULL;
        g.count = take_words(p, value_takes_words(m->shape) ? (size_t)p->argc : 1, &words);
        if (g.count == 0)
            return needs_value(p, name);
        g.words = arena_memdup(p->arena, words, g.count * sizeof(*words));
    }
    *vec_add(p->arena, &p->given) = g;
    return OK;
}

static struct err take_option(struct parse *p)
{
    char *word = p->argv[p->at++], *equals = strchr(word, '=');
    bool is_no = false;

    if (strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        p->fixed.is_help = true;
        return OK;
    }
    if (!is_option(word))
        return err_format(p->arena, ERR_INVALID, "'%s' stands where an option is expected", word);
    const char *name = equals ? arena_strndup(p->arena, word, (size_t)(equals - word)) : word;
    p->inline_value = equals ? equals + 1 : NULL;

    const struct fixed_option *fixed = fixed_named(p, name);
    if (fixed)
        return take_fixed(p, fixed);
    const struct shape_member *member = member_named(p, name, &is_no);
    if (!member)
        return unknown_option(p, name);
    return take_member(p, name, member, is_no);
}

static struct err set_input(struct parse *p, void *input)
{
    const char *json;

    if (p->fixed.input_json) {
        TRY(value_text(p->arena, p->fixed.input_json, &json));
        struct err e = value_set_json(p->arena, p->op->in, json, input);
        if (err_failed(e))
            return err_format(p->arena, e.code, "--cli-input-json: %s", e.why);
    }
    vec_each(g, &p->given) {
        struct err e = value_set(p->arena, g->member, g->words, g->count, input);
        if (err_failed(e))
            return err_format(p->arena, e.code, "%s: %s", g->option, e.why);
    }
    return OK;
}

static struct err check_required(struct parse *p, void *input)
{
    scoped(buf_fini) struct buf missing = BUF_EMPTY;
    struct view root = {p->op->in, input}, value;

    for (size_t i = 0; i < p->op->in->member_count; i++) {
        const struct shape_member *m = &p->op->in->members[i];
        if (m->is_required && !view_member(root, m, &value))
            buf_printf(&missing, "%s%s", missing.len ? ", " : "", member_option(p->arena, m));
    }
    if (missing.len)
        return err_format(p->arena, ERR_INVALID, "the following arguments are required: %s",
                          buf_cstr(&missing));
    return OK;
}

static bool has_member(struct parse *p, void *input, const char *name)
{
    const struct shape_member *m = name ? shape_find(p->op->in, name) : NULL;
    struct view value;

    return m && view_member((struct view){p->op->in, input}, m, &value);
}

/* Who asks for a page by hand (Marker, MaxRecords) gets that page and no other, as in aws-cli. */
static struct err set_paging(struct parse *p, void *input, struct call_paging *out)
{
    const struct fixed *f = &p->fixed;
    const struct paginator_desc *pages = p->paginator;

    *out = (struct call_paging){.max_items = -1};
    if (!pages)
        return OK;
    out->is_on = !f->is_unpaged && !has_member(p, input, pages->in_token) &&
                 !has_member(p, input, pages->limit);
    if (!out->is_on && (f->has_max_items || f->has_page_size || f->has_starting_token))
        return err_make(ERR_INVALID,
                        "--max-items, --page-size and --starting-token go with automatic "
                        "paging only, not with --no-paginate or a page asked for by hand");
    out->starting_token = f->starting_token;
    if (f->has_max_items)
        out->max_items = f->max_items;
    if (f->has_page_size && pages->limit) {
        const struct shape_member *limit = shape_find(p->op->in, pages->limit);
        *(struct opt_int *)((char *)input + limit->offset) = INT_OF(f->page_size);
    }
    return OK;
}

struct err options_parse(struct arena *a, const struct service_desc *s, const struct op_desc *op,
                         int argc, char **argv, struct call_options *out)
{
    struct parse p = {
        .arena = a, .op = op, .argc = argc, .argv = argv, .paginator = paginator_of(s, op->name)};
    struct call_options options = {.input = arena_zalloc(a, op->in->size ? op->in->size : 1)};

    while (p.at < argc)
        TRY(take_option(&p));
    options.is_help = p.fixed.is_help;
    options.globals = (struct call_globals){p.fixed.endpoint_url, p.fixed.region, p.fixed.timeout_s,
                                            p.fixed.is_unsigned};
    if (!options.is_help) {
        TRY(set_input(&p, options.input));
        TRY(check_required(&p, options.input));
        TRY(set_paging(&p, options.input, &options.paging));
    }
    *out = options;
    return OK;
}
