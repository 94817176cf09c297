/*
 * The wire as a filter, for the contract tests: one JSON object per line in, one out. Python holds
 * the real SDK's serializer and parser, this program ours; each line sends one value across.
 *
 *     {"do":"decode","op":O,"form":F}            Query form to {"value":V}
 *     {"do":"encode","op":O,"value":V}           answer value to {"body":XML}
 *     {"do":"resource","method":M,"path":P,"query":Q,"body":B}   REST to {"op":O,"value":V}
 *     {"do":"handle","request":{...},"answer":V | "fault":C}     a whole exchange; the handler
 * behind it answers with V or the fault of code C
 *     {"do":"openapi"}                           {"document":text}
 *
 * Everywhere "service" may be given and is elasticache otherwise. A failure is
 * {"fault":code,"why":text}.
 */
#include "base/arena.h"
#include "base/json.h"
#include "base/shape_check.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "contract/ec2.h"
#include "contract/elasticache.h"
#include "contract/iam.h"
#include "contract/monitoring.h"
#include "contract/sts.h"
#include "controlplane/api/api.h"
#include "controlplane/api/openapi.h"
#include "controlplane/api/query.h"
#include "controlplane/api/rest.h"
#include "controlplane/api/xml.h"
#include "controlplane/ops/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct service_desc *const services[] = {
    &service_elasticache, &service_sts, &service_ec2, &service_iam, &service_monitoring};

/* What the handler behind the api shall do, and what it saw: the api's `ops` points here. */
struct ops {
    const struct json *answer;
    const char *fault;
    struct json_writer *seen;
};

static int fault_code(const char *wire)
{
    for (int code = ERR_FAULT_BASE; code < ERR_FAULT_BASE + FAULT_COUNT; code++)
        if (strcmp(fault_find(code)->wire, wire) == 0)
            return code;
    return ERR_INTERNAL;
}

/* Nothing is kept: every answer is another. */
uint64_t ops_revision(const struct ops *o, const struct service_desc *service,
                      const struct op_desc *op)
{
    (void)o, (void)service, (void)op;
    return 0;
}

struct err ops_run(struct ops *o, struct arena *a, const struct caller *who,
                   const struct service_desc *service, const struct op_desc *op, const void *in,
                   void *out)
{
    json_name(o->seen, "seen");
    json_begin_object(o->seen);
    json_name_text(o->seen, "service", service->name);
    json_name_text(o->seen, "op", op->name);
    json_name_text(o->seen, "account", who->account);
    json_name_text(o->seen, "region", who->region);
    json_name_text(o->seen, "access_key", who->access_key);
    json_name(o->seen, "value");
    shape_json_write(o->seen, op->in, in);
    json_end_object(o->seen);
    if (o->fault)
        return err_make(fault_code(o->fault), "because the test says so");
    if (o->answer && op->out)
        return shape_json_read(a, op->out, o->answer, SHAPE_UNKNOWN_REFUSE, out);
    return OK;
}

static const struct service_desc *service_of(const struct json *line)
{
    const char *name = json_get_text(line, "service");

    for (size_t i = 0; name && i < countof(services); i++)
        if (strcmp(services[i]->name, name) == 0)
            return services[i];
    return services[0];
}

static const struct op_desc *op_of(const struct json *line)
{
    const char *name = json_get_text(line, "op");
    const struct op_desc *op = service_op(service_of(line), name ? name : "");

    if (!op) {
        fprintf(stderr, "wire_echo: no operation %s\n", name);
        exit(1);
    }
    return op;
}

static struct str text_of(const struct json *line, const char *name)
{
    return str_of(json_get_text(line, name));
}

static struct err write_checked(struct arena *a, const struct op_desc *op, const void *in,
                                struct json_writer *w)
{
    struct shape_breach breach;
    struct shape_patterns *patterns = shape_patterns_new(services, countof(services));
    bool is_good = shape_check(a, patterns, op->in, in, &breach);

    shape_patterns_free(patterns);
    if (!is_good)
        return err_make(FAULT_INVALID_PARAMETER_VALUE, breach.why);
    json_name(w, "value");
    shape_json_write(w, op->in, in);
    return OK;
}

static struct err do_decode(struct arena *a, const struct json *line, struct json_writer *w)
{
    const struct op_desc *op = op_of(line);
    void *in = arena_zalloc(a, op->in->size);
    struct query query;

    TRY(query_parse(a, text_of(line, "form"), (struct str){"", 0}, &query));
    TRY(query_decode(a, &query, op->in, in));
    return write_checked(a, op, in, w);
}

