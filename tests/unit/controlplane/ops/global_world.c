#include "global_world.h"

#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"

#include <criterion/criterion.h>

#define GIB ((int64_t)1 << 30)

static void add_host_there(void)
{
    struct host h = fixture_host(&world.f, "h9", "eu-west-1a", "127.9.1.0/24", 64 * GIB);

    h.id = "id-of-there";
    h.name = "there";
    h.region = THERE;
    h.pool = "127.9.2.0/24";
    must(store_host_put(world.f.tx, &h));
}

void global_world_open(void)
{
    static const char *const regions[] = {HERE, THERE};

    world_open();
    world.conf.regions = regions;
    world.conf.region_count = 2;
    fixture_begin(&world.f, STORE_WRITE);
    fixture_host(&world.f, "h4", "us-east-1a", "127.1.4.0/24", 64 * GIB);
    fixture_host(&world.f, "h5", "us-east-1b", "127.1.5.0/24", 64 * GIB);
    add_host_there();
    fixture_commit(&world.f);
}

void global_world_go(const char *region)
{
    world.caller.region = region;
}

static void settle_member(const struct replication_group *g)
{
    struct global_member *m;
    struct group_operation o;
    size_t count;

    if (!err_failed(store_group_operation_running(world.f.tx, g->id, &o))) {
        o.state = OPERATION_DONE;
        must(store_group_operation_update(world.f.tx, &o));
    }
    must(store_global_members_of(world.f.tx, &g->id, 1, &m, &count));
    if (count == 1 && m->role == GLOBAL_LEAVING)
        must(store_global_member_remove(world.f.tx, g->id));
}

static void settle_region(const char *region)
{
    struct replication_group *groups;
    size_t count;

    must(store_group_list(world.f.tx, "000000000000", region, "", 100, &groups, &count));
    for (size_t i = 0; i < count; i++)
        settle_member(&groups[i]);
}

void global_world_settle(void)
{
    fixture_begin(&world.f, STORE_WRITE);
    settle_region(HERE);
    settle_region(THERE);
    fixture_commit(&world.f);
}

void global_world_group(const char *name, int members)
{
    struct ec_create_replication_group_in in = {.replication_group_id = name,
                                                .replication_group_description = "d",
                                                .engine = "redis",
                                                .cache_node_type = "cache.m5.large",
                                                .num_cache_clusters = INT_OF(members),
                                                .automatic_failover_enabled = BOOL_OF(members > 1)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    global_world_settle();
}

void global_world_store(void)
{
    struct ec_create_global_replication_group_in in = {
        .global_replication_group_id_suffix = "Store", .primary_replication_group_id = "here"};
    struct ec_create_global_replication_group_out out;

    global_world_group("here", 2);
    must(run_ec_create_global_replication_group(&in, &out));
    cr_assert_str_eq(out.global_replication_group->status, "creating");
}

struct err global_world_join(const char *group, const char *datastore)
{
    struct ec_create_replication_group_in in = {.replication_group_id = group,
                                                .replication_group_description = "d",
                                                .global_replication_group_id = datastore,
                                                .num_cache_clusters = INT_OF(1)};
    struct ec_create_replication_group_out out;

    return run_ec_create_replication_group(&in, &out);
}

void global_world_pair(void)
{
    global_world_store();
    global_world_go(THERE);
    must(global_world_join("there", "LDGNF-store"));
    global_world_settle();
    global_world_go(HERE);
}

struct ec_global_replication_group global_world_describe(const char *name)
{
    struct ec_describe_global_replication_groups_in in = {.global_replication_group_id = name,
                                                          .show_member_info = BOOL_OF(true)};
    struct ec_describe_global_replication_groups_out out;

    must(run_ec_describe_global_replication_groups(&in, &out));
    cr_assert_eq(out.global_replication_groups.count, 1);
    return out.global_replication_groups.items[0];
}
