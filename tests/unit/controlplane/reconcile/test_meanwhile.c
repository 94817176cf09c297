/*
 * A primary ends in the middle of every operation, and every call comes in the middle of a
 * failover: it is refused as InvalidReplicationGroupState or it waits for its turn, and at the end
 * the group is whole.
 */
#include "contract/faults.h"
#include "sweep.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(meanwhile, .init = box_open, .fini = box_close, .timeout = 120);

#define MOMENTS 8 /* rounds */

#define ASK(op, ...)                            \
    do {                                        \
        struct ec_##op##_in in = {__VA_ARGS__}; \
        struct ec_##op##_out out;               \
        return run_ec_##op(&in, &out);          \
    } while (0)

#define AT_ONCE .apply_immediately = BOOL_OF(true)
#define RG      .replication_group_id = "rg"

/* --- calls --- */

static struct err add_replicas(void)
{
    ASK(increase_replica_count, RG, .new_replica_count = INT_OF(3), AT_ONCE);
}

static struct err remove_replicas(void)
{
    ASK(decrease_replica_count, RG, .new_replica_count = INT_OF(1), AT_ONCE);
}

static struct err scale(void)
{
    ASK(modify_replication_group, RG, .cache_node_type = "cache.t4g.small", AT_ONCE);
}

static struct err upgrade(void)
{
    ASK(modify_replication_group, RG, .engine_version = "7.1", AT_ONCE);
}

static struct err change_mode(void)
{
    ASK(modify_replication_group, RG, .cluster_mode = "compatible", AT_ONCE);
}

static struct err switch_roles(void)
{
    ASK(test_failover, RG, .node_group_id = "0001");
}

static struct err snapshot(void)
{
    ASK(create_snapshot, RG, .snapshot_name = "s1");
}

static struct err add_shard(void)
{
    ASK(modify_replication_group_shard_configuration, RG, .node_group_count = INT_OF(3), AT_ONCE);
}

static struct err remove_shard(void)
{
    ASK(modify_replication_group_shard_configuration, RG, .node_group_count = INT_OF(1),
        .node_groups_to_remove = STRINGS("0001"), AT_ONCE);
}

static struct err delete (void)
{
    ASK(delete_replication_group, RG);
}

static const struct call_row {
    const char *name;
    struct err (*ask)(void);
    bool is_sharded;
} calls[] = {
    {"add replicas",    add_replicas,    false},
    {"remove replicas", remove_replicas, false},
    {"scale",           scale,           false},
    {"upgrade",         upgrade,         false},
    {"change the mode", change_mode,     false},
    {"switch",          switch_roles,    false},
    {"snapshot",        snapshot,        false},
    {"delete",          delete,          false},
    {"add a shard",     add_shard,       true },
    {"remove a shard",  remove_shard,    true },
};

/* --- scenes --- */

static void make_group(void)
{
    CALL(create_replication_group, RG, .replication_group_description = "d", .engine = "redis",
         .engine_version = "7.0", .cache_node_type = "cache.t4g.micro",
         .num_cache_clusters = INT_OF(3), .automatic_failover_enabled = BOOL_OF(true));
}

static void make_shards(void)
{
    CALL(create_replication_group, RG, .replication_group_description = "d", .engine = "redis",
         .cache_node_type = "cache.t4g.micro", .num_node_groups = INT_OF(2),
         .replicas_per_node_group = INT_OF(2), .automatic_failover_enabled = BOOL_OF(true));
}

static void rounds(int count)
{
    for (int i = 0; i < count; i++)
        box_round();
}

static bool is_of_its_state(struct err e)
{
    return e.code == FAULT_INVALID_REPLICATION_GROUP_STATE ||
           e.code == FAULT_TEST_FAILOVER_NOT_AVAILABLE;
}

/* Both scenes, one after the other; `play` begins with the group as it was made. */
static void in_each_scene(void (*play)(const struct call_row *))
{
    for (int is_sharded = 0; is_sharded < 2; is_sharded++) {
        if (is_sharded) {
            box_close();
            box_open();
            make_shards();
        } else {
            make_group();
        }
        box_settle();
        box_keep();
        for (size_t i = 0; i < countof(calls); i++)
            if (calls[i].is_sharded == is_sharded)
                play(&calls[i]);
    }
}

static void come_to_rest(void)
{
    box_settle();
    box_check_whole();
}

static void call_in_a_failover(const struct call_row *c)
{
    for (int moment = 0; moment < MOMENTS; moment++) {
        box_go_back();
        box_kill_primary("rg-");
        rounds(moment);
        struct err e = c->ask();
        cr_assert(!err_failed(e) || is_of_its_state(e), "%s, %d rounds later: %d %s", c->name,
                  moment, e.code, e.why);
        come_to_rest();
    }
}

Test(meanwhile, every_call_in_the_middle_of_a_failover_waits_or_is_refused)
{
    in_each_scene(call_in_a_failover);
}

static void fail_in_a_call(const struct call_row *c)
{
    for (int moment = 0; moment < MOMENTS; moment++) {
        box_go_back();
        must(c->ask());
        rounds(moment);
        if (box_has_primary("rg-"))
            box_kill_primary("rg-");
        if (moment % 2)
            box_restart(); /* both at once */
        come_to_rest();
    }
}

Test(meanwhile, a_primary_that_ends_in_the_middle_of_any_operation_has_its_successor)
{
    in_each_scene(fail_in_a_call);
}

/* The first of two has its turn alone. */
static void call_in_a_call(const struct call_row *c)
{
    for (size_t i = 0; i < countof(calls); i++) {
        if (calls[i].is_sharded != c->is_sharded)
            continue;
        box_go_back();
        must(c->ask());
        box_round();
        bool is_busy = box_is_busy();
        struct err e = calls[i].ask();
        cr_assert(is_of_its_state(e) || (!is_busy && !err_failed(e)), "%s, then %s: %d %s", c->name,
                  calls[i].name, e.code, e.why);
        come_to_rest();
    }
}

Test(meanwhile, operations_of_a_group_never_run_beside_each_other)
{
    in_each_scene(call_in_a_call);
}
