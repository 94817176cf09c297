#include "base/arena.h"
#include "cli/commands/values.h"
#include "contract/elasticache.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err set(struct arena *a, struct ec_create_cache_cluster_in *in, const char *member,
                      char *const *words, size_t count)
{
    const struct shape_member *m =
        shape_find(service_op(&service_elasticache, "CreateCacheCluster")->in, member);

    cr_assert_not_null(m, "%s", member);
    return value_set(a, m, words, count, in);
}

Test(values, scalars_become_their_representation)
{
    struct arena a = {0};
    struct ec_create_cache_cluster_in in = {0};

    cr_assert_eq(set(&a, &in, "CacheClusterId", (char *[]){"c1"}, 1).code, ERR_OK);
    cr_assert_eq(set(&a, &in, "NumCacheNodes", (char *[]){"-3"}, 1).code, ERR_OK);
    cr_assert_eq(set(&a, &in, "AutoMinorVersionUpgrade", (char *[]){"false"}, 1).code, ERR_OK);
    cr_expect_str_eq(in.cache_cluster_id, "c1");
    cr_expect(in.num_cache_nodes.has && in.num_cache_nodes.value == -3);
    cr_expect(in.auto_minor_version_upgrade.has && !in.auto_minor_version_upgrade.value);
    arena_fini(&a);
}

Test(values, lists_are_words_or_one_json_array)
{
    struct arena a = {0};
    struct ec_create_cache_cluster_in in = {0};

    cr_assert_eq(set(&a, &in, "SecurityGroupIds", (char *[]){"sg-1", "sg-2"}, 2).code, ERR_OK);
    cr_assert_eq(in.security_group_ids.count, 2);
    cr_expect_str_eq(in.security_group_ids.items[1], "sg-2");
    cr_assert_eq(set(&a, &in, "SecurityGroupIds", (char *[]){" [\"x\",\"y\",\"z\"]"}, 1).code,
                 ERR_OK);
    cr_assert_eq(in.security_group_ids.count, 3);
    cr_expect_str_eq(in.security_group_ids.items[2], "z");
    cr_assert_eq(set(&a, &in, "SecurityGroupIds", (char *[]){"[]"}, 1).code, ERR_OK);
    cr_expect(in.security_group_ids.has && in.security_group_ids.count == 0);
    arena_fini(&a);
}

Test(values, structures_are_shorthand_or_json)
{
    struct arena a = {0};
    struct ec_create_cache_cluster_in in = {0};
    char *words[] = {"Key=team,Value=a b", "{\"Key\":\"env\",\"Value\":\"test\"}", "Key=bare"};

    cr_assert_eq(set(&a, &in, "Tags", words, 3).code, ERR_OK);
    cr_assert_eq(in.tags.count, 3);
    cr_expect_str_eq(in.tags.items[0].value, "a b");
    cr_expect_str_eq(in.tags.items[1].key, "env");
    cr_expect_null(in.tags.items[2].value);
    arena_fini(&a);
}

Test(values, nested_lists_take_one_word_without_brackets)
{
    struct arena a = {0};
    struct ec_create_cache_cluster_in in = {0};
    char *words[] = {"LogType=slow-log,DestinationType=cloudwatch-logs,LogFormat=json,Enabled=true,"
                     "DestinationDetails={CloudWatchLogsDetails={LogGroup=g}}"};

    cr_assert_eq(set(&a, &in, "LogDeliveryConfigurations", words, 1).code, ERR_OK);
    cr_assert_eq(in.log_delivery_configurations.count, 1);
    const struct ec_log_delivery_configuration_request *r =
        &in.log_delivery_configurations.items[0];
    cr_expect(r->enabled.has && r->enabled.value);
    cr_expect_str_eq(r->destination_details->cloud_watch_logs_details->log_group, "g");
    arena_fini(&a);
}

Test(values, a_file_can_stand_for_a_value)
{
    struct arena a = {0};
    struct ec_create_cache_cluster_in in = {0};
    char path[] = "/tmp/larder-values-XXXXXX";
    int fd = mkstemp(path);

    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, "[{\"Key\":\"k\"}]", 13), 13);
    close(fd);
    cr_assert_eq(set(&a, &in, "Tags", (char *[]){arena_printf(&a, "file://%s", path)}, 1).code,
                 ERR_OK);
    cr_assert_eq(in.tags.count, 1);
    cr_expect_str_eq(in.tags.items[0].key, "k");
    unlink(path);
    struct err e = set(&a, &in, "Tags", (char *[]){arena_printf(&a, "file://%s", path)}, 1);
    cr_expect_eq(e.code, ERR_NOT_FOUND);
    cr_expect_not_null(strstr(e.why, path));
    arena_fini(&a);
}

Test(values, that_do_not_fit_are_named)
{
    static const struct {
        const char *member, *word, *part;
    } rows[] = {
        {"NumCacheNodes",           "many",                 "'many' is not a whole number"},
        {"NumCacheNodes",           "",                     "'' is not a whole number"    },
        {"NumCacheNodes",           "99999999999999999999", "is not a whole number"       },
        {"AutoMinorVersionUpgrade", "perhaps",              "true or false"               },
        {"Tags",                    "Key=a,Nope=b",         "there is no key Nope"        },
        {"Tags",                    "just a word",          "expected"                    },
        {"Tags",                    "Key=[a,b]",            "a list stands where a text"  },
        {"Tags",                    "[{\"Key\": 5}]",       "Key"                         },
        {"Tags",                    "[{\"Key\": ",          ""                            },
        {"CacheClusterId",          "\xff\xfe",             "is not a text"               },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a = {0};
        struct ec_create_cache_cluster_in in = {0};
        struct err e = set(&a, &in, rows[i].member, (char *[]){(char *)rows[i].word}, 1);
        cr_assert(err_failed(e), "%s %s", rows[i].member, rows[i].word);
        cr_expect_not_null(strstr(e.why, rows[i].part), "%s", e.why);
        arena_fini(&a);
    }
}
