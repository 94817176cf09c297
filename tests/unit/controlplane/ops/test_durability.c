#include "controlplane/ops/durability.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(durability, .init = world_open, .fini = world_close, .timeout = 60);

#define COMBINATION FAULT_INVALID_PARAMETER_COMBINATION
#define VALUE       FAULT_INVALID_PARAMETER_VALUE
#define ARN         "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:rg"

/* A group of two with automatic failover, by default. */
static struct ec_create_replication_group_in wish(const char *durability)
{
    return (struct ec_create_replication_group_in){.replication_group_id = "rg",
                                                   .replication_group_description = "d",
                                                   .cache_node_type = "cache.t4g.micro",
                                                   .num_cache_clusters = INT_OF(2),
                                                   .automatic_failover_enabled = BOOL_OF(true),
                                                   .durability = durability};
}

static struct ec_replication_group *create(struct ec_create_replication_group_in in)
{
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
    return out.replication_group;
}

static void refuse(struct ec_create_replication_group_in in, int code, const char *why)
{
    struct ec_create_replication_group_out out;

    expect(run_ec_create_replication_group(&in, &out), code, why);
}

static struct err modify(struct ec_modify_replication_group_in in,
                         struct ec_modify_replication_group_out *out)
{
    in.replication_group_id = "rg";
    return run_ec_modify_replication_group(&in, out);
}

static struct ec_replication_group *describe(void)
{
    struct ec_describe_replication_groups_in in = {.replication_group_id = "rg"};
    struct ec_describe_replication_groups_out out;

    must(run_ec_describe_replication_groups(&in, &out));
    return &out.replication_groups.items[0];
}

static struct err tag(const char *value)
{
    struct ec_tag one = {DURABILITY_TAG, value};
    struct ec_add_tags_to_resource_in in = {
        .resource_name = ARN, .tags = {true, 1, &one}
    };
    struct ec_add_tags_to_resource_out out;

    return run_ec_add_tags_to_resource(&in, &out);
}

/* The value of the tag; NULL where there is none. */
static const char *tag_of(const char *type, const char *name)
{
    struct ec_list_tags_for_resource_in in = {
        .resource_name = arena_printf(
            &world.f.arena, "arn:aws:elasticache:us-east-1:000000000000:%s:%s", type, name)};
    struct ec_list_tags_for_resource_out out;

    must(run_ec_list_tags_for_resource(&in, &out));
    for (size_t i = 0; i < out.tag_list.count; i++)
        if (strcmp(out.tag_list.items[i].key, DURABILITY_TAG) == 0)
            return out.tag_list.items[i].value;
    return NULL;
}

/* --- what is asked for, and what it needs --- */

Test(durability, a_group_is_async_unless_it_says_otherwise)
{
    create(wish(NULL));
    cr_assert_str_eq(describe()->durability, "async");
    cr_assert_str_eq(describe()->effective_durability, "async");
}

Test(durability, what_is_wished_is_not_yet_in_force)
{
    struct ec_replication_group *g = create(wish("sync"));

    cr_assert_str_eq(g->durability, "sync");
    cr_assert_str_eq(g->effective_durability, "async");
}

Test(durability, what_it_needs_is_told)
{
    struct ec_create_replication_group_in in = wish("sync");
    struct ec_tag driver = {"larder:engine-driver", "redis"}, other = {DURABILITY_TAG, "bounded"};

    refuse(wish("often"), VALUE, NULL);
    in.num_cache_clusters = INT_OF(1);
    in.automatic_failover_enabled = BOOL_OF(false);
    refuse(in, COMBINATION, "Durability sync needs at least one replica in each node group.");
    in.durability = "bounded";
    refuse(in, COMBINATION, "Durability bounded needs at least one replica in each node group.");
    in.num_cache_clusters = INT_OF(2);
    in.durability = "sync";
    refuse(in, COMBINATION, "Durability sync needs AutomaticFailoverEnabled.");
    in = wish("sync");
    in.tags = (struct ec_tag_list){true, 1, &other};
    refuse(in, COMBINATION, "Durability is sync, and the tag larder:durability says bounded.");
    other.value = "often";
    in.durability = NULL;
    refuse(in, VALUE,
           "Invalid value often for the tag larder:durability. It must be async, bounded, sync or "
           "disabled.");
    in = wish("sync");
    in.tags = (struct ec_tag_list){true, 1, &driver};
    struct host_list hosts;
    fixture_begin(&world.f, STORE_WRITE);
    must(store_host_list(world.f.tx, "us-east-1", &hosts));
    for (size_t i = 0; i < hosts.count; i++) {
        hosts.items[i].engines = "bundled=1 redis=7.0.15";
        must(store_host_put(world.f.tx, &hosts.items[i]));
    }
    fixture_commit(&world.f);
    refuse(in, COMBINATION, "The engine driver redis does not support Durability sync.");
    in.durability = "bounded";
    cr_assert_str_eq(create(in)->durability, "bounded");
}

