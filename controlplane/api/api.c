/*
 * One exchange from the request to the rendered answer. The two protocols differ in how they find
 * and decode an operation and in how they write; what lies between is the same.
 */
#include "controlplane/api/api.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/shape_check.h"
#include "base/shape_json.h"
#include "contract/ec2.h"
#include "contract/elasticache.h"
#include "contract/iam.h"
#include "contract/monitoring.h"
#include "contract/sts.h"
#include "controlplane/api/answers.h"
#include "controlplane/api/auth.h"
#include "controlplane/api/openapi.h"
#include "controlplane/api/query.h"
#include "controlplane/api/rest.h"
#include "controlplane/api/rpc.h"
#include "controlplane/api/xml.h"
#include "controlplane/ops/ops.h"

#include <stdlib.h>
#include <string.h>

#define OPENAPI_PATH    "/v1/openapi.json"
#define SHOWN_MAX_BYTES 128
#define FIRST_BYTES     4096 /* most answers fit, so that their buffers need not grow */
#define KEPT_MAX_BYTES  (8u << 20)

/* The first is meant where nothing says otherwise. */
static const struct service_desc *const services[] = {
    &service_elasticache, &service_sts, &service_ec2, &service_iam, &service_monitoring};

struct api {
    struct api_conf conf;
    struct shape_patterns *patterns;
    struct rest_routes *routes;
    struct answers *answers;
    struct buf openapi;
};

/* A request on its way. */
struct exchange {
    struct api *api;
    struct arena *arena;
    const struct api_request *request;
    struct api_response *out;
    struct query params;
    struct auth_scope scope;
    struct rest_target target;          /* REST only */
    const struct service_desc *service; /* never NULL */
    const struct op_desc *op;           /* NULL until it is found */
    enum rpc_form rpc;                  /* RPC_NONE for Query and REST */
    size_t id_at;                       /* in the body; ANSWER_WITHOUT_ID */
};

struct api *api_new(const struct api_conf *conf)
{
    struct api *api = calloc(1, sizeof(*api));

    check(api != NULL && conf->region_count > 0);
    api->conf = *conf;
    api->patterns = shape_patterns_new(services, countof(services));
    api->routes = rest_routes_new(services, countof(services));
    api->answers = answers_new(KEPT_MAX_BYTES);
    openapi_write(&api->openapi, services, countof(services));
    return api;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    shape_patterns_free(api->patterns);
    rest_routes_free(api->routes);
    answers_free(api->answers);
    buf_fini(&api->openapi);
    free(api);
}

static bool is_rest(struct str path)
{
    return str_is(path, "/v1") || str_starts(path, "/v1/");
}

bool api_owns_path(struct str path)
{
    return str_is(path, "/") || is_rest(path) || rpc_owns_path(path);
}

/* --- answers --- */

static void write_json_fault(struct exchange *x, const struct fault_desc *fault, const char *why)
{
    struct json_writer w = JSON_WRITER(&x->out->body);

    json_begin_object(&w);
    json_name_text(&w, "Code", fault->wire);
    json_name_text(&w, "Message", why);
    json_name_text(&w, "RequestId", x->out->request_id);
    json_name_text(&w, "Type", fault->is_receiver ? "Receiver" : "Sender");
    json_end_object(&w);
}

static void render_fault(struct exchange *x, int code, const char *why)
{
    const struct fault_desc *fault = fault_find(code);

    check(fault != NULL);
    if (!why)
        why = fault->doc ? fault->doc : fault->wire;
    x->out->status = fault->status;
    x->out->fault = fault->wire;
    if (x->rpc) {
        rpc_fault(x->arena, x->rpc, fault, why, x->out);
    } else if (is_rest(x->request->path)) {
        x->out->content_type = "application/json";
        write_json_fault(x, fault, why);
    } else {
        x->out->content_type = "text/xml";
        xml_fault(&x->out->body, x->service, fault, why, x->out->request_id);
    }
}

