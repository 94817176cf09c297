#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(modify, .init = world_open, .fini = world_close, .timeout = 60);

Test(modify, settings_change_at_once)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "C1",
        .preferred_maintenance_window = "Tue:01:00-Tue:02:30",
        .snapshot_window = "07:00-08:00",
        .snapshot_retention_limit = INT_OF(0),
        .auto_minor_version_upgrade = BOOL_OF(false),
        .security_group_ids = STRINGS("sg-9"),
    };
    struct ec_modify_cache_cluster_out out;

    world_redis("c1");
    must(run_ec_modify_cache_cluster(&in, &out));
    struct ec_cache_cluster *c = world_describe("c1");
    cr_assert_str_eq(out.cache_cluster->preferred_maintenance_window, "tue:01:00-tue:02:30");
    cr_assert_str_eq(c->cache_cluster_status, "available");
    cr_assert_str_eq(c->preferred_maintenance_window, "tue:01:00-tue:02:30");
    cr_assert_str_eq(c->snapshot_window, "07:00-08:00");
    cr_assert_eq(c->snapshot_retention_limit.value, 0);
    cr_assert_not(c->auto_minor_version_upgrade.value);
    cr_assert_str_eq(c->security_groups.items[0].security_group_id, "sg-9");
}

Test(modify, nothing_to_change_is_no_mistake)
{
    struct ec_modify_cache_cluster_in rows[] = {
        {.cache_cluster_id = "c1"                      },
        { .cache_cluster_id = "c1",
         .engine = "redis",
         .engine_version = "7.1",
         .cache_node_type = "cache.t4g.micro",
         .cache_parameter_group_name = "default.redis7",
         .num_cache_nodes = INT_OF(1),
         .ip_discovery = "ipv4",
         .az_mode = "single-az",
         .apply_immediately = BOOL_OF(true)},
        {                          .cache_cluster_id = "c1", .engine_version = "7.1.0"},
    };
    struct ec_modify_cache_cluster_out out;

    world_redis("c1");
    const char *weekly = world_describe("c1")->preferred_maintenance_window;
    for (size_t i = 0; i < countof(rows); i++) {
        must(run_ec_modify_cache_cluster(&rows[i], &out));
        cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "available");
        cr_assert_str_eq(out.cache_cluster->preferred_maintenance_window, weekly);
    }
}