Test(durability, what_it_needs_cannot_be_taken_away)
{
    struct ec_modify_replication_group_out out;
    struct ec_decrease_replica_count_in fewer = {.replication_group_id = "rg",
                                                 .apply_immediately = BOOL_OF(true),
                                                 .new_replica_count = INT_OF(0)};
    struct ec_decrease_replica_count_out fewer_out;

    create(wish("sync"));
    expect(modify((struct ec_modify_replication_group_in){.automatic_failover_enabled =
                                                              BOOL_OF(false)},
                  &out),
           COMBINATION, "Durability sync needs AutomaticFailoverEnabled.");
    must(
        modify((struct ec_modify_replication_group_in){.automatic_failover_enabled = BOOL_OF(false),
                                                       .durability = "bounded"},
               &out));
    world_settle();
    expect(run_ec_decrease_replica_count(&fewer, &fewer_out), COMBINATION,
           "Durability bounded needs at least one replica in each node group.");
}

Test(durability, another_one_is_a_change_that_takes_its_time)
{
    struct ec_modify_replication_group_out out;

    create(wish("async"));
    must(modify((struct ec_modify_replication_group_in){.durability = "sync"}, &out));
    cr_assert_str_eq(out.replication_group->status, "modifying");
    cr_assert_str_eq(out.replication_group->durability, "sync");
    cr_assert_str_eq(out.replication_group->effective_durability, "async");
    world_settle();
    must(modify((struct ec_modify_replication_group_in){.durability = "sync"}, &out));
    cr_assert_str_eq(out.replication_group->status, "available");
}

Test(durability, what_promotions_count_on_is_in_force)
{
    struct shard_list shards;
    struct replication_group g;

    create(wish("sync"));
    fixture_begin(&world.f, STORE_WRITE);
    must(store_group_find(world.f.tx, "000000000000", "us-east-1", "rg", &g));
    must(store_shard_list(world.f.tx, &g.id, 1, &shards));
    shards.items[0].goal.acks.ordered = shards.items[0].goal.acks.counted = 1;
    must(store_shard_goal_set(world.f.tx, &shards.items[0]));
    fixture_commit(&world.f);
    cr_assert_str_eq(describe()->effective_durability, "sync");
}

/* --- the tag --- */

Test(durability, the_tag_says_it_where_clients_know_no_better_way)
{
    struct ec_create_replication_group_in in = wish(NULL);
    struct ec_tag one = {DURABILITY_TAG, "sync"};
    const char *key = DURABILITY_TAG;
    struct ec_remove_tags_from_resource_in remove = {
        .resource_name = ARN, .tag_keys = {true, 1, &key}
    };
    struct ec_remove_tags_from_resource_out removed;

    in.tags = (struct ec_tag_list){true, 1, &one};
    cr_assert_str_eq(create(in)->durability, "sync");
    must(tag("bounded"));
    cr_assert_str_eq(describe()->durability, "bounded");
    cr_assert_str_eq(describe()->status, "modifying");
    world_settle();
    expect(tag("never"), VALUE, NULL);
    must(run_ec_remove_tags_from_resource(&remove, &removed));
    cr_assert_str_eq(describe()->durability, "async");
}

Test(durability, the_tag_follows_what_is_asked_for_otherwise)
{
    struct ec_modify_replication_group_out out;

    create(wish(NULL));
    must(tag("bounded"));
    world_settle();
    must(modify((struct ec_modify_replication_group_in){.durability = "sync"}, &out));
    world_settle();
    cr_assert_str_eq(tag_of("replicationgroup", "rg"), "sync");
    cr_assert_str_eq(tag_of("cluster", "rg-002"), "sync");
}

Test(durability, others_than_groups_do_not_take_the_tag)
{
    struct ec_tag one = {DURABILITY_TAG, "sync"};
    struct ec_create_cache_cluster_in in = {
        .cache_cluster_id = "c",
        .engine = "redis",
        .cache_node_type = "cache.t4g.micro",
        .num_cache_nodes = INT_OF(1),
        .tags = {true, 1, &one}
    };
    struct ec_create_cache_cluster_out out;

    expect(run_ec_create_cache_cluster(&in, &out), VALUE,
           "The tag larder:durability is for replication groups.");
}

Test(durability, for_how_long_a_group_waits_is_said_by_a_tag)
{
    struct ec_create_replication_group_in in = wish(NULL);
    struct ec_tag one = {PROMOTE_STALE_TAG, "soon"};
    struct ec_create_cache_cluster_in lone = {
        .cache_cluster_id = "c",
        .engine = "redis",
        .cache_node_type = "cache.t4g.micro",
        .num_cache_nodes = INT_OF(1),
        .tags = {true, 1, &one}
    };
    struct ec_add_tags_to_resource_in add = {
        .resource_name = ARN, .tags = {true, 1, &one}
    };
    struct ec_add_tags_to_resource_out added;
    struct ec_create_cache_cluster_out made;

    in.tags = (struct ec_tag_list){true, 1, &one};
    refuse(in, VALUE,
           "Invalid value soon for the tag larder:promote-stale. It must be never or a number of "
           "seconds, at most 86400.");
    one.value = "never";
    create(in);
    one.value = "later";
    expect(run_ec_add_tags_to_resource(&add, &added), VALUE, NULL);
    one.value = "30";
    must(run_ec_add_tags_to_resource(&add, &added));
    expect(run_ec_create_cache_cluster(&lone, &made), VALUE,
           "The tag larder:promote-stale is for replication groups.");
}
