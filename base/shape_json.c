/* Two recursive walks over a shape: JSON in, JSON out. */
#include "base/shape_json.h"

#include "base/arena.h"
#include "base/shape_text.h"

#include <string.h>

#define EPOCH_MAX_S 253402300800.0 /* the year 10000 */
#define MAX_DEPTH   32

/* Where the walk stands: a chain on the stack, turned into text only when something is wrong. */
struct place {
    const struct place *outer;
    const char *name; /* of a member or key; NULL for an item */
    size_t index;
};

struct reader {
    struct arena *arena;
    enum shape_unknown unknown;
};

static void place_write(struct buf *out, const struct place *p)
{
    if (!p)
        return;
    place_write(out, p->outer);
    if (!p->name)
        buf_printf(out, "[%zu]", p->index);
    else
        buf_printf(out, "%s%s", out->len ? "." : "", p->name);
}

static struct err wrong(struct reader *r, const struct place *p, const char *what)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    place_write(&text, p);
    if (text.len == 0)
        buf_puts(&text, "The body");
    return err_format(r->arena, ERR_INVALID, "%.*s %s", STR_ARG(buf_str(&text)), what);
}

static struct err read_value(struct reader *r, const struct place *p, const struct shape *s,
                             const struct json *value, void *out);

static struct err read_member(struct reader *r, const struct place *p, const struct shape_member *m,
                              const struct json *value, void *owner)
{
    struct place here = {p, m->name, 0};
    char *slot = (char *)owner + m->offset;

    if (value->kind == JSON_NULL)
        return OK;
    if (shape_value(m, owner))
        return wrong(r, &here, "must not be given twice");
    if (m->shape->kind != SHAPE_STRUCT)
        return read_value(r, &here, m->shape, value, slot);
    void *inner = arena_zalloc(r->arena, m->shape->size);
    TRY(read_value(r, &here, m->shape, value, inner));
    *(void **)slot = inner;
    return OK;
}

static struct err read_struct(struct reader *r, const struct place *p, const struct shape *s,
                              const struct json *value, void *out)
{
    if (value->kind != JSON_OBJECT)
        return wrong(r, p, "must be an object");
    for (size_t i = 0; i < value->count; i++) {
        const struct json *item = &value->items[i];
        const struct shape_member *m = shape_find(s, item->name);
        struct place here = {p, item->name, 0};
        if (m)
            TRY(read_member(r, p, m, item, out));
        else if (r->unknown == SHAPE_UNKNOWN_REFUSE)
            return wrong(r, &here, "is not a known member");
    }
    return OK;
}

static struct err read_seq(struct reader *r, const struct place *p, const struct shape *s,
                           const struct json *value, struct shape_seq *out)
{
    bool is_map = s->kind == SHAPE_MAP;
    struct shape_seq seq = {.has = true, .count = value->count};

    if (value->kind != (is_map ? JSON_OBJECT : JSON_ARRAY))
        return wrong(r, p, is_map ? "must be an object" : "must be an array");
    seq.items = arena_array(r->arena, value->count, shape_stride(s));
    for (size_t i = 0; i < value->count; i++) {
        const struct json *item = &value->items[i];
        struct place here = {p, is_map ? item->name : NULL, i};
        if (is_map)
            *shape_key(s, &seq, i) = item->name;
        TRY(read_value(r, &here, s->item, item, shape_entry(s, &seq, i)));
    }
    *out = seq;
    return OK;
}

static struct err read_number(struct reader *r, const struct place *p, const struct shape *s,
                              const struct json *value, void *out)
{
    int64_t whole;

    if (value->kind != JSON_NUMBER)
        return wrong(r, p, s->kind == SHAPE_DOUBLE ? "must be a number" : "must be an integer");
    if (s->kind == SHAPE_DOUBLE) {
        *(struct opt_double *)out = (struct opt_double){true, value->number};
        return OK;
    }
    if (!json_to_i64(value, &whole))
        return wrong(r, p, "must be an integer");
    if (s->kind == SHAPE_INTEGER && (whole < INT32_MIN || whole > INT32_MAX))
        return wrong(r, p, "must be an integer of 32 bits");
    *(struct opt_int *)out = (struct opt_int){true, whole};
    return OK;
}

static struct err read_boolean(struct reader *r, const struct place *p, const struct json *value,
                               struct opt_bool *out)
{
    if (value->kind != JSON_BOOL)
        return wrong(r, p, "must be true or false");
    *out = (struct opt_bool){true, value->boolean};
    return OK;
}

