#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(subnet_groups, .init = world_open, .fini = world_close, .timeout = 60);

#define ARN "arn:aws:elasticache:us-east-1:000000000000:subnetgroup:"

static struct ec_cache_subnet_group *create(const char *name, const char **subnets, size_t count)
{
    struct ec_tag tag = {"team", "blue"};
    struct ec_create_cache_subnet_group_in in = {
        .cache_subnet_group_name = name,
        .cache_subnet_group_description = "d",
        .subnet_ids = {true, count, subnets},
        .tags = {true, 1,     &tag   }
    };
    struct ec_create_cache_subnet_group_out out;

    must(run_ec_create_cache_subnet_group(&in, &out));
    return out.cache_subnet_group;
}

static struct err modify(const char *name, const char **subnets, size_t count,
                         struct ec_modify_cache_subnet_group_out *out)
{
    struct ec_modify_cache_subnet_group_in in = {
        .cache_subnet_group_name = name, .subnet_ids = {true, count, subnets}
    };

    return run_ec_modify_cache_subnet_group(&in, out);
}

static struct err drop(const char *name)
{
    struct ec_delete_cache_subnet_group_in in = {.cache_subnet_group_name = name};
    struct ec_delete_cache_subnet_group_out out;

    return run_ec_delete_cache_subnet_group(&in, &out);
}

static void cluster_in(const char *name, const char *group)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = "redis",
                                            .cache_node_type = "cache.t4g.micro",
                                            .cache_subnet_group_name = group};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
}

Test(subnet_groups, a_new_one_tells_all_about_itself)
{
    const char *subnets[] = {"subnet-1", "subnet-2", "subnet-1"};
    struct ec_cache_subnet_group *g = create("Mine", subnets, 3);
    struct ec_list_tags_for_resource_in ask = {.resource_name = ARN "mine"};
    struct ec_list_tags_for_resource_out tags;

    cr_assert_str_eq(g->cache_subnet_group_name, "mine");
    cr_assert_str_eq(g->cache_subnet_group_description, "d");
    cr_assert_str_eq(g->arn, ARN "mine");
    cr_assert(strncmp(g->vpc_id, "vpc-", 4) == 0);
    cr_assert_eq(g->subnets.count, 2, "each once");
    cr_assert_str_eq(g->subnets.items[0].subnet_identifier, "subnet-1");
    cr_assert_not_null(g->subnets.items[0].subnet_availability_zone->name);
    cr_assert_eq(g->supported_network_types.count, 1);
    cr_assert_str_eq(g->supported_network_types.items[0], "ipv4");
    must(run_ec_list_tags_for_resource(&ask, &tags));
    cr_assert_eq(tags.tag_list.count, 1);
}

Test(subnet_groups, a_new_one_is_refused_for)
{
    const char *many[21], *one[] = {"subnet-1"}, *bad[] = {"net-1"};
    struct ec_tag twice[] = {
        {"a", ""},
        {"a", ""},
    };
#define NAMED(n) .cache_subnet_group_name = (n), .cache_subnet_group_description = "d"
    struct {
        struct ec_create_cache_subnet_group_in in;
        int code;
        const char *why;
    } rows[] = {
        {{NAMED("default"), .subnet_ids = {true, 1, one}},
         FAULT_INVALID_PARAMETER_VALUE,                                                                           "The cache subnet group name default is reserved."},
        {{NAMED("a.b"), .subnet_ids = {true, 1, one}},                         FAULT_INVALID_PARAMETER_VALUE,     NULL                                              },
        {{NAMED("Taken"), .subnet_ids = {true, 1, one}},
         FAULT_CACHE_SUBNET_GROUP_ALREADY_EXISTS,                                                                 "Cache subnet group taken already exists."        },
        {{NAMED("g"), .subnet_ids = {true, 0, NULL}},                          FAULT_INVALID_PARAMETER_VALUE,     NULL                                              },
        {{NAMED("g"), .subnet_ids = {true, 21, many}},                         FAULT_CACHE_SUBNET_QUOTA_EXCEEDED, NULL                                              },
        {{NAMED("g"), .subnet_ids = {true, 1, bad}},                           FAULT_INVALID_SUBNET,              NULL                                              },
        {{NAMED("g"), .subnet_ids = {true, 1, one}, .tags = {true, 2, twice}},
         FAULT_INVALID_PARAMETER_VALUE,                                                                           NULL                                              },
    };

    for (size_t i = 0; i < countof(many); i++)
        many[i] = arena_printf(&world.f.arena, "subnet-%zu", i);
    create("taken", one, 1);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_create_cache_subnet_group_out out;
        struct err e = run_ec_create_cache_subnet_group(&rows[i].in, &out);
        cr_assert_eq(e.code, rows[i].code, "row %zu: %d %s", i, e.code, e.why ? e.why : "");
        if (rows[i].why)
            cr_assert_str_eq(e.why, rows[i].why);
    }
}

