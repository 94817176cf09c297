/* Global datastores: see sweep.h. */
#include "sweep.h"

#include <criterion/criterion.h>

TestSuite(sweep_globals, .init = box_open, .fini = box_close, .timeout = 120);

#define STORE .global_replication_group_id = "ldgnf-store"

static void make_here(int shards)
{
    CALL(create_replication_group, .replication_group_id = "here",
         .replication_group_description = "d", .engine = "redis",
         .cache_node_type = "cache.m5.large", .num_node_groups = INT_OF(shards),
         .replicas_per_node_group = INT_OF(1), .automatic_failover_enabled = BOOL_OF(true));
}

static void join(void)
{
    box.caller.region = BOX_THERE;
    CALL(create_replication_group, .replication_group_id = "there",
         .replication_group_description = "d", .global_replication_group_id = "ldgnf-store",
         .replicas_per_node_group = INT_OF(1));
    box.caller.region = BOX_HERE;
}

static void make_pair_of(int shards)
{
    make_here(shards);
    box_settle();
    CALL(create_global_replication_group, .global_replication_group_id_suffix = "store",
         .primary_replication_group_id = "here");
    box_settle();
    join();
}

static void make_pair(void)
{
    make_pair_of(1);
}

static void make_wide_pair(void)
{
    make_pair_of(2);
}

static void change_region(void)
{
    CALL(failover_global_replication_group, STORE, .primary_region = BOX_THERE,
         .primary_replication_group_id = "there");
}

Test(sweep_globals, led_from_another_region)
{
    SWEEP("group-lead", SPANS(make_pair, change_region));
}

Test(sweep_globals, that_yield)
{
    SWEEP("group-yield", SPANS(make_wide_pair, change_region));
}

static void leave(void)
{
    CALL(disassociate_global_replication_group, STORE, .replication_group_id = "there",
         .replication_group_region = BOX_THERE);
}

Test(sweep_globals, that_are_left)
{
    SWEEP("group-leave", SPANS(make_pair, leave));
}

static void widen(void)
{
    CALL(increase_node_groups_in_global_replication_group, STORE, .node_group_count = INT_OF(3),
         .apply_immediately = BOOL_OF(true));
}

static void narrow(void)
{
    CALL(decrease_node_groups_in_global_replication_group, STORE, .node_group_count = INT_OF(1),
         .global_node_groups_to_remove = STRINGS("ldgnf-store-0002"),
         .apply_immediately = BOOL_OF(true));
}

Test(sweep_globals, resharded)
{
    SWEEP("group-align", SPANS(make_wide_pair, widen), SPANS(make_wide_pair, narrow));
}
