#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"

#include <criterion/criterion.h>

#include <string.h>

Test(naming, identifiers_begin_with_a_letter_and_have_single_inner_hyphens)
{
    static const struct {
        const char *name;
        bool is_good;
    } rows[] = {
        {"a",        true },
        {"Cache-1",  true },
        {"a-b-c",    true },
        {"",         false},
        {"1a",       false},
        {"-a",       false},
        {"a-",       false},
        {"a--b",     false},
        {"a_b",      false},
        {"a b",      false},
        {"\xc3\xa4", false},
        {"a.b",      false},
    };
    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_eq(name_is_identifier(rows[i].name), rows[i].is_good, "%s", rows[i].name);
}

Test(naming, a_bad_identifier_is_told_with_the_sentence_that_clients_know)
{
    struct arena a = {0};
    struct err e = name_check(&a, "CacheClusterIdentifier", "1st", CLUSTER_NAME_MAX);

    cr_assert_eq(e.code, FAULT_INVALID_PARAMETER_VALUE);
    cr_assert_str_eq(e.why,
                     "The parameter CacheClusterIdentifier is not a valid identifier. Identifiers "
                     "must begin with a letter; must contain only ASCII letters, digits, and "
                     "hyphens; and must not end with a hyphen or contain two consecutive hyphens.");
    arena_fini(&a);
}

Test(naming, a_cluster_may_have_fifty_characters_and_no_more)
{
    struct arena a = {0};
    static const char fifty[] = "a2345678901234567890123456789012345678901234567890";
    const char *more = arena_printf(&a, "%sx", fifty);

    cr_assert_eq(strlen(fifty), 50);
    cr_assert_not(err_failed(name_check(&a, "X", fifty, CLUSTER_NAME_MAX)));
    cr_assert_eq(name_check(&a, "X", more, CLUSTER_NAME_MAX).code, FAULT_INVALID_PARAMETER_VALUE);
    arena_fini(&a);
}

Test(naming, an_arn_that_was_made_is_taken_apart_again)
{
    static const char *const regions[][2] = {
        {"us-east-1",     "aws"       },
        {"cn-north-1",    "aws-cn"    },
        {"us-gov-west-1", "aws-us-gov"},
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(regions); i++) {
        struct arn arn;
        const char *text = arn_make(&a, regions[i][0], "000000000000", "cluster", "c1");
        cr_assert_not(err_failed(arn_parse(&a, text, &arn)), "%s", text);
        cr_assert_str_eq(arn.partition, regions[i][1]);
        cr_assert_str_eq(arn.region, regions[i][0]);
        cr_assert_str_eq(arn.account, "000000000000");
        cr_assert_str_eq(arn.type, "cluster");
        cr_assert_str_eq(arn.name, "c1");
    }
    cr_assert_str_eq(arn_make(&a, "us-east-1", "000000000000", "cluster", "c1"),
                     "arn:aws:elasticache:us-east-1:000000000000:cluster:c1");
    arena_fini(&a);
}

Test(naming, names_in_arns_are_folded)
{
    struct arena a = {0};
    struct arn arn;

    cr_assert_not(err_failed(
        arn_parse(&a, "arn:aws:elasticache:us-east-1:000000000000:cluster:My-Cache", &arn)));
    cr_assert_str_eq(arn.name, "my-cache");
    arena_fini(&a);
}

Test(naming, what_is_no_elasticache_arn_is_refused)
{
    static const char *const rows[] = {
        "",
        "c1",
        "arn",
        "arn:aws:elasticache:us-east-1:000000000000:cluster",
        "arn:aws:elasticache:us-east-1:000000000000:cluster:",
        "arn:aws:elasticache:us-east-1:000000000000::c1",
        "arn:aws:elasticache:us-east-1:000000000000:cluster:c1:more",
        "arn:aws:s3:us-east-1:000000000000:cluster:c1",
        "urn:aws:elasticache:us-east-1:000000000000:cluster:c1",
        "arn:other:elasticache:us-east-1:000000000000:cluster:c1",
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct arn arn;
        cr_assert_eq(arn_parse(&a, rows[i], &arn).code, FAULT_INVALID_ARN, "%s", rows[i]);
    }
    arena_fini(&a);
}

