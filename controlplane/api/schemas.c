/*
 * Shapes of the first service keep their names; those of others have the service in front, so that
 * no two meet. Plain scalars are written where they are used; everything else has a schema of its
 * own.
 */
#include "controlplane/api/schemas.h"

#include "base/err.h"
#include "base/shape_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256
#define MAX_SHAPES     1024

static void schema_name(const struct openapi *x, const struct shape *s, char *out)
{
    bool is_first = x->service == x->services[0];

    snprintf(out, NAME_MAX_BYTES, "%s%s%s", is_first ? "" : x->service->name, is_first ? "" : ".",
             s->name);
}

/* Plain scalars say all in one word; everything else has a schema of its own. */
static bool is_plain(const struct shape *s)
{
    return shape_is_scalar(s) && !s->values && !s->pattern && !s->has_min && !s->has_max;
}

static void write_type(struct openapi *x, const struct shape *s)
{
    static const struct {
        const char *type, *format;
    } types[] = {
        [SHAPE_STRING] = {"string",  NULL       },
          [SHAPE_INTEGER] = {"integer", "int32"    },
        [SHAPE_LONG] = {"integer", "int64"    },
          [SHAPE_DOUBLE] = {"number",  "double"   },
        [SHAPE_BOOLEAN] = {"boolean", NULL       },
          [SHAPE_TIMESTAMP] = {"string",  "date-time"},
        [SHAPE_BLOB] = {"string",  NULL       },
          [SHAPE_STRUCT] = {"object",  NULL       },
        [SHAPE_LIST] = {"array",   NULL       },
          [SHAPE_MAP] = {"object",  NULL       },
    };

    json_name_text(&x->w, "type", types[s->kind].type);
    if (types[s->kind].format)
        json_name_text(&x->w, "format", types[s->kind].format);
    if (s->kind == SHAPE_BLOB)
        json_name_text(&x->w, "contentEncoding", "base64");
    if (s->is_sensitive)
        json_name_bool(&x->w, "x-sensitive", true);
}

void schemas_write_reference(struct openapi *x, const struct shape *s)
{
    char name[NAME_MAX_BYTES];
    scoped(buf_fini) struct buf ref = BUF_EMPTY;

    if (is_plain(s)) {
        write_type(x, s);
        return;
    }
    schema_name(x, s, name);
    buf_printf(&ref, "#/components/schemas/%s", name);
    json_name(&x->w, "$ref");
    json_str(&x->w, buf_str(&ref));
}

void schemas_write_use(struct openapi *x, const struct shape *s, const char *doc)
{
    json_begin_object(&x->w);
    schemas_write_reference(x, s);
    if (doc)
        json_name_text(&x->w, "description", doc);
    json_end_object(&x->w);
}

bool schemas_skips(const char *skip, const struct shape_member *m)
{
    char braced[NAME_MAX_BYTES];

    snprintf(braced, sizeof(braced), "{%s}", m->name);
    return skip && strstr(skip, braced) != NULL;
}

static void write_required(struct openapi *x, const struct shape *s, const char *skip)
{
    size_t count = 0;

    for (size_t i = 0; i < s->member_count; i++) {
        if (!s->members[i].is_required || schemas_skips(skip, &s->members[i]))
            continue;
        if (count++ == 0) {
            json_name(&x->w, "required");
            json_begin_array(&x->w);
        }
        json_text(&x->w, s->members[i].name);
    }
    if (count)
        json_end_array(&x->w);
}

void schemas_write_object(struct openapi *x, const struct shape *s, const char *skip,
                          bool is_closed)
{
    json_name_text(&x->w, "type", "object");
    json_name(&x->w, "properties");
    json_begin_object(&x->w);
    for (size_t i = 0; i < s->member_count; i++) {
        if (schemas_skips(skip, &s->members[i]))
            continue;
        json_name(&x->w, s->members[i].name);
        schemas_write_use(x, s->members[i].shape, s->members[i].doc);
    }
    json_end_object(&x->w);
    write_required(x, s, skip);
    if (is_closed)
        json_name_bool(&x->w, "additionalProperties", false);
}

