#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(modify_group, .init = world_open, .fini = world_close, .timeout = 60);

static struct ec_replication_group *modify(struct ec_modify_replication_group_in in)
{
    struct ec_modify_replication_group_out out;

    in.replication_group_id = "rg";
    must(run_ec_modify_replication_group(&in, &out));
    return out.replication_group;
}

static void refuse(struct ec_modify_replication_group_in in, int code, const char *why)
{
    struct ec_modify_replication_group_out out;

    in.replication_group_id = "rg";
    expect(run_ec_modify_replication_group(&in, &out), code, why);
}

#define COMBINATION FAULT_INVALID_PARAMETER_COMBINATION

Test(modify_group, settings_are_there_at_once_on_members_too)
{
    world_group("rg", 2);
    struct ec_replication_group *g = modify((struct ec_modify_replication_group_in){
        .replication_group_description = "other",
        .preferred_maintenance_window = "Mon:03:00-Mon:04:00",
        .snapshot_window = "05:00-06:00",
        .auto_minor_version_upgrade = BOOL_OF(false),
        .snapshotting_cluster_id = "RG-002",
        .security_group_ids = STRINGS("sg-1")});

    cr_assert_str_eq(g->status, "available");
    cr_assert_str_eq(g->description, "other");
    cr_assert_str_eq(g->snapshot_window, "05:00-06:00");
    cr_assert_str_eq(g->snapshotting_cluster_id, "rg-002");
    cr_assert_not(g->auto_minor_version_upgrade.value);
    for (int i = 0; i < 2; i++) {
        struct ec_cache_cluster *m = world_describe(i ? "rg-002" : "rg-001");
        cr_assert_str_eq(m->preferred_maintenance_window, "mon:03:00-mon:04:00");
        cr_assert_not(m->auto_minor_version_upgrade.value);
        cr_assert_str_eq(m->security_groups.items[0].security_group_id, "sg-1");
    }
}

Test(modify_group, failover_is_turned_off_and_on_with_an_event)
{
    struct ec_describe_events_in ask = {.source_identifier = "rg",
                                        .source_type = "replication-group"};
    struct ec_describe_events_out events;

    world_group("rg", 2);
    struct ec_replication_group *g = modify(
        (struct ec_modify_replication_group_in){.automatic_failover_enabled = BOOL_OF(false)});
    cr_assert_str_eq(g->automatic_failover, "disabled");
    must(run_ec_describe_events(&ask, &events));
    cr_assert_str_eq(events.events.items[0].message,
                     "Automatic failover has been turned off for replication group rg");
    g = modify(
        (struct ec_modify_replication_group_in){.automatic_failover_enabled = BOOL_OF(true)});
    cr_assert_str_eq(g->automatic_failover, "enabled");
    must(run_ec_describe_events(&ask, &events));
    cr_assert_str_eq(events.events.items[0].message,
                     "Automatic failover has been turned on for replication group rg");
}

Test(modify_group, multi_az_needs_failover)
{
    world_group("rg", 2);
    struct ec_replication_group *g =
        modify((struct ec_modify_replication_group_in){.multi_az_enabled = BOOL_OF(true)});
    cr_assert_str_eq(g->multi_az, "enabled");
    refuse((struct ec_modify_replication_group_in){.automatic_failover_enabled = BOOL_OF(false)},
           COMBINATION, "MultiAZEnabled needs AutomaticFailoverEnabled.");
    g = modify((struct ec_modify_replication_group_in){.automatic_failover_enabled = BOOL_OF(false),
                                                       .multi_az_enabled = BOOL_OF(false)});
    cr_assert_str_eq(g->automatic_failover, "disabled");
    cr_assert_str_eq(g->multi_az, "disabled");
}

Test(modify_group, a_group_without_replicas_has_no_failover)
{
    world_group("rg", 1);
    refuse(
        (struct ec_modify_replication_group_in){.automatic_failover_enabled = BOOL_OF(true)},
        FAULT_INVALID_PARAMETER_VALUE,
        "Must have at least 1 replica when cluster mode is disabled with auto failover enabled.");
}

