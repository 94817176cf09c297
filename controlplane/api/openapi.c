/*
 * Paths, then the schemas of every shape that a path can reach. Shapes of the first service keep
 * their names; those of others have the service in front, so that no two meet.
 */
#include "controlplane/api/openapi.h"

#include "base/json.h"
#include "base/shape_text.h"
#include "contract/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256
#define MAX_SHAPES     1024
#define MAX_PATHS      512

struct writer {
    struct json_writer w;
    const struct service_desc *const *services;
    size_t service_count;
    const struct service_desc *service; /* the one being written */
};

static void schema_name(const struct writer *x, const struct shape *s, char *out)
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

static void write_type(struct writer *x, const struct shape *s)
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

/* The inside of a schema object that stands for a value of the shape. */
static void write_reference(struct writer *x, const struct shape *s)
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

static void write_schema_of(struct writer *x, const struct shape *s, const char *doc)
{
    json_begin_object(&x->w);
    write_reference(x, s);
    if (doc)
        json_name_text(&x->w, "description", doc);
    json_end_object(&x->w);
}

/* Members that `skip` names in braces stand in the path instead. */
static bool is_skipped(const char *skip, const struct shape_member *m)
{
    char braced[NAME_MAX_BYTES];

    snprintf(braced, sizeof(braced), "{%s}", m->name);
    return skip && strstr(skip, braced) != NULL;
}