Test(modify, what_cannot_be_obeyed_is_refused)
{
    struct ec_scale_config scale = {.scale_percentage = INT_OF(50)};
    struct ec_scale_config narrow = {.scale_percentage = INT_OF(5)};
    struct ec_scale_config hasty = {.scale_interval_minutes = INT_OF(1)};
#define C1 .cache_cluster_id = "c1"
#define M1 .cache_cluster_id = "m1"
    const struct {
        struct ec_modify_cache_cluster_in in;
        int code;
        const char *why;
    } rows[] = {
        {{.cache_cluster_id = "c2"},                                                        FAULT_CACHE_CLUSTER_NOT_FOUND,         "CacheCluster not found: c2"                                                          },
        {{C1, .engine = "memcached"},                                                       FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .engine_version = "7.0"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "Downgrading the engine version from 7.1.0 to 7.0 is not supported."                  },
        {{C1, .engine_version = "7.4"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "Cannot find version 7.4 for redis"                                                   },
        {{M1, .cache_node_type = "cache.t4g.small", .scale_config = &narrow},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                            "Invalid value 5 for ScalePercentage. It must be between 10 and 100."                 },
        {{M1, .cache_node_type = "cache.t4g.small", .scale_config = &hasty},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                            "Invalid value 1 for ScaleIntervalMinutes. It must be between 2 and 30."              },
        {{M1, .scale_config = &scale},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "ScaleConfig must be given together with CacheNodeType."                              },
        {{M1, .cache_node_type = "cache.huge"},                                             FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .cache_node_type = "cache.huge"},                                             FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{M1, .auth_token = "sixteen-or-more-chars"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "The parameter AuthToken is not supported for memcached clusters."                    },
        {{C1, .auth_token = "sixteen-or-more-chars"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "AuthToken requires TransitEncryptionEnabled, and the TransitEncryptionMode required."},
        {{C1, .auth_token = "x"},                                                           FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .auth_token_update_strategy = "SET"},                                         FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .notification_topic_arn = "arn"},                                             FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .notification_topic_status = "inactive"},                                     FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .ip_discovery = "ipv6"},                                                      FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .scale_config = &scale},                                                      FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .cache_parameter_group_name = "mine"},                                        FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND, NULL                                                                                  },
        {{C1, .cache_parameter_group_name = "default.redis6.x"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
        {{C1, .cache_security_group_names = STRINGS("x")},                                  FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .security_group_ids = STRINGS("x")},                                          FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .preferred_maintenance_window = "x"},                                         FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .preferred_maintenance_window = "sun:05:00-sun:06:00",
          .snapshot_window = "05:30-06:30"},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
        {{C1, .snapshot_retention_limit = INT_OF(36)},                                      FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .num_cache_nodes = INT_OF(2), .apply_immediately = BOOL_OF(true)},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                            NULL                                                                                  },
        {{C1, .az_mode = "cross-az"},                                                       FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .cache_node_ids_to_remove = STRINGS("0001")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "The parameter CacheNodeIdsToRemove is only supported for memcached clusters."        },
        {{M1, .snapshot_window = "05:00-06:00"},                                            FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{M1, .snapshot_retention_limit = INT_OF(1)},                                       FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(0)},                                                FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(1)},                                                FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{C1, .num_cache_nodes = INT_OF(2)},                                                FAULT_INVALID_PARAMETER_VALUE,         NULL                                                                                  },
        {{C1, .engine = "valkey"},                                                          FAULT_INVALID_PARAMETER_COMBINATION,   NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(0), .apply_immediately = BOOL_OF(true)},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                            NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(61), .apply_immediately = BOOL_OF(true)},
         FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED,                                                                                    NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(50), .apply_immediately = BOOL_OF(true)},
         FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY,                                                                                NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(2), .cache_node_ids_to_remove = STRINGS("0001")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
        {{M1, .cache_node_ids_to_remove = STRINGS("0001")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(3), .apply_immediately = BOOL_OF(true),
          .cache_node_ids_to_remove = STRINGS("0001")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(3), .apply_immediately = BOOL_OF(true),
          .new_availability_zones = STRINGS("us-east-1a", "us-east-1b")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(3), .apply_immediately = BOOL_OF(true),
          .az_mode = "cross-az", .new_availability_zones = STRINGS("us-east-1z")},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                            NULL                                                                                  },
        {{M1, .num_cache_nodes = INT_OF(1), .apply_immediately = BOOL_OF(true)},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      "CacheNodeIdsToRemove must name exactly the 1 cache nodes to remove, but names 0."    },
        {{M1, .num_cache_nodes = INT_OF(1), .apply_immediately = BOOL_OF(true),
          .cache_node_ids_to_remove = STRINGS("0009")},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                            "The cache cluster m1 has no cache node 0009."                                        },
        {{M1, .num_cache_nodes = INT_OF(1), .apply_immediately = BOOL_OF(true),
          .new_availability_zones = STRINGS("us-east-1a")},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                      NULL                                                                                  },
    };
    world_redis("c1");
    world_memcached("m1", 2);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_modify_cache_cluster_out out;
        struct err e = run_ec_modify_cache_cluster(&rows[i].in, &out);
        cr_assert_eq(e.code, rows[i].code, "row %zu: %d %s", i, e.code, e.why ? e.why : "");
        if (rows[i].why)
            cr_assert_str_eq(e.why, rows[i].why, "row %zu", i);
    }
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "available");
    cr_assert_eq(world_describe("m1")->num_cache_nodes.value, 2);
}

/* --- the AUTH token --- */

#define ONE "token-number-one"
#define TWO "token-number-two"

static struct ec_cache_cluster *tokened(const char *name)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = "redis",
                                            .cache_node_type = "cache.t4g.micro",
                                            .auth_token = ONE,
                                            .transit_encryption_enabled = BOOL_OF(true)};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
    return world_describe(name);
}