Test(modify_group, another_primary_is_chosen_by_hand_while_failover_is_off)
{
    world_group("rg", 2);
    refuse((struct ec_modify_replication_group_in){.primary_cluster_id = "rg-002"}, COMBINATION,
           "PrimaryClusterId cannot be changed while automatic failover is enabled.");
    refuse((struct ec_modify_replication_group_in){.primary_cluster_id = "other"},
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    struct ec_replication_group *g = modify((struct ec_modify_replication_group_in){
        .primary_cluster_id = "rg-002", .automatic_failover_enabled = BOOL_OF(false)});
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_str_eq(g->pending_modified_values->primary_cluster_id, "rg-002");
    refuse((struct ec_modify_replication_group_in){.replication_group_description = "x"},
           FAULT_INVALID_REPLICATION_GROUP_STATE,
           "Replication group must be in available state to modify.");
    world_settle();
    g = world_describe_group("rg");
    cr_assert_str_eq(g->node_groups.items[0].node_group_members.items[1].current_role, "primary");
    g = modify((struct ec_modify_replication_group_in){.primary_cluster_id = "rg-002"});
    cr_assert_str_eq(g->status, "available", "it is the primary already");
}

Test(modify_group, what_the_group_has_may_be_named)
{
    world_group("rg", 2);
    struct ec_replication_group *g = modify(
        (struct ec_modify_replication_group_in){.engine = "Redis",
                                                .engine_version = "7.1",
                                                .cache_node_type = "cache.t4g.micro",
                                                .cluster_mode = "disabled",
                                                .cache_parameter_group_name = "default.redis7",
                                                .transit_encryption_enabled = BOOL_OF(false),
                                                .apply_immediately = BOOL_OF(true)});
    cr_assert_str_eq(g->status, "available");
}

Test(modify_group, members_grow_where_they_stand)
{
    struct ec_modify_replication_group_in in = {.cache_node_type = "cache.t4g.small",
                                                .apply_immediately = BOOL_OF(true)};

    world_group("rg", 2);
    struct ec_replication_group *g = modify(in);
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_str_eq(g->cache_node_type, "cache.t4g.small");
    world_settle();
    cr_assert_str_eq(world_describe("rg-002")->cache_node_type, "cache.t4g.small");
    in.cache_node_type = "cache.r7g.16xlarge";
    refuse(in, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
}

Test(modify_group, a_version_waits_and_shows_on_members)
{
    world_group("rg", 2);
    struct ec_replication_group *g = modify(
        (struct ec_modify_replication_group_in){.engine = "valkey", .engine_version = "8.0"});
    cr_assert_str_eq(g->status, "available");
    cr_assert_str_eq(g->engine, "redis");
    cr_assert_str_eq(world_describe("rg-002")->pending_modified_values->engine_version, "8.0.1");
    g = modify((struct ec_modify_replication_group_in){.engine = "redis", .engine_version = "7.1"});
    cr_assert_null(world_describe("rg-001")->pending_modified_values->engine_version);
}

Test(modify_group, another_engine_comes_by_an_operation_with_its_parameters)
{
    world_group("rg", 2);
    struct ec_replication_group *g = modify((struct ec_modify_replication_group_in){
        .engine = "valkey", .engine_version = "7.2", .apply_immediately = BOOL_OF(true)});
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_str_eq(g->engine, "valkey");
    world_settle();
    struct ec_cache_cluster *m = world_describe("rg-001");
    cr_assert_str_eq(m->engine_version, "7.2.6");
    cr_assert_str_eq(m->cache_parameter_group->cache_parameter_group_name, "default.valkey7");
    refuse((struct ec_modify_replication_group_in){.engine = "redis", .engine_version = "7.0"},
           COMBINATION, NULL);
    g = modify((struct ec_modify_replication_group_in){
        .engine = "redis", .engine_version = "7.1", .apply_immediately = BOOL_OF(true)});
    cr_assert_str_eq(g->engine, "redis");
}

/* --- what is pending --- */

Test(modify_group, encryption_is_pending_until_it_is_there)
{
    struct ec_modify_replication_group_in on = {.transit_encryption_enabled = BOOL_OF(true),
                                                .transit_encryption_mode = "preferred",
                                                .apply_immediately = BOOL_OF(true)};
    struct ec_modify_replication_group_in only = {.transit_encryption_mode = "required",
                                                  .apply_immediately = BOOL_OF(true)};

    world_group("rg", 2);
    struct ec_replication_group *g = modify(on);
    cr_assert_not(g->transit_encryption_enabled.value);
    cr_assert_null(g->transit_encryption_mode);
    cr_assert(g->pending_modified_values->transit_encryption_enabled.value);
    cr_assert_str_eq(g->pending_modified_values->transit_encryption_mode, "preferred");
    struct ec_cache_cluster *m = world_describe("rg-002");
    cr_assert_not(m->transit_encryption_enabled.value);
    cr_assert_str_eq(m->pending_modified_values->transit_encryption_mode, "preferred");
    world_settle();
    g = world_describe_group("rg");
    cr_assert_str_eq(g->transit_encryption_mode, "preferred");
    cr_assert_not(g->pending_modified_values->transit_encryption_enabled.has);
    g = modify(only);
    cr_assert_str_eq(g->transit_encryption_mode, "preferred");
    cr_assert_str_eq(g->pending_modified_values->transit_encryption_mode, "required");
    world_settle();
    cr_assert_str_eq(world_describe("rg-001")->transit_encryption_mode, "required");
}

Test(modify_group, a_token_is_pending_beside_what_waits_and_beside_what_comes_at_once)
{
    struct ec_create_replication_group_in make = {.replication_group_id = "rg",
                                                  .replication_group_description = "d",
                                                  .engine = "redis",
                                                  .engine_version = "7.0",
                                                  .cache_node_type = "cache.t4g.micro",
                                                  .transit_encryption_enabled = BOOL_OF(true)};
    struct ec_create_replication_group_out made;
    struct ec_modify_replication_group_in in = {.auth_token = "token-number-one",
                                                .auth_token_update_strategy = "ROTATE",
                                                .cache_node_type = "cache.t4g.small",
                                                .engine_version = "7.1"};

    must(run_ec_create_replication_group(&make, &made));
    world_settle();
    struct ec_replication_group *g = modify(in);
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_str_eq(g->pending_modified_values->auth_token_status, "ROTATING");
    cr_assert_str_eq(g->cache_node_type, "cache.t4g.micro");
    world_settle();
    struct ec_pending_modified_values *waits = world_describe("rg-001")->pending_modified_values;
    cr_assert_str_eq(waits->cache_node_type, "cache.t4g.small");
    cr_assert_str_eq(waits->engine_version, "7.1.0");
    cr_assert_null(world_describe_group("rg")->pending_modified_values->auth_token_status);
    g = modify((struct ec_modify_replication_group_in){.auth_token = "token-number-one",
                                                       .auth_token_update_strategy = "SET",
                                                       .apply_immediately = BOOL_OF(true)});
    cr_assert_str_eq(g->pending_modified_values->auth_token_status, "SETTING",
                     "while engines begin anew");
    world_settle();
    struct ec_cache_cluster *m = world_describe("rg-001");
    cr_assert_str_eq(m->cache_node_type, "cache.t4g.small");
    cr_assert_str_eq(m->engine_version, "7.1.0");
    cr_assert_null(m->pending_modified_values->cache_node_type);
}

Test(modify_group, a_size_that_waits_is_not_overtaken_by_a_version)
{
    world_group("rg", 2);
    modify((struct ec_modify_replication_group_in){.cache_node_type = "cache.t4g.small"});
    refuse((struct ec_modify_replication_group_in){.engine = "valkey",
                                                   .engine_version = "8.0",
                                                   .apply_immediately = BOOL_OF(true)},
           COMBINATION, NULL);
    struct ec_replication_group *g =
        modify((struct ec_modify_replication_group_in){.engine = "valkey",
                                                       .engine_version = "8.0",
                                                       .cache_node_type = "cache.t4g.small",
                                                       .apply_immediately = BOOL_OF(true)});
    cr_assert_str_eq(g->engine, "valkey");
    cr_assert_str_eq(g->cache_node_type, "cache.t4g.small");
}

static const struct {
    const char *what;
    struct ec_modify_replication_group_in in;
    int fault;
} rules[] = {
    {"engine",                  {.engine = "memcached"},                                                 COMBINATION                  },
    {"version",                 {.engine_version = "7.0"},                                               COMBINATION                  },
    {"unknown version",         {.engine_version = "9.9"},                                               COMBINATION                  },
    {"cluster mode",            {.cluster_mode = "compatible"},                                          COMBINATION                  },
    {"unknown type",            {.cache_node_type = "cache.huge"},                                       FAULT_INVALID_PARAMETER_VALUE},
    {"cluster parameters",
     {.cache_parameter_group_name = "default.redis7.cluster.on"},
     COMBINATION                                                                                                                      },
    {"other family",            {.cache_parameter_group_name = "default.redis6.x"},                      COMBINATION                  },
    {"unknown parameters",
     {.cache_parameter_group_name = "mine"},
     FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND                                                                                            },
    {"snapshots of a stranger",
     {.snapshotting_cluster_id = "other"},
     FAULT_CACHE_CLUSTER_NOT_FOUND                                                                                                    },
    {"windows that overlap",
     {.preferred_maintenance_window = "mon:03:00-mon:04:00", .snapshot_window = "03:30-04:30"},
     COMBINATION                                                                                                                      },
    {"token",                   {.auth_token = "0123456789abcdef", .auth_token_update_strategy = "SET"}, COMBINATION                  },
    {"users",                   {.user_group_ids_to_add = STRINGS("g")},                                 FAULT_USER_GROUP_NOT_FOUND   },
    {"tls",                     {.transit_encryption_enabled = BOOL_OF(true)},                           COMBINATION                  },
};

Test(modify_group, each_rule_has_its_fault_and_nothing_changes)
{
    world_group("rg", 2);
    for (size_t i = 0; i < countof(rules); i++) {
        struct ec_modify_replication_group_in in = rules[i].in;
        struct ec_modify_replication_group_out out;
        in.replication_group_id = "rg";
        in.replication_group_description = "changed";
        struct err e = run_ec_modify_replication_group(&in, &out);
        cr_expect_eq(e.code, rules[i].fault, "%s: %d %s", rules[i].what, e.code,
                     e.why ? e.why : "");
    }
    cr_assert_str_eq(world_describe_group("rg")->description, "d");
}

Test(modify_group, users_of_valkey_keep_the_engine_from_going_back)
{
    const char *members[] = {"v-default"};
    struct ec_modify_replication_group_in in = {
        .replication_group_id = "vg", .engine = "redis", .engine_version = "7.1"};
    struct ec_modify_replication_group_out out;

    people_user("v-default", "default", "valkey");
    people_group("vteam", "valkey", members, 1);
    people_attach("vg", "valkey", "7.2.6", "vteam");
    expect(run_ec_modify_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "User group vteam is of engine valkey and cannot be used by caches of engine redis.");
    in.remove_user_groups = BOOL_OF(true);
    must(run_ec_modify_replication_group(&in, &out));
}
