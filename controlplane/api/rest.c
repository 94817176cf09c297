/* A short list of routes, most literal first, and three sources of members: path, URL and body. */
#include "controlplane/api/rest.h"

#include "base/arena.h"
#include "base/shape_json.h"
#include "base/shape_text.h"
#include "contract/faults.h"
#include "controlplane/api/api.h"
#include "controlplane/api/query.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH       32
#define SHOWN_MAX_BYTES 256

struct segment {
    struct str text;                   /* a literal, or: */
    const struct shape_member *member; /* what the parameter fills */
};

struct route {
    const struct service_desc *service;
    const struct op_desc *op;
    const char *method;
    struct segment segments[REST_MAX_SEGMENTS];
    size_t segment_count;
};

struct rest_routes {
    struct route *items;
    size_t count;
};

static void compile_path(struct route *r, const char *path)
{
    struct str rest = str_of(path + 1);

    while (rest.len) {
        struct str text = str_cut(&rest, '/');
        check(r->segment_count < REST_MAX_SEGMENTS);
        struct segment *s = &r->segments[r->segment_count++];
        s->text = text;
        if (text.ptr[0] != '{')
            continue;
        for (size_t i = 0; i < r->op->in->member_count; i++)
            if (str_is((struct str){text.ptr + 1, text.len - 2}, r->op->in->members[i].name))
                s->member = &r->op->in->members[i];
        check(s->member != NULL);
    }
}

/* Literal segments sort before parameters, so that the first match is the most literal one. */
static int by_literals(const void *a, const void *b)
{
    const struct route *left = a, *right = b;

    for (size_t i = 0; i < left->segment_count && i < right->segment_count; i++) {
        int order = (left->segments[i].member != NULL) - (right->segments[i].member != NULL);
        if (order != 0)
            return order;
    }
    return 0;
}

static void add_op(struct rest_routes *r, const struct service_desc *service,
                   const struct op_desc *op)
{
    for (size_t i = 0; i < op->rest_count; i++) {
        struct route *grown = realloc(r->items, (r->count + 1) * sizeof(*grown));
        check(grown != NULL);
        r->items = grown;
        r->items[r->count] =
            (struct route){.service = service, .op = op, .method = op->rests[i].method};
        compile_path(&r->items[r->count++], op->rests[i].path);
    }
}

struct rest_routes *rest_routes_new(const struct service_desc *const *services, size_t count)
{
    struct rest_routes *r = calloc(1, sizeof(*r));

    check(r != NULL);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < services[i]->op_count; k++)
            add_op(r, services[i], &services[i]->ops[k]);
    if (r->count)
        qsort(r->items, r->count, sizeof(*r->items), by_literals);
    return r;
}

void rest_routes_free(struct rest_routes *r)
{
    if (!r)
        return;
    free(r->items);
    free(r);
}

static bool route_fits(const struct route *r, const struct str *segments, size_t count)
{
    if (r->segment_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!r->segments[i].member && !str_eq(r->segments[i].text, segments[i]))
            return false;
    return true;
}

/* Splits before decoding: an encoded slash belongs to its segment. */
static struct err split_path(struct arena *a, struct str path, struct str *segments, size_t *count)
{
    struct str rest = path;

    str_cut(&rest, '/');
    if (str_ends(path, "/"))
        return err_make(FAULT_UNKNOWN_PATH, "Nothing stands at this path.");
    for (*count = 0; rest.len; (*count)++) {
        struct str text = str_cut(&rest, '/');
        if (*count == REST_MAX_SEGMENTS || text.len == 0)
            return err_make(FAULT_UNKNOWN_PATH, "Nothing stands at this path.");
        TRY(query_unescape(a, text, false, &segments[*count]));
    }
    return OK;
}

static void fill_target(const struct route *r, const struct str *segments, struct rest_target *out)
{
    *out = (struct rest_target){.service = r->service, .op = r->op};
    for (size_t i = 0; i < r->segment_count; i++) {
        if (!r->segments[i].member)
            continue;
        out->params[out->param_count].member = r->segments[i].member;
        out->params[out->param_count++].value = segments[i];
    }
}

struct err rest_find(const struct rest_routes *r, struct arena *a, const char *method,
                     struct str path, struct rest_target *out, const char **allow)
{
    struct str segments[REST_MAX_SEGMENTS];
    const char *methods = NULL;
    size_t count;

    TRY(split_path(a, path, segments, &count));
    for (size_t i = 0; i < r->count; i++) {
        const struct route *route = &r->items[i];
        if (!route_fits(route, segments, count))
            continue;
        if (strcmp(route->method, method) == 0) {
            fill_target(route, segments, out);
            return OK;
        }
        if (!methods || !strstr(methods, route->method))
            methods = methods ? arena_printf(a, "%s, %s", methods, route->method) : route->method;
    }
    if (!methods)
        return err_make(FAULT_UNKNOWN_PATH, "Nothing stands at this path.");
    *allow = methods;
    return err_format(a, FAULT_METHOD_NOT_ALLOWED, "This path takes %s.", methods);
}

static struct err wrong(struct arena *a, struct str name, const char *what)
{
    return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "The parameter %.*s %s.",
                      STR_ARG(str_shorten(name, SHOWN_MAX_BYTES)), what);
}

