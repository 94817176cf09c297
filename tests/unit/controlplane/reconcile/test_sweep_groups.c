/* Groups: see sweep.h. */
#include "sweep.h"

#include <criterion/criterion.h>

TestSuite(sweep_groups, .init = box_open, .fini = box_close, .timeout = 120);

static void make_group(void)
{
    CALL(create_replication_group, .replication_group_id = "rg",
         .replication_group_description = "d", .engine = "redis", .engine_version = "7.0",
         .cache_node_type = "cache.t4g.micro", .num_cache_clusters = INT_OF(3),
         .automatic_failover_enabled = BOOL_OF(true), .multi_az_enabled = BOOL_OF(true));
}

static void make_group_without_failover(void)
{
    CALL(create_replication_group, .replication_group_id = "rg",
         .replication_group_description = "d", .engine = "redis",
         .cache_node_type = "cache.t4g.micro", .num_cache_clusters = INT_OF(3));
}

static void make_single(void)
{
    CALL(create_replication_group, .replication_group_id = "rg",
         .replication_group_description = "d", .engine = "redis",
         .cache_node_type = "cache.t4g.micro", .num_cache_clusters = INT_OF(1));
}

static void make_shards(void)
{
    CALL(create_replication_group, .replication_group_id = "rg",
         .replication_group_description = "d", .engine = "redis",
         .cache_node_type = "cache.t4g.micro", .num_node_groups = INT_OF(3),
         .replicas_per_node_group = INT_OF(1), .automatic_failover_enabled = BOOL_OF(true));
}

static void snapshot(void)
{
    CALL(create_snapshot, .replication_group_id = "rg", .snapshot_name = "s1");
}

static void make_snapshot(void)
{
    make_shards();
    box_settle();
    snapshot();
}

static void restore(void)
{
    CALL(create_replication_group, .replication_group_id = "other",
         .replication_group_description = "d", .cache_node_type = "cache.t4g.micro",
         .snapshot_name = "s1", .num_node_groups = INT_OF(3),
         .automatic_failover_enabled = BOOL_OF(true));
}

Test(sweep_groups, created)
{
    SWEEP("group-create", ENDS(NULL, make_group), ENDS(NULL, make_single), ENDS(NULL, make_shards),
          ENDS(make_snapshot, restore));
}

static void delete (void)
{
    CALL(delete_replication_group, .replication_group_id = "rg");
}

static void delete_with_snapshot(void)
{
    CALL(delete_replication_group, .replication_group_id = "rg",
         .final_snapshot_identifier = "last");
}

static void delete_but_primary(void)
{
    CALL(delete_replication_group, .replication_group_id = "rg",
         .retain_primary_cluster = BOOL_OF(true));
}

Test(sweep_groups, deleted)
{
    SWEEP("group-delete", ENDS(make_group, delete), ENDS(make_shards, delete_with_snapshot),
          ENDS(make_group, delete_but_primary));
}

static void add_replicas(void)
{
    CALL(increase_replica_count, .replication_group_id = "rg", .new_replica_count = INT_OF(4),
         .apply_immediately = BOOL_OF(true));
}

static void remove_replicas(void)
{
    CALL(decrease_replica_count, .replication_group_id = "rg", .new_replica_count = INT_OF(1),
         .apply_immediately = BOOL_OF(true));
}

Test(sweep_groups, of_another_number_of_replicas)
{
    SWEEP("group-replicas", ENDS(make_group, add_replicas), ENDS(make_group, remove_replicas));
}

static void scale(void)
{
    CALL(modify_replication_group, .replication_group_id = "rg",
         .cache_node_type = "cache.t4g.small", .apply_immediately = BOOL_OF(true));
}

Test(sweep_groups, modified)
{
    SWEEP("group-modify", ENDS(make_group, scale), ENDS(make_shards, scale));
}

/* The host in the first zone has no room for larger members from then on. */
static void fill_first_host(void)
{
    box_settle();
    CALL(create_cache_cluster, .cache_cluster_id = "filler", .engine = "redis",
         .cache_node_type = "cache.r6g.8xlarge", .num_cache_nodes = INT_OF(1),
         .preferred_availability_zone = "us-east-1a");
}

static void make_crowded(void)
{
    CALL(create_replication_group, .replication_group_id = "rg",
         .replication_group_description = "d", .engine = "redis",
         .cache_node_type = "cache.t4g.micro", .num_cache_clusters = INT_OF(2),
         .automatic_failover_enabled = BOOL_OF(true));
    fill_first_host();
}

static void make_single_crowded(void)
{
    make_single();
    fill_first_host();
}

static void make_shards_crowded(void)
{
    make_shards();
    fill_first_host();
}

static void scale_far(void)
{
    CALL(modify_replication_group, .replication_group_id = "rg",
         .cache_node_type = "cache.r6g.2xlarge", .apply_immediately = BOOL_OF(true));
}

