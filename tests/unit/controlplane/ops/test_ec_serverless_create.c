#include "base/err.h"
#include "contract/faults.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/snapshots.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(ec_serverless_create, .init = world_open, .fini = world_close);

Test(ec_serverless_create, nobody_elses_calls_see_what_stands_behind)
{
    const struct ec_describe_replication_groups_in all = {0};
    const struct ec_describe_cache_clusters_in clusters = {0};
    struct ec_describe_replication_groups_out groups;
    struct ec_describe_cache_clusters_out found;

    world_serverless("one", "redis");
    world_serverless("two", "memcached");
    must(run_ec_describe_replication_groups(&all, &groups));
    cr_assert_eq(groups.replication_groups.count, 0);
    must(run_ec_describe_cache_clusters(&clusters, &found));
    cr_assert_eq(found.cache_clusters.count, 0);
}

static void refused(struct ec_create_serverless_cache_in in, int code)
{
    struct ec_create_serverless_cache_out out;

    in.serverless_cache_name = in.serverless_cache_name ? in.serverless_cache_name : "new";
    in.engine = in.engine ? in.engine : "redis";
    expect(run_ec_create_serverless_cache(&in, &out), code, NULL);
}

#define REFUSED(code, ...) refused((struct ec_create_serverless_cache_in){__VA_ARGS__}, code)

#define ARN(type)  "arn:aws:elasticache:us-east-1:000000000000:" type ":"
#define NODES      ARN("snapshot")
#define SERVERLESS ARN("serverlesscachesnapshot")

Test(ec_serverless_create, what_makes_no_sense_is_refused)
{
    struct ec_data_storage much = {.minimum = INT_OF(4000), .unit = "GB"};
    struct ec_cache_usage_limits limits = {.data_storage = &much};

    world_serverless("one", "redis");
    REFUSED(FAULT_SERVERLESS_CACHE_ALREADY_EXISTS, .serverless_cache_name = "One");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .serverless_cache_name = "a--b");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .engine = "mysql");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .major_engine_version = "6");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .daily_snapshot_time = "5:00");
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .subnet_ids = STRINGS("a,b"));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .engine = "memcached", .daily_snapshot_time = "5:00");
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .engine = "memcached", .user_group_id = "team");
    REFUSED(FAULT_INVALID_PARAMETER_COMBINATION, .cache_usage_limits = &limits);
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .snapshot_arns_to_restore = STRINGS("arn"));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .snapshot_arns_to_restore = STRINGS(NODES "none"));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .snapshot_arns_to_restore = STRINGS(SERVERLESS "none"));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE,
            .snapshot_arns_to_restore =
                STRINGS("arn:aws:elasticache:us-east-1:000000000000:user:u"));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .engine = "memcached",
            .snapshot_arns_to_restore = STRINGS("arn"));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .snapshot_retention_limit = INT_OF(36));
    REFUSED(FAULT_INVALID_PARAMETER_VALUE, .engine = "memcached",
            .snapshot_retention_limit = INT_OF(36));
    REFUSED(FAULT_USER_GROUP_NOT_FOUND, .user_group_id = "nobody");
}

/* As the reconciler does when all parts came. */
static void finish(const char *owner, const char *name)
{
    struct snapshot_part_list parts;
    struct snapshot s;
    int64_t file_id;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_snapshot_find(world.f.tx, "000000000000", "us-east-1", owner, name, &s));
    must(store_part_list(world.f.tx, &s.id, 1, &parts));
    for (size_t i = 0; i < parts.count; i++)
        must(store_part_keep(world.f.tx, parts.items[i].id, &(struct kept_bytes){5 << 20, "ff", ""},
                             1, &file_id));
    must(store_snapshot_set_state(world.f.tx, s.id, SNAPSHOT_AVAILABLE, ""));
    fixture_commit(&world.f);
    world_settle();
}

static struct err restore(const char *name, const char *engine, const char **arn)
{
    struct ec_create_serverless_cache_in in = {
        .serverless_cache_name = name,
        .engine = engine,
        .snapshot_arns_to_restore = {true, 1, arn}
    };
    struct ec_create_serverless_cache_out out;

    return run_ec_create_serverless_cache(&in, &out);
}

