/*
 * From words to values, steered by the shape. Shorthand is read without knowing the shape and bound
 * to it afterwards, as aws-cli does: only then is it clear whether `a` is a text or a list of one.
 */
#include "cli/commands/values.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/shape_json.h"
#include "base/shape_text.h"
#include "base/str.h"
#include "cli/commands/shorthand.h"

#include <string.h>

enum { VALUE_FILE_MAX_BYTES = 4 << 20 };

static struct err bind_value(struct arena *a, const struct shape *s, const struct shorthand *from,
                             void *at);

bool value_takes_words(const struct shape *shape)
{
    return shape->kind == SHAPE_LIST;
}

struct err value_text(struct arena *a, const char *word, const char **out)
{
    static const char scheme[] = "file://";
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (strncmp(word, scheme, sizeof(scheme) - 1) != 0) {
        *out = word;
        return OK;
    }
    const char *path = word + sizeof(scheme) - 1;
    struct err e = fs_read_all(path, VALUE_FILE_MAX_BYTES, &text);
    if (err_failed(e))
        return err_format(a, e.code, "cannot read the file %s: %s", path, err_text(a, e));
    *out = str_dup(a, buf_str(&text));
    return OK;
}

static const char *kind_words(const struct shape *s)
{
    switch (s->kind) {
    case SHAPE_INTEGER:
    case SHAPE_LONG: return "a whole number";
    case SHAPE_DOUBLE: return "a number";
    case SHAPE_BOOLEAN: return "true or false";
    case SHAPE_TIMESTAMP: return "a time such as 2015-02-02T09:30:00Z";
    case SHAPE_STRUCT: return "a structure (Key=value,Key=value or JSON)";
    case SHAPE_LIST: return "a list";
    case SHAPE_MAP: return "a map (as JSON)";
    default: return "a text";
    }
}

static struct err bind_scalar(struct arena *a, const struct shape *s, const char *text, void *at)
{
    if (!shape_is_scalar(s) || !str_is_utf8(str_of(text)) ||
        err_failed(shape_text_read(a, s, str_of(text), at)))
        return err_format(a, ERR_INVALID, "'%s' is not %s", text, kind_words(s));
    return OK;
}

/* Where a member's value goes: for a struct, a new one that the member then points to. */
static void *member_place(struct arena *a, const struct shape_member *m, void *parent)
{
    void *at = (char *)parent + m->offset;

    if (m->shape->kind != SHAPE_STRUCT)
        return at;
    void *made = arena_zalloc(a, m->shape->size);
    *(void **)at = made;
    return made;
}

static struct err unknown_member(struct arena *a, const struct shape *s, const char *key)
{
    scoped(buf_fini) struct buf known = BUF_EMPTY;

    for (size_t i = 0; i < s->member_count; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", s->members[i].name);
    return err_format(a, ERR_INVALID, "there is no key %s; the keys are: %s", key,
                      buf_cstr(&known));
}

static struct err bind_struct(struct arena *a, const struct shape *s, const struct shorthand *from,
                              void *at)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct shape_member *m = shape_find(s, from->keys[i]);
        if (!m)
            return unknown_member(a, s, from->keys[i]);
        TRY(bind_value(a, m->shape, &from->items[i], member_place(a, m, at)));
    }
    return OK;
}

static struct err bind_list(struct arena *a, const struct shape *s, const struct shorthand *items,
                            size_t count, void *at)
{
    char *made = arena_array(a, count ? count : 1, s->item->size);

    for (size_t i = 0; i < count; i++)
        TRY(bind_value(a, s->item, &items[i], made + i * s->item->size));
    *(struct shape_seq *)at = (struct shape_seq){true, count, made};
    return OK;
}

static struct err bind_value(struct arena *a, const struct shape *s, const struct shorthand *from,
                             void *at)
{
    if (s->kind == SHAPE_LIST && from->kind == SHORTHAND_LIST)
        return bind_list(a, s, from->items, from->count, at);
    if (s->kind == SHAPE_LIST)
        return bind_list(a, s, from, 1, at); /* a=b where a holds a list means [b] */
    if (s->kind == SHAPE_STRUCT && from->kind == SHORTHAND_MAP)
        return bind_struct(a, s, from, at);
    if (from->kind == SHORTHAND_TEXT)
        return bind_scalar(a, s, from->text, at);
    return err_format(a, ERR_INVALID, "a %s stands where %s is expected",
                      from->kind == SHORTHAND_LIST ? "list" : "structure", kind_words(s));
}

static char first_char(const char *text)
{
    return text[strspn(text, " \t\r\n")];
}

/* One word as a value of any shape. */
static struct err from_word(struct arena *a, const struct shape *s, const char *word, void *at)
{
    struct shorthand parsed;

    if (shape_is_scalar(s))
        return bind_scalar(a, s, word, at);
    if (first_char(word) == '{' || first_char(word) == '[')
        return value_set_json(a, s, word, at);
    TRY(shorthand_parse(a, word, &parsed));
    return bind_value(a, s, &parsed, at);
}

static struct err list_from_words(struct arena *a, const struct shape *s, char *const *words,
                                  size_t count, void *at)
{
    char *made = arena_array(a, count ? count : 1, s->item->size);
    const char *text;

    for (size_t i = 0; i < count; i++) {
        TRY(value_text(a, words[i], &text));
        if (count == 1 && first_char(text) == '[')
            return value_set_json(a, s, text, at);
        TRY(from_word(a, s->item, text, made + i * s->item->size));
    }
    *(struct shape_seq *)at = (struct shape_seq){true, count, made};
    return OK;
}

struct err value_set(struct arena *a, const struct shape_member *m, char *const *words,
                     size_t count, void *parent)
{
    void *at = member_place(a, m, parent);
    const char *text;

    if (m->shape->kind == SHAPE_LIST)
        return list_from_words(a, m->shape, words, count, at);
    check(count == 1);
    TRY(value_text(a, words[0], &text));
    return from_word(a, m->shape, text, at);
}

struct err value_set_json(struct arena *a, const struct shape *shape, const char *json, void *out)
{
    return shape_json_parse(a, shape, str_of(json), SHAPE_UNKNOWN_REFUSE, out);
}
