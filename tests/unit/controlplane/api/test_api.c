#include "base/arena.h"
#include "contract/elasticache.h"
#include "handler.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

static void free_api(struct api **api)
{
    api_free(*api);
}

static struct api_request form(const char *text)
{
    return (struct api_request){.method = "POST", .path = STR("/"), .body = str_of(text)};
}

static void one_cluster(struct arena *a, const void *in, void *out)
{
    const struct ec_describe_cache_clusters_in *asked = in;
    struct ec_describe_cache_clusters_out *answer = out;
    struct ec_cache_cluster *cluster = arena_new(a, struct ec_cache_cluster);

    cluster->cache_cluster_id = asked->cache_cluster_id;
    answer->cache_clusters.has = true;
    answer->cache_clusters.count = 1;
    answer->cache_clusters.items = cluster;
}

Test(api, a_query_is_decoded_run_and_answered)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {.fill = one_cluster};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response response;
    const char *body =
        handle(api, &a, form("Action=DescribeCacheClusters&CacheClusterId=c1"), &response);

    cr_expect_eq(response.status, 200);
    cr_expect_str_eq(response.content_type, "text/xml");
    cr_expect_str_eq(response.op, "DescribeCacheClusters");
    cr_expect_null(response.fault);
    cr_expect(strstr(body, "<CacheCluster><CacheClusterId>c1</CacheClusterId></CacheCluster>"));
    cr_expect(strstr(body, response.request_id));
    cr_expect_str_eq(ops.who.request_id, response.request_id);
}

Test(api, the_same_as_a_resource_is_answered_in_json)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {.fill = one_cluster};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response response;
    const char *body =
        handle(api, &a, (struct api_request){.method = "GET", .path = STR("/v1/cache-clusters/c1")},
               &response);

    cr_expect_eq(response.status, 200);
    cr_expect_str_eq(body, "{\"CacheClusters\":[{\"CacheClusterId\":\"c1\"}]}");
}

Test(api, errors_of_handlers_become_faults)
{
    static const struct {
        struct err e;
        int status;
        const char *code, *why;
    } rows[] = {
        {{FAULT_CACHE_CLUSTER_NOT_FOUND, 0, "CacheCluster not found: c1"},
         404,                                                                   "CacheClusterNotFound",
         "CacheCluster not found: c1"                                                                                                },
        {{FAULT_CACHE_SUBNET_GROUP_NOT_FOUND, 0, "x"},                     400, "CacheSubnetGroupNotFoundFault", "x"                 },
        {{FAULT_THROTTLING, 0, NULL},                                      400, "Throttling",                    "Too many requests."},
        {{ERR_IO, 28, "the disk is full at /secret"},                      500, "InternalFailure",               "internal error"    },
        {{ERR_UNAVAILABLE, 0, "no store"},                                 503, "ServiceUnavailable",            "cannot answer"     },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct ops ops = {.answer = rows[i].e};
        scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
        struct api_response response;
        const char *body = handle(api, &a, form("Action=DescribeEvents"), &response);
        cr_expect_eq(response.status, rows[i].status, "%zu: %d", i, response.status);
        cr_expect_str_eq(response.fault, rows[i].code);
        cr_expect(strstr(body, rows[i].why), "%s", body);
        cr_expect_null(strstr(body, "/secret"));
    }
}

Test(api, nothing_is_run_when_the_request_is_bad)
{
    static const char *const bad[] = {"",
                                      "Action=Nothing",
                                      "Action=DeleteCacheCluster",
                                      "Action=DescribeEvents&Duration=x",
                                      "Action=DescribeEvents&Duration=1&Duration=1",
                                      "Action=DescribeEvents&SourceType=moon",
                                      "Action=TakeSnapshot&SnapshotName=s"};
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);

    for (size_t i = 0; i < countof(bad); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct api_response response;
        handle(api, &a, form(bad[i]), &response);
        cr_expect_eq(response.status, 400, "%s: %d", bad[i], response.status);
    }
    cr_expect_eq(ops.calls, 0);
}

Test(api, request_ids_differ)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response first, second;

    handle(api, &a, form("Action=DescribeEvents"), &first);
    handle(api, &a, form("Action=DescribeEvents"), &second);
    cr_expect_str_neq(first.request_id, second.request_id);
}