/* What is not a fault of the caller: the sentence goes to the log, not to the caller. */
static void render_failure(struct exchange *x, struct err e)
{
    bool is_passing = err_is(e, ERR_UNAVAILABLE) || err_is(e, ERR_TIMEOUT);

    log_error("operation failed", f_str("operation", x->op ? x->op->name : "unknown"),
              f_str("request", x->out->request_id), f_err(e));
    if (is_passing)
        render_fault(x, FAULT_SERVICE_UNAVAILABLE, NULL);
    else
        render_fault(x, FAULT_INTERNAL_FAILURE,
                     "An internal error has occurred. Please try your query again at a later "
                     "time.");
}

static void render_error(struct exchange *x, struct err e)
{
    if (fault_find(e.code))
        render_fault(x, e.code, e.why);
    else
        render_failure(x, e);
}

static void render_result(struct exchange *x, const void *value)
{
    struct json_writer w = JSON_WRITER(&x->out->body);

    x->out->status = 200;
    buf_reserve(&x->out->body, FIRST_BYTES);
    if (x->rpc) {
        rpc_result(x->rpc, x->op, value, x->out);
        return;
    }
    if (!is_rest(x->request->path)) {
        x->out->content_type = "text/xml";
        x->id_at = xml_result(&x->out->body, x->service, x->op, value, x->out->request_id);
        return;
    }
    x->out->content_type = "application/json";
    if (x->op->out)
        shape_json_write(&w, x->op->out, value);
    else
        buf_puts(&x->out->body, "{}");
}

/* --- what both protocols share --- */

/* The hosted service has names of its own for identifiers when they are missing. */
static const char *spoken_name(const char *path)
{
    static const struct {
        const char *member, *spoken;
    } names[] = {
        {"CacheClusterId",     "CacheClusterIdentifier"    },
        {"ReplicationGroupId", "ReplicationGroupIdentifier"},
    };

    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(names[i].member, path) == 0)
            return names[i].spoken;
    return path;
}

static struct err check_input(struct exchange *x, const void *in)
{
    struct shape_breach breach;

    if (shape_check(x->arena, x->api->patterns, x->op->in, in, &breach))
        return OK;
    if (breach.missing && x->service == &service_monitoring)
        return err_format(x->arena, FAULT_MISSING_REQUIRED_PARAMETER,
                          "The parameter %s is required.", breach.path);
    if (breach.missing && x->service->is_ec2)
        return err_format(x->arena, FAULT_MISSING_PARAMETER,
                          "The request must contain the parameter %s", breach.path);
    if (breach.missing)
        return err_format(x->arena, FAULT_INVALID_PARAMETER_VALUE,
                          "The parameter %s must be provided and must not be null.",
                          spoken_name(breach.path));
    return err_make(FAULT_INVALID_PARAMETER_VALUE, breach.why);
}

/* STS and IAM have one endpoint for the whole world. */
static bool is_global(const struct service_desc *service)
{
    return service == &service_sts || service == &service_iam;
}

static struct err run_anew(struct exchange *x, const struct caller *who, const void *in)
{
    void *result = x->op->out ? arena_zalloc(x->arena, x->op->out->size) : NULL;
    char nothing[16] = {0}; /* operations without a result have an output struct all the same */

    TRY(check_input(x, in));
    TRY(ops_run(x->api->conf.ops, x->arena, who, x->service, x->op, in,
                result ? result : (void *)nothing));
    render_result(x, result);
    return OK;
}

/* All that the bytes of an answer follow from, besides the store. */
static void write_key(const struct exchange *x, const struct caller *who, struct buf *key)
{
    const struct api_request *r = x->request;

    buf_printf(key, "%s %s %s %d %s %zu %zu ", who->account, who->region, x->op->name, x->rpc,
               r->method, r->path.len, r->query.len);
    buf_add_str(key, r->path);
    buf_add_str(key, r->query);
    buf_add_str(key, r->body);
}

static bool answer_again(struct exchange *x, struct str key, uint64_t revision)
{
    struct answer *kept = answers_find(x->api->answers, key, revision);
    struct api_response *out = x->out;

    if (!kept)
        return false;
    out->status = 200;
    out->content_type = kept->content_type;
    out->smithy_protocol = kept->smithy_protocol;
    buf_add_str(&out->body, kept->body);
    if (kept->id_at != ANSWER_WITHOUT_ID)
        memcpy(out->body.ptr + kept->id_at, out->request_id, strlen(out->request_id));
    answer_let_go(kept);
    return true;
}

