/*
 * JSON as Python's json.dump(indent=4, ensure_ascii=False) writes it, because that is what aws-cli
 * prints and scripts compare. Timestamps are Python's isoformat(): microseconds only when not zero.
 */
#include "cli/commands/print.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/shape_text.h"

#include <string.h>

enum { PRINT_INDENT = 4 };

static void print_value(struct arena *a, struct json_writer *w, struct view v);

/* "2015-02-02T09:30:00.123000+00:00" out of "2015-02-02T09:30:00.123Z". */
static void print_time(struct arena *a, struct json_writer *w, int64_t wall_ms)
{
    const char *text = time_iso8601(a, wall_ms);
    const int seconds_len = (int)strcspn(text, ".");

    if (wall_ms % 1000 == 0)
        json_text(w, arena_printf(a, "%.*s+00:00", seconds_len, text));
    else
        json_text(w, arena_printf(a, "%.*s%.4s000+00:00", seconds_len, text, text + seconds_len));
}

/* Python always shows that a number is no integer: 30.0. */
static void print_double(struct json_writer *w, double value)
{
    const size_t before = w->out->len;

    json_double(w, value);
    for (size_t i = before; i < w->out->len; i++)
        if (strchr(".enE", w->out->ptr[i]))
            return;
    buf_puts(w->out, ".0");
}

static void print_blob(struct arena *a, struct json_writer *w, const struct opt_blob *blob)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    base64_write(&text, blob->ptr, blob->len);
    json_text(w, str_dup(a, buf_str(&text)));
}

static void print_members(struct arena *a, struct json_writer *w, struct view v)
{
    struct view member;

    for (size_t i = 0; i < v.shape->member_count; i++) {
        if (!view_member(v, &v.shape->members[i], &member))
            continue;
        json_name(w, v.shape->members[i].name);
        print_value(a, w, member);
    }
}

static void print_struct(struct arena *a, struct json_writer *w, struct view v)
{
    json_begin_object(w);
    print_members(a, w, v);
    json_end_object(w);
}

static void print_list(struct arena *a, struct json_writer *w, struct view v)
{
    json_begin_array(w);
    for (size_t i = 0; i < view_seq(v)->count; i++)
        print_value(a, w, view_item(v, i));
    json_end_array(w);
}

static void print_map(struct arena *a, struct json_writer *w, struct view v)
{
    json_begin_object(w);
    for (size_t i = 0; i < view_seq(v)->count; i++) {
        const char *key;
        struct view value = view_entry(v, i, &key);
        json_name(w, key);
        print_value(a, w, value);
    }
    json_end_object(w);
}

static void print_value(struct arena *a, struct json_writer *w, struct view v)
{
    switch (v.shape->kind) {
    case SHAPE_STRING: json_text(w, view_text(v)); break;
    case SHAPE_INTEGER:
    case SHAPE_LONG: json_int(w, ((const struct opt_int *)v.at)->value); break;
    case SHAPE_DOUBLE: print_double(w, ((const struct opt_double *)v.at)->value); break;
    case SHAPE_BOOLEAN: json_bool(w, ((const struct opt_bool *)v.at)->value); break;
    case SHAPE_TIMESTAMP: print_time(a, w, ((const struct opt_time *)v.at)->value); break;
    case SHAPE_BLOB: print_blob(a, w, v.at); break;
    case SHAPE_STRUCT: print_struct(a, w, v); break;
    case SHAPE_LIST: print_list(a, w, v); break;
    case SHAPE_MAP: print_map(a, w, v); break;
    }
}

static bool is_empty(struct view v)
{
    struct view member;

    for (size_t i = 0; i < v.shape->member_count; i++)
        if (view_member(v, &v.shape->members[i], &member))
            return false;
    return true;
}

void print_result(struct arena *a, struct view root, const char *next_token, struct buf *out)
{
    struct json_writer w = {.out = out, .indent = PRINT_INDENT};

    if (is_empty(root) && !next_token)
        return;
    json_begin_object(&w);
    print_members(a, &w, root);
    if (next_token)
        json_name_text(&w, "NextToken", next_token);
    json_end_object(&w);
    buf_putc(out, '\n');
}