Test(naming, regions_are_shortened_by_the_points_of_the_compass)
{
    static const char *const rows[][2] = {
        {"us-east-1",      "use1" },
        {"us-east-2",      "use2" },
        {"us-west-2",      "usw2" },
        {"eu-west-3",      "euw3" },
        {"eu-central-1",   "euc1" },
        {"eu-north-1",     "eun1" },
        {"ca-central-1",   "cac1" },
        {"sa-east-1",      "sae1" },
        {"ap-northeast-1", "apne1"},
        {"ap-south-1",     "aps1" },
        {"ap-southeast-2", "apse2"},
        {"us-gov-west-1",  "usgw1"},
        {"home",           "home" },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_str_eq(region_code(&a, rows[i][0]), rows[i][1]);
    arena_fini(&a);
}

Test(naming, endpoints_have_the_form_of_the_hosted_service)
{
    struct arena a = {0};
    struct endpoint_naming n = {"000000000000", "us-east-1", "cache.larder.internal", false};
    const char *node = endpoint_node_name(&a, &n, "c1", "0001");
    const char *configuration = endpoint_configuration_name(&a, &n, "m1");

    cr_assert_eq(strncmp(node, "c1.", 3), 0);
    cr_assert_str_eq(node + 3 + 6, ".0001.use1.cache.larder.internal");
    cr_assert_str_eq(configuration + 3 + 6, ".cfg.use1.cache.larder.internal");
    cr_assert_eq(strncmp(node + 3, configuration + 3, 6), 0, "one tag for the whole account");
    arena_fini(&a);
}

Test(naming, endpoints_of_groups_have_another_form_with_encryption)
{
    struct arena a = {0};
    struct endpoint_naming n = {"000000000000", "us-east-1", "z", .is_encrypted = false};
    struct {
        const char *name, *before, *behind;
    } rows[] = {
        {endpoint_member_name(&a,  &n,                 "g",                            "g-001", "0001"), "g-001.", ".0001.use1.z"},
        {endpoint_primary_name(&a,                 &n,                           "g"),                                           "g.", ".ng.0001.use1.z"},
        {endpoint_reader_name(&a, &n, "g"), "g-ro.", ".ng.0001.use1.z"},
        {endpoint_cluster_name(&a,       &n,                         "g"),                                 "g.", ".clustercfg.use1.z"},
        {NULL,                    "g-001.g.",                               ".use1.z"                                           },
        {NULL, "master.g.",           ".use1.z"            },
        {NULL,    "replica.g.",                      ".use1.z"                                                },
        {NULL,               "clustercfg.g.",   ".use1.z"},
    };

    n.is_encrypted = true;
    rows[4].name = endpoint_member_name(&a, &n, "g", "g-001", "0001");
    rows[5].name = endpoint_primary_name(&a, &n, "g");
    rows[6].name = endpoint_reader_name(&a, &n, "g");
    rows[7].name = endpoint_cluster_name(&a, &n, "g");
    for (size_t i = 0; i < countof(rows); i++) {
        size_t before = strlen(rows[i].before);
        cr_assert_eq(strncmp(rows[i].name, rows[i].before, before), 0, "%s", rows[i].name);
        cr_assert_str_eq(rows[i].name + before + 6, rows[i].behind);
    }
    arena_fini(&a);
}

Test(naming, the_tag_differs_between_accounts_and_between_regions)
{
    struct arena a = {0};
    struct endpoint_naming here = {"000000000000", "us-east-1", "z", false};
    struct endpoint_naming account = {"111111111111", "us-east-1", "z", false};
    struct endpoint_naming region = {"000000000000", "us-east-2", "z", false};
    const char *name = endpoint_node_name(&a, &here, "c", "0001");

    cr_assert_neq(strncmp(name, endpoint_node_name(&a, &account, "c", "0001"), 8), 0);
    cr_assert_neq(strncmp(name, endpoint_node_name(&a, &region, "c", "0001"), 8), 0);
    arena_fini(&a);
}

Test(naming, the_hash_is_the_same_in_every_build)
{
    /* Stored names depend on these numbers: they must never change. */
    cr_assert_eq(name_hash(""), 0xefd01f60ba992926u);
    cr_assert_eq(name_hash("000000000000/us-east-1"), 0x12dcd81f0162ee57u);
}

Test(naming, a_serverless_cache_has_a_name_of_its_own)
{
    struct arena a = {0};
    struct endpoint_naming n = {"000000000000", "us-east-1", "cache.larder.internal", false};
    const char *one = endpoint_serverless_name(&a, &n, "one", 1);

    cr_assert_eq(strncmp(one, "one-", 4), 0);
    cr_assert_str_eq(one + 10, ".serverless.use1.cache.larder.internal");
    cr_assert_str_neq(one, endpoint_serverless_name(&a, &n, "one", 2));
    arena_fini(&a);
}
