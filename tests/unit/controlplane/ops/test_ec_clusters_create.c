#include "controlplane/model/quotas.h"
#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(create, .init = world_open, .fini = world_close, .timeout = 60);

#define REDIS .cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.t4g.micro"
#define MEMCACHED \
    .cache_cluster_id = "m1", .engine = "memcached", .cache_node_type = "cache.t4g.micro"

Test(create, a_new_cluster_is_creating_and_all_its_settings_are_told)
{
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;

    in.cache_cluster_id = "C1";
    must(run_ec_create_cache_cluster(&in, &out));
    struct ec_cache_cluster *c = out.cache_cluster;
    cr_assert_str_eq(c->cache_cluster_id, "c1", "ids are kept in lower case");
    cr_assert_str_eq(c->cache_cluster_status, "creating");
    cr_assert_str_eq(c->engine, "redis");
    cr_assert_str_eq(c->engine_version, "7.1.0");
    cr_assert_str_eq(c->cache_node_type, "cache.t4g.micro");
    cr_assert_eq(c->num_cache_nodes.value, 1);
    cr_assert_str_eq(c->arn, "arn:aws:elasticache:us-east-1:000000000000:cluster:c1");
    cr_assert_str_eq(c->cache_parameter_group->cache_parameter_group_name, "default.redis7");
    cr_assert_str_eq(c->cache_parameter_group->parameter_apply_status, "in-sync");
    cr_assert_str_eq(c->cache_subnet_group_name, "default");
    cr_assert_eq(c->cache_cluster_create_time.value, WORLD_NOW_MS);
    cr_assert_not_null(c->pending_modified_values);
    cr_assert_not(c->pending_modified_values->num_cache_nodes.has);
    cr_assert(c->auto_minor_version_upgrade.value);
    cr_assert_eq(c->snapshot_retention_limit.value, 0);
    cr_assert_eq(strlen(c->snapshot_window), strlen("05:00-06:00"));
    cr_assert_eq(strlen(c->preferred_maintenance_window), strlen("sun:05:00-sun:06:00"));
    cr_assert(c->transit_encryption_enabled.has && !c->transit_encryption_enabled.value);
    cr_assert(c->at_rest_encryption_enabled.has && !c->at_rest_encryption_enabled.value);
    cr_assert(c->auth_token_enabled.has && !c->auth_token_enabled.value);
    cr_assert_str_eq(c->network_type, "ipv4");
    cr_assert_str_eq(c->ip_discovery, "ipv4");
    cr_assert_eq(c->security_groups.count, 1, "the default group of the VPC");
    cr_assert_null(c->configuration_endpoint);
    cr_assert_null(c->client_download_landing_page);
    cr_assert_not(c->cache_nodes.has);
}

Test(create, what_was_asked_for_is_kept)
{
    struct ec_create_cache_cluster_in in = {
        REDIS,
        .engine_version = "6.x",
        .cache_parameter_group_name = "Default.Redis6.x",
        .cache_subnet_group_name = "default",
        .security_group_ids = STRINGS("sg-1", "sg-2", "sg-1"),
        .preferred_maintenance_window = "Mon:03:00-Mon:04:00",
        .snapshot_window = "05:00-06:00",
        .snapshot_retention_limit = INT_OF(0),
        .auto_minor_version_upgrade = BOOL_OF(false),
        .port = INT_OF(7000),
        .preferred_availability_zone = "us-east-1b",
        .network_type = "ipv4",
        .ip_discovery = "ipv4",
        .transit_encryption_enabled = BOOL_OF(false),
    };
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
    struct ec_cache_cluster *c = world_describe("c1");
    cr_assert_str_eq(c->engine_version, "6.2.6");
    cr_assert_str_eq(c->cache_parameter_group->cache_parameter_group_name, "default.redis6.x");
    cr_assert_eq(c->security_groups.count, 2);
    cr_assert_str_eq(c->security_groups.items[1].security_group_id, "sg-2");
    cr_assert_str_eq(c->security_groups.items[1].status, "active");
    cr_assert_str_eq(c->preferred_maintenance_window, "mon:03:00-mon:04:00");
    cr_assert_str_eq(c->snapshot_window, "05:00-06:00");
    cr_assert_eq(c->snapshot_retention_limit.value, 0);
    cr_assert_not(c->auto_minor_version_upgrade.value);
    cr_assert_str_eq(c->preferred_availability_zone, "us-east-1b");
    cr_assert_eq(c->cache_nodes.items[0].endpoint->port.value, 7000);
    cr_assert_str_eq(c->cache_nodes.items[0].customer_availability_zone, "us-east-1b");
}

