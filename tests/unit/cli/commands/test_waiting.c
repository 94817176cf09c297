#include "base/arena.h"
#include "cli/commands/options.h"
#include "cli/commands/remote.h"
#include "cli/commands/waiting.h"
#include "contract/elasticache.h"
#include "stub_service.h"

#include <criterion/criterion.h>

Test(waiting, waiters_have_the_names_of_aws_cli)
{
    struct arena a = {0};

    cr_expect_not_null(waiter_named(&a, &service_elasticache, "cache-cluster-available"));
    cr_expect_not_null(waiter_named(&a, &service_elasticache, "cache-cluster-deleted"));
    cr_expect_null(waiter_named(&a, &service_elasticache, "CacheClusterAvailable"));
    arena_fini(&a);
}

static enum waiter_verdict judge(const char *waiter, const char *status, const char *fault)
{
    struct arena a = {0};
    struct ec_cache_cluster cluster = {.cache_cluster_id = "c", .cache_cluster_status = status};
    struct ec_describe_cache_clusters_out out = {
        .cache_clusters = {.has = true, .count = status ? 1 : 0, .items = &cluster}
    };
    const struct remote_fault f = {.code = fault, .message = ""};
    const struct waiter_desc *w = waiter_named(&a, &service_elasticache, waiter);
    const char *why = NULL;
    enum waiter_verdict v =
        waiter_judge(&a, w, service_op(&service_elasticache, w->op)->out, &out, &f, &why);

    cr_expect_eq(v == WAITER_FAILED, why != NULL);
    arena_fini(&a);
    return v;
}

Test(waiting, judges_by_the_table_of_the_model)
{
    cr_expect_eq(judge("cache-cluster-available", "available", NULL), WAITER_CONTENT);
    cr_expect_eq(judge("cache-cluster-available", "creating", NULL), WAITER_GOES_ON);
    cr_expect_eq(judge("cache-cluster-available", "deleting", NULL), WAITER_FAILED);
    cr_expect_eq(judge("cache-cluster-available", NULL, NULL), WAITER_GOES_ON);
    cr_expect_eq(judge("cache-cluster-deleted", "deleting", NULL), WAITER_GOES_ON);
    cr_expect_eq(judge("cache-cluster-deleted", "available", NULL), WAITER_FAILED);
    cr_expect_eq(judge("cache-cluster-deleted", NULL, "CacheClusterNotFound"), WAITER_CONTENT);
    cr_expect_eq(judge("cache-cluster-available", NULL, "CacheClusterNotFound"), WAITER_GOES_ON);
}

static struct err run(const struct stub_answer *answers, size_t count, struct remote_fault *fault,
                      size_t *out_requests)
{
    struct arena a = {0};
    struct stub *s = stub_start(answers, count);
    const struct call_globals globals = {.endpoint_url = s->url, .is_unsigned = true};
    struct remote *r = remote_open(&globals, &service_elasticache);
    const struct waiter_desc *w = waiter_named(&a, &service_elasticache, "cache-cluster-available");
    const struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "c1"};

    struct err e = waiter_run(r, &a, w, service_op(&service_elasticache, w->op), &in, fault);
    *out_requests = s->request_count;
    fault->code = fault->code ? "some" : NULL; /* the arena goes */
    remote_close(r);
    stub_stop(s);
    arena_fini(&a);
    return (struct err){.code = e.code};
}

#define STATUS(word) "{\"CacheClusters\":[{\"CacheClusterStatus\":\"" word "\"}]}"

Test(waiting, asks_until_the_state_is_there)
{
    static const struct stub_answer answers[] = {
        {200, STATUS("creating") },
        {200, STATUS("creating") },
        {200, STATUS("available")}
    };
    struct remote_fault fault;
    size_t requests;

    cr_expect_eq(run(answers, 3, &fault, &requests).code, ERR_OK);
    cr_expect_null(fault.code);
    cr_expect_eq(requests, 3);
}

Test(waiting, gives_up_when_the_state_cannot_come_any_more)
{
    static const struct stub_answer answers[] = {
        {200, STATUS("creating")},
        {200, STATUS("deleting")}
    };
    struct remote_fault fault;
    size_t requests;

    cr_expect_eq(run(answers, 2, &fault, &requests).code, ERR_CONFLICT);
    cr_expect_eq(requests, 2);
}

Test(waiting, hands_on_a_fault_that_no_row_expects)
{
    static const struct stub_answer answers[] = {
        {404, "{\"Code\":\"CacheClusterNotFound\",\"Message\":\"no\"}"}
    };
    struct remote_fault fault;
    size_t requests;

    cr_expect_eq(run(answers, 1, &fault, &requests).code, ERR_OK);
    cr_expect_not_null(fault.code);
    cr_expect_eq(requests, 1);
}
