#include "base/arena.h"
#include "base/buf.h"
#include "cli/commands/print.h"
#include "contract/elasticache.h"

#include <criterion/criterion.h>

static const char *printed(struct arena *a, const char *op, const void *out, const char *token)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    print_result(a, (struct view){service_op(&service_elasticache, op)->out, out}, token, &text);
    return str_dup(a, buf_str(&text));
}

Test(print, looks_as_aws_cli_prints_it)
{
    struct arena a = {0};
    struct ec_endpoint endpoint = {.address = "127.77.0.1", .port = INT_OF(6379)};
    struct ec_cache_node node = {.cache_node_id = "0001",
                                 .cache_node_create_time = TIME_OF(1422869400123),
                                 .endpoint = &endpoint};
    struct ec_pending_modified_values pending = {0};
    struct ec_cache_cluster cluster = {
        .cache_cluster_id = "c1",
        .cache_cluster_create_time = TIME_OF(1422869400000),
        .pending_modified_values = &pending,
        .cache_security_groups = {.has = true    },
        .cache_nodes = { .has = true, .count = 1, .items = &node},
        .auto_minor_version_upgrade = BOOL_OF(true),
    };
    struct ec_describe_cache_clusters_out out = {
        .cache_clusters = {.has = true, .count = 1, .items = &cluster}
    };

    cr_expect_str_eq(
        printed(&a, "DescribeCacheClusters", &out, NULL),
        "{\n"
        "    \"CacheClusters\": [\n"
        "        {\n"
        "            \"CacheClusterId\": \"c1\",\n"
        "            \"CacheClusterCreateTime\": \"2015-02-02T09:30:00+00:00\",\n"
        "            \"PendingModifiedValues\": {},\n"
        "            \"CacheSecurityGroups\": [],\n"
        "            \"CacheNodes\": [\n"
        "                {\n"
        "                    \"CacheNodeId\": \"0001\",\n"
        "                    \"CacheNodeCreateTime\": \"2015-02-02T09:30:00.123000+00:00\",\n"
        "                    \"Endpoint\": {\n"
        "                        \"Address\": \"127.77.0.1\",\n"
        "                        \"Port\": 6379\n"
        "                    }\n"
        "                }\n"
        "            ],\n"
        "            \"AutoMinorVersionUpgrade\": true\n"
        "        }\n"
        "    ]\n"
        "}\n");
    arena_fini(&a);
}

Test(print, prints_nothing_for_an_empty_result)
{
    struct arena a = {0};
    struct ec_describe_cache_clusters_out out = {0};

    cr_expect_str_eq(printed(&a, "DescribeCacheClusters", &out, NULL), "");
    cr_expect_str_eq(printed(&a, "DescribeCacheClusters", &out, "t"),
                     "{\n    \"NextToken\": \"t\"\n}\n");
    arena_fini(&a);
}

Test(print, escapes_what_json_must_and_leaves_the_rest)
{
    struct arena a = {0};
    struct ec_tag tag = {.key = "a\"b\\c\n\x01",
                         .value = "stra\xc3\x9f"
                                  "e / \x7f"};
    struct ec_list_tags_for_resource_out out = {
        .tag_list = {.has = true, .count = 1, .items = &tag}
    };

    cr_expect_str_eq(printed(&a, "ListTagsForResource", &out, NULL),
                     "{\n    \"TagList\": [\n        {\n"
                     "            \"Key\": \"a\\\"b\\\\c\\n\\u0001\",\n"
                     "            \"Value\": \"stra\xc3\x9f"
                     "e / \x7f\"\n        }\n    ]\n}\n");
    arena_fini(&a);
}

Test(print, shows_doubles_as_python_does)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0,          "0.0"       },
        {30,         "30.0"      },
        {-1.5,       "-1.5"      },
        {0.1,        "0.1"       },
        {1234567.25, "1234567.25"},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a = {0};
        struct ec_slot_migration migration = {
            .progress_percentage = {true, rows[i].value}
        };
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        print_result(&a, (struct view){&ec_shape_slot_migration, &migration}, NULL, &text);
        cr_expect_str_eq(buf_cstr(&text),
                         arena_printf(&a, "{\n    \"ProgressPercentage\": %s\n}\n", rows[i].text));
        arena_fini(&a);
    }
}
