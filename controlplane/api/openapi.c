/* Paths first, as they are served; then the schemas of what goes over them. */
#include "controlplane/api/openapi.h"

#include "base/shape_text.h"
#include "contract/faults.h"
#include "controlplane/api/schemas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256
#define MAX_PATHS      512

static void write_security(struct openapi *x)
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

static void write_components(struct openapi *x)
{
    json_name(&x->w, "components");
    json_begin_object(&x->w);
    json_name(&x->w, "schemas");
    json_begin_object(&x->w);
    schemas_write_all(x);
    json_end_object(&x->w);
    write_security(x);
    json_end_object(&x->w);
}

static void write_media(struct openapi *x)
{
    json_name(&x->w, "content");
    json_begin_object(&x->w);
    json_name(&x->w, "application/json");
    json_begin_object(&x->w);
    json_name(&x->w, "schema");
}

static void end_media(struct openapi *x)
{
    json_end_object(&x->w);
    json_end_object(&x->w);
}

/* Lists of single values repeat their name in the URL; what is deeper stands there as JSON. */
static void write_parameter(struct openapi *x, const struct shape_member *m, bool is_in_path)
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
    schemas_write_use(x, m->shape, NULL);
    if (is_json)
        end_media(x);
    json_end_object(&x->w);
}

static bool has_body(const struct op_rest *rest)
{
    return strcmp(rest->method, "GET") != 0 && strcmp(rest->method, "DELETE") != 0;
}

static void write_parameters(struct openapi *x, const struct op_desc *op,
                             const struct op_rest *rest)
{
    json_name(&x->w, "parameters");
    json_begin_array(&x->w);
    for (size_t i = 0; i < op->in->member_count; i++) {
        bool is_in_path = schemas_skips(rest->path, &op->in->members[i]);
        if (is_in_path || !has_body(rest))
            write_parameter(x, &op->in->members[i], is_in_path);
    }
    json_end_array(&x->w);
}

static bool body_is_required(const struct op_desc *op, const char *path)
{
    for (size_t i = 0; i < op->in->member_count; i++)
        if (op->in->members[i].is_required && !schemas_skips(path, &op->in->members[i]))
            return true;
    return false;
}

static void write_body(struct openapi *x, const struct op_desc *op, const struct op_rest *rest)
{
    json_name(&x->w, "requestBody");
    json_begin_object(&x->w);
    json_name_bool(&x->w, "required", body_is_required(op, rest->path));
    write_media(x);
    json_begin_object(&x->w);
    schemas_write_object(x, op->in, rest->path, true);
    json_end_object(&x->w);
    end_media(x);
    json_end_object(&x->w);
}

/* Codes of one status, as the description of its response: "InvalidParameterValue, ...". */
static void write_codes(struct openapi *x, const struct op_desc *op, int status)
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

static void write_fault_response(struct openapi *x, const struct op_desc *op, int status)
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

static void write_responses(struct openapi *x, const struct op_desc *op)
{
    json_name(&x->w, "responses");
    json_begin_object(&x->w);
    json_name(&x->w, "200");
    json_begin_object(&x->w);
    json_name_text(&x->w, "description", "Done, or under way.");
    write_media(x);
    json_begin_object(&x->w);
    if (op->out)
        schemas_write_reference(x, op->out);
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
static void write_operation_id(struct openapi *x, const struct op_desc *op,
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
static void write_tag(struct openapi *x, const struct op_rest *rest)
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

static void write_operation(struct openapi *x, const struct op_desc *op, const struct op_rest *rest)
{
    char method[16];

    lower_method(rest->method, method, sizeof(method));
    json_name(&x->w, method);
    json_begin_object(&x->w);
    write_operation_id(x, op, rest);
    write_tag(x, rest);
    if (op->doc)
        json_name_text(&x->w, "summary", op->doc);
    write_parameters(x, op, rest);
    if (has_body(rest))
        write_body(x, op, rest);
    write_responses(x, op);
    json_end_object(&x->w);
}

/* Everything of a service that stands at the path of `first`. */
static void write_path(struct openapi *x, const char *path)
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

static void write_service_paths(struct openapi *x)
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

static void write_info(struct openapi *x)
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
    struct openapi x = {.w = JSON_WRITER(out), .services = services, .service_count = count};

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