/* What its node says that it has in force. */
static void say_applied(const char *settings)
{
    struct node_list nodes;
    struct cluster c;
    bool is_changed;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, world.caller.account, world.caller.region, "c1", &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    nodes.items[0].saw.applied_settings = settings;
    must(store_saw_set(world.f.tx, nodes.items[0].id, &nodes.items[0].saw, &is_changed));
    fixture_commit(&world.f);
}

Test(modify, a_token_is_rotated_and_set_and_the_cluster_is_modified_until_it_is_in_force)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1", .auth_token = TWO};
    struct ec_modify_cache_cluster_out out;

    tokened("c1");
    say_applied("p0.u1.r0.t0");
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "modifying");
    cr_assert_str_eq(out.cache_cluster->pending_modified_values->auth_token_status, "ROTATING");
    world_settle();
    say_applied("p0.u9.r0.t0");
    cr_assert_null(world_describe("c1")->pending_modified_values->auth_token_status);
    say_applied("p0.u1.r0.t0");
    in.auth_token_update_strategy = "SET";
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->pending_modified_values->auth_token_status, "SETTING");
    world_settle();
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "available", "it is set already");
}

Test(modify, a_token_changes_at_once_whatever_waits)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .cache_node_type = "cache.t4g.small",
                                            .auth_token = TWO,
                                            .auth_token_update_strategy = "ROTATE"};
    struct ec_modify_cache_cluster_out out;

    tokened("c1");
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "modifying");
    cr_assert_str_eq(out.cache_cluster->cache_node_type, "cache.t4g.micro");
    world_settle();
    struct ec_cache_cluster *c = world_describe("c1");
    cr_assert_str_eq(c->cache_node_type, "cache.t4g.micro");
    cr_assert_str_eq(c->pending_modified_values->cache_node_type, "cache.t4g.small");
}

Test(modify, tokens_that_break_the_rules_are_refused)
{
    static const struct {
        const char *token, *strategy;
        int code;
        const char *why;
    } rows[] = {
        {NULL,                 "SET",    FAULT_INVALID_PARAMETER_COMBINATION,
         "AuthTokenUpdateStrategy must be given together with AuthToken."         },
        {TWO,                  "SET",    FAULT_INVALID_PARAMETER_VALUE,       NULL},
        {"short",              "ROTATE", FAULT_INVALID_PARAMETER_VALUE,       NULL},
        {"with-a-slash/in-it", "ROTATE", FAULT_INVALID_PARAMETER_VALUE,       NULL},
        {TWO,                  "DELETE", FAULT_INVALID_PARAMETER_COMBINATION, NULL},
        {NULL,                 "DELETE", FAULT_INVALID_PARAMETER_COMBINATION,
         "The AuthToken can only be deleted together with UserGroupIdsToAdd."     },
    };

    tokened("c1");
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1",
                                                .auth_token = rows[i].token,
                                                .auth_token_update_strategy = rows[i].strategy};
        struct ec_modify_cache_cluster_out out;
        expect(run_ec_modify_cache_cluster(&in, &out), rows[i].code, rows[i].why);
    }
    cr_assert_str_eq(world_describe("c1")->cache_cluster_status, "available");
}

Test(modify, a_cluster_that_is_busy_cannot_be_modified)
{
    struct ec_create_cache_cluster_in create = {
        .cache_cluster_id = "c1", .engine = "redis", .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out created;
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1"};
    struct ec_modify_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&create, &created));
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
}

static struct err scale(int64_t nodes, struct ec_modify_cache_cluster_out *out)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "m1",
                                            .num_cache_nodes = INT_OF(nodes),
                                            .apply_immediately = BOOL_OF(true)};

    return run_ec_modify_cache_cluster(&in, out);
}