Test(sweep_groups, moved_to_hosts_with_room)
{
    SWEEP("group-scale", ENDS(make_crowded, scale_far), ENDS(make_single_crowded, scale_far),
          ENDS(make_shards_crowded, scale_far));
}

static void switch_roles(void)
{
    CALL(test_failover, .replication_group_id = "rg", .node_group_id = "0001");
}

static void name_primary(void)
{
    CALL(modify_replication_group, .replication_group_id = "rg", .primary_cluster_id = "rg-003",
         .apply_immediately = BOOL_OF(true));
}

Test(sweep_groups, of_another_primary)
{
    SWEEP("group-switch", ENDS(make_group, switch_roles),
          ENDS(make_group_without_failover, name_primary));
}

static void kill_primary(void)
{
    box_kill_primary("rg-");
}

Test(sweep_groups, whose_primary_dies)
{
    SWEEP("group-failover", ENDS(make_group, kill_primary), ENDS(make_shards, kill_primary));
}

static void upgrade(void)
{
    CALL(modify_replication_group, .replication_group_id = "rg", .engine_version = "7.1",
         .apply_immediately = BOOL_OF(true));
}

static void update(void)
{
    const char *name = box_offer("0.2.0");
    CALL(batch_apply_update_action, .service_update_name = name,
         .replication_group_ids = STRINGS("rg"));
}

Test(sweep_groups, upgraded)
{
    SWEEP("group-roll", ENDS(make_group, upgrade), ENDS(make_shards, update));
}

static void add_shards(void)
{
    CALL(modify_replication_group_shard_configuration, .replication_group_id = "rg",
         .node_group_count = INT_OF(4), .apply_immediately = BOOL_OF(true));
}

static void remove_shards(void)
{
    CALL(modify_replication_group_shard_configuration, .replication_group_id = "rg",
         .node_group_count = INT_OF(2), .node_groups_to_remove = STRINGS("0002"),
         .apply_immediately = BOOL_OF(true));
}

Test(sweep_groups, resharded)
{
    SWEEP("group-reshard", ENDS(make_shards, add_shards), ENDS(make_shards, remove_shards));
}

static void remove_shards_with_a_fault(void)
{
    box.fails_kind = "ExportSlots";
    box.fails_left = 1;
    remove_shards();
}

Test(sweep_groups, whose_slots_move)
{
    SWEEP("group-move", ENDS(make_shards, remove_shards_with_a_fault));
}

static void to_compatible(void)
{
    CALL(modify_replication_group, .replication_group_id = "rg", .cluster_mode = "compatible",
         .apply_immediately = BOOL_OF(true));
}

Test(sweep_groups, of_another_mode)
{
    SWEEP("group-mode", ENDS(make_group, to_compatible));
}

Test(sweep_groups, kept)
{
    SWEEP("group-snapshot", ENDS(make_group, snapshot), ENDS(make_shards, snapshot));
}

static void snapshot_with_a_fault(void)
{
    box.fails_kind = "snapshot";
    box.fails_left = 100;
    snapshot();
}

Test(sweep_groups, kept_part_by_part)
{
    SWEEP("snapshot-take", ENDS(make_shards, snapshot), FAILS(make_shards, snapshot_with_a_fault));
}

/* --- data from outside --- */

static struct ec_customer_node_endpoint outside = {
    "10.0.0.1", {true, 6379}
};

#define OUTSIDE .customer_node_endpoint_list = {true, 1, &outside}

static void test_migration(void)
{
    CALL(test_migration, .replication_group_id = "rg", OUTSIDE);
}

static void migrate(void)
{
    CALL(start_migration, .replication_group_id = "rg", OUTSIDE);
}

static void make_migrated(void)
{
    make_group();
    box_settle();
    migrate();
}

static void complete(void)
{
    CALL(complete_migration, .replication_group_id = "rg");
}

Test(sweep_groups, that_could_get_data_from_outside)
{
    SWEEP("group-test-migration", ENDS(make_group, test_migration));
}

Test(sweep_groups, that_get_data_from_outside)
{
    SWEEP("group-migrate", ENDS(make_group, migrate));
}

Test(sweep_groups, that_have_got_data_from_outside)
{
    SWEEP("group-complete-migration", ENDS(make_migrated, complete));
}

/* --- who may enter --- */

static void make_users(void)
{
    CALL(create_user, .user_id = "ann", .user_name = "ann", .engine = "valkey",
         .access_string = "on ~* +@all", .passwords = STRINGS("password-of-16-ch"));
    CALL(create_user_group, .user_group_id = "team", .engine = "valkey",
         .user_ids = STRINGS("ann"));
}

Test(sweep_groups, whose_users_change)
{
    SWEEP("access-change", ENDS(NULL, make_users));
}