static struct err do_encode(struct arena *a, const struct json *line, struct json_writer *w)
{
    const struct op_desc *op = op_of(line);
    void *out = op->out ? arena_zalloc(a, op->out->size) : NULL;
    scoped(buf_fini) struct buf body = BUF_EMPTY;

    if (op->out)
        TRY(shape_json_read(a, op->out, json_get(line, "value"), SHAPE_UNKNOWN_REFUSE, out));
    xml_result(&body, service_of(line), op, out, "11111111-2222-3333-4444-555555555555");
    json_name(w, "body");
    json_str(w, buf_str(&body));
    return OK;
}

static struct api_request request_of(const struct json *line)
{
    return (struct api_request){.method = json_get_text(line, "method"),
                                .path = text_of(line, "path"),
                                .query = text_of(line, "query"),
                                .body = text_of(line, "body"),
                                .authorization = json_get_text(line, "authorization"),
                                .content_type = json_get_text(line, "content_type"),
                                .amz_date = json_get_text(line, "amz_date"),
                                .date = json_get_text(line, "date")};
}

static void routes_fini(struct rest_routes **routes)
{
    rest_routes_free(*routes);
}

static struct err do_resource(struct arena *a, const struct json *line, struct json_writer *w)
{
    scoped(routes_fini) struct rest_routes *routes = rest_routes_new(services, countof(services));
    struct api_request request = request_of(line);
    struct rest_target target;
    struct query query;
    const char *allow = NULL;
    void *in;

    TRY(query_parse(a, request.query, (struct str){"", 0}, &query));
    TRY(rest_find(routes, a, request.method, request.path, &target, &allow));
    in = arena_zalloc(a, target.op->in->size);
    TRY(rest_decode(a, &target, &request, &query, in));
    json_name_text(w, "op", target.op->name);
    return write_checked(a, target.op, in, w);
}

static struct err do_handle(struct arena *a, const struct json *line, struct json_writer *w)
{
    static const char *const regions[] = {"us-east-1", "eu-west-1"};
    struct ops ops = {json_get(line, "answer"), json_get_text(line, "fault"), w};
    struct api_conf conf = {.ops = &ops,
                            .auth = text_of(line, "auth").len ? API_AUTH_OPEN : API_AUTH_SCOPED,
                            .regions = regions,
                            .region_count = countof(regions),
                            .default_account = "000000000000"};
    struct api *api = api_new(&conf);
    struct api_request request = request_of(json_get(line, "request"));
    struct api_response response;

    api_handle(api, a, &request, &response);
    json_name_int(w, "status", response.status);
    json_name_text(w, "content_type", response.content_type);
    json_name_text(w, "request_id", response.request_id);
    json_name_text(w, "allow", response.allow);
    json_name_text(w, "code", response.fault);
    json_name_text(w, "metric", response.op);
    json_name(w, "body");
    json_str(w, buf_str(&response.body));
    buf_fini(&response.body);
    api_free(api);
    return OK;
}

static struct err do_openapi(struct arena *a, const struct json *line, struct json_writer *w)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    (void)a, (void)line;
    openapi_write(&text, services, countof(services));
    json_name(w, "document");
    json_str(w, buf_str(&text));
    return OK;
}

static struct err answer(struct arena *a, struct str text, struct json_writer *w)
{
    static const struct {
        const char *name;
        struct err (*run)(struct arena *a, const struct json *line, struct json_writer *w);
    } verbs[] = {
        {"decode",   do_decode  },
        {"encode",   do_encode  },
        {"resource", do_resource},
        {"handle",   do_handle  },
        {"openapi",  do_openapi },
    };
    struct json line;

    TRY(json_parse(a, text, 64, &line));
    for (size_t i = 0; i < countof(verbs); i++)
        if (str_is(text_of(&line, "do"), verbs[i].name))
            return verbs[i].run(a, &line, w);
    return err_make(ERR_INVALID, "no such verb");
}

int main(void)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t len;

    while ((len = getline(&text, &room, stdin)) > 0) {
        scoped(arena_fini) struct arena a = {0};
        scoped(buf_fini) struct buf out = BUF_EMPTY;
        struct json_writer w = JSON_WRITER(&out);
        json_begin_object(&w);
        struct err e = answer(&a, (struct str){text, (size_t)len}, &w);
        if (err_failed(e)) {
            json_name_text(&w, "fault",
                           fault_find(e.code) ? fault_find(e.code)->wire : err_code_name(e.code));
            json_name_text(&w, "why", e.why);
        }
        json_end_object(&w);
        buf_putc(&out, '\n');
        fwrite(out.ptr, 1, out.len, stdout);
        fflush(stdout);
    }
    free(text);
    return 0;
}