Test(ec_serverless_create, it_begins_with_a_snapshot_that_it_can_read)
{
    struct ec_create_serverless_cache_snapshot_in take = {.serverless_cache_name = "one",
                                                          .serverless_cache_snapshot_name = "s"};
    struct ec_create_serverless_cache_snapshot_out taken;
    struct ec_describe_serverless_cache_snapshots_in ask = {0};
    struct ec_describe_serverless_cache_snapshots_out found;
    const char *arn = SERVERLESS "s";

    world_serverless("one", "valkey");
    must(run_ec_create_serverless_cache_snapshot(&take, &taken));
    expect(restore("back", "valkey", &arn), FAULT_INVALID_PARAMETER_VALUE, NULL);
    finish(SNAPSHOT_OWNER_SERVERLESS, "s");
    expect(restore("back", "redis", &arn), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(restore("back", "valkey", &arn));
    must(run_ec_describe_serverless_cache_snapshots(&ask, &found));
    cr_assert_str_eq(found.serverless_cache_snapshots.items[0].status, "restoring");
}

Test(ec_serverless_create, memcached_begins_with_what_memcached_left)
{
    struct ec_create_serverless_cache_snapshot_in take = {.serverless_cache_name = "mc",
                                                          .serverless_cache_snapshot_name = "s"};
    struct ec_create_snapshot_in nodes = {.cache_cluster_id = "c1", .snapshot_name = "n"};
    struct ec_create_serverless_cache_snapshot_out taken;
    struct ec_create_snapshot_out of_nodes;
    const char *arn = SERVERLESS "s", *other = NODES "n";

    world_serverless("mc", "memcached");
    world_redis("c1");
    must(run_ec_create_serverless_cache_snapshot(&take, &taken));
    must(run_ec_create_snapshot(&nodes, &of_nodes));
    finish(SNAPSHOT_OWNER_SERVERLESS, "s");
    finish("", "n");
    expect(restore("back", "redis", &arn), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(restore("back", "valkey", &arn), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(restore("back", "memcached", &other), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(restore("back", "memcached", &arn));
    cr_assert_str_eq(world_describe_serverless("back")->status, "creating");
}

Test(ec_serverless_create, a_snapshot_of_nodes_does_as_well)
{
    struct ec_create_snapshot_in take = {.cache_cluster_id = "c1", .snapshot_name = "s"};
    struct ec_create_snapshot_out taken;
    const char *arn = NODES "s";

    world_redis("c1");
    must(run_ec_create_snapshot(&take, &taken));
    finish("", "s");
    must(restore("back", "valkey", &arn));
    cr_assert_str_eq(world_describe_serverless("back")->status, "creating");
}

Test(ec_serverless_create, snapshots_are_taken_at_the_time_that_is_asked_for)
{
    struct ec_create_serverless_cache_in in = {.serverless_cache_name = "one",
                                               .engine = "redis",
                                               .daily_snapshot_time = "23:30",
                                               .snapshot_retention_limit = INT_OF(2)};
    struct ec_create_serverless_cache_out out;
    struct replication_group *groups;
    size_t count;

    must(run_ec_create_serverless_cache(&in, &out));
    cr_assert_eq(out.serverless_cache->snapshot_retention_limit.value, 2);
    fixture_begin(&world.f, STORE_READ);
    must(store_group_list_owned(world.f.tx, (int64_t[]){1}, 1, &groups, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(groups[0].common.snapshot_window, "23:30-00:30");
    cr_assert_eq(groups[0].common.snapshot_retention, 2);
    store_rollback(&world.f.tx);

    struct cluster *clusters;
    in.serverless_cache_name = "two";
    in.engine = "memcached";
    must(run_ec_create_serverless_cache(&in, &out));
    cr_assert_str_eq(out.serverless_cache->daily_snapshot_time, "23:30");
    fixture_begin(&world.f, STORE_READ);
    must(store_cluster_list_owned(world.f.tx, (int64_t[]){2}, 1, &clusters, &count));
    cr_assert_str_eq(clusters[0].snapshot_window, "23:30-00:30");
    cr_assert_eq(clusters[0].snapshot_retention, 2);
    store_rollback(&world.f.tx);
}
