#include "cli/commands/view.h"
#include "contract/elasticache.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static struct ec_cache_cluster clusters[] = {
    {.cache_cluster_id = "a",             .cache_cluster_status = "available"},
    {.cache_cluster_id = "b"            },
    {.cache_cluster_id = "c", .cache_cluster_status = "creating"                                   },
};

static struct ec_describe_cache_clusters_out out = {
    .marker = "m", .cache_clusters = {.has = true, .count = 3, .items = clusters}
};

static struct view root(void)
{
    return (struct view){service_op(&service_elasticache, "DescribeCacheClusters")->out, &out};
}

static void join(void *context, struct view v)
{
    char *text = context;

    snprintf(text + strlen(text), 64, "%s ", view_text(v));
}

Test(view, a_path_reaches_every_item_that_has_the_member)
{
    char text[128] = "";

    view_each(root(), "CacheClusters[].CacheClusterStatus", join, text);
    cr_expect_str_eq(text, "available creating ");
}

Test(view, a_path_to_nowhere_reaches_nothing)
{
    char text[128] = "";

    view_each(root(), "CacheClusters[].Nope", join, text);
    view_each(root(), "Nope[].CacheClusterId", join, text);
    view_each(root(), "Marker[]", join, text);
    view_each(root(), "Marker.CacheClusterId", join, text);
    view_each(root(), "CacheClusters.CacheClusterId", join, text);
    cr_expect_str_eq(text, "");
}

Test(view, one_value_is_found_by_its_path)
{
    struct ec_engine_defaults defaults = {.marker = "deep"};
    struct ec_describe_engine_default_parameters_out deep = {.engine_defaults = &defaults};
    struct view v;

    cr_assert(view_find(root(), "Marker", &v));
    cr_expect_str_eq(view_text(v), "m");
    const struct shape *s =
        service_op(&service_elasticache, "DescribeEngineDefaultParameters")->out;
    cr_assert(view_find((struct view){s, &deep}, "EngineDefaults.Marker", &v));
    cr_expect_str_eq(view_text(v), "deep");
    cr_expect_not(view_find((struct view){s, &deep}, "EngineDefaults.Parameters", &v));
}