/* An answer that nothing has changed since is given again. */
static struct err run(struct exchange *x, const void *in)
{
    struct caller who = {.account = auth_account(&x->api->conf, &x->scope),
                         .access_key = x->scope.access_key ? x->scope.access_key : "",
                         .request_id = x->out->request_id};
    scoped(buf_fini) struct buf key = BUF_EMPTY;

    TRY(auth_region(&x->api->conf, &x->scope, is_global(x->service), &who.region));
    uint64_t revision = ops_revision(x->api->conf.ops, x->service, x->op);
    if (revision == 0)
        return run_anew(x, &who, in);
    write_key(x, &who, &key);
    if (answer_again(x, buf_str(&key), revision))
        return OK;
    TRY(run_anew(x, &who, in));
    answers_keep(x->api->answers, buf_str(&key), revision,
                 &(struct answer){.content_type = x->out->content_type,
                                  .smithy_protocol = x->out->smithy_protocol,
                                  .id_at = x->id_at,
                                  .body = buf_str(&x->out->body)});
    return OK;
}

static void choose_op(struct exchange *x, const struct op_desc *op)
{
    x->op = op;
    x->out->op = op->name;
}

/* --- Query --- */

static struct err unknown_action(struct exchange *x, struct str action)
{
    return err_format(x->arena, FAULT_INVALID_ACTION,
                      "The action %.*s is not valid for this web service.",
                      STR_ARG(str_shorten(action, SHOWN_MAX_BYTES)));
}

/* The service that the signature is for; without one, the service that has this action. */
static struct err choose_service(struct exchange *x, struct str action)
{
    for (size_t i = 0; i < countof(services); i++) {
        bool is_it = x->scope.service ? strcmp(services[i]->name, x->scope.service) == 0
                                      : action.len && service_op(services[i], action.ptr) != NULL;
        if (!is_it)
            continue;
        x->service = services[i];
        return OK;
    }
    if (!x->scope.service)
        return OK;
    return err_format(x->arena, FAULT_INVALID_ACTION,
                      "The service %s is not served by this version of Larder.", x->scope.service);
}

static struct err find_action(struct exchange *x)
{
    struct str action = query_get(&x->params, "Action");
    struct str version = query_get(&x->params, "Version");
    const struct op_desc *op;

    TRY(choose_service(x, action));
    if (query_is_repeated(&x->params, "Action") || query_is_repeated(&x->params, "Version"))
        return err_make(FAULT_INVALID_PARAMETER_VALUE,
                        "The parameters Action and Version must not be given more than once.");
    if (!action.len)
        return err_make(FAULT_MISSING_ACTION, "The request must contain the parameter Action.");
    if (version.len && !str_is(version, x->service->version))
        return err_format(x->arena, FAULT_INVALID_ACTION,
                          "Could not find operation %.*s for version %.*s.",
                          STR_ARG(str_shorten(action, SHOWN_MAX_BYTES)),
                          STR_ARG(str_shorten(version, SHOWN_MAX_BYTES)));
    op = service_op(x->service, action.ptr);
    if (!op)
        return unknown_action(x, action);
    choose_op(x, op);
    return OK;
}

static bool is_form(const char *content_type)
{
    struct str rest = str_of(content_type);
    struct str type = str_trim(str_cut(&rest, ';'));

    return type.len == 0 || str_is_nocase(type, "application/x-www-form-urlencoded");
}

static struct err read_params(struct exchange *x)
{
    const struct api_request *request = x->request;

    if (strcmp(request->method, "GET") == 0)
        return query_parse(x->arena, request->query, (struct str){"", 0}, &x->params);
    if (strcmp(request->method, "POST") != 0) {
        x->out->allow = "GET, POST";
        return err_make(FAULT_METHOD_NOT_ALLOWED, "This path takes GET and POST.");
    }
    if (!is_form(request->content_type))
        return err_make(FAULT_UNSUPPORTED_MEDIA_TYPE, "The body must be sent as Content-Type: "
                                                      "application/x-www-form-urlencoded.");
    return query_parse(x->arena, request->body, request->query, &x->params);
}

