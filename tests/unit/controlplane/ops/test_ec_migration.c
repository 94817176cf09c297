#include "controlplane/store/groups.h"
#include "controlplane/store/sources.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(migration_calls, .init = world_open, .fini = world_close, .timeout = 60);

static struct err start_at(const char *group, const char *address, struct opt_int port)
{
    struct ec_customer_node_endpoint endpoint = {.address = address, .port = port};
    struct ec_start_migration_in in = {
        .replication_group_id = group, .customer_node_endpoint_list = {true, 1, &endpoint}
    };
    struct ec_start_migration_out out;

    return run_ec_start_migration(&in, &out);
}

static struct err test_at(const char *group, const char *address, int port)
{
    struct ec_customer_node_endpoint endpoint = {.address = address, .port = INT_OF(port)};
    struct ec_test_migration_in in = {
        .replication_group_id = group, .customer_node_endpoint_list = {true, 1, &endpoint}
    };
    struct ec_test_migration_out out;

    return run_ec_test_migration(&in, &out);
}

static struct err complete(const char *group, bool is_forced)
{
    struct ec_complete_migration_in in = {.replication_group_id = group};
    struct ec_complete_migration_out out;

    if (is_forced)
        in.force = BOOL_OF(true);
    return run_ec_complete_migration(&in, &out);
}

/* The newest operation of a group. */
static struct group_operation operation_of(const char *name)
{
    struct replication_group g;
    struct group_operation *o;
    size_t count;

    fixture_begin(&world.f, STORE_READ);
    must(store_group_find(world.f.tx, "000000000000", "us-east-1", name, &g));
    must(store_group_operation_newest(world.f.tx, &g.id, 1, &o, &count));
    struct group_operation copy = *o;
    fixture_commit(&world.f);
    return copy;
}

/* The group's shard follows somebody, as the reconciler would have it. */
static void follow(const char *name, int port)
{
    struct shard_source source = {.address = "10.0.0.1", .port = port, .user = "", .password = ""};
    struct replication_group g;
    struct shard_list shards;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_group_find(world.f.tx, "000000000000", "us-east-1", name, &g));
    must(store_shard_list(world.f.tx, &g.id, 1, &shards));
    must(store_source_set(world.f.tx, shards.items[0].id, &source));
    fixture_commit(&world.f);
}

Test(migration_calls, a_migration_begins_and_is_completed)
{
    world_group("rg", 2);
    must(test_at("rg", "10.0.0.1", 7000));
    cr_assert_eq(operation_of("rg").kind, GROUP_TEST_MIGRATION);
    expect(test_at("rg", "10.0.0.1", 7000), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    world_settle();
    must(start_at("RG", "db.example", INT_OF(7000)));
    cr_assert_eq(operation_of("rg").kind, GROUP_MIGRATE);
    cr_assert_str_eq(operation_of("rg").data, "db.example 7000");
    cr_assert_str_eq(world_describe_group("rg")->status, "modifying");
    expect(start_at("rg", "db.example", INT_OF(7000)),
           FAULT_REPLICATION_GROUP_ALREADY_UNDER_MIGRATION, NULL);
    expect(complete("rg", false), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    world_settle();
    follow("rg", 7000);
    expect(test_at("rg", "10.0.0.1", 7000), FAULT_REPLICATION_GROUP_ALREADY_UNDER_MIGRATION, NULL);
    must(complete("rg", false));
    cr_assert_eq(operation_of("rg").kind, GROUP_COMPLETE_MIGRATION);
    cr_assert_str_eq(operation_of("rg").data, "");
}

Test(migration_calls, force_ends_what_is_under_way)
{
    world_group("rg", 1);
    must(start_at("rg", "10.0.0.1", INT_OF(7000)));
    must(complete("rg", true));
    cr_assert_eq(operation_of("rg").kind, GROUP_COMPLETE_MIGRATION);
    cr_assert_str_eq(operation_of("rg").data, "force");
}

Test(migration_calls, nothing_else_changes_meanwhile)
{
    struct ec_modify_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "other"};
    struct ec_modify_replication_group_out out;

    world_group("rg", 1);
    follow("rg", 7000);
    expect(run_ec_modify_replication_group(&in, &out), FAULT_INVALID_REPLICATION_GROUP_STATE,
           "Replication group rg is under migration and cannot be modified.");
    follow("rg", 0);
    must(run_ec_modify_replication_group(&in, &out));
}

Test(migration_calls, what_cannot_be_is_refused)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "shut",
                                                .replication_group_description = "d",
                                                .engine = "redis",
                                                .cache_node_type = "cache.t4g.micro",
                                                .transit_encryption_enabled = BOOL_OF(true)};
    struct ec_create_replication_group_out out;

    expect(start_at("none", "a", INT_OF(1)), FAULT_REPLICATION_GROUP_NOT_FOUND, NULL);
    expect(complete("none", true), FAULT_REPLICATION_GROUP_NOT_FOUND, NULL);
    world_group("rg", 1);
    expect(complete("rg", true), FAULT_REPLICATION_GROUP_NOT_UNDER_MIGRATION,
           "Replication group rg is not under migration.");
    expect(start_at("rg", "", INT_OF(1)), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(start_at("rg", "two words", INT_OF(1)), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(start_at("rg", "a", INT_OF(0)), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(start_at("rg", "a", INT_OF(65536)), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(start_at("rg", "a", (struct opt_int){0}), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    expect(start_at("shut", "a", INT_OF(1)), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    in.replication_group_id = "sharded";
    in.transit_encryption_enabled = BOOL_OF(false);
    in.num_node_groups = INT_OF(2);
    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    expect(start_at("sharded", "a", INT_OF(1)), FAULT_INVALID_REPLICATION_GROUP_STATE,
           "Migration is not supported for replication groups with cluster mode enabled.");
    in.replication_group_id = "old";
    in.num_node_groups = (struct opt_int){0};
    in.cache_node_type = "cache.t3.micro";
    in.engine_version = "4.0.10";
    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    expect(start_at("old", "a", INT_OF(1)), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
}
