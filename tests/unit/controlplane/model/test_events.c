#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/events.h"

#include <criterion/criterion.h>

#include <string.h>

Test(events, messages_are_filled_in)
{
    static const struct {
        enum event_kind kind;
        const char *first, *second, *message;
    } rows[] = {
        {EVENT_CLUSTER_CREATED,  NULL,   NULL,         "Cache cluster created"                         },
        {EVENT_NODE_ADDED,       "0001", "us-east-1e",
         "Added cache node 0001 in availability zone us-east-1e"                                       },
        {EVENT_NODES_INCREASING, NULL,   NULL,         "Increasing number of requested nodes"          },
        {EVENT_NODES_MODIFIED,   "1",    "3",          "Finished modifying number of nodes from 1 to 3"},
        {EVENT_NODE_SHUTDOWN,    "0001", NULL,         "Cache node 0001 shutdown"                      },
        {EVENT_NODE_RESTARTED,   "0001", NULL,         "Cache node 0001 restarted"                     },
        {EVENT_NODE_RECOVERING,  "0001", NULL,         "Recovering cache nodes 0001"                   },
        {EVENT_NODE_RECOVERED,   "0001", NULL,         "Finished recovery for cache nodes 0001"        },
    };
    struct arena a = {0};
    struct cluster c = {.account = "1",
                        .region = "r",
                        .name = "c1",
                        .notification_topic = "t",
                        .notification_status = "active"};

    for (size_t i = 0; i < countof(rows); i++) {
        struct event e = event_of_cluster(&a, &c, 42, rows[i].kind, rows[i].first, rows[i].second);
        cr_assert_str_eq(e.message, rows[i].message);
        cr_assert_str_eq(e.source, "c1");
        cr_assert_str_eq(e.source_type, "cache-cluster");
        cr_assert_str_eq(e.account, "1");
        cr_assert_str_eq(e.region, "r");
        cr_assert_eq(e.at_ms, 42);
    }
    arena_fini(&a);
}

Test(events, what_happens_to_what_is_owned_is_told_of_its_owner_or_not_at_all)
{
    struct arena a = {0};
    struct cluster group = {
        .account = "1", .region = "r", .name = "serverless.one", .owner = {1, "one"}
    };
    struct cluster member = group;
    struct event e;

    member.group_id = 7;
    cr_assert(
        event_of_owner(&a, &group, 42, EVENT_GROUP_CREATE_FAILED, "serverless.one", "no room", &e));
    cr_assert_str_eq(e.message, "Failed to create the serverless cache: no room");
    cr_assert_str_eq(e.source, "one");
    cr_assert_str_eq(e.source_type, "serverless-cache");
    cr_assert(event_of_owner(&a, &group, 42, EVENT_CLUSTER_CREATE_FAILED, "no room", NULL, &e));
    cr_assert_str_eq(e.message, "Failed to create the serverless cache: no room");
    cr_assert(event_of_owner(&a, &group, 42, EVENT_RESTORE_FAILED, "it is damaged", NULL, &e));
    cr_assert_str_eq(e.message, "Failed to create the serverless cache: it is damaged");
    cr_assert_not(event_of_owner(&a, &member, 42, EVENT_RESTORE_FAILED, "it", NULL, &e),
                  "its group tells that");
    cr_assert(event_of_owner(&a, &group, 42, EVENT_GROUP_DELETED, "serverless.one", NULL, &e));
    cr_assert_str_eq(e.message, "Serverless cache deleted");
    cr_assert(event_of_owner(&a, &group, 42, EVENT_GROUP_UPGRADED, "valkey", "8.2.0", &e));
    cr_assert_str_eq(e.message, "Finished modifying the serverless cache");
    cr_assert_not(event_of_owner(&a, &group, 42, EVENT_FAILOVER_ON, "serverless.one", NULL, &e));
    cr_assert_not(event_of_owner(&a, &member, 42, EVENT_CLUSTER_CREATED, NULL, NULL, &e));
    arena_fini(&a);
}

Test(events, a_snapshot_of_a_serverless_cache_is_a_source_of_its_own)
{
    struct arena a = {0};
    struct snapshot s = {.owner = "", .account = "1", .region = "r", .name = "s1"};

    struct event e = event_of_snapshot(&a, &s, "c1", 42, EVENT_SNAPSHOT_FAILED, "no room");
    cr_assert_str_eq(e.source, "c1");
    cr_assert_str_eq(e.message, "Snapshot failed for snapshot with ID 's1': no room");
    s.owner = SNAPSHOT_OWNER_SERVERLESS;
    e = event_of_snapshot(&a, &s, "c1", 42, EVENT_SNAPSHOT_FAILED, "no room");
    cr_assert_str_eq(e.source, "s1");
    cr_assert_str_eq(e.source_type, "serverless-cache-snapshot");
    cr_assert_str_eq(e.message, "Failed to create snapshot s1: no room");
    arena_fini(&a);
}

Test(events, every_kind_has_a_message_without_gaps)
{
    struct arena a = {0};
    struct cluster c = {.account = "1",
                        .region = "r",
                        .name = "c1",
                        .notification_topic = "t",
                        .notification_status = "active"};

    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        struct event e = event_of_cluster(&a, &c, 0, (enum event_kind)kind, "x", "y");
        cr_assert_gt(strlen(e.message), 0);
        cr_assert_null(strchr(e.message, '{'));
    }
    arena_fini(&a);
}

Test(events, other_things_than_clusters_are_sources_too)
{
    struct arena a = {0};
    struct event_source source = {"1", "r", "mine"};
    struct event e = event_of(&a, &source, 42, EVENT_PARAMETER_SET, "timeout", "{0}");

    cr_assert_str_eq(e.message, "Updated parameter timeout to {0}");
    cr_assert_str_eq(e.source, "mine");
    cr_assert_str_eq(e.source_type, "cache-parameter-group");
    arena_fini(&a);
}

Test(events, only_an_active_topic_is_told)
{
    struct arena a = {0};
    struct cluster c = {.account = "1",
                        .region = "r",
                        .name = "c1",
                        .notification_topic = "t",
                        .notification_status = "active"};

    struct event e = event_of_cluster(&a, &c, 0, EVENT_CLUSTER_CREATED, NULL, NULL);
    cr_assert_str_eq(e.topic, "t");
    cr_assert_str_eq(e.notice, "ElastiCache:CacheClusterProvisioningComplete");
    cr_assert_null(event_of_cluster(&a, &c, 0, EVENT_NODES_INCREASING, NULL, NULL).notice);
    c.notification_status = "inactive";
    cr_assert_str_eq(event_of_cluster(&a, &c, 0, EVENT_CLUSTER_CREATED, NULL, NULL).topic, "");
    arena_fini(&a);
}
