/* Single clusters: see sweep.h. */
#include "sweep.h"

#include <criterion/criterion.h>

TestSuite(sweep_clusters, .init = box_open, .fini = box_close, .timeout = 120);

static void make_redis(void)
{
    CALL(create_cache_cluster, .cache_cluster_id = "c1", .engine = "redis", .engine_version = "7.0",
         .cache_node_type = "cache.t4g.micro");
}

static void make_memcached(void)
{
    CALL(create_cache_cluster, .cache_cluster_id = "m1", .engine = "memcached",
         .cache_node_type = "cache.t4g.micro", .num_cache_nodes = INT_OF(3));
}

static void snapshot(void)
{
    CALL(create_snapshot, .cache_cluster_id = "c1", .snapshot_name = "s1");
}

static void make_snapshot(void)
{
    make_redis();
    box_settle();
    snapshot();
}

static void restore(void)
{
    CALL(create_cache_cluster, .cache_cluster_id = "c2", .engine = "redis",
         .cache_node_type = "cache.t4g.micro", .snapshot_name = "s1");
}

Test(sweep_clusters, created)
{
    SWEEP("cluster-create", ENDS(NULL, make_redis), ENDS(NULL, make_memcached),
          ENDS(make_snapshot, restore));
}

static void delete (void)
{
    CALL(delete_cache_cluster, .cache_cluster_id = "m1");
}

static void delete_with_snapshot(void)
{
    CALL(delete_cache_cluster, .cache_cluster_id = "c1", .final_snapshot_identifier = "last");
}

Test(sweep_clusters, deleted)
{
    SWEEP("cluster-delete", ENDS(make_memcached, delete), ENDS(make_redis, delete_with_snapshot));
}

static void reboot(void)
{
    CALL(reboot_cache_cluster, .cache_cluster_id = "m1",
         .cache_node_ids_to_reboot = STRINGS("0001", "0003"));
}

Test(sweep_clusters, rebooted)
{
    SWEEP("cluster-reboot", ENDS(make_memcached, reboot));
}

static void add_nodes(void)
{
    CALL(modify_cache_cluster, .cache_cluster_id = "m1", .num_cache_nodes = INT_OF(5),
         .apply_immediately = BOOL_OF(true));
}

static void remove_nodes(void)
{
    CALL(modify_cache_cluster, .cache_cluster_id = "m1", .num_cache_nodes = INT_OF(1),
         .cache_node_ids_to_remove = STRINGS("0001", "0002"), .apply_immediately = BOOL_OF(true));
}

static void scale_in_batches(void)
{
    struct ec_scale_config scale = {INT_OF(50), INT_OF(2)};

    CALL(modify_cache_cluster, .cache_cluster_id = "m1", .cache_node_type = "cache.t4g.small",
         .scale_config = &scale, .apply_immediately = BOOL_OF(true));
}

static void scale(void)
{
    CALL(modify_cache_cluster, .cache_cluster_id = "c1", .cache_node_type = "cache.t4g.small",
         .apply_immediately = BOOL_OF(true));
}

static void upgrade(void)
{
    CALL(modify_cache_cluster, .cache_cluster_id = "c1", .engine_version = "7.1",
         .apply_immediately = BOOL_OF(true));
}

static void update(void)
{
    const char *name = box_offer("0.2.0");
    CALL(batch_apply_update_action, .service_update_name = name,
         .cache_cluster_ids = STRINGS("m1"));
}

Test(sweep_clusters, modified)
{
    SWEEP("cluster-modify", ENDS(make_memcached, add_nodes), ENDS(make_memcached, remove_nodes),
          ENDS(make_memcached, scale_in_batches), ENDS(make_redis, scale),
          ENDS(make_redis, upgrade), ENDS(make_memcached, update));
}

Test(sweep_clusters, kept)
{
    SWEEP("cluster-snapshot", ENDS(make_redis, snapshot));
}
