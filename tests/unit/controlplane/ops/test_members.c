#include "contract/faults.h"
#include "controlplane/ops/members.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(members, .init = world_open, .fini = world_close, .timeout = 60);

Test(members, a_rule_sees_values_of_every_kind)
{
    static const struct member_rule rules[] = {
        {"AuthToken",                NULL   },
        {"TransitEncryptionEnabled", "false"},
        {"SnapshotArns",             NULL   },
        {"Port",                     "1"    },
    };
    const char *item = "x";
    const struct {
        struct ec_create_cache_cluster_in in;
        const char *member; /* the one refused */
    } rows[] = {
        {{0},                                            NULL                      },
        {{.auth_token = ""},                             NULL                      },
        {{.auth_token = "x"},                            "AuthToken"               },
        {{.transit_encryption_enabled = BOOL_OF(false)}, NULL                      },
        {{.transit_encryption_enabled = BOOL_OF(true)},  "TransitEncryptionEnabled"},
        {{.snapshot_arns = {.has = true}},               NULL                      },
        {{.snapshot_arns = {true, 1, &item}},            "SnapshotArns"            },
        {{.port = INT_OF(1)},                            NULL                      },
        {{.port = INT_OF(2)},                            "Port"                    },
    };
    struct call c = world_call();

    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = members_refuse(&c, "CreateCacheCluster", &rows[i].in, rules, countof(rules),
                                      "No %s here.");
        if (rows[i].member)
            expect(e, FAULT_INVALID_PARAMETER_COMBINATION,
                   arena_printf(&world.f.arena, "No %s here.", rows[i].member));
        else
            must(e);
    }
}

Test(members, windows_that_a_cluster_has_are_kept)
{
    struct call c = world_call();
    struct cluster cl = {.account = "000000000000",
                         .region = "us-east-1",
                         .name = "c1",
                         .engine = "redis",
                         .maintenance_window = "sun:05:00-sun:06:00",
                         .snapshot_window = "08:00-09:00"};

    must(member_windows(&c, NULL, "07:00-08:00", &cl));
    cr_assert_str_eq(cl.maintenance_window, "sun:05:00-sun:06:00");
    cr_assert_str_eq(cl.snapshot_window, "07:00-08:00");
    must(member_windows(&c, "mon:01:00-mon:02:00", NULL, &cl));
    cr_assert_str_eq(cl.maintenance_window, "mon:01:00-mon:02:00");
    cr_assert_str_eq(cl.snapshot_window, "07:00-08:00");
    expect(member_windows(&c, "mon:07:30-mon:08:30", NULL, &cl),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(members, security_groups_are_kept_once_each)
{
    const char *ids[] = {"sg-a", "sg-b", "sg-a"};
    const struct ec_security_group_ids_list list = {true, 3, ids};
    struct call c = world_call();
    const char *joined;

    must(member_security_groups(&c, &list, &joined));
    cr_assert_str_eq(joined, "sg-a,sg-b");
}

Test(members, a_topic_is_one_of_the_callers_own)
{
    static const char *const wrong[] = {
        "topic",
        "arn:aws:sns:us-east-1:000000000000:",
        "arn:aws:sns:us-east-1:000000000000:a:b",
        "arn:aws:sqs:us-east-1:000000000000:t",
        "arn:aws:sns:us-east-2:000000000000:t",
        "arn:aws:sns:us-east-1:111111111111:t",
        "arn:aws-cn:sns:us-east-1:000000000000:t",
    };
    const char *arn = "arn:aws:sns:us-east-1:000000000000:t";
    struct call c = world_call();
    struct cluster cl = {.notification_topic = "", .notification_status = ""};

    for (size_t i = 0; i < countof(wrong); i++)
        expect(member_topic(&c, wrong[i], NULL, &cl), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(member_topic(&c, NULL, "active", &cl), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    cr_assert_str_eq(cl.notification_topic, "");
    must(member_topic(&c, arn, NULL, &cl));
    cr_assert_str_eq(cl.notification_topic, arn);
    cr_assert_str_eq(cl.notification_status, "active");
    must(member_topic(&c, NULL, "inactive", &cl));
    cr_assert_str_eq(cl.notification_status, "inactive");
    expect(member_topic(&c, NULL, "on", &cl), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(member_topic(&c, NULL, NULL, &cl));
    cr_assert_str_eq(cl.notification_status, "inactive");
    must(member_topic(&c, "", NULL, &cl));
    cr_assert_str_eq(cl.notification_topic, "");
}
