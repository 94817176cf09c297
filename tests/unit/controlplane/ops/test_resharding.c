#include "controlplane/model/slot_moves.h"
#include "controlplane/model/slots.h"
#include "controlplane/store/points.h"
#include "controlplane/store/slot_moves.h"
#include "numbers.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(resharding, .init = world_open, .fini = world_close, .timeout = 60);

#define REQUEST     .replication_group_id = "rg", .apply_immediately = BOOL_OF(true)
#define COMBINATION FAULT_INVALID_PARAMETER_COMBINATION
#define VALUE       FAULT_INVALID_PARAMETER_VALUE

typedef struct ec_modify_replication_group_shard_configuration_in request;

static struct err run(request in, struct ec_replication_group **out)
{
    struct ec_modify_replication_group_shard_configuration_out answer;

    TRY(run_ec_modify_replication_group_shard_configuration(&in, &answer));
    *out = answer.replication_group;
    return OK;
}

static struct ec_replication_group *change(request in)
{
    struct ec_replication_group *g = NULL;

    must(run(in, &g));
    return g;
}

static void refuse(request in, int code, const char *why)
{
    struct ec_replication_group *g = NULL;

    expect(run(in, &g), code, why);
}

static void create(int shards, int replicas)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .cache_node_type = "cache.t4g.micro",
                                                .num_node_groups = INT_OF(shards),
                                                .replicas_per_node_group = INT_OF(replicas)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
}

static struct slot_move_list moves(void)
{
    struct replication_group g;
    struct slot_move_list list;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_group_find(world.f.tx, "000000000000", "us-east-1", "rg", &g));
    must(store_slot_move_list(world.f.tx, &g.id, 1, &list));
    fixture_commit(&world.f);
    return list;
}

static size_t moved_slots(void)
{
    struct slot_move_list list = moves();
    struct slot_map map = {0};

    for (size_t i = 0; i < list.count; i++)
        cr_assert(slots_add(&map, list.items[i].slots));
    return slots_count(&map);
}

/* --- more --- */

Test(resharding, a_new_shard_has_as_many_members_as_the_others_and_no_slots_yet)
{
    create(2, 1);
    struct ec_replication_group *g = change((request){REQUEST, .node_group_count = INT_OF(3)});
    cr_assert_str_eq(g->status, "modifying");
    cr_assert_eq(g->node_groups.count, 3);
    const struct ec_node_group *added = &g->node_groups.items[2];
    cr_assert_str_eq(added->node_group_id, "0003");
    cr_assert_null(added->slots);
    cr_assert_eq(added->node_group_members.count, 2);
    cr_assert_str_eq(added->node_group_members.items[0].cache_cluster_id, "rg-0003-001");
    cr_assert_str_eq(g->node_groups.items[0].slots, "0-8191");
    cr_assert_eq(g->pending_modified_values->resharding->slot_migration->progress_percentage.value,
                 0);
    cr_assert_eq(moved_slots(), 5461);
    cr_assert_eq(strlen(moves().items[0].token), 40);
    refuse((request){REQUEST, .node_group_count = INT_OF(4)}, FAULT_INVALID_REPLICATION_GROUP_STATE,
           NULL);
    world_settle();
    cr_assert_null(world_describe_group("rg")->pending_modified_values->resharding);
}

Test(resharding, zones_of_new_shards_may_be_said)
{
    struct ec_resharding_configuration all[] = {
        {"0001", STRINGS("us-east-1a", "us-east-1b")},
        {"2",    STRINGS("us-east-1a", "us-east-1b")},
        {NULL,   STRINGS("us-east-1c", "us-east-1a")},
    };
    request in = {
        REQUEST, .node_group_count = INT_OF(3), .resharding_configuration = {true, 3, all}
    };

    create(2, 1);
    change(in);
    world_settle();
    cr_assert_str_eq(world_describe("rg-0003-001")->preferred_availability_zone, "us-east-1c");
    cr_assert_str_eq(world_describe("rg-0003-002")->preferred_availability_zone, "us-east-1a");
}

Test(resharding, zones_must_fit_what_is_added)
{
    struct ec_resharding_configuration one[] = {
        {"0003", STRINGS("us-east-1a")}
    };
    struct ec_resharding_configuration odd[] = {
        {"0007", STRINGS("us-east-1a", "us-east-1b")}
    };
    struct ec_resharding_configuration nowhere[] = {
        {"0003", STRINGS("us-east-1a", "us-east-1z")}
    };
    struct ec_resharding_configuration two[] = {
        {NULL, {0}},
        {NULL, {0}}
    };

    create(2, 1);
    refuse(
        (request){
            REQUEST, .node_group_count = INT_OF(3), .resharding_configuration = {true, 1, one}
    },
        VALUE,
        "PreferredAvailabilityZones of node group 0003 must name a zone for each of its 2 "
        "members.");
    refuse(
        (request){
            REQUEST, .node_group_count = INT_OF(3), .resharding_configuration = {true, 1, odd}
    },
        VALUE, "The replication group rg has no node group 0007; its next new one is 0003.");
    refuse(
        (request){
            REQUEST, .node_group_count = INT_OF(3), .resharding_configuration = {true, 1, nowhere}
    },
        VALUE, NULL);
    refuse(
        (request){
            REQUEST, .node_group_count = INT_OF(3), .resharding_configuration = {true, 2, two}
    },
        VALUE, "The number of elements of ReshardingConfiguration (2) must be NodeGroupCount (3).");
    refuse(
        (request){
            REQUEST, .node_group_count = INT_OF(2), .resharding_configuration = {true, 1, one}
    },
        COMBINATION, "ReshardingConfiguration can only be used to add node groups.");
    cr_assert_eq(world_describe_group("rg")->node_groups.count, 2);
}