static void write_limits(struct openapi *x, const struct shape *s)
{
    static const struct {
        const char *least, *most;
    } names[] = {
        [SHAPE_STRING] = {"minLength",     "maxLength"    },
        [SHAPE_INTEGER] = {"minimum",       "maximum"      },
        [SHAPE_LONG] = {"minimum",       "maximum"      },
        [SHAPE_LIST] = {"minItems",      "maxItems"     },
        [SHAPE_MAP] = {"minProperties", "maxProperties"},
    };

    if ((size_t)s->kind >= countof(names) || !names[s->kind].least)
        return;
    if (s->has_min)
        json_name_int(&x->w, names[s->kind].least, s->min);
    if (s->has_max)
        json_name_int(&x->w, names[s->kind].most, s->max);
}

static void write_string_rules(struct openapi *x, const struct shape *s)
{
    scoped(buf_fini) struct buf pattern = BUF_EMPTY;

    if (s->values) {
        json_name(&x->w, "enum");
        json_begin_array(&x->w);
        for (size_t i = 0; i < s->value_count; i++)
            json_text(&x->w, s->values[i]);
        json_end_array(&x->w);
    }
    if (!s->pattern_text)
        return;
    buf_printf(&pattern, "^(?:%s)$", s->pattern_text);
    json_name(&x->w, "pattern");
    json_str(&x->w, buf_str(&pattern));
}

static void write_schema(struct openapi *x, const struct shape *s)
{
    json_begin_object(&x->w);
    if (s->kind == SHAPE_STRUCT)
        schemas_write_object(x, s, NULL, false);
    else
        write_type(x, s);
    if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP) {
        json_name(&x->w, s->kind == SHAPE_LIST ? "items" : "additionalProperties");
        schemas_write_use(x, s->item, NULL);
    }
    write_limits(x, s);
    write_string_rules(x, s);
    json_end_object(&x->w);
}

/* Shapes that were written; an OpenAPI document names each schema once. */
struct shape_set {
    const struct shape *items[MAX_SHAPES];
    size_t count;
};

static bool set_add(struct shape_set *set, const struct shape *s)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->name, s->name) == 0)
            return false;
    check(set->count < MAX_SHAPES);
    set->items[set->count++] = s;
    return true;
}

static void write_reachable(struct openapi *x, struct shape_set *done, const struct shape *s);

static void write_inner(struct openapi *x, struct shape_set *done, const struct shape *s)
{
    for (size_t i = 0; i < s->member_count; i++)
        write_reachable(x, done, s->members[i].shape);
    if (s->item)
        write_reachable(x, done, s->item);
}

static void write_reachable(struct openapi *x, struct shape_set *done, const struct shape *s)
{
    char name[NAME_MAX_BYTES];

    if (is_plain(s) || !set_add(done, s))
        return;
    schema_name(x, s, name);
    json_name(&x->w, name);
    write_schema(x, s);
    write_inner(x, done, s);
}

static void write_fault_schema(struct openapi *x)
{
    static const char *const names[] = {"Code", "Message", "RequestId"};

    json_name(&x->w, "Fault");
    json_begin_object(&x->w);
    json_name_text(&x->w, "type", "object");
    json_name_text(&x->w, "description", "Why a request was refused.");
    json_name(&x->w, "properties");
    json_begin_object(&x->w);
    for (size_t i = 0; i < countof(names); i++) {
        json_name(&x->w, names[i]);
        json_begin_object(&x->w);
        json_name_text(&x->w, "type", "string");
        json_end_object(&x->w);
    }
    json_name(&x->w, "Type");
    json_begin_object(&x->w);
    json_name_text(&x->w, "type", "string");
    json_name(&x->w, "enum");
    json_begin_array(&x->w);
    json_text(&x->w, "Sender");
    json_text(&x->w, "Receiver");
    json_end_array(&x->w);
    json_end_object(&x->w);
    json_end_object(&x->w);
    json_name(&x->w, "required");
    json_begin_array(&x->w);
    for (size_t i = 0; i < countof(names); i++)
        json_text(&x->w, names[i]);
    json_text(&x->w, "Type");
    json_end_array(&x->w);
    json_end_object(&x->w);
}

void schemas_write_all(struct openapi *x)
{
    write_fault_schema(x);
    for (size_t i = 0; i < x->service_count; i++) {
        struct shape_set *done = calloc(1, sizeof(*done));
        check(done != NULL);
        x->service = x->services[i];
        for (size_t k = 0; k < x->service->op_count; k++) {
            if (x->service->ops[k].rest_count == 0)
                continue; /* stands at no path: the document does not have it */
            write_inner(x, done, x->service->ops[k].in);
            if (x->service->ops[k].out)
                write_reachable(x, done, x->service->ops[k].out);
        }
        free(done);
    }
}
