#include "base/arena.h"
#include "cli/commands/options.h"
#include "cli/commands/paging.h"
#include "cli/commands/remote.h"
#include "contract/elasticache.h"
#include "stub_service.h"

#include <criterion/criterion.h>

#include <string.h>

#define ITEM(id) "{\"CacheClusterId\":\"" id "\"}"

static const struct stub_answer three_pages[] = {
    {200, "{\"Marker\":\"m1\",\"CacheClusters\":[" ITEM("a") "," ITEM("b") "]}"},
    {200, "{\"Marker\":\"m2\",\"CacheClusters\":[" ITEM("c") "," ITEM("d") "]}"},
    {200, "{\"CacheClusters\":[" ITEM("e") "]}"                                },
};

struct play {
    struct arena arena;
    struct stub *stub;
    struct remote *remote;
    struct call_globals globals;
    struct ec_describe_cache_clusters_in in;
    struct paged_call call;
    struct remote_fault fault;
};

static struct play *begin(const struct stub_answer *answers, size_t count)
{
    static struct play p;

    p = (struct play){.stub = stub_start(answers, count)};
    p.globals = (struct call_globals){.endpoint_url = p.stub->url, .is_unsigned = true};
    p.remote = remote_open(&p.globals, &service_elasticache);
    p.call = (struct paged_call){
        .op = service_op(&service_elasticache, "DescribeCacheClusters"),
        .pages = paginator_of(&service_elasticache, "DescribeCacheClusters"),
        .in = &p.in,
    };
    return &p;
}

static struct err run(struct play *p, int64_t max_items, const char *starting_token)
{
    const struct call_paging paging = {true, max_items, starting_token};

    p->call.paging = &paging;
    return paging_call(p->remote, &p->arena, &p->call, &p->fault);
}

/* The ids gathered, in one word. */
static const char *ids(struct play *p)
{
    const struct ec_describe_cache_clusters_out *out = p->call.out;
    char *text = arena_strdup(&p->arena, "");

    for (size_t i = 0; i < out->cache_clusters.count; i++)
        text = arena_printf(&p->arena, "%s%s", text, out->cache_clusters.items[i].cache_cluster_id);
    return text;
}

static void end(struct play *p)
{
    remote_close(p->remote);
    stub_stop(p->stub);
    arena_fini(&p->arena);
}

Test(paging, gathers_all_pages_into_one_result)
{
    struct play *p = begin(three_pages, 3);

    cr_assert_eq(run(p, -1, NULL).code, ERR_OK);
    cr_expect_str_eq(ids(p), "abcde");
    cr_expect_null(p->call.next_token);
    cr_expect_null(((struct ec_describe_cache_clusters_out *)p->call.out)->marker);
    cr_expect_eq(p->stub->request_count, 3);
    cr_expect_not_null(strstr(p->stub->requests[2], "Marker=m2"));
    end(p);
}

Test(paging, stops_in_the_middle_of_a_page_and_goes_on_there)
{
    struct play *p = begin(three_pages, 3);

    cr_assert_eq(run(p, 3, NULL).code, ERR_OK);
    cr_expect_str_eq(ids(p), "abc");
    struct page_token t;
    cr_assert_eq(page_token_read(&p->arena, "Marker", p->call.next_token, &t).code, ERR_OK);
    cr_expect_str_eq(t.service_token, "m1");
    cr_expect_eq(t.skip, 1);
    end(p);

    p = begin(three_pages + 1, 2);
    cr_assert_eq(
        run(p, -1, page_token_write(&p->arena, "Marker", &(struct page_token){"m1", 1})).code,
        ERR_OK);
    cr_expect_str_eq(ids(p), "de");
    cr_expect_not_null(strstr(p->stub->requests[0], "Marker=m1"));
    end(p);
}

Test(paging, stops_between_pages_without_asking_for_the_next)
{
    struct play *p = begin(three_pages, 3);

    cr_assert_eq(run(p, 2, NULL).code, ERR_OK);
    cr_expect_str_eq(ids(p), "ab");
    cr_expect_eq(p->stub->request_count, 1);
    cr_expect_str_eq(p->call.next_token, "eyJNYXJrZXIiOiAibTEifQ=="); /* {"Marker": "m1"} */
    end(p);
}

Test(paging, tokens_are_those_of_aws_cli)
{
    struct arena a = {0};
    struct page_token t;

    /* base64 of {"Marker": null, "boto_truncate_amount": 2}, as aws-cli prints it */
    const char *text = "eyJNYXJrZXIiOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAyfQ==";
    cr_expect_str_eq(page_token_write(&a, "Marker", &(struct page_token){NULL, 2}), text);
    cr_assert_eq(page_token_read(&a, "Marker", text, &t).code, ERR_OK);
    cr_expect_null(t.service_token);
    cr_expect_eq(t.skip, 2);
    static const char *const bad[] = {"", "x", "!!!!", "e30=", "W10=", "eyJNYXJrZXIiOjV9"};
    for (size_t i = 0; i < countof(bad); i++)
        cr_expect_eq(page_token_read(&a, "Marker", bad[i], &t).code, ERR_INVALID, "%s", bad[i]);
    arena_fini(&a);
}

Test(paging, does_not_turn_in_circles)
{
    static const struct stub_answer circle[] = {
        {200, "{\"Marker\":\"m\",\"CacheClusters\":[]}"}
    };
    struct play *p = begin(circle, 1);

    cr_expect_eq(run(p, -1, NULL).code, ERR_CORRUPT);
    cr_expect_eq(p->stub->request_count, 2);
    end(p);
}

Test(paging, hands_a_fault_on)
{
    static const struct stub_answer answers[] = {
        {200, "{\"Marker\":\"m1\",\"CacheClusters\":[" ITEM("a") "]}"  },
        {400, "{\"Code\":\"InvalidParameterValue\",\"Message\":\"no\"}"}
    };
    struct play *p = begin(answers, 2);

    cr_assert_eq(run(p, -1, NULL).code, ERR_OK);
    cr_expect_str_eq(p->fault.code, "InvalidParameterValue");
    end(p);
}
