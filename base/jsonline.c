/* Flat JSON objects: a cursor walks over the text once and stores what the table knows. */
#include "base/jsonline.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define HEX_DIGITS 4

struct cursor {
    struct arena *arena;
    const char *at, *end;
};

static const struct err bad_line = {ERR_INVALID, 0, "the line is not a flat JSON object"};

void jsonline_put_text(struct buf *out, struct str text)
{
    bool is_utf8 = str_is_utf8(text);

    buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < ' ')
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, c >= 0x80 && !is_utf8 ? '?' : (char)c);
    }
    buf_putc(out, '"');
}

void jsonline_write(struct jsonline line, const void *from, struct buf *out)
{
    const char *comma = "";

    buf_putc(out, '{');
    for (size_t i = 0; i < line.count; i++) {
        const struct jsonline_member *m = &line.members[i];
        const void *value = (const char *)from + m->at;
        const char *text = m->kind == JSONLINE_TEXT ? *(const char *const *)value : NULL;
        int64_t number = m->kind == JSONLINE_NUMBER ? *(const int64_t *)value : 0;

        if (!text && number == 0)
            continue;
        buf_printf(out, "%s\"%s\":", comma, m->name);
        if (text)
            jsonline_put_text(out, str_of(text));
        else
            buf_printf(out, "%lld", (long long)number);
        comma = ",";
    }
    buf_puts(out, "}\n");
}

static void skip_spaces(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n'))
        c->at++;
}

/* Takes `wanted`, spaces before it skipped; false when something else stands there. */
static bool take(struct cursor *c, char wanted)
{
    skip_spaces(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u, as UTF-8. Only what one unit can say and text may hold: no NUL, no
 * halves. */
static bool take_code(struct cursor *c, struct buf *out)
{
    unsigned code = 0;

    for (int i = 0; i < HEX_DIGITS; i++) {
        int digit = c->at < c->end ? hex_value(*c->at++) : -1;
        if (digit < 0)
            return false;
        code = code << 4 | (unsigned)digit;
    }
    if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
        return false;
    if (code < 0x80) {
        buf_putc(out, (char)code);
    } else if (code < 0x800) {
        buf_putc(out, (char)(0xc0 | code >> 6));
        buf_putc(out, (char)(0x80 | (code & 0x3f)));
    } else {
        buf_putc(out, (char)(0xe0 | code >> 12));
        buf_putc(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_putc(out, (char)(0x80 | (code & 0x3f)));
    }
    return true;
}

static bool take_escape(struct cursor *c, struct buf *out)
{
    static const char plain[] = "\"\"\\\\//b\bf\fn\nr\rt\t"; /* letter, meaning */

    if (c->at == c->end)
        return false;
    char letter = *c->at++;
    if (letter == 'u')
        return take_code(c, out);
    for (const char *p = plain; *p; p += 2)
        if (*p == letter) {
            buf_putc(out, p[1]);
            return true;
        }
    return false;
}

/* A text in quotes; NULL when there is none. */
static const char *take_text(struct cursor *c)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!take(c, '"'))
        return NULL;
    while (c->at < c->end && *c->at != '"') {
        char byte = *c->at++;
        if ((unsigned char)byte < ' ' || (byte == '\\' && !take_escape(c, &text)))
            return NULL;
        if (byte != '\\')
            buf_putc(&text, byte);
    }
    return take(c, '"') && str_is_utf8(buf_str(&text)) ? str_dup(c->arena, buf_str(&text)) : NULL;
}

/* What stands up to the next comma or brace: a number, or a word that is skipped. */
static struct str take_bare(struct cursor *c)
{
    skip_spaces(c);
    const char *begin = c->at;
    while (c->at < c->end && *c->at != ',' && *c->at != '}' && *c->at != '{' && *c->at != '[' &&
           *c->at != '"')
        c->at++;
    return str_trim((struct str){begin, (size_t)(c->at - begin)});
}

static const struct jsonline_member *member_named(struct jsonline line, const char *name)
{
    for (size_t i = 0; i < line.count; i++)
        if (str_is(str_of(name), line.members[i].name))
            return &line.members[i];
    return NULL;
}

static struct err take_value(struct cursor *c, const struct jsonline_member *m, void *out)
{
    skip_spaces(c);
    if (c->at < c->end && *c->at == '"') {
        const char *text = take_text(c);
        if (!text || (m && m->kind != JSONLINE_TEXT))
            return bad_line;
        if (m)
            *(const char **)((char *)out + m->at) = text;
        return OK;
    }

    struct str bare = take_bare(c);
    int64_t number;
    if (bare.len == 0)
        return bad_line;
    if (!m || str_is(bare, "null"))
        return OK;
    if (m->kind != JSONLINE_NUMBER)
        return bad_line;
    if (!str_to_i64(bare, &number))
        return err_make(ERR_LIMIT, "a number of the line is not whole or does not fit");
    *(int64_t *)((char *)out + m->at) = number;
    return OK;
}

struct err jsonline_read(struct arena *a, struct jsonline line, struct str text, void *out)
{
    struct cursor c = {a, text.ptr, text.ptr + text.len};

    if (!take(&c, '{'))
        return bad_line;
    for (bool is_first = true; !take(&c, '}'); is_first = false) {
        if (!is_first && !take(&c, ','))
            return bad_line;
        const char *name = take_text(&c);
        if (!name || !take(&c, ':'))
            return bad_line;
        TRY(take_value(&c, member_named(line, name), out));
    }
    skip_spaces(&c);
    return c.at == c.end ? OK : bad_line;
}