/* `TagKeys=a&TagKeys=b`; a lone `TagKeys=` is an empty list, as in Query. */
static struct err read_list(struct arena *a, const struct query *params, const char *name,
                            const struct shape *s, struct shape_seq *out)
{
    struct shape_seq seq = {.has = true};
    bool has_text = false;

    seq.items = arena_array(a, params->count, shape_stride(s));
    for (size_t i = 0; i < params->count; i++) {
        struct err e;
        if (!str_is(params->params[i].name, name))
            continue;
        e = shape_text_read(a, s->item, params->params[i].value, shape_entry(s, &seq, seq.count++));
        if (err_failed(e))
            return wrong(a, params->params[i].name, e.why);
        has_text |= params->params[i].value.len > 0;
    }
    if (seq.count == 1 && !has_text)
        seq.count = 0;
    *out = seq;
    return OK;
}

/* What has no text form of its own stands in the URL as JSON. */
static struct err read_json(struct arena *a, const struct query_param *p,
                            const struct shape_member *m, void *in)
{
    struct json value, object = {.kind = JSON_OBJECT, .items = &value, .count = 1};
    struct err e = json_parse(a, p->value, MAX_DEPTH, &value);

    if (err_failed(e))
        return wrong(a, p->name, "must be JSON");
    value.name = m->name;
    const struct shape only = {.kind = SHAPE_STRUCT, .members = m, .member_count = 1};
    e = shape_json_read(a, &only, &object, SHAPE_UNKNOWN_REFUSE, in);
    return err_failed(e) ? err_format(a, FAULT_INVALID_PARAMETER_VALUE, "%s.", e.why) : OK;
}

static struct err read_param(struct arena *a, const struct query *params, size_t i,
                             const struct shape_member *m, void *in)
{
    const struct query_param *p = &params->params[i];
    void *slot = (char *)in + m->offset;
    struct err e;

    if (m->shape->kind == SHAPE_LIST && shape_is_scalar(m->shape->item))
        return shape_value(m, in) ? OK : read_list(a, params, m->name, m->shape, slot);
    if (shape_value(m, in))
        return wrong(a, p->name, "must not be given more than once");
    if (!shape_is_scalar(m->shape))
        return read_json(a, p, m, in);
    e = shape_text_read(a, m->shape, p->value, slot);
    return err_failed(e) ? wrong(a, p->name, e.why) : OK;
}

static bool is_in_path(const struct rest_target *target, const struct shape_member *m)
{
    for (size_t i = 0; i < target->param_count; i++)
        if (target->params[i].member == m)
            return true;
    return false;
}

/* The members of a presigned signature may stand in any URL. */
static bool is_of_signature(struct str name)
{
    return str_starts(name, "X-Amz-");
}

static struct err decode_url(struct arena *a, const struct rest_target *target,
                             const struct query *params, void *in)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct query_param *p = &params->params[i];
        const struct shape_member *m = shape_find(target->op->in, p->name.ptr);
        if (is_of_signature(p->name))
            continue;
        if (!m)
            return wrong(a, p->name, "is not known here");
        if (is_in_path(target, m))
            return wrong(a, p->name, "is given by the path already");
        TRY(read_param(a, params, i, m, in));
    }
    return OK;
}

static bool is_json_type(const char *content_type)
{
    struct str rest = str_of(content_type);

    return str_is_nocase(str_trim(str_cut(&rest, ';')), "application/json");
}

static struct err decode_body(struct arena *a, const struct rest_target *target,
                              const struct api_request *request, const struct query *params,
                              void *in)
{
    struct json value;
    struct err e;

    for (size_t i = 0; i < params->count; i++)
        if (!is_of_signature(params->params[i].name))
            return wrong(a, params->params[i].name, "must stand in the JSON body, not in the URL");
    if (str_trim(request->body).len == 0)
        return OK;
    if (!is_json_type(request->content_type))
        return err_make(FAULT_UNSUPPORTED_MEDIA_TYPE,
                        "The body must be sent as Content-Type: application/json.");
    e = json_parse(a, request->body, MAX_DEPTH, &value);
    if (err_failed(e))
        return err_format(a, FAULT_MALFORMED_INPUT, "The body cannot be read: %s.", e.why);
    e = shape_json_read(a, target->op->in, &value, SHAPE_UNKNOWN_REFUSE, in);
    return err_failed(e) ? err_format(a, FAULT_INVALID_PARAMETER_VALUE, "%s.", e.why) : OK;
}

/* A member may stand in the body as well as in the path, as long as both say the same. */
static struct err place_path(struct arena *a, const struct rest_target *target, void *in)
{
    for (size_t i = 0; i < target->param_count; i++) {
        const struct shape_member *m = target->params[i].member;
        const char **slot = (const char **)((char *)in + m->offset);
        if (*slot && !str_is(target->params[i].value, *slot))
            return wrong(a, str_of(m->name), "differs between path and body");
        *slot = target->params[i].value.ptr;
    }
    return OK;
}

struct err rest_decode(struct arena *a, const struct rest_target *target,
                       const struct api_request *request, const struct query *params, void *in)
{
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "DELETE") == 0) {
        if (str_trim(request->body).len)
            return err_format(a, FAULT_MALFORMED_INPUT,
                              "%s takes its members in the URL, not in "
                              "a body.",
                              request->method);
        TRY(decode_url(a, target, params, in));
    } else {
        TRY(decode_body(a, target, request, params, in));
    }
    return place_path(a, target, in);
}
