/* Which layer answers which path. */
#include "contract/sts.h"
#include "controlplane/front/metrics.h"
#include "controlplane/front/routes.h"
#include "controlplane/store/store.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct service_desc *const services[] = {&service_sts, NULL};
static struct world world;
static struct metrics *metrics;
static struct routes *routes;
static struct api_response response;

static void setup(void)
{
    world_open(&world);
    metrics = metrics_new(services);
    struct front_conf conf = world_front_conf(&world);
    routes = routes_new(&conf, metrics);
}

static void teardown(void)
{
    buf_fini(&response.body);
    routes_free(routes);
    metrics_free(metrics);
    world_close(&world);
}

TestSuite(routes, .init = setup, .fini = teardown);

static int ask(const char *method, const char *target)
{
    struct api_request request = {.method = method, .body = STR("")};
    struct agents_call call = {.request = &request, .is_local = true};
    struct agents_hold hold;

    routes_split_target(str_of(target), &request.path, &request.query);
    buf_fini(&response.body);
    response = (struct api_response){0};
    routes_handle(routes, &world.arena, &call, &response, &hold);
    return response.status;
}

static bool answer_has(const char *text)
{
    return strstr(buf_cstr(&response.body), text) != NULL;
}

Test(routes, life_and_readiness_are_told)
{
    cr_expect_eq(ask("GET", "/healthz"), 200);
    cr_expect_str_eq(buf_cstr(&response.body), "ok\n");
    cr_expect_str_eq(response.op, "healthz");
    cr_expect_eq(ask("HEAD", "/healthz?x=y"), 200);
    cr_expect_eq(ask("GET", "/readyz"), 200);
    cr_expect_str_eq(buf_cstr(&response.body), "ready\n");
}

Test(routes, metrics_have_requests_store_and_process)
{
    metrics_record(metrics, "GetCallerIdentity", 200, 5);
    cr_expect_eq(ask("GET", "/metrics"), 200);
    cr_expect(str_starts(str_of(response.content_type), "text/plain; version=0.0.4"));
    cr_expect(answer_has("larder_requests_total{service=\"sts\",operation=\"GetCallerIdentity\""));
    cr_expect(answer_has("larder_hosts{state=\"heard\"} 0\n"));
    cr_expect(answer_has("process_resident_memory_bytes "));
}

Test(routes, own_paths_take_nothing_but_get_and_head)
{
    cr_expect_eq(ask("POST", "/healthz"), 405);
    cr_assert_not_null(response.allow);
    cr_expect_str_eq(response.allow, "GET, HEAD");
    cr_expect_eq(ask("DELETE", "/metrics"), 405);
}

Test(routes, agents_and_interface_get_theirs)
{
    cr_expect_eq(ask("GET", "/agent/v1/sync"), 405);
    cr_expect_eq(ask("GET", "/v1/cache-clusters"), 200);
    cr_expect(answer_has("CacheClusters"));
    cr_expect_eq(ask("GET", "/?Action=GetCallerIdentity&Version=2011-06-15"), 200);
    cr_expect(answer_has("GetCallerIdentityResponse"));
    cr_expect_eq(ask("GET", "/healthz/"), 404, "only the exact path is ours");
    cr_expect_eq(ask("GET", "/nowhere"), 404);
}

Test(routes, a_target_is_split_into_path_and_query)
{
    static const struct {
        const char *target, *path, *query;
    } rows[] = {
        {"/",                              "/",         ""        },
        {"/?Action=X",                     "/",         "Action=X"},
        {"/v1/a%2Fb?x=1?y=2",              "/v1/a%2Fb", "x=1?y=2" },
        {"http://127.0.0.1:9379/v1/x?y=z", "/v1/x",     "y=z"     },
        {"https://host",                   "/",         ""        },
        {"*",                              "*",         ""        },
        {"",                               "",          ""        },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct str path, query;
        routes_split_target(str_of(rows[i].target), &path, &query);
        cr_expect(str_is(path, rows[i].path), "%s: %.*s", rows[i].target, STR_ARG(path));
        cr_expect(str_is(query, rows[i].query), "%s: %.*s", rows[i].target, STR_ARG(query));
    }
}