Test(modify, nodes_are_added_and_pending_until_they_run)
{
    struct ec_modify_cache_cluster_out out;
    struct ec_describe_events_in ask = {0};
    struct ec_describe_events_out events;

    world_memcached("m1", 1);
    must(scale(3, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "modifying");
    cr_assert_eq(out.cache_cluster->num_cache_nodes.value, 1);
    cr_assert_eq(out.cache_cluster->pending_modified_values->num_cache_nodes.value, 3);
    cr_assert_eq(world_describe("m1")->cache_nodes.count, 1, "the others have no endpoint yet");
    expect(scale(2, &out), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);

    must(run_ec_describe_events(&ask, &events));
    cr_assert_eq(events.events.count, 1);
    cr_assert_str_eq(events.events.items[0].message, "Increasing number of requested nodes");

    world_settle();
    struct ec_cache_cluster *c = world_describe("m1");
    cr_assert_str_eq(c->cache_cluster_status, "available");
    cr_assert_eq(c->num_cache_nodes.value, 3);
    cr_assert_not(c->pending_modified_values->num_cache_nodes.has);
    cr_assert_str_eq(c->cache_nodes.items[2].cache_node_id, "0003");
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(c->cache_nodes.items[i].customer_availability_zone,
                         c->preferred_availability_zone, "single-az stays in its zone");
}

Test(modify, nodes_named_are_removed)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "m1",
        .num_cache_nodes = INT_OF(1),
        .apply_immediately = BOOL_OF(true),
        .cache_node_ids_to_remove = STRINGS("0003", "0001"),
    };
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 3);
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_eq(out.cache_cluster->num_cache_nodes.value, 3);
    struct ec_pending_modified_values *pending = out.cache_cluster->pending_modified_values;
    cr_assert_eq(pending->num_cache_nodes.value, 1);
    cr_assert_eq(pending->cache_node_ids_to_remove.count, 2);
    cr_assert_str_eq(pending->cache_node_ids_to_remove.items[0], "0001");
    cr_assert_str_eq(world_describe("m1")->cache_nodes.items[0].cache_node_status, "deleting");

    world_settle();
    struct ec_cache_cluster *c = world_describe("m1");
    cr_assert_eq(c->num_cache_nodes.value, 1);
    cr_assert_str_eq(c->cache_nodes.items[0].cache_node_id, "0002");
    must(scale(2, &out));
    world_settle();
    cr_assert_str_eq(world_describe("m1")->cache_nodes.items[1].cache_node_id, "0004",
                     "the number of a removed node never comes back");
}

Test(modify, a_node_is_not_removed_twice)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "m1",
        .num_cache_nodes = INT_OF(1),
        .apply_immediately = BOOL_OF(true),
        .cache_node_ids_to_remove = STRINGS("0002", "0002"),
    };
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 3);
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    cr_assert_eq(world_describe("m1")->num_cache_nodes.value, 3, "not even the first one");
}

Test(modify, new_nodes_may_go_to_other_zones)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "m1",
        .num_cache_nodes = INT_OF(3),
        .apply_immediately = BOOL_OF(true),
        .az_mode = "cross-az",
        .new_availability_zones = STRINGS("us-east-1c", "us-east-1b"),
    };
    struct ec_modify_cache_cluster_in back = {.cache_cluster_id = "m1", .az_mode = "single-az"};
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 1);
    must(run_ec_modify_cache_cluster(&in, &out));
    world_settle();
    struct ec_cache_cluster *c = world_describe("m1");
    cr_assert_str_eq(c->preferred_availability_zone, "Multiple");
    cr_assert_str_eq(c->cache_nodes.items[1].customer_availability_zone, "us-east-1c");
    cr_assert_str_eq(c->cache_nodes.items[2].customer_availability_zone, "us-east-1b");
    expect(run_ec_modify_cache_cluster(&back, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(modify, a_single_az_cluster_takes_no_node_elsewhere)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "m1",
        .num_cache_nodes = INT_OF(2),
        .apply_immediately = BOOL_OF(true),
    };
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 1);
    const char *zone = world_describe("m1")->preferred_availability_zone;
    const char *other = strcmp(zone, "us-east-1c") == 0 ? "us-east-1a" : "us-east-1c";
    in.new_availability_zones.has = true;
    in.new_availability_zones.count = 1;
    in.new_availability_zones.items = &other;
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

/* --- what waits for the maintenance window --- */

static struct ec_cache_cluster *modify_later(struct ec_modify_cache_cluster_in in)
{
    struct ec_modify_cache_cluster_out out;

    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "available");
    return out.cache_cluster;
}