static struct err handle_query(struct exchange *x)
{
    void *in;

    if (!str_is(x->request->path, "/"))
        return err_make(FAULT_UNKNOWN_PATH, "Nothing stands at this path.");
    TRY(read_params(x));
    TRY(auth_scope_find(x->arena, &x->api->conf, x->request, &x->params, &x->scope));
    TRY(find_action(x));
    in = arena_zalloc(x->arena, x->op->in->size);
    TRY(query_decode(x->arena, &x->params, x->op->in, in));
    return run(x, in);
}

/* --- REST --- */

static struct err send_openapi(struct exchange *x)
{
    x->out->op = "openapi";
    if (strcmp(x->request->method, "GET") != 0) {
        x->out->allow = "GET";
        return err_make(FAULT_METHOD_NOT_ALLOWED, "This path takes GET.");
    }
    x->out->status = 200;
    x->out->content_type = "application/json";
    buf_add_str(&x->out->body, buf_str(&x->api->openapi));
    return OK;
}

static struct err handle_rest(struct exchange *x)
{
    void *in;

    if (str_is(x->request->path, OPENAPI_PATH))
        return send_openapi(x);
    TRY(query_parse(x->arena, x->request->query, (struct str){"", 0}, &x->params));
    TRY(auth_scope_find(x->arena, &x->api->conf, x->request, &x->params, &x->scope));
    TRY(rest_find(x->api->routes, x->arena, x->request->method, x->request->path, &x->target,
                  &x->out->allow));
    x->service = x->target.service;
    choose_op(x, x->target.op);
    in = arena_zalloc(x->arena, x->op->in->size);
    TRY(rest_decode(x->arena, &x->target, x->request, &x->params, in));
    return run(x, in);
}

/* --- JSON and CBOR --- */

static struct err handle_rpc(struct exchange *x)
{
    struct str name;
    void *in;

    if (strcmp(x->request->method, "POST") != 0) {
        x->out->allow = "POST";
        return err_make(FAULT_METHOD_NOT_ALLOWED, "This path takes POST.");
    }
    TRY(auth_scope_find(x->arena, &x->api->conf, x->request, &x->params, &x->scope));
    TRY(rpc_find(x->arena, services, countof(services), x->rpc, x->request, &x->service, &name));
    const struct op_desc *op = service_op(x->service, str_dup(x->arena, name));
    if (!op)
        return unknown_action(x, name);
    choose_op(x, op);
    in = arena_zalloc(x->arena, x->op->in->size);
    TRY(rpc_decode(x->arena, x->rpc, x->request, x->op->in, in));
    return run(x, in);
}

/* --- the boundary --- */

static void exchange_begin(struct exchange *x, struct api *api, struct arena *a,
                           const struct api_request *request, struct api_response *out)
{
    struct rng rng;

    rng_seed_system(&rng);
    *out = (struct api_response){.request_id = rng_uuid(&rng, a), .op = "unknown"};
    *x = (struct exchange){.api = api,
                           .arena = a,
                           .request = request,
                           .out = out,
                           .service = services[0],
                           .rpc = rpc_form_of(request),
                           .id_at = ANSWER_WITHOUT_ID};
}

void api_handle(struct api *api, struct arena *a, const struct api_request *request,
                struct api_response *out)
{
    struct exchange x;
    struct err e;

    exchange_begin(&x, api, a, request, out);
    if (x.rpc)
        e = handle_rpc(&x);
    else
        e = is_rest(request->path) ? handle_rest(&x) : handle_query(&x);
    if (err_failed(e))
        render_error(&x, e);
}

void api_refuse(struct api *api, struct arena *a, const struct api_request *request, int fault,
                const char *why, struct api_response *out)
{
    struct exchange x;

    exchange_begin(&x, api, a, request, out);
    render_fault(&x, fault, why);
}