static void write_required(struct writer *x, const struct shape *s, const char *skip)
{
    size_t count = 0;

    for (size_t i = 0; i < s->member_count; i++) {
        if (!s->members[i].is_required || is_skipped(skip, &s->members[i]))
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

static void write_object(struct writer *x, const struct shape *s, const char *skip, bool is_closed)
{
    json_name_text(&x->w, "type", "object");
    json_name(&x->w, "properties");
    json_begin_object(&x->w);
    for (size_t i = 0; i < s->member_count; i++) {
        if (is_skipped(skip, &s->members[i]))
            continue;
        json_name(&x->w, s->members[i].name);
        write_schema_of(x, s->members[i].shape, s->members[i].doc);
    }
    json_end_object(&x->w);
    write_required(x, s, skip);
    if (is_closed)
        json_name_bool(&x->w, "additionalProperties", false);
}

static void write_limits(struct writer *x, const struct shape *s)
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

static void write_string_rules(struct writer *x, const struct shape *s)
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

static void write_schema(struct writer *x, const struct shape *s)
{
    json_begin_object(&x->w);
    if (s->kind == SHAPE_STRUCT)
        write_object(x, s, NULL, false);
    else
        write_type(x, s);
    if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP) {
        json_name(&x->w, s->kind == SHAPE_LIST ? "items" : "additionalProperties");
        write_schema_of(x, s->item, NULL);
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

static void write_reachable(struct writer *x, struct shape_set *done, const struct shape *s);

static void write_inner(struct writer *x, struct shape_set *done, const struct shape *s)
{
    for (size_t i = 0; i < s->member_count; i++)
        write_reachable(x, done, s->members[i].shape);
    if (s->item)
        write_reachable(x, done, s->item);
}

static void write_reachable(struct writer *x, struct shape_set *done, const struct shape *s)
{
    char name[NAME_MAX_BYTES];

    if (is_plain(s) || !set_add(done, s))
        return;
    schema_name(x, s, name);
    json_name(&x->w, name);
    write_schema(x, s);
    write_inner(x, done, s);
}

static void write_fault_schema(struct writer *x)
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

static void write_security(struct writer *x)
{
    json_name(&x->w, "securitySchemes");
    json_begin_object(&x->w);
    json_name(&x->w, "sigv4");
    json_begin_object(&x->w);
    json_name_text(&x->w, "type", "apiKey");
    json_name_text(&x->w, "in", "header");
    json_name_text(&x->w, "name", "Authorization");
    json_name_text(
        &x->w, "description",
        "AWS Signature Version 4 for the service elasticache. Services that were started "
        "with open access take requests without it.");
    json_end_object(&x->w);
    json_end_object(&x->w);
}

static void write_components(struct writer *x)
{
    json_name(&x->w, "components");
    json_begin_object(&x->w);
    json_name(&x->w, "schemas");
    json_begin_object(&x->w);
    write_fault_schema(x);
    for (size_t i = 0; i < x->service_count; i++) {
        struct shape_set *done = calloc(1, sizeof(*done));
        check(done != NULL);
        x->service = x->services[i];
        for (size_t k = 0; k < x->service->op_count; k++) {
            write_inner(x, done, x->service->ops[k].in);
            if (x->service->ops[k].out)
                write_reachable(x, done, x->service->ops[k].out);
        }
        free(done);
    }
    json_end_object(&x->w);
    write_security(x);
    json_end_object(&x->w);
}

static void write_media(struct writer *x)
{
    json_name(&x->w, "content");
    json_begin_object(&x->w);
    json_name(&x->w, "application/json");
    json_begin_object(&x->w);
    json_name(&x->w, "schema");
}

static void end_media(struct writer *x)
{
    json_end_object(&x->w);
    json_end_object(&x->w);
}

/* Lists of single values repeat their name in the URL; what is deeper stands there as JSON. */
static void write_parameter(struct writer *x, const struct shape_member *m, bool is_in_path)
{
    bool is_json = !shape_is_scalar(m->shape) &&
                   (m->shape->kind != SHAPE_LIST || !shape_is_scalar(m->shape->item));

    json_begin_object(&x->w);
    json_name_text(&x->w, "name", m->name);
    json_name_text(&x->w, "in", is_in_path ? "path" : "query");
    json_name_bool(&x->w, "required", is_in_path || m->is_required);
    if (m->doc)
        json_name_text(&x->w, "description", m->doc);
    if (is_json)
        write_media(x);
    else
        json_name(&x->w, "schema");
    write_schema_of(x, m->shape, NULL);
    if (is_json)
        end_media(x);
    json_end_object(&x->w);
}

static bool has_body(const struct op_rest *rest)
{
    return strcmp(rest->method, "GET") != 0 && strcmp(rest->method, "DELETE") != 0;
}

static void write_parameters(struct writer *x, const struct op_desc *op, const struct op_rest *rest)
{
    json_name(&x->w, "parameters");
    json_begin_array(&x->w);
    for (size_t i = 0; i < op->in->member_count; i++) {
        bool is_in_path = is_skipped(rest->path, &op->in->members[i]);
        if (is_in_path || !has_body(rest))
            write_parameter(x, &op->in->members[i], is_in_path);
    }
    json_end_array(&x->w);
}

static bool body_is_required(const struct op_desc *op, const char *path)
{
    for (size_t i = 0; i < op->in->member_count; i++)
        if (op->in->members[i].is_required && !is_skipped(path, &op->in->members[i]))
            return true;
    return false;
}

static void write_body(struct writer *x, const struct op_desc *op, const struct op_rest *rest)
{
    json_name(&x->w, "requestBody");
    json_begin_object(&x->w);
    json_name_bool(&x->w, "required", body_is_required(op, rest->path));
    write_media(x);
    json_begin_object(&x->w);
    write_object(x, op->in, rest->path, true);
    json_end_object(&x->w);
    end_media(x);
    json_end_object(&x->w);
}

/* Codes of one status, as the description of its response: "InvalidParameterValue, ...". */
static void write_codes(struct writer *x, const struct op_desc *op, int status)
{
    scoped(buf_fini) struct buf codes = BUF_EMPTY;

    for (const int *code = op->faults; *code; code++)
        if (fault_find(*code)->status == status)
            buf_printf(&codes, "%s%s", codes.len ? ", " : "", fault_find(*code)->wire);
    if (status == 400 && (!codes.len || !strstr(buf_cstr(&codes), "InvalidParameterValue")))
        buf_printf(&codes, "%sInvalidParameterValue", codes.len ? ", " : "");
    json_name(&x->w, "description");
    json_str(&x->w, buf_str(&codes));
}

static void write_fault_response(struct writer *x, const struct op_desc *op, int status)
{
    char name[16];

    snprintf(name, sizeof(name), "%d", status);
    json_name(&x->w, name);
    json_begin_object(&x->w);
    write_codes(x, op, status);
    write_media(x);
    json_begin_object(&x->w);
    json_name_text(&x->w, "$ref", "#/components/schemas/Fault");
    json_end_object(&x->w);
    end_media(x);
    json_end_object(&x->w);
}

static bool has_status(const struct op_desc *op, int status)
{
    for (const int *code = op->faults; *code; code++)
        if (fault_find(*code)->status == status)
            return true;
    return status == 400; /* every operation can be asked wrongly */
}

static void write_responses(struct writer *x, const struct op_desc *op)
{
    json_name(&x->w, "responses");
    json_begin_object(&x->w);
    json_name(&x->w, "200");
    json_begin_object(&x->w);
    json_name_text(&x->w, "description", "Done, or under way.");
    write_media(x);
    json_begin_object(&x->w);
    if (op->out)
        write_reference(x, op->out);
    else
        json_name_text(&x->w, "type", "object");
    json_end_object(&x->w);
    end_media(x);
    json_end_object(&x->w);
    for (int status = 400; status < 600; status++)
        if (has_status(op, status))
            write_fault_response(x, op, status);
    json_end_object(&x->w);
}

/* "DescribeCacheClusters"; the operation's further paths have their last parameter behind it. */
static void write_operation_id(struct writer *x, const struct op_desc *op,
                               const struct op_rest *rest)
{
    const char *brace = strrchr(rest->path, '{');
    char name[NAME_MAX_BYTES];

    if (rest == op->rests || !brace)
        snprintf(name, sizeof(name), "%s", op->name);
    else
        snprintf(name, sizeof(name), "%sBy%.*s", op->name, (int)strcspn(brace + 1, "}"), brace + 1);
    json_name_text(&x->w, "operationId", name);
}

/* The resource: what stands behind /v1/. */
static void write_tag(struct writer *x, const struct op_rest *rest)
{
    const char *resource = strchr(rest->path + 1, '/') + 1;

    json_name(&x->w, "tags");
    json_begin_array(&x->w);
    json_str(&x->w, (struct str){resource, strcspn(resource, "/")});
    json_end_array(&x->w);
}

static void lower_method(const char *method, char *out, size_t size)
{
    snprintf(out, size, "%s", method);
    for (char *p = out; *p; p++)
        *p = (char)(*p | 0x20);
}

static void write_operation(struct writer *x, const struct op_desc *op, const struct op_rest *rest)
{
    char method[16];

    lower_method(rest->method, method, sizeof(method));
    json_name(&x->w, method);
    json_begin_object(&x->w);
    write_operation_id(x, op, rest);
    write_tag(x, rest);
    if (op->doc)
        json_name_text(&x->w, "summary", op->doc);
    if (!op->is_served)
        json_name_text(&x->w, "description", "Not served yet: answered with InvalidAction.");
    json_name_bool(&x->w, "x-served", op->is_served);
    write_parameters(x, op, rest);
    if (has_body(rest))
        write_body(x, op, rest);
    write_responses(x, op);
    json_end_object(&x->w);
}

/* Everything of a service that stands at the path of `first`. */
static void write_path(struct writer *x, const char *path)
{
    json_name(&x->w, path);
    json_begin_object(&x->w);
    for (size_t i = 0; i < x->service->op_count; i++) {
        const struct op_desc *op = &x->service->ops[i];
        for (size_t k = 0; k < op->rest_count; k++)
            if (strcmp(op->rests[k].path, path) == 0)
                write_operation(x, op, &op->rests[k]);
    }
    json_end_object(&x->w);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_service_paths(struct writer *x)
{
    const char *paths[MAX_PATHS];
    size_t count = 0;

    for (size_t i = 0; i < x->service->op_count; i++)
        for (size_t k = 0; k < x->service->ops[i].rest_count; k++) {
            check(count < MAX_PATHS);
            paths[count++] = x->service->ops[i].rests[k].path;
        }
    if (count)
        qsort(paths, count, sizeof(paths[0]), by_text);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(paths[i], paths[i - 1]) != 0)
            write_path(x, paths[i]);
}

static void write_info(struct writer *x)
{
    json_name_text(&x->w, "openapi", "3.1.0");
    json_name(&x->w, "info");
    json_begin_object(&x->w);
    json_name_text(&x->w, "title", "Larder");
    json_name_text(&x->w, "version", LARDER_VERSION);
    json_name_text(&x->w, "description",
                   "A managed-cache service: the operations of the ElastiCache API as resources. "
                   "The same operations answer AWS SDKs at the root path.");
    json_end_object(&x->w);
    json_name(&x->w, "security");
    json_begin_array(&x->w);
    json_begin_object(&x->w);
    json_name(&x->w, "sigv4");
    json_begin_array(&x->w);
    json_end_array(&x->w);
    json_end_object(&x->w);
    json_begin_object(&x->w);
    json_end_object(&x->w);
    json_end_array(&x->w);
}

void openapi_write(struct buf *out, const struct service_desc *const *services, size_t count)
{
    struct writer x = {.w = JSON_WRITER(out), .services = services, .service_count = count};

    json_begin_object(&x.w);
    write_info(&x);
    json_name(&x.w, "paths");
    json_begin_object(&x.w);
    for (size_t i = 0; i < count; i++) {
        x.service = services[i];
        write_service_paths(&x);
    }
    json_end_object(&x.w);
    write_components(&x);
    json_end_object(&x.w);
}
