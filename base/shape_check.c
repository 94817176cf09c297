/*
 * One recursive walk over a value. Sentences have the form that the hosted services use for what
 * their models forbid, so that people find them where they are used to look.
 */
#include "base/shape_check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/shape_text.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX_BYTES 256 /* of a value in a sentence */
#define MAX_DEPTH       32

struct pattern {
    const struct shape *shape;
    regex_t compiled;
};

struct shape_patterns {
    struct pattern *items; /* sorted by address of the shape */
    size_t count;
};

/* Where the walk stands: a chain on the stack, turned into text only when something is wrong. */
struct place {
    const struct place *outer;
    const struct shape_member *member; /* or an item: */
    const char *item_name;
    size_t index;
};

struct checker {
    struct arena *arena;
    const struct shape_patterns *patterns;
    struct shape_breach *breach;
};

/* Stands in for the shape of values that a sentence must not repeat. */
static const struct shape not_shown = {.kind = SHAPE_STRING, .is_sensitive = true};

static int by_shape(const void *a, const void *b)
{
    const struct pattern *left = a, *right = b;

    return left->shape < right->shape ? -1 : left->shape > right->shape;
}

static bool has_pattern(const struct shape_patterns *p, const struct shape *s)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].shape == s)
            return true;
    return false;
}

static void compile(struct shape_patterns *p, const struct shape *s, int depth)
{
    if (s->pattern && !has_pattern(p, s)) {
        p->items = realloc(p->items, (p->count + 1) * sizeof(*p->items));
        check(p->items != NULL);
        struct pattern *added = &p->items[p->count++];
        added->shape = s;
        check(regcomp(&added->compiled, s->pattern, REG_EXTENDED | REG_NOSUB) == 0);
    }
    if (depth == MAX_DEPTH)
        return;
    if (s->item)
        compile(p, s->item, depth + 1);
    for (size_t i = 0; i < s->member_count; i++)
        compile(p, s->members[i].shape, depth + 1);
}

struct shape_patterns *shape_patterns_new(const struct service_desc *const *services, size_t count)
{
    struct shape_patterns *p = calloc(1, sizeof(*p));

    check(p != NULL);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < services[i]->op_count; k++)
            compile(p, services[i]->ops[k].in, 0);
    if (p->count)
        qsort(p->items, p->count, sizeof(*p->items), by_shape);
    return p;
}

void shape_patterns_free(struct shape_patterns *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        regfree(&p->items[i].compiled);
    free(p->items);
    free(p);
}

static bool pattern_fits(const struct shape_patterns *p, const struct shape *s, const char *text)
{
    struct pattern key = {.shape = s};
    const struct pattern *found = NULL;

    if (p && p->count)
        found = bsearch(&key, p->items, p->count, sizeof(*p->items), by_shape);
    return !found || regexec(&found->compiled, text, 0, NULL, 0) == 0;
}

static void place_write(struct buf *out, const struct place *p)
{
    if (!p)
        return;
    place_write(out, p->outer);
    if (out->len)
        buf_putc(out, '.');
    if (p->member)
        buf_puts(out, p->member->wire);
    else
        buf_printf(out, "%s.%zu", p->item_name, p->index + 1);
}

/* "AZMode" to "azMode", "ARN" to "arn": the leading capitals, but the last when a word follows. */
static void write_lower_camel(struct buf *out, const char *name)
{
    size_t i = 0;

    for (; isupper((unsigned char)name[i]); i++) {
        if (i > 0 && islower((unsigned char)name[i + 1]))
            break;
        buf_putc(out, (char)tolower((unsigned char)name[i]));
    }
    buf_puts(out, name + i);
}

/* "tags.1.member.key": how the hosted services name places in their sentences. */
static void place_write_camel(struct buf *out, const struct place *p)
{
    if (!p)
        return;
    place_write_camel(out, p->outer);
    if (out->len)
        buf_putc(out, '.');
    if (p->member)
        write_lower_camel(out, p->member->name);
    else
        buf_printf(out, "%zu.member", p->index + 1);
}

static const char *buf_keep(struct arena *a, struct buf *b)
{
    return str_dup(a, buf_str(b));
}

/* The value in quotes, cut at a character when it is long; nothing when it is secret or no single
 * one. */
static void write_shown(struct buf *out, const struct shape *s, const void *value)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct str shown;

    if (s->is_sensitive || !shape_is_scalar(s))
        return;
    shape_text_write(&text, s, value);
    shown = str_shorten(buf_str(&text), SHOWN_MAX_BYTES);
    buf_printf(out, "'%.*s%s' ", STR_ARG(shown), shown.len < text.len ? "..." : "");
}

