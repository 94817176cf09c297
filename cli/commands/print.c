/*
 * JSON as Python's json.dump(indent=4, ensure_ascii=False) writes it, because that is what aws-cli
 * prints and scripts compare. Timestamps are Python's isoformat(): microseconds only when not zero.
 */
#include "cli/commands/print.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 4, DOUBLE_DIGITS = 17, DOUBLE_POINT_MAX = 16, DOUBLE_POINT_MIN = -4 };

struct printer {
    struct arena *arena;
    struct buf *out;
    int depth;
};

static void print_value(struct printer *p, struct view v);

void print_json_string(struct buf *out, const char *text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";

    buf_putc(out, '"');
    for (const char *c = text; *c; c++) {
        const char *special = strchr(escaped, *c);
        if (special)
            buf_printf(out, "\\%c", letter[special - escaped]);
        else if ((unsigned char)*c < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)*c);
        else
            buf_putc(out, *c);
    }
    buf_putc(out, '"');
}

static void new_line(struct printer *p)
{
    buf_printf(p->out, "\n%*s", p->depth * INDENT, "");
}

/* The shortest digits that read back as the same number, in Python's notation. */
static void print_double(struct printer *p, double value)
{
    char digits[40];
    int precision = 0;

    do
        snprintf(digits, sizeof(digits), "%.*e", precision, value);
    while (strtod(digits, NULL) != value && ++precision < DOUBLE_DIGITS);

    const char *mark = strchr(digits, 'e');
    long exponent = mark ? strtol(mark + 1, NULL, 10) : 0;
    if (exponent >= DOUBLE_POINT_MAX || exponent < DOUBLE_POINT_MIN) {
        buf_puts(p->out, digits);
        return;
    }
    int decimals = precision - (int)exponent;
    buf_printf(p->out, "%.*f", decimals > 1 ? decimals : 1, value);
}

/* "2015-02-02T09:30:00.123000+00:00" out of "2015-02-02T09:30:00.123Z". */
static void print_time(struct printer *p, int64_t wall_ms)
{
    const char *text = time_iso8601(p->arena, wall_ms);
    size_t seconds_len = strcspn(text, ".");

    buf_putc(p->out, '"');
    buf_add(p->out, text, seconds_len);
    if (wall_ms % 1000 != 0)
        buf_printf(p->out, "%.4s000", text + seconds_len);
    buf_puts(p->out, "+00:00\"");
}

static void print_blob(struct printer *p, const struct opt_blob *blob)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    buf_putc(p->out, '"');
    for (size_t i = 0; i < blob->len; i += 3) {
        size_t left = blob->len - i;
        unsigned bits = (unsigned)blob->ptr[i] << 16;
        bits |= left > 1 ? (unsigned)blob->ptr[i + 1] << 8 : 0;
        bits |= left > 2 ? blob->ptr[i + 2] : 0;
        buf_putc(p->out, letters[bits >> 18 & 63]);
        buf_putc(p->out, letters[bits >> 12 & 63]);
        buf_putc(p->out, left > 1 ? letters[bits >> 6 & 63] : '=');
        buf_putc(p->out, left > 2 ? letters[bits & 63] : '=');
    }
    buf_putc(p->out, '"');
}

/* A comma where one is due, a new line, and the key when there is one. */
static void begin_entry(struct printer *p, bool is_first, const char *key)
{
    if (!is_first)
        buf_putc(p->out, ',');
    new_line(p);
    if (key) {
        print_json_string(p->out, key);
        buf_puts(p->out, ": ");
    }
}

static void end_block(struct printer *p, bool is_empty, char bracket)
{
    p->depth--;
    if (!is_empty)
        new_line(p);
    buf_putc(p->out, bracket);
}

static void print_struct(struct printer *p, struct view v, const char *next_token)
{
    bool is_first = true;
    struct view member;

    buf_putc(p->out, '{');
    p->depth++;
    for (size_t i = 0; i < v.shape->member_count; i++) {
        if (!view_member(v, &v.shape->members[i], &member))
            continue;
        begin_entry(p, is_first, v.shape->members[i].name);
        print_value(p, member);
        is_first = false;
    }
    if (next_token) {
        begin_entry(p, is_first, "NextToken");
        print_json_string(p->out, next_token);
        is_first = false;
    }
    end_block(p, is_first, '}');
}

static void print_list(struct printer *p, struct view v)
{
    size_t count = view_seq(v)->count;

    buf_putc(p->out, '[');
    p->depth++;
    for (size_t i = 0; i < count; i++) {
        begin_entry(p, i == 0, NULL);
        print_value(p, view_item(v, i));
    }
    end_block(p, count == 0, ']');
}

static void print_map(struct printer *p, struct view v)
{
    size_t count = view_seq(v)->count;

    buf_putc(p->out, '{');
    p->depth++;
    for (size_t i = 0; i < count; i++) {
        const char *key;
        struct view value = view_entry(v, i, &key);
        begin_entry(p, i == 0, key);
        print_value(p, value);
    }
    end_block(p, count == 0, '}');
}

static void print_value(struct printer *p, struct view v)
{
    switch (v.shape->kind) {
    case SHAPE_STRING: print_json_string(p->out, view_text(v) ? view_text(v) : ""); break;
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        buf_printf(p->out, "%lld", (long long)((const struct opt_int *)v.at)->value);
        break;
    case SHAPE_DOUBLE: print_double(p, ((const struct opt_double *)v.at)->value); break;
    case SHAPE_BOOLEAN:
        buf_puts(p->out, ((const struct opt_bool *)v.at)->value ? "true" : "false");
        break;
    case SHAPE_TIMESTAMP: print_time(p, ((const struct opt_time *)v.at)->value); break;
    case SHAPE_BLOB: print_blob(p, v.at); break;
    case SHAPE_STRUCT: print_struct(p, v, NULL); break;
    case SHAPE_LIST: print_list(p, v); break;
    case SHAPE_MAP: print_map(p, v); break;
    }
}

void print_result(struct arena *a, struct view root, const char *next_token, struct buf *out)
{
    struct printer p = {.arena = a, .out = out};
    size_t before = out->len;

    print_struct(&p, root, next_token);
    if (out->len - before == 2) /* {} */
        out->len = before;
    else
        buf_putc(out, '\n');
}
