/*
 * cJSON reads; what it is lax about (depth, bad UTF-8, NUL inside of texts, numbers out of range)
 * is refused before or behind it. The tree is copied into the caller's arena, so that nobody has to
 * free it.
 */
#include "base/json.h"

#include "base/arena.h"
#include "base/shape_text.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

/* Where a string that starts at `i` ends, one past the quote; SIZE_MAX when it holds "\u0000". */
static size_t skip_string(struct str text, size_t i)
{
    for (i++; i < text.len && text.ptr[i] != '"'; i++) {
        if (text.ptr[i] != '\\')
            continue;
        if (text.len - i > 5 && memcmp(text.ptr + i, "\\u0000", 6) == 0)
            return SIZE_MAX;
        i++;
    }
    return i + 1;
}

static struct err check_text(struct str text, int max_depth)
{
    int depth = 0;

    if (!str_is_utf8(text))
        return err_make(ERR_INVALID, "the JSON text is not well-formed UTF-8");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\0')
            return err_make(ERR_INVALID, "the JSON text contains a NUL byte");
        if (c == '"') {
            size_t end = skip_string(text, i);
            if (end == SIZE_MAX)
                return err_make(ERR_INVALID, "the JSON text contains a NUL character");
            i = end - 1;
        } else if (c == '{' || c == '[') {
            if (++depth > max_depth)
                return err_make(ERR_LIMIT, "the JSON text is nested too deeply");
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return OK;
}

static struct err copy_value(struct arena *a, const cJSON *in, struct json *out);

static struct err copy_items(struct arena *a, const cJSON *in, struct json *out)
{
    size_t count = 0;
    struct json *items;

    for (const cJSON *child = in->child; child; child = child->next)
        count++;
    items = arena_array(a, count, sizeof(*items));
    out->items = items;
    out->count = count;
    for (const cJSON *child = in->child; child; child = child->next)
        TRY(copy_value(a, child, items++));
    return OK;
}

static struct err copy_value(struct arena *a, const cJSON *in, struct json *out)
{
    *out = (struct json){.name = arena_strdup(a, in->string)};
    if (cJSON_IsObject(in) || cJSON_IsArray(in)) {
        out->kind = cJSON_IsObject(in) ? JSON_OBJECT : JSON_ARRAY;
        return copy_items(a, in, out);
    }
    if (cJSON_IsString(in)) {
        out->kind = JSON_STRING;
        out->text = arena_strdup(a, in->valuestring);
    } else if (cJSON_IsNumber(in)) {
        out->kind = JSON_NUMBER;
        out->number = in->valuedouble;
        if (!isfinite(out->number))
            return err_make(ERR_INVALID, "the JSON text contains a number out of range");
    } else if (cJSON_IsBool(in)) {
        out->kind = JSON_BOOL;
        out->boolean = cJSON_IsTrue(in);
    }
    return OK;
}

static void tree_fini(cJSON **tree)
{
    cJSON_Delete(*tree);
}

static bool is_blank(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    return p == end;
}

struct err json_parse(struct arena *a, struct str text, int max_depth, struct json *out)
{
    const char *end = NULL;
    struct json value;

    TRY(check_text(text, max_depth));
    if (text.len == 0)
        return err_make(ERR_INVALID, "the JSON text is empty");
    scoped(tree_fini) cJSON *tree = cJSON_ParseWithLengthOpts(text.ptr, text.len, &end, 0);
    if (!tree || !is_blank(end, text.ptr + text.len))
        return err_format(a, ERR_INVALID, "the JSON text is malformed at byte %zu",
                          end ? (size_t)(end - text.ptr) + 1 : 1);
    TRY(copy_value(a, tree, &value));
    *out = value;
    return OK;
}

const struct json *json_get(const struct json *object, const char *name)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < object->count; i++)
        if (strcmp(object->items[i].name, name) == 0)
            return &object->items[i];
    return NULL;
}

const char *json_get_text(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, name);

    return value && value->kind == JSON_STRING ? value->text : NULL;
}

bool json_to_i64(const struct json *value, int64_t *out)
{
    if (value->kind != JSON_NUMBER || value->number != trunc(value->number) ||
        fabs(value->number) > WHOLE_MAX)
        return false;
    *out = (int64_t)value->number;
    return true;
}