Test(api, it_owns_the_root_and_the_resources_only)
{
    static const struct {
        const char *path;
        bool is_owned;
    } rows[] = {
        {"/",                true },
        {"/v1",              true },
        {"/v1/x",            true },
        {"/v1/openapi.json", true },
        {"/metrics",         false},
        {"/v10/x",           false},
        {"/agent",           false},
        {"",                 false}
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(api_owns_path(str_of(rows[i].path)), rows[i].is_owned, "%s", rows[i].path);
}

Test(api, what_the_front_refuses_has_the_form_of_the_path)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_SCOPED);
    struct api_request query = {.method = "POST", .path = STR("/")};
    struct api_request rest = {.method = "POST", .path = STR("/v1/cache-clusters")};
    struct api_response response;

    api_refuse(api, &a, &query, FAULT_REQUEST_ENTITY_TOO_LARGE, NULL, &response);
    cr_expect_eq(response.status, 413);
    cr_expect(
        strstr(buf_cstr(&response.body), "<Code>RequestEntityTooLarge</Code><Message>The body"));
    buf_fini(&response.body);
    api_refuse(api, &a, &rest, FAULT_REQUEST_ENTITY_TOO_LARGE, "too \"large\"", &response);
    cr_expect_eq(response.status, 413);
    cr_expect(strstr(buf_cstr(&response.body), "\"Message\":\"too \\\"large\\\"\""));
    buf_fini(&response.body);
}

Test(api, an_answer_that_nothing_changed_is_given_again_with_an_id_of_its_own)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {.fill = one_cluster, .revision = 2};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_request request = form("Action=DescribeCacheClusters&CacheClusterId=c1");
    struct api_response first, again;

    const char *body = handle(api, &a, request, &first);
    const char *second = handle(api, &a, request, &again);
    cr_expect_eq(ops.calls, 1);
    cr_expect_eq(again.status, 200);
    cr_expect_str_eq(again.content_type, first.content_type);
    cr_expect_str_neq(again.request_id, first.request_id);
    cr_expect(strstr(second, again.request_id));
    cr_expect_null(strstr(second, first.request_id));
    cr_expect_eq(strlen(second), strlen(body));
    ops.revision = 4;
    handle(api, &a, request, &again);
    cr_expect_eq(ops.calls, 2);
    ops.revision = 0;
    handle(api, &a, request, &again);
    handle(api, &a, request, &again);
    cr_expect_eq(ops.calls, 4);
}

Test(api, each_form_caller_and_question_has_answers_of_its_own)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {.fill = one_cluster, .revision = 2};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_request asked[] = {
        form("Action=DescribeCacheClusters&CacheClusterId=c1"),
        form("Action=DescribeCacheClusters&CacheClusterId=c2"),
        {.method = "GET",                       .path = STR("/v1/cache-clusters/c1")},
        {               .method = "GET", .path = STR("/v1/cache-clusters/c2")                                    },
        { .method = "GET",    .path = STR("/v1/cache-clusters"),                                        .query = STR("CacheClusterId=c1")},
        form("Action=DescribeCacheClusters&CacheClusterId=c1"),
    };
    const char *bodies[countof(asked)];
    struct api_response response;

    asked[5].authorization =
        "AWS4-HMAC-SHA256 Credential=111111111111/20260101/eu-west-1/elasticache/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature="
        "0000000000000000000000000000000000000000000000000000000000000000";
    asked[5].amz_date = "20260101T000000Z";
    asked[5].host = "larder";
    for (size_t i = 0; i < countof(asked); i++)
        bodies[i] = handle(api, &a, asked[i], &response);
    cr_expect_eq(ops.calls, (int)countof(asked));
    cr_expect_str_eq(ops.who.account, "111111111111");
    for (size_t i = 2; i < 5; i++)
        cr_expect_str_eq(handle(api, &a, asked[i], &response), bodies[i]);
    cr_expect_eq(ops.calls, (int)countof(asked));
}

Test(api, faults_are_not_kept)
{
    scoped(arena_fini) struct arena a = {0};
    struct ops ops = {
        .answer = {FAULT_THROTTLING, 0, NULL},
          .revision = 2
    };
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    struct api_response response;

    handle(api, &a, form("Action=DescribeCacheClusters"), &response);
    handle(api, &a, form("Action=DescribeCacheClusters"), &response);
    cr_expect_eq(response.status, 400);
    cr_expect_eq(ops.calls, 2);
}

/* Handlers run at the same time, so what the test's own one counts must not be shared. */
static void *ask_often(void *api)
{
    static const char *const paths[] = {"/v1/cache-clusters/c1", "/v1/openapi.json", "/v1/nothing"};

    for (int i = 0; i < 300; i++) {
        scoped(arena_fini) struct arena a = {0};
        struct api_response response;
        struct api_request query = form("Action=PurchaseReservedCacheNodesOffering");
        struct api_request rest = {
            .method = "GET", .path = str_of(paths[i % 3]), .query = STR("X=1")};
        handle(api, &a, i % 2 ? query : rest, &response);
        if (response.status >= 500)
            return api;
    }
    return NULL;
}

Test(api, threads_share_it)
{
    struct ops ops = {0};
    scoped(free_api) struct api *api = api_of(&ops, API_AUTH_OPEN);
    pthread_t threads[4];

    for (size_t i = 0; i < countof(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_often, api), 0);
    for (size_t i = 0; i < countof(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        cr_expect_null(failed);
    }
}
