/* Both forms of a body become the same tree, which is read by the same tables. */
#include "controlplane/api/rpc.h"

#include "base/arena.h"
#include "base/shape_json.h"
#include "contract/faults.h"
#include "controlplane/api/api.h"
#include "controlplane/api/cbor.h"

#include <string.h>

#define PATH_PREFIX     "/service/"
#define PATH_OPERATION  "operation"
#define TYPE_JSON       "application/x-amz-json-1.0"
#define TYPE_CBOR       "application/cbor"
#define PROTOCOL_CBOR   "rpc-v2-cbor"
#define MAX_DEPTH       32
#define SHOWN_MAX_BYTES 128

bool rpc_owns_path(struct str path)
{
    return str_starts(path, PATH_PREFIX);
}

enum rpc_form rpc_form_of(const struct api_request *request)
{
    if (rpc_owns_path(request->path))
        return RPC_CBOR;
    return request->amz_target && str_is(request->path, "/") ? RPC_JSON : RPC_NONE;
}

/* "/service/TARGET/operation/NAME" or "TARGET.NAME" */
static bool cut_names(enum rpc_form form, const struct api_request *request, struct str *target,
                      struct str *op)
{
    struct str rest = form == RPC_CBOR ? request->path : str_of(request->amz_target);

    if (form == RPC_JSON) {
        *target = str_cut(&rest, '.');
        *op = rest;
        return op->len > 0;
    }
    rest = (struct str){rest.ptr + strlen(PATH_PREFIX), rest.len - strlen(PATH_PREFIX)};
    *target = str_cut(&rest, '/');
    bool is_operation = str_is(str_cut(&rest, '/'), PATH_OPERATION);
    *op = rest;
    return is_operation && op->len > 0 && str_find(*op, '/') == SIZE_MAX;
}

struct err rpc_find(struct arena *a, const struct service_desc *const *services, size_t count,
                    enum rpc_form form, const struct api_request *request,
                    const struct service_desc **out_service, struct str *out_op)
{
    struct str target, op;

    if (!cut_names(form, request, &target, &op))
        return form == RPC_CBOR
                   ? err_make(FAULT_UNKNOWN_PATH, "Nothing stands at this path.")
                   : err_make(FAULT_INVALID_ACTION, "X-Amz-Target must name a service and an "
                                                    "operation.");
    for (size_t i = 0; i < count; i++) {
        if (!services[i]->target || !str_is(target, services[i]->target))
            continue;
        *out_service = services[i];
        *out_op = op;
        return OK;
    }
    return err_format(a, FAULT_INVALID_ACTION,
                      "The service %.*s is not served by this version of Larder.",
                      STR_ARG(str_shorten(target, SHOWN_MAX_BYTES)));
}

static bool has_type(const struct api_request *request, const char *type)
{
    struct str rest = str_of(request->content_type);

    return str_is_nocase(str_trim(str_cut(&rest, ';')), type);
}

static struct err read_tree(struct arena *a, enum rpc_form form, const struct api_request *request,
                            struct json *out)
{
    const char *type = form == RPC_CBOR ? TYPE_CBOR : TYPE_JSON;

    if (!has_type(request, type))
        return err_format(a, FAULT_UNSUPPORTED_MEDIA_TYPE,
                          "The body must be sent as Content-Type: %s.", type);
    struct err e = form == RPC_CBOR ? cbor_parse(a, request->body, MAX_DEPTH, out)
                                    : json_parse(a, request->body, MAX_DEPTH, out);
    return err_failed(e) ? err_format(a, FAULT_MALFORMED_INPUT, "The body cannot be read: %s.",
                                      err_text(a, e))
                         : OK;
}

struct err rpc_decode(struct arena *a, enum rpc_form form, const struct api_request *request,
                      const struct shape *s, void *in)
{
    struct json tree;

    if (request->body.len == 0) /* an operation without members may be asked for by nothing */
        return OK;
    TRY(read_tree(a, form, request, &tree));
    struct err e = shape_json_read(a, s, &tree, SHAPE_UNKNOWN_IGNORE, in);
    return err_failed(e) ? err_format(a, FAULT_INVALID_PARAMETER_VALUE, "%s.", e.why) : OK;
}

static void set_type(enum rpc_form form, struct api_response *out)
{
    out->content_type = form == RPC_CBOR ? TYPE_CBOR : TYPE_JSON;
    out->smithy_protocol = form == RPC_CBOR ? PROTOCOL_CBOR : NULL;
}

void rpc_result(enum rpc_form form, const struct op_desc *op, const void *value,
                struct api_response *out)
{
    struct json_writer w = {.out = &out->body, .has_epochs = true};

    set_type(form, out);
    if (form == RPC_CBOR && op->out)
        cbor_write(&out->body, op->out, value);
    else if (form == RPC_CBOR)
        cbor_write_texts(&out->body, NULL, 0);
    else if (op->out)
        shape_json_write(&w, op->out, value);
    else
        buf_puts(&out->body, "{}");
}

void rpc_fault(struct arena *a, enum rpc_form form, const struct fault_desc *fault, const char *why,
               struct api_response *out)
{
    const char *const texts[][2] = {
        {"__type",  fault->name},
        {"message", why        }
    };
    struct json_writer w = JSON_WRITER(&out->body);

    set_type(form, out);
    out->query_error =
        arena_printf(a, "%s;%s", fault->wire, fault->is_receiver ? "Receiver" : "Sender");
    if (form == RPC_CBOR) {
        cbor_write_texts(&out->body, texts, countof(texts));
        return;
    }
    json_begin_object(&w);
    for (size_t i = 0; i < countof(texts); i++)
        json_name_text(&w, texts[i][0], texts[i][1]);
    json_end_object(&w);
}
