#include "base/arena.h"
#include "cli/commands/options.h"
#include "cli/commands/remote.h"
#include "contract/elasticache.h"
#include "stub_service.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static void forget_environment(void)
{
    static const char *const names[] = {
        "LARDER_ENDPOINT_URL", "AWS_ENDPOINT_URL",      "AWS_REGION",       "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",   "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};

    for (size_t i = 0; i < countof(names); i++)
        unsetenv(names[i]);
}

TestSuite(remote, .init = forget_environment);

static struct err call(const struct call_globals *globals, struct arena *a, const char *op,
                       const void *in, void *out, struct remote_fault *fault)
{
    struct remote *r = remote_open(globals, &service_elasticache);
    struct err e = remote_call(r, a, service_op(&service_elasticache, op), in, out, fault);

    remote_close(r);
    return e;
}

Test(remote, sends_a_body_and_reads_the_answer)
{
    static const struct stub_answer answers[] = {
        {200,
         "{\"CacheCluster\":{\"CacheClusterId\":\"c1\",\"CacheClusterStatus\":\"creating\"}}"}
    };
    struct stub *s = stub_start(answers, 1);
    struct arena a = {0};
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = "c1", .num_cache_nodes = INT_OF(1)};
    struct ec_create_cache_cluster_out out = {0};
    struct remote_fault fault;

    struct err e = call(&(struct call_globals){.endpoint_url = s->url}, &a, "CreateCacheCluster",
                        &in, &out, &fault);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    cr_assert_null(fault.code);
    cr_expect_str_eq(out.cache_cluster->cache_cluster_status, "creating");
    cr_expect_eq(strncmp(s->requests[0], "POST /v1/cache-clusters HTTP/1.1\r\n", 34), 0, "%s",
                 s->requests[0]);
    cr_expect_not_null(strstr(s->requests[0], "{\"CacheClusterId\":\"c1\",\"NumCacheNodes\":1}"));
    cr_expect_null(strcasestr(s->requests[0], "Authorization:"));
    stub_stop(s);
    arena_fini(&a);
}

Test(remote, puts_the_rest_of_a_get_into_the_query)
{
    static const struct stub_answer answers[] = {
        {200, "{\"CacheClusters\":[]}"}
    };
    struct stub *s = stub_start(answers, 1);
    struct arena a = {0};
    struct ec_describe_cache_clusters_in in = {
        .max_records = INT_OF(20), .marker = "a/b c&d", .show_cache_node_info = BOOL_OF(true)};
    struct ec_describe_cache_clusters_out out = {0};
    struct remote_fault fault;

    struct err e = call(&(struct call_globals){.endpoint_url = s->url}, &a, "DescribeCacheClusters",
                        &in, &out, &fault);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    cr_expect_not_null(strstr(s->requests[0],
                              "GET /v1/cache-clusters?MaxRecords=20&"
                              "Marker=a%2Fb%20c%26d&ShowCacheNodeInfo=true HTTP/1.1"),
                       "%s", s->requests[0]);
    stub_stop(s);
    arena_fini(&a);
}

Test(remote, escapes_what_stands_in_the_path)
{
    static const struct stub_answer answers[] = {
        {200, "{}"}
    };
    struct stub *s = stub_start(answers, 1);
    struct arena a = {0};
    struct ec_delete_cache_cluster_in in = {.cache_cluster_id = "../x"};
    struct ec_delete_cache_cluster_out out = {0};
    struct remote_fault fault;

    cr_assert_eq(call(&(struct call_globals){.endpoint_url = s->url}, &a, "DeleteCacheCluster", &in,
                      &out, &fault)
                     .code,
                 ERR_OK);
    cr_expect_not_null(strstr(s->requests[0], "DELETE /v1/cache-clusters/..%2Fx HTTP/1.1"), "%s",
                       s->requests[0]);
    stub_stop(s);
    arena_fini(&a);
}

Test(remote, refuses_to_ask_for_a_resource_without_a_name)
{
    struct arena a = {0};
    struct ec_delete_cache_cluster_in in = {.cache_cluster_id = ""};
    struct ec_delete_cache_cluster_out out = {0};
    struct remote_fault fault;

    cr_expect_eq(call(&(struct call_globals){.endpoint_url = "http://127.0.0.1:1"}, &a,
                      "DeleteCacheCluster", &in, &out, &fault)
                     .code,
                 ERR_INVALID);
    arena_fini(&a);
}

Test(remote, brings_faults_back)
{
    static const struct stub_answer answers[] = {
        {404, "{\"Code\":\"CacheClusterNotFound\",\"Message\":\"CacheCluster not found: c1\"}"}
    };
    struct stub *s = stub_start(answers, 1);
    struct arena a = {0};
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "c1"};
    struct ec_describe_cache_clusters_out out = {0};
    struct remote_fault fault;

    cr_assert_eq(call(&(struct call_globals){.endpoint_url = s->url}, &a, "DescribeCacheClusters",
                      &in, &out, &fault)
                     .code,
                 ERR_OK);
    cr_expect_str_eq(fault.code, "CacheClusterNotFound");
    cr_expect_str_eq(fault.message, "CacheCluster not found: c1");
    stub_stop(s);
    arena_fini(&a);
}