static bool fail(struct checker *c, const struct place *p, const struct shape *s, const void *value,
                 const char *constraint)
{
    scoped(buf_fini) struct buf path = BUF_EMPTY;
    scoped(buf_fini) struct buf why = BUF_EMPTY;

    place_write(&path, p);
    buf_puts(&why, "Value ");
    if (value)
        write_shown(&why, s, value);
    else
        buf_puts(&why, "null ");
    buf_puts(&why, "at '");
    scoped(buf_fini) struct buf camel = BUF_EMPTY;
    place_write_camel(&camel, p);
    buf_add_str(&why, buf_str(&camel));
    buf_puts(&why, "' failed to satisfy constraint: Member must ");
    buf_puts(&why, constraint);
    *c->breach =
        (struct shape_breach){.path = buf_keep(c->arena, &path), .why = buf_keep(c->arena, &why)};
    return false;
}

static bool check_range(struct checker *c, const struct place *p, const struct shape *s,
                        const void *value, int64_t size, const char *what)
{
    if (s->has_min && size < s->min)
        return fail(c, p, s, value,
                    arena_printf(c->arena, "have %s greater than or equal to %lld", what,
                                 (long long)s->min));
    if (s->has_max && size > s->max)
        return fail(
            c, p, s, value,
            arena_printf(c->arena, "have %s less than or equal to %lld", what, (long long)s->max));
    return true;
}

static bool enum_has(const struct shape *s, const char *text)
{
    for (size_t i = 0; i < s->value_count; i++)
        if (strcmp(s->values[i], text) == 0)
            return true;
    return false;
}

static bool fail_enum(struct checker *c, const struct place *p, const struct shape *s,
                      const void *value)
{
    scoped(buf_fini) struct buf set = BUF_EMPTY;

    buf_puts(&set, "satisfy enum value set: [");
    for (size_t i = 0; i < s->value_count; i++)
        buf_printf(&set, "%s%s", i ? ", " : "", s->values[i]);
    buf_putc(&set, ']');
    return fail(c, p, s, value, buf_cstr(&set));
}

/* XML 1.0 has no way to write these, so a value that holds one could never be read back. */
static bool is_printable(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r')
            return false;
        if (p[0] == 0xef && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf))
            return false;
    }
    return true;
}

static int64_t count_characters(const char *text)
{
    int64_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool check_string(struct checker *c, const struct place *p, const struct shape *s,
                         const void *value)
{
    const char *text = *(const char *const *)value;

    if (!text)
        return fail(c, p, s, NULL, "not be null");
    if (!is_printable(text))
        return fail(c, p, &not_shown, value, "not contain control characters");
    if (s->values && !enum_has(s, text))
        return fail_enum(c, p, s, value);
    if ((s->has_min || s->has_max) &&
        !check_range(c, p, s, value, count_characters(text), "length"))
        return false;
    if (s->pattern && !pattern_fits(c->patterns, s, text))
        return fail(c, p, s, value,
                    arena_printf(c->arena, "satisfy regular expression pattern: %s",
                                 s->pattern_text ? s->pattern_text : s->pattern));
    return true;
}

static bool check_value(struct checker *c, const struct place *p, const struct shape *s,
                        const void *value);

static bool check_struct(struct checker *c, const struct place *p, const struct shape *s,
                         const void *value)
{
    for (size_t i = 0; i < s->member_count; i++) {
        const struct shape_member *m = &s->members[i];
        const void *member = shape_value(m, value);
        struct place here = {.outer = p, .member = m};
        if (!member && m->is_required) {
            fail(c, &here, m->shape, NULL, "not be null");
            c->breach->missing = m;
            return false;
        }
        if (member && !check_value(c, &here, m->shape, member))
            return false;
    }
    return true;
}

static bool check_entries(struct checker *c, const struct place *p, const struct shape *s,
                          const struct shape_seq *seq)
{
    if (!check_range(c, p, s, seq, (int64_t)seq->count, "length"))
        return false;
    for (size_t i = 0; i < seq->count; i++) {
        struct place here = {.outer = p, .item_name = s->item_name, .index = i};
        if (!check_value(c, &here, s->item, shape_entry(s, seq, i)))
            return false;
    }
    return true;
}

static bool check_value(struct checker *c, const struct place *p, const struct shape *s,
                        const void *value)
{
    switch (s->kind) {
    case SHAPE_STRING: return check_string(c, p, s, value);
    case SHAPE_STRUCT: return check_struct(c, p, s, value);
    case SHAPE_LIST:
    case SHAPE_MAP: return check_entries(c, p, s, value);
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        return check_range(c, p, s, value, ((const struct opt_int *)value)->value, "value");
    case SHAPE_DOUBLE:
    case SHAPE_BOOLEAN:
    case SHAPE_TIMESTAMP:
    case SHAPE_BLOB: break;
    }
    return true;
}

bool shape_check(struct arena *a, const struct shape_patterns *p, const struct shape *s,
                 const void *value, struct shape_breach *out)
{
    struct checker c = {.arena = a, .patterns = p, .breach = out};

    return check_value(&c, NULL, s, value);
}
