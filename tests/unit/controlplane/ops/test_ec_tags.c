#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(tags_of_clusters, .init = world_open, .fini = world_close, .timeout = 60);

#define C1 "arn:aws:elasticache:us-east-1:000000000000:cluster:c1"

static struct err add(const char *arn, struct ec_tag *tags, size_t count,
                      struct ec_add_tags_to_resource_out *out)
{
    struct ec_add_tags_to_resource_in in = {
        .resource_name = arn, .tags = {true, count, tags}
    };

    return run_ec_add_tags_to_resource(&in, out);
}

static struct err take(const char *arn, const char **keys, size_t count,
                       struct ec_remove_tags_from_resource_out *out)
{
    struct ec_remove_tags_from_resource_in in = {
        .resource_name = arn, .tag_keys = {true, count, keys}
    };

    return run_ec_remove_tags_from_resource(&in, out);
}

Test(tags_of_clusters, added_tags_overwrite_and_all_are_listed)
{
    struct ec_tag first[] = {
        {"a", "1" },
        {"b", NULL},
    };
    struct ec_tag second[] = {
        {"a", "2"},
        {"A", "3"},
    };
    struct ec_add_tags_to_resource_out out;
    struct ec_list_tags_for_resource_in ask = {.resource_name = C1};
    struct ec_list_tags_for_resource_out listed;

    world_redis("c1");
    must(add(C1, first, 2, &out));
    must(add("arn:aws:elasticache:us-east-1:000000000000:cluster:C1", second, 2, &out));
    must(run_ec_list_tags_for_resource(&ask, &listed));
    cr_assert_eq(out.tag_list.count, 3);
    cr_assert_eq(listed.tag_list.count, 3);
    cr_assert_str_eq(listed.tag_list.items[0].key, "A");
    cr_assert_str_eq(listed.tag_list.items[1].key, "a");
    cr_assert_str_eq(listed.tag_list.items[1].value, "2");
    cr_assert_str_eq(listed.tag_list.items[2].value, "");
}

Test(tags_of_clusters, a_resource_without_tags_has_an_empty_list)
{
    struct ec_list_tags_for_resource_in ask = {.resource_name = C1};
    struct ec_list_tags_for_resource_out listed;

    world_redis("c1");
    must(run_ec_list_tags_for_resource(&ask, &listed));
    cr_assert(listed.tag_list.has);
    cr_assert_eq(listed.tag_list.count, 0);
}

Test(tags_of_clusters, tags_are_removed_all_or_none)
{
    struct ec_tag tags[] = {
        {"a", "1"},
        {"b", "2"},
    };
    const char *with_unknown[] = {"a", "c"}, *one[] = {"a"}, *missing[] = {NULL};
    struct ec_add_tags_to_resource_out added;
    struct ec_remove_tags_from_resource_out out;

    world_redis("c1");
    must(add(C1, tags, 2, &added));
    expect(take(C1, with_unknown, 2, &out), FAULT_TAG_NOT_FOUND, NULL);
    expect(take(C1, missing, 1, &out), FAULT_TAG_NOT_FOUND, NULL);
    must(take(C1, one, 1, &out));
    cr_assert_eq(out.tag_list.count, 1);
    cr_assert_str_eq(out.tag_list.items[0].key, "b");
    expect(take(C1, one, 1, &out), FAULT_TAG_NOT_FOUND, NULL);
}