Test(resharding, numbers_have_bounds)
{
    create(2, 0);
    refuse((request){REQUEST, .node_group_count = INT_OF(0)}, VALUE,
           "Invalid value 0 for NodeGroupCount. It must be at least 1.");
    refuse((request){REQUEST, .node_group_count = INT_OF(91)},
           FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED,
           "A replication group can have at most 90 node groups.");
    refuse((request){REQUEST, .node_group_count = INT_OF(90)},
           FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
}

Test(resharding, without_cluster_mode_there_is_nothing_to_reshard)
{
    world_group("rg", 2);
    refuse((request){REQUEST, .node_group_count = INT_OF(2)}, COMBINATION,
           "The node groups of the replication group rg cannot be modified: it does not have "
           "cluster mode enabled.");
}

/* --- fewer --- */

Test(resharding, shards_to_remove_keep_their_members_until_their_slots_are_gone)
{
    create(3, 0);
    struct ec_replication_group *g = change(
        (request){REQUEST, .node_group_count = INT_OF(2), .node_groups_to_remove = STRINGS("2")});
    cr_assert_eq(g->node_groups.count, 3);
    cr_assert_eq(g->member_clusters.count, 3);
    cr_assert_eq(moved_slots(), 5461);
}

Test(resharding, shards_to_retain_say_the_same)
{
    create(3, 0);
    change((request){REQUEST, .node_group_count = INT_OF(1),
                     .node_groups_to_retain = STRINGS("0002")});
    cr_assert_eq(moved_slots(), SLOTS_ALL - 5461);
}

Test(resharding, removals_must_say_exactly_which)
{
    request both = {REQUEST, .node_group_count = INT_OF(2),
                    .node_groups_to_remove = STRINGS("0001"),
                    .node_groups_to_retain = STRINGS("0002", "0003")};
    request none = {REQUEST, .node_group_count = INT_OF(2)};
    request unknown = {REQUEST, .node_group_count = INT_OF(2),
                       .node_groups_to_remove = STRINGS("0009")};
    request twice = {REQUEST, .node_group_count = INT_OF(1),
                     .node_groups_to_remove = STRINGS("0002", "2")};
    request few = {REQUEST, .node_group_count = INT_OF(1),
                   .node_groups_to_remove = STRINGS("0002")};
    request up = {REQUEST, .node_group_count = INT_OF(4), .node_groups_to_remove = STRINGS("0002")};

    create(3, 0);
    refuse(both, COMBINATION,
           "Exactly one of NodeGroupsToRemove and NodeGroupsToRetain must be given to remove node "
           "groups.");
    refuse(none, COMBINATION, NULL);
    refuse(unknown, VALUE, "The replication group rg has no node group 0009.");
    refuse(twice, VALUE, "NodeGroupsToRemove names the node group 0002 twice.");
    refuse(
        few, VALUE,
        "NodeGroupsToRemove names 1 node groups, but with NodeGroupCount 1 it must name 2 of 3.");
    refuse(up, COMBINATION,
           "NodeGroupsToRemove and NodeGroupsToRetain can only be used to remove node groups.");
    cr_assert_eq(moves().count, 0);
}

Test(resharding, the_shards_that_stay_must_have_room_for_all)
{
    request in = {REQUEST, .node_group_count = INT_OF(1), .node_groups_to_remove = STRINGS("0002")};

    create(2, 0);
    put_use("rg-0001-001", (int64_t)250 << 20);
    put_use("rg-0002-001", (int64_t)250 << 20);
    refuse(in, COMBINATION,
           "The data does not fit into 1 node groups of the cache node type cache.t4g.micro: it "
           "takes 524288000 bytes.");
    put_use("rg-0002-001", (int64_t)50 << 20);
    change(in);
}

Test(resharding, the_same_number_balances)
{
    struct ec_node_group_configuration shards[] = {{.slots = "0-99"}, {.slots = "100-16383"}};
    struct ec_create_replication_group_in in = {
        .replication_group_id = "rg",
        .replication_group_description = "d",
        .cache_node_type = "cache.t4g.micro",
        .node_group_configuration = {true, 2, shards}
    };
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    change((request){REQUEST, .node_group_count = INT_OF(2)});
    cr_assert_eq(moved_slots(), 8192 - 100);
}