static void line_break(struct json_writer *w)
{
    if (w->indent == 0)
        return;
    buf_putc(w->out, '\n');
    for (int i = 0; i < w->indent * w->depth; i++)
        buf_putc(w->out, ' ');
}

/* What stands before any value or name. */
static void lead_in(struct json_writer *w)
{
    if (w->has_name) {
        w->has_name = false;
        return;
    }
    if (w->has_before)
        buf_putc(w->out, ',');
    if (w->depth > 0)
        line_break(w);
}

static void begin(struct json_writer *w, char bracket)
{
    lead_in(w);
    buf_putc(w->out, bracket);
    w->depth++;
    w->has_before = false;
}

static void end(struct json_writer *w, char bracket)
{
    check(w->depth > 0 && !w->has_name);
    w->depth--;
    if (w->has_before)
        line_break(w);
    buf_putc(w->out, bracket);
    w->has_before = true;
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
    end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
    end(w, ']');
}

static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return NULL;
    }
}

/* Whether put_quoted puts all eight bytes as they are: most text is passed over so. */
static bool is_plain_word(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    uint64_t word, quote, backslash;

    memcpy(&word, at, sizeof(word));
    quote = word ^ ones * '"';
    backslash = word ^ ones * '\\';
    uint64_t found = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
                     ((backslash - ones) & ~backslash);
    return (found & tops) == 0;
}

static void put_quoted(struct buf *out, struct str text)
{
    size_t plain = 0;

    buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        while (i + sizeof(uint64_t) < text.len && is_plain_word(text.ptr + i))
            i += sizeof(uint64_t);
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, text.ptr + plain, i - plain);
        plain = i + 1;
        if (escape_of(c))
            buf_puts(out, escape_of(c));
        else
            buf_printf(out, "\\u%04x", c);
    }
    buf_add(out, text.ptr + plain, text.len - plain);
    buf_putc(out, '"');
}

void json_name(struct json_writer *w, const char *name)
{
    check(!w->has_name);
    lead_in(w);
    put_quoted(w->out, str_of(name));
    buf_puts(w->out, w->indent ? ": " : ":");
    w->has_name = true;
}

static void plain_value(struct json_writer *w, const char *text)
{
    lead_in(w);
    buf_puts(w->out, text);
    w->has_before = true;
}

void json_str(struct json_writer *w, struct str text)
{
    lead_in(w);
    put_quoted(w->out, text);
    w->has_before = true;
}

void json_text(struct json_writer *w, const char *text)
{
    if (text)
        json_str(w, str_of(text));
    else
        json_null(w);
}

void json_int(struct json_writer *w, int64_t value)
{
    lead_in(w);
    buf_printf(w->out, "%lld", (long long)value);
    w->has_before = true;
}

void json_double(struct json_writer *w, double value)
{
    if (!isfinite(value)) {
        json_null(w);
        return;
    }
    lead_in(w);
    double_write(w->out, value);
    w->has_before = true;
}

void json_bool(struct json_writer *w, bool value)
{
    plain_value(w, value ? "true" : "false");
}

void json_null(struct json_writer *w)
{
    plain_value(w, "null");
}

static void put_items(struct json_writer *w, const struct json *value)
{
    for (size_t i = 0; i < value->count; i++) {
        if (value->kind == JSON_OBJECT)
            json_name(w, value->items[i].name);
        json_value(w, &value->items[i]);
    }
}

void json_value(struct json_writer *w, const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL: json_null(w); break;
    case JSON_BOOL: json_bool(w, value->boolean); break;
    case JSON_NUMBER: json_double(w, value->number); break;
    case JSON_STRING: json_text(w, value->text); break;
    case JSON_ARRAY:
        json_begin_array(w);
        put_items(w, value);
        json_end_array(w);
        break;
    case JSON_OBJECT:
        json_begin_object(w);
        put_items(w, value);
        json_end_object(w);
        break;
    }
}

void json_name_text(struct json_writer *w, const char *name, const char *text)
{
    json_name(w, name);
    json_text(w, text);
}

void json_name_int(struct json_writer *w, const char *name, int64_t value)
{
    json_name(w, name);
    json_int(w, value);
}

void json_name_bool(struct json_writer *w, const char *name, bool value)
{
    json_name(w, name);
    json_bool(w, value);
}
