#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(member_clusters, .init = world_open, .fini = world_close, .timeout = 60);

static struct err create(struct ec_create_cache_cluster_in in, struct ec_cache_cluster **made)
{
    struct ec_create_cache_cluster_out out;
    struct err e = run_ec_create_cache_cluster(&in, &out);

    *made = out.cache_cluster;
    return e;
}

static struct err delete (const char *name)
{
    struct ec_delete_cache_cluster_in in = {.cache_cluster_id = name};
    struct ec_delete_cache_cluster_out out;

    return run_ec_delete_cache_cluster(&in, &out);
}

static void sharded(void)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "on",
                                                .replication_group_description = "d",
                                                .cache_node_type = "cache.t4g.micro",
                                                .num_node_groups = INT_OF(2),
                                                .replicas_per_node_group = INT_OF(1)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
}

Test(member_clusters, a_cluster_joins_a_group_as_a_replica)
{
    struct ec_cache_cluster *made;

    world_group("rg", 2);
    must(create((struct ec_create_cache_cluster_in){.cache_cluster_id = "Extra",
                                                    .replication_group_id = "RG",
                                                    .auto_minor_version_upgrade = BOOL_OF(true),
                                                    .preferred_availability_zone = "us-east-1b"},
                &made));
    cr_assert_str_eq(made->cache_cluster_id, "extra");
    cr_assert_str_eq(made->cache_cluster_status, "creating");
    cr_assert_str_eq(made->replication_group_id, "rg");
    cr_assert_str_eq(made->engine, "redis");
    cr_assert_str_eq(world_describe_group("rg")->status, "modifying");
    world_settle();
    cr_assert_eq(world_describe_group("rg")->member_clusters.count, 3);
    cr_assert_str_eq(world_describe("extra")->preferred_availability_zone, "us-east-1b");
}

Test(member_clusters, what_cannot_join_is_refused)
{
    struct ec_cache_cluster *made;
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = "extra",
                                            .replication_group_id = "none"};

    expect(create(in, &made), FAULT_REPLICATION_GROUP_NOT_FOUND, "ReplicationGroup none not found");
    sharded();
    in.replication_group_id = "on";
    expect(create(in, &made), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    world_group("rg", 2);
    in.replication_group_id = "rg";
    in.cache_node_type = "cache.t4g.small";
    expect(create(in, &made), FAULT_INVALID_PARAMETER_COMBINATION,
           "The parameter CacheNodeType cannot be used together with ReplicationGroupId.");
    in.cache_node_type = NULL;
    in.cache_cluster_id = "rg-001";
    expect(create(in, &made), FAULT_CACHE_CLUSTER_ALREADY_EXISTS, NULL);
    world_group("full", 6);
    in.cache_cluster_id = "extra";
    in.replication_group_id = "full";
    expect(create(in, &made), FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED, NULL);
}

Test(member_clusters, a_replica_can_be_deleted_by_itself)
{
    world_group("rg", 3);
    must(delete ("rg-003"));
    cr_assert_str_eq(world_describe("rg-003")->cache_cluster_status, "deleting");
    cr_assert_eq(world_describe_group("rg")->member_clusters.count, 2);
    world_settle();
    expect(delete ("rg-002"), FAULT_INVALID_CACHE_CLUSTER_STATE,
           "Cannot delete the cache cluster because it is the only read replica for replication "
           "group rg which has autofailover enabled or pending.");
    expect(delete ("rg-001"), FAULT_INVALID_CACHE_CLUSTER_STATE,
           "Cache cluster rg-001 is serving as primary for replication group rg and cannot be "
           "deleted.");
}

Test(member_clusters, the_only_member_and_those_of_a_cluster_stay)
{
    world_group("single", 1);
    expect(delete ("single-001"), FAULT_INVALID_CACHE_CLUSTER_STATE,
           "Cannot delete the cache cluster since it is the only member of a replication group. "
           "Delete the replication group instead.");
    sharded();
    expect(delete ("on-0001-002"), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
}

Test(member_clusters, what_belongs_to_the_group_is_changed_there)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "rg-001"};
    struct ec_modify_cache_cluster_out out;

    world_group("rg", 2);
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(member_clusters, a_member_is_rebooted_unless_cluster_mode_is_on)
{
    struct ec_reboot_cache_cluster_in in = {.cache_cluster_id = "rg-002",
                                            .cache_node_ids_to_reboot = STRINGS("0001")};
    struct ec_reboot_cache_cluster_out out;

    world_group("rg", 2);
    must(run_ec_reboot_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "rebooting cluster nodes");
    sharded();
    in.cache_cluster_id = "on-0001-001";
    expect(run_ec_reboot_cache_cluster(&in, &out), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
}
