/*
 * A hand-written reader of the shorthand grammar. The one subtle rule: in `a=b,c,d=e` a comma may
 * go on with a list of plain values or begin the next key, and only the `=` behind the word tells.
 */
#include "cli/commands/shorthand.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

#include <ctype.h>
#include <string.h>

enum { SHORTHAND_DEPTH_MAX = 32 };

struct reader {
    struct arena *arena;
    const char *text; /* the whole input, for messages */
    const char *at;
    int depth;
};

static struct err read_value(struct reader *r, struct shorthand *out);

static void skip_space(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static struct err expected(const struct reader *r, const char *what)
{
    const char *got = *r->at ? arena_printf(r->arena, "'%c'", *r->at) : "the end";
    return err_format(r->arena, ERR_INVALID, "expected %s, received %s for input:\n%s\n%*s^", what,
                      got, r->text, (int)(r->at - r->text), "");
}

static struct err expect(struct reader *r, char c)
{
    skip_space(r);
    if (*r->at != c)
        return expected(r, arena_printf(r->arena, "'%c'", c));
    r->at++;
    skip_space(r);
    return OK;
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("-_.#/:", c));
}

static struct err read_key(struct reader *r, const char **out)
{
    const char *start = r->at;

    while (is_key_char(*r->at))
        r->at++;
    if (r->at == start)
        return expected(r, "a key");
    *out = arena_strndup(r->arena, start, (size_t)(r->at - start));
    return expect(r, '=');
}

/* 'text' or "text"; a backslash keeps the quote and itself. */
static struct err read_quoted(struct reader *r, const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char quote = *r->at++;

    for (; *r->at != quote; r->at++) {
        if (*r->at == '\\' && (r->at[1] == quote || r->at[1] == '\\'))
            r->at++;
        if (*r->at == '\0')
            return expected(r, "a closing quote");
        buf_putc(&text, *r->at);
    }
    r->at++;
    *out = str_dup(r->arena, buf_str(&text));
    return OK;
}

/* A bare word up to a comma (unless escaped) or a closing bracket; blanks at its end are not of it.
 */
static void read_bare(struct reader *r, const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (; *r->at && !strchr(",]}", *r->at); r->at++) {
        if (*r->at == '\\' && r->at[1] == ',')
            r->at++;
        buf_putc(&text, *r->at);
    }
    *out = str_dup(r->arena, str_trim(buf_str(&text)));
}

static struct err read_text(struct reader *r, struct shorthand *out)
{
    *out = (struct shorthand){.kind = SHORTHAND_TEXT};
    if (*r->at == '\'' || *r->at == '"')
        return read_quoted(r, &out->text);
    read_bare(r, &out->text);
    return OK;
}

static struct err read_list(struct reader *r, struct shorthand *out)
{
    vec_of(struct shorthand) items = VEC_EMPTY;

    TRY(expect(r, '['));
    while (*r->at != ']') {
        TRY(read_value(r, vec_add(r->arena, &items)));
        skip_space(r);
        if (*r->at != ']')
            TRY(expect(r, ','));
    }
    r->at++;
    *out = (struct shorthand){.kind = SHORTHAND_LIST, .items = items.items, .count = items.count};
    return OK;
}

typedef struct err (*read_item_fn)(struct reader *r, struct shorthand *out);

/* key=item pairs up to `end` ('\0' or '}'), which stays to be read. */
static struct err read_pairs(struct reader *r, char end, read_item_fn read_item,
                             struct shorthand *out)
{
    vec_of(struct shorthand) items = VEC_EMPTY;
    vec_of(const char *) keys = VEC_EMPTY;

    while (*r->at != end) {
        const char *key = NULL;
        TRY(read_key(r, &key));
        vec_each(other, &keys)
            if (strcmp(*other, key) == 0)
                return err_format(r->arena, ERR_INVALID, "the key %s stands twice in:\n%s", key,
                                  r->text);
        *vec_add(r->arena, &keys) = key;
        TRY(read_item(r, vec_add(r->arena, &items)));
        skip_space(r);
        if (*r->at != end)
            TRY(expect(r, ','));
    }
    *out = (struct shorthand){
        .kind = SHORTHAND_MAP, .keys = keys.items, .items = items.items, .count = items.count};
    return OK;
}

static struct err read_map(struct reader *r, struct shorthand *out)
{
    TRY(expect(r, '{'));
    TRY(read_pairs(r, '}', read_value, out));
    r->at++;
    return OK;
}

static struct err read_value(struct reader *r, struct shorthand *out)
{
    if (*r->at != '[' && *r->at != '{')
        return read_text(r, out);
    if (r->depth >= SHORTHAND_DEPTH_MAX)
        return err_make(ERR_LIMIT, "lists and braces stand too deep in each other");
    r->depth++;
    TRY(*r->at == '[' ? read_list(r, out) : read_map(r, out));
    r->depth--;
    return OK;
}

/* True when what follows the comma at `r->at` begins with `key=`. */
static bool key_follows(const struct reader *r)
{
    const char *at = r->at + 1;

    while (isspace((unsigned char)*at))
        at++;
    const char *start = at;
    while (is_key_char(*at))
        at++;
    const char *end = at;
    while (isspace((unsigned char)*at))
        at++;
    return end > start && *at == '=';
}

/* What stands behind a top-level key: a bracketed value, one word, or words with commas between. */
static struct err read_top_value(struct reader *r, struct shorthand *out)
{
    vec_of(struct shorthand) items = VEC_EMPTY;

    if (*r->at == '[' || *r->at == '{')
        return read_value(r, out);
    TRY(read_text(r, vec_add(r->arena, &items)));
    for (skip_space(r); *r->at == ',' && !key_follows(r); skip_space(r)) {
        TRY(expect(r, ','));
        if (*r->at == '=')
            return expected(r, "a key or a value");
        TRY(read_text(r, vec_add(r->arena, &items)));
    }
    if (items.count == 1)
        *out = items.items[0];
    else
        *out =
            (struct shorthand){.kind = SHORTHAND_LIST, .items = items.items, .count = items.count};
    return OK;
}

struct err shorthand_parse(struct arena *a, const char *text, struct shorthand *out)
{
    struct reader r = {.arena = a, .text = text, .at = text};

    skip_space(&r);
    if (!*r.at)
        return expected(&r, "a key");
    return read_pairs(&r, '\0', read_top_value, out);
}