Test(subnet_groups, there_may_be_so_many)
{
    const char *one[] = {"subnet-1"};
    struct ec_create_cache_subnet_group_in in = {
        .cache_subnet_group_name = "more",
        .cache_subnet_group_description = "d",
        .subnet_ids = {true, 1, one}
    };
    struct ec_create_cache_subnet_group_out out;

    for (int i = 0; i < 300; i++)
        create(arena_printf(&world.f.arena, "g%d", i), one, 1);
    expect(run_ec_create_cache_subnet_group(&in, &out), FAULT_CACHE_SUBNET_GROUP_QUOTA_EXCEEDED,
           NULL);
}

Test(subnet_groups, they_are_described_alone_or_by_name_in_pages)
{
    const char *one[] = {"subnet-1"};
    struct ec_describe_cache_subnet_groups_in ask = {.cache_subnet_group_name = "G7"};
    struct ec_describe_cache_subnet_groups_out out;

    for (int i = 0; i < 25; i++)
        create(arena_printf(&world.f.arena, "g%d", i), one, 1);
    must(run_ec_describe_cache_subnet_groups(&ask, &out));
    cr_assert_eq(out.cache_subnet_groups.count, 1);
    cr_assert_str_eq(out.cache_subnet_groups.items[0].cache_subnet_group_name, "g7");
    ask = (struct ec_describe_cache_subnet_groups_in){.max_records = INT_OF(20)};
    must(run_ec_describe_cache_subnet_groups(&ask, &out));
    cr_assert_eq(out.cache_subnet_groups.count, 20);
    ask.marker = out.marker;
    must(run_ec_describe_cache_subnet_groups(&ask, &out));
    cr_assert_eq(out.cache_subnet_groups.count, 5);
    cr_assert_null(out.marker);
    ask.cache_subnet_group_name = "none";
    expect(run_ec_describe_cache_subnet_groups(&ask, &out), FAULT_CACHE_SUBNET_GROUP_NOT_FOUND,
           NULL);
}

Test(subnet_groups, clusters_stand_in_their_zones)
{
    const char *subnets[] = {"subnet-1", "subnet-2"};
    struct ec_cache_subnet_group *g = create("mine", subnets, 2);
    const char *first = g->subnets.items[0].subnet_availability_zone->name;
    const char *second = g->subnets.items[1].subnet_availability_zone->name;

    for (int i = 0; i < 4; i++) {
        const char *name = arena_printf(&world.f.arena, "c%d", i);
        cluster_in(name, "mine");
        struct ec_cache_cluster *c = world_describe(name);
        const char *zone = c->cache_nodes.items[0].customer_availability_zone;
        cr_assert(strcmp(zone, first) == 0 || strcmp(zone, second) == 0, "%s", zone);
        cr_assert_str_eq(c->cache_subnet_group_name, "mine");
    }
}

Test(subnet_groups, subnets_that_nodes_stand_in_must_stay)
{
    const char *both[] = {"subnet-1", "subnet-2"}, *again[] = {"subnet-2", "subnet-1", "subnet-3"};
    const char *second[] = {"subnet-2"}, *third[] = {"subnet-3"};
    struct ec_modify_cache_subnet_group_out out;

    create("mine", both, 1);
    cluster_in("c1", "mine");
    must(modify("mine", both, 2, &out));
    cr_assert_eq(out.cache_subnet_group->subnets.count, 2);
    must(modify("mine", again, 3, &out));
    cr_assert_str_eq(out.cache_subnet_group->subnets.items[0].subnet_identifier, "subnet-1");
    expect(modify("mine", second, 1, &out), FAULT_SUBNET_IN_USE,
           "The subnet subnet-1 is currently in use by the cache cluster c1.");
    expect(modify("mine", third, 1, &out), FAULT_SUBNET_IN_USE, NULL);
    expect(modify("mine", NULL, 0, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(modify("other", third, 1, &out), FAULT_CACHE_SUBNET_GROUP_NOT_FOUND, NULL);
}

Test(subnet_groups, a_description_changes_alone)
{
    const char *one[] = {"subnet-1"};
    struct ec_modify_cache_subnet_group_in in = {.cache_subnet_group_name = "MINE",
                                                 .cache_subnet_group_description = "new"};
    struct ec_modify_cache_subnet_group_out out;

    create("mine", one, 1);
    must(run_ec_modify_cache_subnet_group(&in, &out));
    cr_assert_str_eq(out.cache_subnet_group->cache_subnet_group_description, "new");
    cr_assert_eq(out.cache_subnet_group->subnets.count, 1);
}

Test(subnet_groups, one_in_use_stays_until_its_last_cluster_is_gone)
{
    const char *one[] = {"subnet-1"};
    struct ec_delete_cache_cluster_in gone = {.cache_cluster_id = "c1"};
    struct ec_delete_cache_cluster_out out;

    create("mine", one, 1);
    cluster_in("c1", "mine");
    expect(drop("Mine"), FAULT_CACHE_SUBNET_GROUP_IN_USE,
           "Cache subnet group mine is currently in use by a cache cluster.");
    must(run_ec_delete_cache_cluster(&gone, &out));
    expect(drop("mine"), FAULT_CACHE_SUBNET_GROUP_IN_USE, NULL);
    world_settle();
    must(drop("mine"));
    expect(drop("mine"), FAULT_CACHE_SUBNET_GROUP_NOT_FOUND, "CacheSubnetGroup not found: mine");
    create("mine", one, 1);
}
