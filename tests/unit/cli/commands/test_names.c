#include "base/arena.h"
#include "base/err.h"
#include "cli/commands/names.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(names, kebab_form_is_that_of_the_sdks)
{
    static const struct {
        const char *camel, *kebab;
    } rows[] = {
        {"CacheNodeType",            "cache-node-type"            },
        {"CacheClusterId",           "cache-cluster-id"           },
        {"AZMode",                   "az-mode"                    },
        {"PreferredCacheClusterAZs", "preferred-cache-cluster-azs"},
        {"ReplicaConfiguration",     "replica-configuration"      },
        {"CacheARNs",                "cache-arns"                 },
        {"KmsKeyId",                 "kms-key-id"                 },
        {"ARN",                      "arn"                        },
        {"S3Bucket",                 "s3-bucket"                  },
        {"IpDiscovery",              "ip-discovery"               },
        {"GetCallerIdentity",        "get-caller-identity"        },
        {"DBInstanceIDs",            "db-instance-ids"            },
        {"",                         ""                           },
        {"IDs",                      "ids"                        },
        {"MultiAZEnabled",           "multi-az-enabled"           },
        {"NumCacheNodes",            "num-cache-nodes"            },
        {"ECPUPerSecond",            "ecpu-per-second"            },
        {"UserIdsToAdd",             "user-ids-to-add"            },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect(eq(str, name_kebab(&a, rows[i].camel), (char *)rows[i].kebab));
}

Test(names, a_slip_of_the_finger_finds_the_word_that_was_meant)
{
    struct name_guess guess = {.typed = "describe-cache-cluster"};

    name_guess_try(&guess, "delete-cache-cluster");
    name_guess_try(&guess, "describe-cache-clusters");
    name_guess_try(&guess, "describe-events");
    cr_expect(eq(str, (char *)guess.best, "describe-cache-clusters"));
}

Test(names, a_word_that_was_begun_finds_its_end)
{
    struct name_guess guess = {.typed = "--cache-node"};

    name_guess_try(&guess, "--port");
    name_guess_try(&guess, "--cache-node-type");
    cr_expect(eq(str, (char *)guess.best, "--cache-node-type"));
}

Test(names, something_else_altogether_finds_nothing)
{
    struct name_guess guess = {.typed = "bake-cookies"};

    name_guess_try(&guess, "create-cache-cluster");
    name_guess_try(&guess, "up");
    cr_expect(eq(ptr, (void *)guess.best, NULL));
}

Test(names, a_word_longer_than_any_of_ours_is_no_trouble)
{
    char typed[300], word[300];

    for (size_t i = 0; i < sizeof(typed); i++)
        typed[i] = word[i] = 'x';
    typed[sizeof(typed) - 1] = word[sizeof(word) - 1] = '\0';
    struct name_guess guess = {.typed = typed};
    name_guess_try(&guess, "up");
    name_guess_try(&guess, word);
    cr_expect(eq(ptr, (void *)guess.best, NULL));
}