Test(remote, does_not_take_nonsense_for_an_answer)
{
    static const struct stub_answer answers[] = {
        {502, "<html>"                   },
        {500, "[]"                       },
        {500, "{\"Message\":\"no code\"}"},
        {200, "not json"                 }
    };
    struct stub *s = stub_start(answers, countof(answers));
    struct ec_describe_cache_clusters_in in = {0};

    for (size_t i = 0; i < countof(answers); i++) {
        struct arena a = {0};
        struct ec_describe_cache_clusters_out out = {0};
        struct remote_fault fault;
        cr_expect_eq(call(&(struct call_globals){.endpoint_url = s->url}, &a,
                          "DescribeCacheClusters", &in, &out, &fault)
                         .code,
                     ERR_CORRUPT, "answer %zu", i);
        arena_fini(&a);
    }
    stub_stop(s);
}

Test(remote, signs_when_there_are_credentials_or_a_region)
{
    static const struct stub_answer answers[] = {
        {200, "{}"}
    };
    struct stub *s = stub_start(answers, 1);
    struct arena a = {0};
    struct ec_describe_cache_clusters_in in = {0};
    struct ec_describe_cache_clusters_out out = {0};
    struct remote_fault fault;

    setenv("AWS_ENDPOINT_URL", s->url, 1);
    cr_assert_eq(call(&(struct call_globals){.region = "eu-west-1"}, &a, "DescribeCacheClusters",
                      &in, &out, &fault)
                     .code,
                 ERR_OK);
    cr_expect_not_null(strstr(s->requests[0], "/eu-west-1/elasticache/aws4_request"), "%s",
                       s->requests[0]);
    setenv("AWS_ACCESS_KEY_ID", "111122223333", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_REGION", "us-west-2", 1);
    cr_assert_eq(
        call(&(struct call_globals){0}, &a, "DescribeCacheClusters", &in, &out, &fault).code,
        ERR_OK);
    cr_expect_not_null(strstr(s->requests[1], "Credential=111122223333/"), "%s", s->requests[1]);
    cr_expect_not_null(strstr(s->requests[1], "/us-west-2/elasticache/aws4_request"));
    cr_assert_eq(call(&(struct call_globals){.is_unsigned = true}, &a, "DescribeCacheClusters", &in,
                      &out, &fault)
                     .code,
                 ERR_OK);
    cr_expect_null(strcasestr(s->requests[2], "Authorization:"));
    stub_stop(s);
    arena_fini(&a);
}

Test(remote, says_when_nobody_answers)
{
    struct arena a = {0};
    struct ec_describe_cache_clusters_in in = {0};
    struct ec_describe_cache_clusters_out out = {0};
    struct remote_fault fault;

    cr_expect_eq(call(&(struct call_globals){.endpoint_url = "http://127.0.0.1:1"}, &a,
                      "DescribeCacheClusters", &in, &out, &fault)
                     .code,
                 ERR_UNAVAILABLE);
    arena_fini(&a);
}

static struct err describe(const char *urls, struct arena *a, struct remote_fault *fault)
{
    struct ec_describe_cache_clusters_in in = {0};
    struct ec_describe_cache_clusters_out out = {0};

    return call(&(struct call_globals){.endpoint_url = urls}, a, "DescribeCacheClusters", &in, &out,
                fault);
}

Test(remote, of_several_endpoints_one_that_answers_is_found)
{
    static const struct stub_answer stands_by[] = {
        {503, "{\"Code\":\"ServiceUnavailable\",\"Message\":\"stands by\"}"}
    };
    static const struct stub_answer leads[] = {
        {200, "{\"CacheClusters\":[]}"}
    };
    struct stub *first = stub_start(stands_by, 1), *second = stub_start(leads, 1);
    struct arena a = {0};
    struct remote_fault fault;

    struct err e = describe(arena_printf(&a, "http://127.0.0.1:1, %s/,%s", first->url, second->url),
                            &a, &fault);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    cr_expect_null(fault.code);
    cr_expect_eq(first->request_count, 1);
    cr_expect_eq(second->request_count, 1);
    stub_stop(first);
    stub_stop(second);
    arena_fini(&a);
}

Test(remote, one_that_takes_over_is_waited_for)
{
    static const struct stub_answer answers[] = {
        {503, "{\"Code\":\"ServiceUnavailable\",\"Message\":\"stands by\"}"},
        {503, "{\"Code\":\"ServiceUnavailable\",\"Message\":\"stands by\"}"},
        {200, "{\"CacheClusters\":[]}"                                     }
    };
    struct stub *s = stub_start(answers, 3);
    struct arena a = {0};
    struct remote_fault fault;

    cr_assert_eq(describe(s->url, &a, &fault).code, ERR_OK);
    cr_expect_str_eq(fault.code, "ServiceUnavailable", "one alone is believed");
    cr_assert_eq(describe(arena_printf(&a, "http://127.0.0.1:1,%s", s->url), &a, &fault).code,
                 ERR_OK);
    cr_expect_null(fault.code);
    cr_expect_eq(s->request_count, 3);
    stub_stop(s);
    arena_fini(&a);
}
