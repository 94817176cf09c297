#include "base/arena.h"
#include "contract/elasticache.h"
#include "contract/sts.h"
#include "controlplane/api/api.h"
#include "controlplane/api/query.h"
#include "controlplane/api/rest.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct service_desc *const services[] = {&service_elasticache, &service_sts};

static void routes_fini(struct rest_routes **routes)
{
    rest_routes_free(*routes);
}

static struct err find(struct arena *a, const char *method, const char *path,
                       struct rest_target *out, const char **allow)
{
    scoped(routes_fini) struct rest_routes *routes = rest_routes_new(services, 2);

    return rest_find(routes, a, method, str_of(path), out, allow);
}

Test(rest, paths_lead_to_operations_and_their_parameters)
{
    static const struct {
        const char *method, *path, *op, *value;
    } rows[] = {
        {"GET",    "/v1/cache-clusters",             "DescribeCacheClusters", NULL     },
        {"POST",   "/v1/cache-clusters",             "CreateCacheCluster",    NULL     },
        {"GET",    "/v1/cache-clusters/c1",          "DescribeCacheClusters", "c1"     },
        {"PATCH",  "/v1/cache-clusters/a%20b%2fc+d", "ModifyCacheCluster",    "a b/c+d"},
        {"DELETE", "/v1/cache-clusters/%C3%BC",      "DeleteCacheCluster",    "ü"     },
        {"POST",   "/v1/cache-clusters/c1/reboot",   "RebootCacheCluster",    "c1"     },
        {"GET",    "/v1/caller-identity",            "GetCallerIdentity",     NULL     },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct rest_target target = {0};
        const char *allow = NULL;
        cr_assert(err_is(find(&a, rows[i].method, rows[i].path, &target, &allow), ERR_OK), "%s",
                  rows[i].path);
        cr_expect_str_eq(target.op->name, rows[i].op);
        cr_expect_eq(target.param_count, rows[i].value ? 1 : 0);
        if (rows[i].value)
            cr_expect(str_is(target.params[0].value, rows[i].value), "%s", rows[i].path);
    }
}

Test(rest, other_methods_are_answered_with_those_that_fit)
{
    scoped(arena_fini) struct arena a = {0};
    struct rest_target target;
    const char *allow = NULL;

    cr_assert(
        err_is(find(&a, "HEAD", "/v1/cache-clusters", &target, &allow), FAULT_METHOD_NOT_ALLOWED));
    cr_expect(strstr(allow, "GET") && strstr(allow, "POST"));
}

Test(rest, other_paths_are_unknown)
{
    static const char *const paths[] = {"/v1",
                                        "/v1/",
                                        "/v1/x",
                                        "/v1/cache-clusters/",
                                        "/v1//c1",
                                        "/v2/cache-clusters",
                                        "/v1/a/b/c/d/e/f/g/h/i/j"};
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(paths); i++) {
        struct rest_target target;
        const char *allow = NULL;
        cr_expect(err_is(find(&a, "GET", paths[i], &target, &allow), FAULT_UNKNOWN_PATH), "%s",
                  paths[i]);
        cr_expect_null(allow);
    }
}

Test(rest, a_path_that_cannot_be_decoded_is_malformed)
{
    scoped(arena_fini) struct arena a = {0};
    struct rest_target target;
    const char *allow = NULL;

    cr_expect(err_is(find(&a, "GET", "/v1/cache-clusters/%zz", &target, &allow),
                     FAULT_MALFORMED_QUERY_STRING));
    cr_expect(err_is(find(&a, "GET", "/v1/cache-clusters/%ff", &target, &allow),
                     FAULT_MALFORMED_QUERY_STRING));
}

static struct err decode(struct arena *a, const struct api_request *request, void *in)
{
    struct rest_target target;
    struct query params;
    const char *allow = NULL;
    scoped(routes_fini) struct rest_routes *routes = rest_routes_new(services, 2);

    TRY(query_parse(a, request->query, (struct str){"", 0}, &params));
    TRY(rest_find(routes, a, request->method, request->path, &target, &allow));
    return rest_decode(a, &target, request, &params, in);
}