Test(modify, a_number_of_nodes_waits_and_can_be_taken_back)
{
    world_memcached("m1", 2);
    struct ec_cache_cluster *c = modify_later((struct ec_modify_cache_cluster_in){
        .cache_cluster_id = "m1", .num_cache_nodes = INT_OF(4)});
    cr_assert_eq(c->num_cache_nodes.value, 2);
    cr_assert_eq(c->pending_modified_values->num_cache_nodes.value, 4);
    c = modify_later(
        (struct ec_modify_cache_cluster_in){.cache_cluster_id = "m1",
                                            .num_cache_nodes = INT_OF(1),
                                            .cache_node_ids_to_remove = STRINGS("0002")});
    cr_assert_eq(c->pending_modified_values->num_cache_nodes.value, 1);
    cr_assert_str_eq(c->pending_modified_values->cache_node_ids_to_remove.items[0], "0002");
    c = modify_later((struct ec_modify_cache_cluster_in){.cache_cluster_id = "m1"});
    cr_assert_eq(c->pending_modified_values->num_cache_nodes.value, 1, "it still waits");
    c = modify_later((struct ec_modify_cache_cluster_in){.cache_cluster_id = "m1",
                                                         .num_cache_nodes = INT_OF(2)});
    cr_assert_not(c->pending_modified_values->num_cache_nodes.has);
    cr_assert_eq(c->pending_modified_values->cache_node_ids_to_remove.count, 0);
}

Test(modify, what_waits_is_done_with_the_next_immediate_call)
{
    struct ec_modify_cache_cluster_in now = {.cache_cluster_id = "m1",
                                             .apply_immediately = BOOL_OF(true)};
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 3);
    modify_later(
        (struct ec_modify_cache_cluster_in){.cache_cluster_id = "m1",
                                            .num_cache_nodes = INT_OF(1),
                                            .cache_node_ids_to_remove = STRINGS("0003", "0001")});
    must(run_ec_modify_cache_cluster(&now, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "modifying");
    world_settle();
    struct ec_cache_cluster *c = world_describe("m1");
    cr_assert_eq(c->num_cache_nodes.value, 1);
    cr_assert_str_eq(c->cache_nodes.items[0].cache_node_id, "0002");
    cr_assert_not(c->pending_modified_values->num_cache_nodes.has);
}

static void create_old(const char *name, const char *engine, const char *version)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = engine,
                                            .engine_version = version,
                                            .num_cache_nodes = INT_OF(1),
                                            .cache_node_type = "cache.t4g.micro"};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
}

Test(modify, a_version_waits_with_the_parameter_group_of_its_family)
{
    create_old("c1", "redis", "6.2");
    struct ec_cache_cluster *c = modify_later(
        (struct ec_modify_cache_cluster_in){.cache_cluster_id = "c1", .engine_version = "7.1"});
    cr_assert_str_eq(c->engine_version, "6.2.6");
    cr_assert_str_eq(c->pending_modified_values->engine_version, "7.1.0");
    cr_assert_str_eq(c->cache_parameter_group->cache_parameter_group_name, "default.redis6.x");
    c = modify_later((struct ec_modify_cache_cluster_in){.cache_cluster_id = "c1",
                                                         .cache_node_type = "cache.t4g.small"});
    cr_assert_str_eq(c->pending_modified_values->engine_version, "7.1.0");
    cr_assert_str_eq(c->pending_modified_values->cache_node_type, "cache.t4g.small");
    c = modify_later(
        (struct ec_modify_cache_cluster_in){.cache_cluster_id = "c1", .engine_version = "6.2"});
    cr_assert_null(c->pending_modified_values->engine_version);
    cr_assert_str_eq(c->pending_modified_values->cache_node_type, "cache.t4g.small");
}

Test(modify, a_version_that_is_wanted_now_comes_by_an_operation)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .engine_version = "7.0",
                                            .cache_parameter_group_name = "default.redis7",
                                            .apply_immediately = BOOL_OF(true)};
    struct ec_modify_cache_cluster_out out;

    create_old("c1", "redis", "6.2");
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "modifying");
    cr_assert_str_eq(out.cache_cluster->engine_version, "7.0.7");
    cr_assert_str_eq(out.cache_cluster->cache_parameter_group->cache_parameter_group_name,
                     "default.redis7");
    create_old("m1", "memcached", "1.6.12");
    in = (struct ec_modify_cache_cluster_in){
        .cache_cluster_id = "m1", .engine_version = "1.6.22", .apply_immediately = BOOL_OF(true)};
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->engine_version, "1.6.22");
}