Test(tags_of_clusters, every_type_of_resource_is_missed_in_its_own_way)
{
#define ARN(type) "arn:aws:elasticache:us-east-1:000000000000:" type ":x"
    static const struct {
        const char *arn;
        int code;
    } rows[] = {
        {ARN("cluster"),                                             FAULT_CACHE_CLUSTER_NOT_FOUND            },
        {ARN("replicationgroup"),                                    FAULT_REPLICATION_GROUP_NOT_FOUND        },
        {ARN("parametergroup"),                                      FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND    },
        {ARN("subnetgroup"),                                         FAULT_CACHE_SUBNET_GROUP_NOT_FOUND       },
        {ARN("securitygroup"),                                       FAULT_CACHE_SECURITY_GROUP_NOT_FOUND     },
        {ARN("snapshot"),                                            FAULT_SNAPSHOT_NOT_FOUND                 },
        {ARN("user"),                                                FAULT_USER_NOT_FOUND                     },
        {ARN("usergroup"),                                           FAULT_USER_GROUP_NOT_FOUND               },
        {ARN("serverlesscache"),                                     FAULT_SERVERLESS_CACHE_NOT_FOUND         },
        {ARN("serverlesscachesnapshot"),                             FAULT_SERVERLESS_CACHE_SNAPSHOT_NOT_FOUND},
        {ARN("reserved-instance"),                                   FAULT_RESERVED_CACHE_NODE_NOT_FOUND      },
        {ARN("globalreplicationgroup"),                              FAULT_INVALID_ARN                        },
        {ARN("thing"),                                               FAULT_INVALID_ARN                        },
        {"c1",                                                       FAULT_INVALID_ARN                        },
        {"arn:aws:elasticache:us-east-2:000000000000:cluster:c1",    FAULT_INVALID_ARN                        },
        {"arn:aws:elasticache:us-east-1:111111111111:cluster:c1",    FAULT_INVALID_ARN                        },
        {"arn:aws-cn:elasticache:us-east-1:000000000000:cluster:c1", FAULT_INVALID_ARN                        },
    };
    struct ec_tag tag = {"k", "v"};
    const char *key = "k";

    world_redis("c1");
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_list_tags_for_resource_in ask = {.resource_name = rows[i].arn};
        struct ec_list_tags_for_resource_out listed;
        struct ec_add_tags_to_resource_out added;
        struct ec_remove_tags_from_resource_out removed;
        expect(run_ec_list_tags_for_resource(&ask, &listed), rows[i].code, NULL);
        expect(add(rows[i].arn, &tag, 1, &added), rows[i].code, NULL);
        expect(take(rows[i].arn, &key, 1, &removed), rows[i].code, NULL);
    }
}

Test(tags_of_clusters, the_limit_counts_what_is_there)
{
    struct ec_tag tags[50], more = {"more", ""}, same = {"k7", "new"};
    struct ec_add_tags_to_resource_out out;

    world_redis("c1");
    for (int i = 0; i < 50; i++)
        tags[i] = (struct ec_tag){arena_printf(&world.f.arena, "k%d", i), ""};
    must(add(C1, tags, 50, &out));
    expect(add(C1, &more, 1, &out), FAULT_TAG_QUOTA_PER_RESOURCE_EXCEEDED, NULL);
    must(add(C1, &same, 1, &out));
    cr_assert_eq(out.tag_list.count, 50);
}

Test(tags_of_clusters, tags_go_with_their_cluster)
{
    struct ec_tag tag = {"k", "v"};
    struct ec_add_tags_to_resource_out out;
    struct ec_delete_cache_cluster_in gone = {.cache_cluster_id = "c1"};
    struct ec_delete_cache_cluster_out gone_out;
    struct ec_list_tags_for_resource_in ask = {.resource_name = C1};
    struct ec_list_tags_for_resource_out listed;

    world_redis("c1");
    must(add(C1, &tag, 1, &out));
    must(run_ec_delete_cache_cluster(&gone, &gone_out));
    world_settle();
    expect(run_ec_list_tags_for_resource(&ask, &listed), FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
    world_redis("c1");
    must(run_ec_list_tags_for_resource(&ask, &listed));
    cr_assert_eq(listed.tag_list.count, 0);
}

Test(tags_of_clusters, those_of_a_group_are_set_and_taken_on_all_members)
{
    static const char group[] = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:rg";
    static const char member[] = "arn:aws:elasticache:us-east-1:000000000000:cluster:rg-002";
    struct ec_tag tag = {"team", "blue"};
    struct ec_add_tags_to_resource_in add = {
        .resource_name = group, .tags = {true, 1, &tag}
    };
    struct ec_add_tags_to_resource_out added;
    struct ec_remove_tags_from_resource_in take = {.resource_name = group,
                                                   .tag_keys = STRINGS("team")};
    struct ec_remove_tags_from_resource_out taken;
    struct ec_list_tags_for_resource_in in = {.resource_name = member};
    struct ec_list_tags_for_resource_out out;

    world_group("rg", 2);
    must(run_ec_add_tags_to_resource(&add, &added));
    must(run_ec_list_tags_for_resource(&in, &out));
    cr_assert_eq(out.tag_list.count, 1);
    must(run_ec_remove_tags_from_resource(&take, &taken));
    must(run_ec_list_tags_for_resource(&in, &out));
    cr_assert_eq(out.tag_list.count, 0);
    expect(run_ec_remove_tags_from_resource(&take, &taken), FAULT_TAG_NOT_FOUND, NULL);
}