Test(create, windows_by_chance_are_the_same_for_the_same_cluster)
{
    world_redis("c1");
    const char *weekly = world_describe("c1")->preferred_maintenance_window;
    const char *daily = world_describe("c1")->snapshot_window;
    struct ec_delete_cache_cluster_in in = {.cache_cluster_id = "c1"};
    struct ec_delete_cache_cluster_out out;

    must(run_ec_delete_cache_cluster(&in, &out));
    world_settle();
    world_redis("c1");
    cr_assert_str_eq(world_describe("c1")->preferred_maintenance_window, weekly);
    cr_assert_str_eq(world_describe("c1")->snapshot_window, daily);
}

Test(create, every_mistake_has_its_fault)
{
    static struct ec_tag aws_tag = {"aws:x", "1"};
    const struct {
        struct ec_create_cache_cluster_in in;
        int code;
        const char *why;
    } rows[] = {
        {{.cache_cluster_id = "1c", .engine = "redis"},                                          FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{.cache_cluster_id = "c1", .replication_group_id = "rg"},
         FAULT_REPLICATION_GROUP_NOT_FOUND,                                                                                           "ReplicationGroup rg not found"                                                          },
        {{.cache_cluster_id = "c1"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "The parameter Engine must be provided and must not be null."                            },
        {{.cache_cluster_id = "c1", .engine = "mysql"},                                          FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{.cache_cluster_id = "c1", .engine = "valkey"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "CreateCacheCluster does not take the engine valkey. Create a replication group instead."},
        {{.cache_cluster_id = "c1", .engine = "redis"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "The parameter CacheNodeType must be provided and must not be null."                     },
        {{REDIS, .engine_version = "7.4"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "Cannot find version 7.4 for redis"                                                      },
        {{.cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.huge"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               NULL                                                                                     },
        {{.cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.r6gd.xlarge"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{REDIS, .num_cache_nodes = INT_OF(2)},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "Cannot create a Redis cluster with a NumCacheNodes parameter greater than 1."           },
        {{REDIS, .num_cache_nodes = INT_OF(0)},                                                  FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{MEMCACHED, .num_cache_nodes = INT_OF(61)},
         FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED,                                                                                       "Cluster node quota exceeded. Each cluster can have at most 60 nodes in this region."    },
        {{MEMCACHED, .num_cache_nodes = INT_OF(2000000000)},
         FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED,                                                                                       NULL                                                                                     },
        {{REDIS, .port = INT_OF(0)},                                                             FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .port = INT_OF(80)},                                                            FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .port = INT_OF(65536)},                                                         FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .az_mode = "cross-az"},                                                         FAULT_INVALID_PARAMETER_COMBINATION, NULL                                                                                     },
        {{MEMCACHED, .az_mode = "cross-az"},                                                     FAULT_INVALID_PARAMETER_COMBINATION, NULL                                                                                     },
        {{MEMCACHED, .num_cache_nodes = INT_OF(2), .az_mode = "cross-az",
          .preferred_availability_zone = "us-east-1a"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{MEMCACHED, .num_cache_nodes = INT_OF(2), .az_mode = "cross-az",
          .preferred_availability_zones = STRINGS("us-east-1a", "us-east-1a")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{MEMCACHED, .num_cache_nodes = INT_OF(2), .az_mode = "single-az",
          .preferred_availability_zones = STRINGS("us-east-1a", "us-east-1b")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{MEMCACHED, .num_cache_nodes = INT_OF(2),
          .preferred_availability_zones = STRINGS("us-east-1a")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{REDIS, .preferred_availability_zone = "us-east-1a",
          .preferred_availability_zones = STRINGS("us-east-1a")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{REDIS, .preferred_availability_zone = "us-east-1z"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "us-east-1z is not a valid availability zone."                                           },
        {{REDIS, .preferred_maintenance_window = "sunday"},                                      FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .snapshot_window = "05:00-05:30"},                                              FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .preferred_maintenance_window = "sun:05:00-sun:06:00",
          .snapshot_window = "05:30-06:30"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         NULL                                                                                     },
        {{REDIS, .snapshot_retention_limit = INT_OF(36)},                                        FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .snapshot_retention_limit = INT_OF(-1)},                                        FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{MEMCACHED, .snapshot_retention_limit = INT_OF(1)},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "The parameter SnapshotRetentionLimit is not supported for memcached clusters."          },
        {{MEMCACHED, .snapshot_window = "05:00-06:00"},                                          FAULT_INVALID_PARAMETER_COMBINATION, NULL                                                                                     },
        {{REDIS, .cache_parameter_group_name = "default.redis6.x"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "Expected a parameter group of family redis7 but found one of family redis6.x"           },
        {{REDIS, .cache_parameter_group_name = "default.redis7.cluster.on"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "Cluster mode should be disabled in parameter group, but found it is enabled."           },
        {{REDIS, .cache_parameter_group_name = "Mine"},
         FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND,                                                                                       "CacheParameterGroup not found: mine"                                                    },
        {{REDIS, .cache_subnet_group_name = "mine"},                                             FAULT_CACHE_SUBNET_GROUP_NOT_FOUND,  NULL                                                                                     },
        {{REDIS, .cache_security_group_names = STRINGS("x")},                                    FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .security_group_ids = STRINGS("sg-1,sg-2")},                                    FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .security_group_ids = STRINGS("x")},                                            FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .tags = {true, 1, &aws_tag}},                                                   FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .auth_token = "sixteen-or-more-chars"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "AuthToken requires TransitEncryptionEnabled, and the TransitEncryptionMode required."   },
        {{REDIS, .auth_token = "short", .transit_encryption_enabled = BOOL_OF(true)},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "The AuthToken must have between 16 and 128 characters."                                 },
        {{REDIS, .auth_token = "sixteen-or-more*chars",
          .transit_encryption_enabled = BOOL_OF(true)},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               NULL                                                                                     },
        {{MEMCACHED, .auth_token = "sixteen-or-more-chars",
          .transit_encryption_enabled = BOOL_OF(true)},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "The parameter AuthToken is not supported for memcached clusters."                       },
        {{REDIS, .network_type = "dual_stack"},                                                  FAULT_INVALID_PARAMETER_COMBINATION, NULL                                                                                     },
        {{REDIS, .ip_discovery = "ipv6"},                                                        FAULT_INVALID_PARAMETER_COMBINATION, NULL                                                                                     },
        {{REDIS, .snapshot_name = "s"},                                                          FAULT_INVALID_PARAMETER_VALUE,       NULL                                                                                     },
        {{REDIS, .snapshot_arns = STRINGS("arn:aws:s3:::b/k")},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               NULL                                                                                     },
        {{REDIS, .notification_topic_arn = "arn:aws:sns:us-west-1:000000000000:t"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               NULL                                                                                     },
        {{REDIS, .outpost_mode = "single-outpost"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                         "OutpostMode needs PreferredOutpostArn or PreferredOutpostArns."                         },
        {{REDIS, .preferred_outpost_arn = "arn:o", .outpost_mode = "single-outpost"},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "The outpost arn:o does not exist."                                                      },
        {{REDIS, .preferred_outpost_arns = STRINGS("arn:p")},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                               "The outpost arn:p does not exist."                                                      },
        {{.cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.r7g.16xlarge"},
         FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,                                                                                   "There is no capacity for 1 cache node of type cache.r7g.16xlarge in us-east-1: no host "
         "offers that much memory."                                                                                                                                         },
    };
    struct ec_describe_cache_clusters_in all = {0};
    struct ec_describe_cache_clusters_out left;

    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_create_cache_cluster_out out;
        struct err e = run_ec_create_cache_cluster(&rows[i].in, &out);
        cr_assert_eq(e.code, rows[i].code, "row %zu: %d %s", i, e.code, e.why ? e.why : "");
        if (rows[i].why)
            cr_assert_str_eq(e.why, rows[i].why);
    }
    must(run_ec_describe_cache_clusters(&all, &left));
    cr_assert_eq(left.cache_clusters.count, 0, "nothing is left of any of them");
}

Test(create, a_token_is_enabled_from_the_beginning)
{
    struct ec_create_cache_cluster_in in = {REDIS, .auth_token = "sixteen-or-more-chars",
                                            .transit_encryption_enabled = BOOL_OF(true)};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    cr_assert(out.cache_cluster->auth_token_enabled.value);
    cr_assert_eq(out.cache_cluster->auth_token_last_modified_date.value, WORLD_NOW_MS);
    cr_assert_null(out.cache_cluster->pending_modified_values->auth_token_status);
    world_settle();
    cr_assert(world_describe("c1")->auth_token_enabled.value);
}

Test(create, an_empty_list_of_security_groups_means_the_vpc_s_own)
{
    struct ec_create_cache_cluster_in in = {REDIS, .security_group_ids = {.has = true}};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    cr_assert_eq(out.cache_cluster->security_groups.count, 1);
    cr_assert(strncmp(out.cache_cluster->security_groups.items[0].security_group_id, "sg-", 3) ==
              0);
}

Test(create, a_name_is_taken_until_the_cluster_is_gone)
{
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;
    struct ec_delete_cache_cluster_in gone = {.cache_cluster_id = "c1"};
    struct ec_delete_cache_cluster_out gone_out;

    world_redis("c1");
    in.cache_cluster_id = "C1";
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_CACHE_CLUSTER_ALREADY_EXISTS, NULL);
    must(run_ec_delete_cache_cluster(&gone, &gone_out));
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_CACHE_CLUSTER_ALREADY_EXISTS, NULL);
    world_settle();
    must(run_ec_create_cache_cluster(&in, &out));
}

Test(create, accounts_and_regions_do_not_see_each_other)
{
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;

    world_redis("c1");
    world.caller.account = "111111111111";
    must(run_ec_create_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->arn,
                     "arn:aws:elasticache:us-east-1:111111111111:cluster:c1");
    world.caller.region = "eu-west-1";
    expect(
        run_ec_create_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,
        "There is no capacity for 1 cache node of type cache.t4g.micro in eu-west-1: no host that "
        "runs the engine is in touch.");
}

Test(create, capacity_ends_where_the_hosts_memory_ends_placed_or_not)
{
    char name[8];
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;

    in.cache_cluster_id = name;
    for (int i = 0; i < 24; i++) { /* three hosts of 4 GiB, 512 MiB each; nothing is placed yet */
        snprintf(name, sizeof(name), "c%d", i);
        must(run_ec_create_cache_cluster(&in, &out));
    }
    in.cache_cluster_id = "one-more";
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
    world_settle();
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
}

static void limit_processors(int64_t overcommit)
{
    ops_free(world.ops);
    world.conf.cpu_overcommit = overcommit;
    world.ops = ops_new(world.f.store, &world.conf);
}

Test(create, capacity_ends_where_the_hosts_processors_end_when_they_are_counted)
{
    char name[8];
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;

    limit_processors(2);
    in.cache_cluster_id = name;
    for (int i = 0; i < 6; i++) { /* three hosts of 2, 2 each; nothing is placed yet */
        snprintf(name, sizeof(name), "c%d", i);
        must(run_ec_create_cache_cluster(&in, &out));
    }
    in.cache_cluster_id = "one-more";
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,
           "There is no capacity for 1 cache node of type cache.t4g.micro in us-east-1: no host "
           "has that many processors left.");
    limit_processors(0);
    must(run_ec_create_cache_cluster(&in, &out));
}

Test(create, without_hosts_in_touch_there_is_no_capacity)
{
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_host_silence(world.f.tx, "id-of-h1", true, 1000));
    must(store_host_silence(world.f.tx, "id-of-h2", true, 1000));
    must(store_host_silence(world.f.tx, "id-of-h3", true, 1000));
    fixture_commit(&world.f);
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
}

/* Hosts with room for more than an account may have. */
static void make_hosts_large(void)
{
    static const char *const names[] = {"h1", "h2", "h3"};
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1c"};
    static const char *const pools[] = {"127.1.1.0/24", "127.1.2.0/24", "127.1.3.0/24"};

    fixture_begin(&world.f, STORE_WRITE);
    for (int i = 0; i < 3; i++)
        fixture_host(&world.f, names[i], zones[i], pools[i], (int64_t)1 << 40);
    fixture_commit(&world.f);
}

Test(create, an_account_has_its_quota_of_nodes)
{
    char name[8];
    struct ec_create_cache_cluster_in in = {MEMCACHED, .num_cache_nodes = INT_OF(60)};
    struct ec_create_cache_cluster_out out;

    make_hosts_large();
    in.cache_cluster_id = name;
    for (int i = 0; i < quotas_usual.nodes_per_region / 60 && i < 1000; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        must(run_ec_create_cache_cluster(&in, &out));
    }
    in.cache_cluster_id = "one-more";
    in.num_cache_nodes = INT_OF(1);
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_NODE_QUOTA_FOR_CUSTOMER_EXCEEDED,
           "Customer node quota exceeded. You can have at most 300 nodes in this region");
    world.caller.account = "111111111111";
    must(run_ec_create_cache_cluster(&in, &out));
}

Test(create, memcached_nodes_share_one_zone_by_default)
{
    world_memcached("m1", 3);
    struct ec_cache_cluster *c = world_describe("m1");

    cr_assert_eq(c->cache_nodes.count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(c->cache_nodes.items[i].customer_availability_zone,
                         c->preferred_availability_zone);
}

Test(create, memcached_nodes_are_spread_when_asked)
{
    struct ec_create_cache_cluster_in in = {MEMCACHED, .num_cache_nodes = INT_OF(3),
                                            .az_mode = "cross-az"};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
    struct ec_cache_cluster *c = world_describe("m1");
    cr_assert_str_eq(c->preferred_availability_zone, "Multiple");
    for (size_t i = 1; i < 3; i++)
        cr_assert_str_neq(c->cache_nodes.items[i].customer_availability_zone,
                          c->cache_nodes.items[i - 1].customer_availability_zone);
}

Test(create, each_node_goes_to_the_zone_that_was_asked_for_it)
{
    struct ec_create_cache_cluster_in in = {MEMCACHED, .num_cache_nodes = INT_OF(3),
                                            .preferred_availability_zones =
                                                STRINGS("us-east-1c", "us-east-1a", "us-east-1c")};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
    struct ec_cache_cluster *c = world_describe("m1");
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(c->cache_nodes.items[i].customer_availability_zone,
                         in.preferred_availability_zones.items[i]);
    cr_assert_str_eq(c->preferred_availability_zone, "Multiple");
}

Test(create, cross_az_needs_a_second_zone)
{
    struct ec_create_cache_cluster_in in = {MEMCACHED, .num_cache_nodes = INT_OF(2),
                                            .az_mode = "cross-az"};
    struct ec_create_cache_cluster_out out;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_host_silence(world.f.tx, "id-of-h2", true, 1000));
    must(store_host_silence(world.f.tx, "id-of-h3", true, 1000));
    fixture_commit(&world.f);
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
}

Test(create, tags_come_with_the_cluster)
{
    struct ec_tag tags[] = {
        {"team",  "cache"},
        {"empty", NULL   },
    };
    struct ec_create_cache_cluster_in in = {
        REDIS, .tags = {true, 2, tags}
    };
    struct ec_create_cache_cluster_out out;
    struct ec_list_tags_for_resource_out listed;

    must(run_ec_create_cache_cluster(&in, &out));
    struct ec_list_tags_for_resource_in list = {.resource_name = out.cache_cluster->arn};
    must(run_ec_list_tags_for_resource(&list, &listed));
    cr_assert_eq(listed.tag_list.count, 2);
    cr_assert_str_eq(listed.tag_list.items[0].key, "empty");
    cr_assert_str_eq(listed.tag_list.items[0].value, "");
    cr_assert_str_eq(listed.tag_list.items[1].value, "cache");
}

Test(create, too_many_tags_are_refused)
{
    struct ec_tag tags[51];
    struct ec_create_cache_cluster_in in = {
        REDIS, .tags = {true, 51, tags}
    };
    struct ec_create_cache_cluster_out out;

    for (int i = 0; i < 51; i++)
        tags[i] = (struct ec_tag){arena_printf(&world.f.arena, "k%d", i), ""};
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_TAG_QUOTA_PER_RESOURCE_EXCEEDED, NULL);
}

Test(create, the_reconciler_is_told)
{
    struct ec_create_cache_cluster_in in = {REDIS};
    struct ec_create_cache_cluster_out out;
    int64_t *ids;
    size_t count;
    bool is_all;

    store_take_touched(world.f.store, &world.f.arena, &ids, &count, &is_all);
    must(run_ec_create_cache_cluster(&in, &out));
    store_take_touched(world.f.store, &world.f.arena, &ids, &count, &is_all);
    cr_assert_eq(count, 1);
    fixture_begin(&world.f, STORE_READ);
    struct operation o;
    must(store_operation_running(world.f.tx, ids[0], &o));
    cr_assert_eq(o.kind, OPERATION_CREATE);
    cr_assert_eq(o.deadline_ms - o.created_ms, 600000);
}
