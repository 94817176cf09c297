#include "base/arena.h"
#include "cli/commands/options.h"
#include "contract/elasticache.h"

#include <criterion/criterion.h>

#include <string.h>

static struct err parse(struct arena *a, const char *op, char **words, struct call_options *out)
{
    int count = 0;

    while (words[count])
        count++;
    return options_parse(a, &service_elasticache, service_op(&service_elasticache, op), count,
                         words, out);
}

Test(options, set_the_input_by_its_shape)
{
    struct arena a = {0};
    struct call_options o;
    char *words[] = {"--cache-cluster-id",
                     "c1",
                     "--num-cache-nodes=2",
                     "--no-auto-minor-version-upgrade",
                     "--tags",
                     "Key=a",
                     "Key=b,Value=c",
                     "--az-mode",
                     "cross-az",
                     NULL};

    struct err e = parse(&a, "CreateCacheCluster", words, &o);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    const struct ec_create_cache_cluster_in *in = o.input;
    cr_expect_str_eq(in->cache_cluster_id, "c1");
    cr_expect_eq(in->num_cache_nodes.value, 2);
    cr_expect(in->auto_minor_version_upgrade.has && !in->auto_minor_version_upgrade.value);
    cr_expect_eq(in->tags.count, 2);
    cr_expect_str_eq(in->az_mode, "cross-az");
    cr_expect_not(o.paging.is_on);
    arena_fini(&a);
}

Test(options, global_ones_go_where_they_belong)
{
    struct arena a = {0};
    struct call_options o;
    char *words[] = {"--endpoint-url", "http://127.0.0.1:1", "--region=eu-west-1", "--output",
                     "json",           "--no-cli-pager",     "--no-sign-request",  NULL};

    cr_assert_eq(parse(&a, "DescribeCacheClusters", words, &o).code, ERR_OK);
    cr_expect_str_eq(o.globals.endpoint_url, "http://127.0.0.1:1");
    cr_expect_str_eq(o.globals.region, "eu-west-1");
    cr_expect(o.globals.is_unsigned);
    cr_expect(o.paging.is_on);
    cr_expect_eq(o.paging.max_items, -1);
    arena_fini(&a);
}

Test(options, override_the_json_input_wherever_it_stands)
{
    struct arena a = {0};
    struct call_options o;
    char *words[] = {"--engine", "redis", "--cli-input-json",
                     "{\"CacheClusterId\":\"c1\",\"Engine\":\"memcached\",\"NumCacheNodes\":3}",
                     NULL};

    cr_assert_eq(parse(&a, "CreateCacheCluster", words, &o).code, ERR_OK);
    const struct ec_create_cache_cluster_in *in = o.input;
    cr_expect_str_eq(in->cache_cluster_id, "c1");
    cr_expect_str_eq(in->engine, "redis");
    cr_expect_eq(in->num_cache_nodes.value, 3);
    arena_fini(&a);
}

Test(options, paging_is_automatic_unless_a_page_is_asked_for)
{
    static const struct {
        char *words[4];
        bool is_on;
        int64_t max_items;
    } rows[] = {
        {{NULL},                        true,  -1},
        {{"--max-items", "5", NULL},    true,  5 },
        {{"--max-items", "0", NULL},    true,  0 },
        {{"--page-size", "20", NULL},   true,  -1},
        {{"--no-paginate", NULL},       false, -1},
        {{"--marker", "x", NULL},       false, -1},
        {{"--max-records", "20", NULL}, false, -1},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a = {0};
        struct call_options o;
        cr_assert_eq(parse(&a, "DescribeCacheClusters", (char **)rows[i].words, &o).code, ERR_OK);
        cr_expect_eq(o.paging.is_on, rows[i].is_on, "row %zu", i);
        cr_expect_eq(o.paging.max_items, rows[i].max_items, "row %zu", i);
        arena_fini(&a);
    }
}

Test(options, that_make_no_sense_are_answered_with_what_would)
{
    static const struct {
        const char *op;
        char *words[5];
        const char *part;
    } rows[] = {
        {"CreateCacheCluster",
         {"--cache-cluster-idd", "c", NULL},
         "did you mean --cache-cluster-id?"                                                                                   },
        {"CreateCacheCluster",    {"--frobnicate", NULL},                            "see larder create-cache-cluster --help" },
        {"CreateCacheCluster",    {"--cache-cluster-id", NULL},                      "--cache-cluster-id needs a value"       },
        {"CreateCacheCluster",    {"--cache-cluster-id", "--engine", "redis", NULL}, "needs a value"                          },
        {"CreateCacheCluster",    {NULL},                                            "required: --cache-cluster-id"           },
        {"CreateCacheCluster",    {"c1", NULL},                                      "'c1' stands where an option is expected"},
        {"CreateCacheCluster",    {"--cache-cluster-id", "a", "b", NULL},            "'b' stands where"                       },
        {"CreateCacheCluster",    {"--cli-input-json", "{", NULL},                   "--cli-input-json: "                     },
        {"CreateCacheCluster",    {"--cli-input-json", "{\"Nope\":1}", NULL},        "Nope"                                   },
        {"CreateCacheCluster",    {"--num-cache-nodes", "x", NULL},                  "--num-cache-nodes: 'x'"                 },
        {"CreateCacheCluster",    {"--auto-minor-version-upgrade=yes", NULL},        "takes no value"                         },
        {"CreateCacheCluster",    {"--max-items", "1", NULL},                        "unknown option --max-items"             },
        {"DescribeCacheClusters", {"--max-items", "x", NULL},                        "not a whole number"                     },
        {"DescribeCacheClusters",
         {"--max-items", "1", "--no-paginate", NULL},
         "automatic paging only"                                                                                              },
        {"DescribeCacheClusters", {"--output", "table", NULL},                       "json is the only form"                  },
        {"DescribeCacheClusters", {"--query", "x", NULL},                            "--query is an option of aws-cli"        },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a = {0};
        struct call_options o;
        struct err e = parse(&a, rows[i].op, (char **)rows[i].words, &o);
        cr_assert_eq(e.code, ERR_INVALID, "row %zu", i);
        cr_expect_not_null(strstr(e.why, rows[i].part), "row %zu: %s", i, e.why);
        arena_fini(&a);
    }
}

Test(options, help_needs_nothing_else)
{
    struct arena a = {0};
    struct call_options o;

    cr_assert_eq(parse(&a, "CreateCacheCluster", (char *[]){"--help", NULL}, &o).code, ERR_OK);
    cr_expect(o.is_help);
    cr_assert_eq(parse(&a, "CreateCacheCluster", (char *[]){"help", NULL}, &o).code, ERR_OK);
    cr_expect(o.is_help);
    arena_fini(&a);
}
