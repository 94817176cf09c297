#include "controlplane/store/parameters.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(parameter_groups, .init = world_open, .fini = world_close, .timeout = 60);

static struct err create(const char *name, const char *family)
{
    struct ec_create_cache_parameter_group_in in = {.cache_parameter_group_name = name,
                                                    .cache_parameter_group_family = family,
                                                    .description = "words"};
    struct ec_create_cache_parameter_group_out out;

    return run_ec_create_cache_parameter_group(&in, &out);
}

static struct err delete (const char *name)
{
    struct ec_delete_cache_parameter_group_in in = {.cache_parameter_group_name = name};
    struct ec_delete_cache_parameter_group_out out;

    return run_ec_delete_cache_parameter_group(&in, &out);
}

static struct err describe(const char *name, int max, const char *marker,
                           struct ec_describe_cache_parameter_groups_out *out)
{
    struct ec_describe_cache_parameter_groups_in in = {.cache_parameter_group_name = name,
                                                       .marker = marker};

    if (max)
        in.max_records = INT_OF(max);
    return run_ec_describe_cache_parameter_groups(&in, out);
}

static const char *newest_event(void)
{
    struct ec_describe_events_in in = {.source_type = "cache-parameter-group"};
    struct ec_describe_events_out out;

    must(run_ec_describe_events(&in, &out));
    return out.events.count ? out.events.items[0].message : "";
}

Test(parameter_groups, one_is_created_with_tags_described_and_deleted)
{
    struct ec_tag tag = {"team", "a"};
    struct ec_create_cache_parameter_group_in in = {
        .cache_parameter_group_name = "Mine",
        .cache_parameter_group_family = "redis7",
        .description = "My words",
        .tags = {true, 1, &tag}
    };
    struct ec_create_cache_parameter_group_out out;
    struct ec_describe_cache_parameter_groups_out seen;
    static const char arn[] = "arn:aws:elasticache:us-east-1:000000000000:parametergroup:mine";
    struct ec_list_tags_for_resource_in ask = {.resource_name = arn};
    struct ec_list_tags_for_resource_out tags;

    must(run_ec_create_cache_parameter_group(&in, &out));
    cr_assert_str_eq(out.cache_parameter_group->cache_parameter_group_name, "mine");
    cr_assert_str_eq(out.cache_parameter_group->arn, arn);
    cr_assert_str_eq(newest_event(), "Cache parameter group created");
    must(describe("MINE", 0, NULL, &seen));
    cr_assert_eq(seen.cache_parameter_groups.count, 1);
    cr_assert_str_eq(seen.cache_parameter_groups.items[0].cache_parameter_group_family, "redis7");
    cr_assert_str_eq(seen.cache_parameter_groups.items[0].description, "My words");
    cr_assert_not(seen.cache_parameter_groups.items[0].is_global.value);
    must(run_ec_list_tags_for_resource(&ask, &tags));
    cr_assert_eq(tags.tag_list.count, 1);
    must(delete ("mine"));
    cr_assert_str_eq(newest_event(), "Cache parameter group deleted");
    expect(describe("mine", 0, NULL, &seen), FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND,
           "CacheParameterGroup not found: mine");
    expect(run_ec_list_tags_for_resource(&ask, &tags), FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND, NULL);
}

Test(parameter_groups, mistakes_are_told_and_make_nothing)
{
    must(create("mine", "redis7"));
    expect(create("MINE", "redis7"), FAULT_CACHE_PARAMETER_GROUP_ALREADY_EXISTS,
           "CacheParameterGroup already exists: mine");
    expect(create("other", "redis8"), FAULT_INVALID_PARAMETER_VALUE,
           "CacheParameterGroupFamily redis8 is not a valid parameter group family.");
    expect(create("default.mine", "redis7"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(create("1st", "redis7"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(create("two--hyphens", "redis7"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(delete ("other"), FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND, NULL);
    expect(delete ("default.redis7"), FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE, NULL);
}

Test(parameter_groups, one_that_is_in_use_stays)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .engine = "redis",
                                            .cache_node_type = "cache.t4g.micro",
                                            .cache_parameter_group_name = "mine"};
    struct ec_create_cache_cluster_out out;

    must(create("mine", "redis7"));
    must(run_ec_create_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_parameter_group->cache_parameter_group_name, "mine");
    expect(delete ("mine"), FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
           "One or more cache clusters are still members of this parameter group mine, so the "
           "group cannot be deleted.");
}

Test(parameter_groups, there_are_so_many_in_a_region_and_no_more)
{
    fixture_begin(&world.f, STORE_WRITE);
    for (int i = 0; i < 300; i++) {
        struct parameter_group g = {.account = "000000000000",
                                    .region = "us-east-1",
                                    .name = arena_printf(&world.f.arena, "g%d", i),
                                    .family = "redis7",
                                    .description = ""};
        must(store_parameter_group_insert(world.f.tx, &g));
    }
    fixture_commit(&world.f);
    expect(create("one-more", "redis7"), FAULT_CACHE_PARAMETER_GROUP_QUOTA_EXCEEDED, NULL);
    must(delete ("g7"));
    must(create("one-more", "redis7"));
}

Test(parameter_groups, pages_hold_own_and_default_ones_by_name)
{
    struct ec_describe_cache_parameter_groups_out out;
    const char *marker = NULL, *last = "";
    size_t total = 0, pages = 0;

    must(create("aaa", "redis7"));
    must(create("zzz", "redis7"));
    do {
        must(describe(NULL, 20, marker, &out));
        for (size_t i = 0; i < out.cache_parameter_groups.count; i++) {
            const char *name = out.cache_parameter_groups.items[i].cache_parameter_group_name;
            cr_assert_lt(strcmp(last, name), 0, "%s before %s", last, name);
            last = name;
        }
        total += out.cache_parameter_groups.count;
        marker = out.marker;
        pages++;
    } while (marker);
    cr_assert_eq(total, 23);
    cr_assert_eq(pages, 2);
    cr_assert_str_eq(last, "zzz");
    expect(describe(NULL, 20, "bm9 wrong", &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(describe(NULL, 19, NULL, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}