Test(rest, path_and_url_fill_a_reading_request)
{
    scoped(arena_fini) struct arena a = {0};
    struct api_request request = {.method = "DELETE",
                                  .path = STR("/v1/resources/arn/tags"),
                                  .query = STR("TagKeys=a&TagKeys=b+c&X-Amz-Expires=1")};
    struct ec_remove_tags_from_resource_in in = {0};

    cr_assert(err_is(decode(&a, &request, &in), ERR_OK));
    cr_expect_str_eq(in.resource_name, "arn");
    cr_assert_eq(in.tag_keys.count, 2);
    cr_expect_str_eq(in.tag_keys.items[1], "b c");
}

Test(rest, path_and_body_fill_a_writing_request)
{
    scoped(arena_fini) struct arena a = {0};
    struct api_request request = {.method = "PATCH",
                                  .path = STR("/v1/cache-clusters/c1"),
                                  .content_type = "application/json; charset=utf-8",
                                  .body = STR(" {\"NumCacheNodes\":2,\"CacheClusterId\":\"c1\"} ")};
    struct ec_modify_cache_cluster_in in = {0};

    cr_assert(err_is(decode(&a, &request, &in), ERR_OK));
    cr_expect_str_eq(in.cache_cluster_id, "c1");
    cr_expect_eq(in.num_cache_nodes.value, 2);
    request.path = STR("/v1/cache-clusters/c2");
    in = (struct ec_modify_cache_cluster_in){0};
    cr_expect(err_is(decode(&a, &request, &in), FAULT_INVALID_PARAMETER_VALUE));
}

Test(rest, an_empty_body_is_an_empty_object)
{
    scoped(arena_fini) struct arena a = {0};
    struct api_request request = {
        .method = "POST", .path = STR("/v1/cache-clusters"), .body = STR(" \n")};
    struct ec_create_cache_cluster_in in = {0};

    cr_expect(err_is(decode(&a, &request, &in), ERR_OK));
}

Test(rest, what_cannot_be_meant_is_refused)
{
    static const struct {
        struct api_request request;
        int fault;
    } rows[] = {
        {{.method = "POST", .path = STR("/v1/cache-clusters"), .body = STR("{}")},
         FAULT_UNSUPPORTED_MEDIA_TYPE                                                                              },
        {{.method = "POST",
          .path = STR("/v1/cache-clusters"),
          .content_type = "application/json",
          .body = STR("{")},
         FAULT_MALFORMED_INPUT                                                                                     },
        {{.method = "POST",
          .path = STR("/v1/cache-clusters"),
          .content_type = "application/json",
          .body = STR("{\"X\":1}")},
         FAULT_INVALID_PARAMETER_VALUE                                                                             },
        {{.method = "POST", .path = STR("/v1/cache-clusters"), .query = STR("Engine=redis")},
         FAULT_INVALID_PARAMETER_VALUE                                                                             },
        {{.method = "GET", .path = STR("/v1/events"), .query = STR("Nothing=1")},
         FAULT_INVALID_PARAMETER_VALUE                                                                             },
        {{.method = "GET", .path = STR("/v1/events"), .query = STR("Duration=1&Duration=1")},
         FAULT_INVALID_PARAMETER_VALUE                                                                             },
        {{.method = "GET", .path = STR("/v1/events"), .body = STR("{}")},                     FAULT_MALFORMED_INPUT},
        {{.method = "GET", .path = STR("/v1/users"), .query = STR("Filters=[1]")},
         FAULT_INVALID_PARAMETER_VALUE                                                                             },
        {{.method = "GET", .path = STR("/v1/users"), .query = STR("Filters=[")},
         FAULT_INVALID_PARAMETER_VALUE                                                                             },
    };
    union {
        struct ec_create_cache_cluster_in create;
        struct ec_describe_events_in events;
        struct ec_describe_users_in users;
    } in;

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        memset(&in, 0, sizeof(in));
        cr_expect(err_is(decode(&a, &rows[i].request, &in), rows[i].fault), "row %zu", i);
    }
}