/* --- another type of the nodes of a memcached cluster --- */

static size_t old_types(const char *name)
{
    struct node_list nodes;
    struct cluster c;
    size_t count = 0;

    fixture_begin(&world.f, STORE_READ);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", name, &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    store_rollback(&world.f.tx);
    for (size_t i = 0; i < nodes.count; i++)
        count += strcmp(nodes.items[i].node_type, "cache.t4g.micro") == 0;
    return count;
}

Test(modify, nodes_of_memcached_keep_their_type_until_their_turn_comes)
{
    struct ec_scale_config scale = {INT_OF(50), INT_OF(2)};
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "m1",
                                            .cache_node_type = "cache.t4g.small",
                                            .scale_config = &scale,
                                            .num_cache_nodes = INT_OF(2),
                                            .apply_immediately = BOOL_OF(true)};
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 1);
    must(run_ec_modify_cache_cluster(&in, &out));
    struct ec_cache_cluster *c = out.cache_cluster;
    cr_assert_str_eq(c->cache_cluster_status, "modifying");
    cr_assert_str_eq(c->cache_node_type, "cache.t4g.micro");
    cr_assert_str_eq(c->pending_modified_values->cache_node_type, "cache.t4g.small");
    cr_assert_eq(c->pending_modified_values->scale_config->scale_percentage.value, 50);
    cr_assert_eq(c->pending_modified_values->scale_config->scale_interval_minutes.value, 2);
    cr_assert_eq(c->pending_modified_values->num_cache_nodes.value, 2);
    cr_assert_eq(old_types("m1"), 1, "the new node begins with the new one");
    world_settle();
    c = world_describe("m1");
    cr_assert_str_eq(c->cache_node_type, "cache.t4g.small");
    cr_assert_null(c->pending_modified_values->cache_node_type);
    cr_assert_null(c->pending_modified_values->scale_config);
}

Test(modify, another_type_of_memcached_waits_with_how_it_is_to_go)
{
    struct ec_scale_config scale = {.scale_percentage = INT_OF(100)};
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "m1",
                                            .cache_node_type = "cache.t4g.small"};
    struct ec_modify_cache_cluster_in more = {
        .cache_cluster_id = "m1", .cache_node_type = "cache.t4g.small", .scale_config = &scale};
    struct ec_modify_cache_cluster_in back = {.cache_cluster_id = "m1",
                                              .cache_node_type = "cache.t4g.micro"};
    struct ec_modify_cache_cluster_out out;
    struct ec_pending_modified_values *waits;

    world_memcached("m1", 2);
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "available");
    waits = out.cache_cluster->pending_modified_values;
    cr_assert_str_eq(waits->cache_node_type, "cache.t4g.small");
    cr_assert_eq(waits->scale_config->scale_percentage.value, 20);
    cr_assert_eq(waits->scale_config->scale_interval_minutes.value, 5);
    must(run_ec_modify_cache_cluster(&more, &out));
    waits = out.cache_cluster->pending_modified_values;
    cr_assert_eq(waits->scale_config->scale_percentage.value, 100);
    must(run_ec_modify_cache_cluster(&back, &out));
    cr_assert_null(out.cache_cluster->pending_modified_values->cache_node_type);
    cr_assert_null(out.cache_cluster->pending_modified_values->scale_config);
    must(run_ec_modify_cache_cluster(&more, &out));
    in = (struct ec_modify_cache_cluster_in){.cache_cluster_id = "m1",
                                             .apply_immediately = BOOL_OF(true)};
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "modifying");
    cr_assert_eq(out.cache_cluster->pending_modified_values->scale_config->scale_percentage.value,
                 100);
}

Test(modify, hosts_must_have_room_for_all_nodes_that_grow)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "m1",
                                            .cache_node_type = "cache.t4g.medium",
                                            .apply_immediately = BOOL_OF(true)};
    struct ec_modify_cache_cluster_out out;

    world_memcached("m1", 6);
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
    cr_assert_eq(old_types("m1"), 0);
}
