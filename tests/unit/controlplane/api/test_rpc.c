#include "base/arena.h"
#include "contract/monitoring.h"
#include "controlplane/api/rpc.h"
#include "handler.h"

#include <criterion/criterion.h>

#include <string.h>

#define TARGET "GraniteServiceVersion20100801"

static void free_api(struct api **api)
{
    api_free(*api);
}

static int64_t asked_ms;

static void one_point(struct arena *a, const void *in, void *out)
{
    const struct cw_get_metric_statistics_in *asked = in;
    struct cw_get_metric_statistics_out *answer = out;
    struct cw_datapoint *point = arena_new(a, struct cw_datapoint);

    asked_ms = asked->start_time.value;
    point->timestamp = TIME_OF(1500);
    point->sum = (struct opt_double){true, 2};
    answer->label = asked->metric_name;
    answer->datapoints = (struct cw_datapoints){true, 1, point};
}

static struct api_request json(const char *target, const char *body)
{
    return (struct api_request){.method = "POST",
                                .path = STR("/"),
                                .amz_target = target,
                                .content_type = "application/x-amz-json-1.0",
                                .body = str_of(body)};
}

#define ASK                                                                                      \
    "{\"Namespace\":\"n\",\"MetricName\":\"m\",\"StartTime\":0.25,\"EndTime\":60,\"Period\":60," \
    "\"Statistics\":[\"Sum\"],\"Newer\":1}"

Test(rpc, json_names_its_operation_in_a_header_and_times_in_seconds)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {.fill = one_point};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response response;

    const char *body = handle(api, &a, json(TARGET ".GetMetricStatistics", ASK), &response);
    cr_assert_eq(response.status, 200, "%s", body);
    cr_assert_str_eq(response.content_type, "application/x-amz-json-1.0");
    cr_assert_str_eq(response.op, "GetMetricStatistics");
    cr_assert_str_eq(body, "{\"Label\":\"m\",\"Datapoints\":[{\"Timestamp\":1.5,\"Sum\":2}]}");
    cr_assert_eq(asked_ms, 250);
}

Test(rpc, faults_have_the_shapes_name_and_the_code_of_query_in_a_header)
{
    static const struct {
        const char *target, *body, *type, *error;
    } rows[] = {
        {TARGET ".GetMetricStatistics", "{}",                 "MissingRequiredParameterException",
         "MissingParameter;Sender"                                                                                        },
        {TARGET ".GetMetricStatistics", "{",                  "MalformedInput",                    "MalformedInput;Sender"},
        {TARGET ".GetMetricStatistics", "{\"Period\":\"x\"}", "InvalidParameterValue",
         "InvalidParameterValue;Sender"                                                                                   },
        {TARGET ".NoSuchThing",         "{}",                 "InvalidAction",                     "InvalidAction;Sender" },
        {TARGET,                        "{}",                 "InvalidAction",                     "InvalidAction;Sender" },
        {"Other.GetMetricData",         "{}",                 "InvalidAction",                     "InvalidAction;Sender" },
    };
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);

    for (size_t i = 0; i < countof(rows); i++) {
        struct api_response response;
        const char *body = handle(api, &a, json(rows[i].target, rows[i].body), &response);
        cr_assert_eq(response.status, 400, "%s", body);
        cr_assert(strstr(body, arena_printf(&a, "{\"__type\":\"%s", rows[i].type)), "%s", body);
        cr_assert_str_eq(response.query_error, rows[i].error);
    }
    cr_assert_eq(ops.calls, 0);
}

static struct api_request cbor(const char *path, const char *body, size_t len)
{
    return (struct api_request){
        .method = "POST",
        .path = str_of(path),
        .content_type = "application/cbor",
        .body = {body, len}
    };
}

Test(rpc, cbor_names_its_operation_in_the_path)
{
    static const char ask[] = "\xa1\x6a"
                              "MetricName\x61m";
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response response;

    const char *body =
        handle(api, &a, cbor("/service/" TARGET "/operation/ListMetrics", ask, sizeof(ask) - 1),
               &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(response.content_type, "application/cbor");
    cr_assert_str_eq(response.smithy_protocol, "rpc-v2-cbor");
    cr_assert_str_eq(body, "\xa0");
    cr_assert_str_eq(ops.op, "ListMetrics");
}

Test(rpc, other_paths_methods_and_types_are_refused)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response response;
    struct api_request request = cbor("/service/" TARGET "/ListMetrics", "\xa0", 1);

    handle(api, &a, request, &response);
    cr_assert_eq(response.status, 404);
    request = cbor("/service/" TARGET "/operation/ListMetrics", "\xa0", 1);
    request.content_type = "application/json";
    handle(api, &a, request, &response);
    cr_assert_eq(response.status, 415);
    request.method = "GET";
    handle(api, &a, request, &response);
    cr_assert_eq(response.status, 405);
    cr_assert_str_eq(response.allow, "POST");
    cr_assert_str_eq(response.smithy_protocol, "rpc-v2-cbor");
}