/* Seconds since 1970, as some protocols have them. */
static struct err read_epoch(struct reader *r, const struct place *p, const struct json *value,
                             struct opt_time *out)
{
    if (!(value->number > -EPOCH_MAX_S && value->number < EPOCH_MAX_S))
        return wrong(r, p, "must be a time");
    double ms = value->number * 1000;
    *out = (struct opt_time){true, (int64_t)(ms < 0 ? ms - 0.5 : ms + 0.5)};
    return OK;
}

/* Strings, timestamps and blobs travel as JSON strings. */
static struct err read_text(struct reader *r, const struct place *p, const struct shape *s,
                            const struct json *value, void *out)
{
    struct err e;

    if (s->kind == SHAPE_TIMESTAMP && value->kind == JSON_NUMBER &&
        r->unknown == SHAPE_UNKNOWN_IGNORE)
        return read_epoch(r, p, value, out);
    if (value->kind != JSON_STRING)
        return wrong(r, p, "must be a string");
    if (s->kind == SHAPE_STRING) {
        *(const char **)out = value->text;
        return OK;
    }
    e = shape_text_read(r->arena, s, str_of(value->text), out);
    return err_failed(e) ? wrong(r, p, e.why) : OK;
}

static struct err read_value(struct reader *r, const struct place *p, const struct shape *s,
                             const struct json *value, void *out)
{
    switch (s->kind) {
    case SHAPE_STRUCT: return read_struct(r, p, s, value, out);
    case SHAPE_LIST:
    case SHAPE_MAP: return read_seq(r, p, s, value, out);
    case SHAPE_INTEGER:
    case SHAPE_LONG:
    case SHAPE_DOUBLE: return read_number(r, p, s, value, out);
    case SHAPE_BOOLEAN: return read_boolean(r, p, value, out);
    case SHAPE_STRING:
    case SHAPE_TIMESTAMP:
    case SHAPE_BLOB: break;
    }
    return read_text(r, p, s, value, out);
}

struct err shape_json_read(struct arena *a, const struct shape *s, const struct json *value,
                           enum shape_unknown unknown, void *out)
{
    struct reader r = {a, unknown};

    return read_value(&r, NULL, s, value, out);
}

struct err shape_json_parse(struct arena *a, const struct shape *s, struct str text,
                            enum shape_unknown unknown, void *out)
{
    struct json value;

    TRY(json_parse(a, text, MAX_DEPTH, &value));
    return shape_json_read(a, s, &value, unknown, out);
}

static void write_struct(struct json_writer *w, const struct shape *s, const void *value)
{
    json_begin_object(w);
    for (size_t i = 0; i < s->member_count; i++) {
        const void *member = shape_value(&s->members[i], value);
        if (!member)
            continue;
        json_name(w, s->members[i].name);
        shape_json_write(w, s->members[i].shape, member);
    }
    json_end_object(w);
}

static void write_list(struct json_writer *w, const struct shape *s, const struct shape_seq *seq)
{
    json_begin_array(w);
    for (size_t i = 0; i < seq->count; i++)
        shape_json_write(w, s->item, shape_entry(s, seq, i));
    json_end_array(w);
}

static void write_map(struct json_writer *w, const struct shape *s, const struct shape_seq *seq)
{
    json_begin_object(w);
    for (size_t i = 0; i < seq->count; i++) {
        json_name(w, *shape_key(s, seq, i));
        shape_json_write(w, s->item, shape_entry(s, seq, i));
    }
    json_end_object(w);
}

static void write_as_text(struct json_writer *w, const struct shape *s, const void *value)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    shape_text_write(&text, s, value);
    json_str(w, buf_str(&text));
}

void shape_json_write(struct json_writer *w, const struct shape *s, const void *value)
{
    switch (s->kind) {
    case SHAPE_STRUCT: write_struct(w, s, value); break;
    case SHAPE_LIST: write_list(w, s, value); break;
    case SHAPE_MAP: write_map(w, s, value); break;
    case SHAPE_STRING: json_text(w, *(const char *const *)value); break;
    case SHAPE_INTEGER:
    case SHAPE_LONG: json_int(w, ((const struct opt_int *)value)->value); break;
    case SHAPE_DOUBLE: json_double(w, ((const struct opt_double *)value)->value); break;
    case SHAPE_BOOLEAN: json_bool(w, ((const struct opt_bool *)value)->value); break;
    case SHAPE_TIMESTAMP:
        if (w->has_epochs)
            json_double(w, (double)((const struct opt_time *)value)->value / 1000);
        else
            write_as_text(w, s, value);
        break;
    case SHAPE_BLOB: write_as_text(w, s, value); break;
    }
}
