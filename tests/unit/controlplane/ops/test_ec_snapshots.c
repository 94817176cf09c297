#include "contract/faults.h"
#include "controlplane/model/buckets.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/store/snapshots.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(snapshots, .init = world_open, .fini = world_close, .timeout = 60);

static struct err take(const char *cluster, const char *name)
{
    struct ec_create_snapshot_in in = {.cache_cluster_id = cluster, .snapshot_name = name};
    struct ec_create_snapshot_out out;

    return run_ec_create_snapshot(&in, &out);
}

/* As the reconciler does when all parts came. */
static void finish(const char *name)
{
    struct snapshot_part_list parts;
    struct snapshot s;
    int64_t file_id;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_snapshot_find(world.f.tx, "000000000000", "us-east-1", "", name, &s));
    must(store_part_list(world.f.tx, &s.id, 1, &parts));
    for (size_t i = 0; i < parts.count; i++)
        must(store_part_keep(world.f.tx, parts.items[i].id, &(struct kept_bytes){5 << 20, "ff", ""},
                             1, &file_id));
    must(store_snapshot_set_state(world.f.tx, s.id, SNAPSHOT_AVAILABLE, ""));
    fixture_commit(&world.f);
    world_settle();
}

static struct ec_snapshot describe(const char *name)
{
    struct ec_describe_snapshots_in in = {.snapshot_name = name,
                                          .show_node_group_config = BOOL_OF(true)};
    struct ec_describe_snapshots_out out;

    must(run_ec_describe_snapshots(&in, &out));
    cr_assert_eq(out.snapshots.count, 1);
    return out.snapshots.items[0];
}

Test(snapshots, one_is_taken_and_its_source_shows_it)
{
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "c1"};
    struct ec_describe_cache_clusters_out out;

    world_redis("c1");
    must(take("C1", "First"));
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_str_eq(out.cache_clusters.items[0].cache_cluster_status, "snapshotting");
    expect(take("c1", "second"), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
    struct ec_snapshot s = describe("first");
    cr_assert_str_eq(s.snapshot_status, "creating");
    cr_assert_str_eq(s.node_snapshots.items[0].cache_size, "");
    cr_assert_eq(strncmp(s.vpc_id, "vpc-", 4), 0);
    cr_assert_not_null(s.preferred_availability_zone);
    cr_assert_null(s.kms_key_id);
    finish("first");
    s = describe("first");
    cr_assert_str_eq(s.snapshot_status, "available");
    cr_assert_str_eq(s.node_snapshots.items[0].cache_size, "5 MB");
    cr_assert_str_eq(s.arn, "arn:aws:elasticache:us-east-1:000000000000:snapshot:first");
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_str_eq(out.cache_clusters.items[0].cache_cluster_status, "available");
    expect(take("c1", "first"), FAULT_SNAPSHOT_ALREADY_EXISTS, NULL);
}

Test(snapshots, twenty_a_day_are_enough)
{
    world_redis("c1");
    for (int i = 0; i < SNAPSHOTS_PER_DAY; i++) {
        const char *name = arena_printf(&world.f.arena, "s%d", i);
        must(take("c1", name));
        finish(name);
    }
    expect(take("c1", "more"), FAULT_SNAPSHOT_QUOTA_EXCEEDED, NULL);
}

Test(snapshots, memcached_has_none)
{
    world_memcached("m1", 1);
    expect(take("m1", "s"), FAULT_SNAPSHOT_FEATURE_NOT_SUPPORTED, NULL);
}

Test(snapshots, a_copy_is_there_at_once_and_goes_by_itself)
{
    struct ec_copy_snapshot_in in = {.source_snapshot_name = "s1", .target_snapshot_name = "s2"};
    struct ec_delete_snapshot_in del = {.snapshot_name = "s1"};
    struct ec_delete_snapshot_out gone;
    struct ec_copy_snapshot_out out;

    world_redis("c1");
    must(take("c1", "s1"));
    expect(run_ec_copy_snapshot(&in, &out), FAULT_INVALID_SNAPSHOT_STATE, NULL);
    expect(run_ec_delete_snapshot(&del, &gone), FAULT_INVALID_SNAPSHOT_STATE, NULL);
    finish("s1");
    must(run_ec_copy_snapshot(&in, &out));
    cr_assert_str_eq(out.snapshot->snapshot_status, "creating");
    cr_assert_str_eq(describe("s2").node_snapshots.items[0].cache_size, "5 MB");
    expect(run_ec_copy_snapshot(&in, &out), FAULT_SNAPSHOT_ALREADY_EXISTS, NULL);
    must(run_ec_delete_snapshot(&del, &gone));
    cr_assert_str_eq(gone.snapshot->snapshot_status, "deleting");
    expect(run_ec_delete_snapshot(&del, &gone), FAULT_SNAPSHOT_NOT_FOUND, NULL);
    cr_assert_str_eq(describe("s2").snapshot_status, "available");
}

static struct ec_snapshot copy(const char *from, const char *to, const char *key)
{
    struct ec_copy_snapshot_in in = {
        .source_snapshot_name = from, .target_snapshot_name = to, .kms_key_id = key};
    struct ec_copy_snapshot_out out;

    must(run_ec_copy_snapshot(&in, &out));
    return describe(to);
}

/* The vault does it, in fact. */
static void seal_anew(const char *name)
{
    struct snapshot_part_list parts;
    int64_t file_id;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_part_miskeyed(world.f.tx, &parts));
    cr_assert_eq(parts.count, 1, "%s", name);
    must(store_part_keep(world.f.tx, parts.items[0].id, &(struct kept_bytes){5 << 20, "ff", "k"}, 9,
                         &file_id));
    fixture_commit(&world.f);
}

Test(snapshots, keys_are_those_of_the_source_unless_others_are_named)
{
    struct ec_create_snapshot_in in = {
        .cache_cluster_id = "c1", .snapshot_name = "s1", .kms_key_id = "key-1"};
    struct ec_create_snapshot_out out;
    struct ec_copy_snapshot_in export = {.source_snapshot_name = "s1",
                                         .target_snapshot_name = "s5",
                                         .target_bucket = "b",
                                         .kms_key_id = "key-1"};
    struct ec_copy_snapshot_out exported;

    world_redis("c1");
    must(run_ec_create_snapshot(&in, &out));
    cr_assert_str_eq(out.snapshot->kms_key_id, "key-1");
    finish("s1");
    struct ec_snapshot s = copy("s1", "s2", NULL);
    cr_assert_str_eq(s.kms_key_id, "key-1");
    cr_assert_str_eq(s.snapshot_status, "available");
    s = copy("s1", "s3", "key-2");
    cr_assert_str_eq(s.kms_key_id, "key-2");
    cr_assert_str_eq(s.snapshot_status, "copying");
    seal_anew("s3");
    cr_assert_str_eq(describe("s3").snapshot_status, "available");
    cr_assert_eq(describe("s3").node_snapshots.items[0].snapshot_create_time.value,
                 describe("s1").node_snapshots.items[0].snapshot_create_time.value);
    expect(run_ec_copy_snapshot(&export, &exported), FAULT_INVALID_PARAMETER_COMBINATION,
           "KmsKeyId cannot be used together with TargetBucket.");
}

Test(snapshots, those_of_a_group_that_is_encrypted_are_under_its_key)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .engine = "redis",
                                                .cache_node_type = "cache.t4g.micro",
                                                .at_rest_encryption_enabled = BOOL_OF(true),
                                                .kms_key_id = "of-the-group"};
    struct ec_create_replication_group_out made;
    struct ec_create_snapshot_in order = {.replication_group_id = "rg", .snapshot_name = "s1"};
    struct ec_create_snapshot_out out;

    must(run_ec_create_replication_group(&in, &made));
    world_settle();
    must(run_ec_create_snapshot(&order, &out));
    cr_assert_str_eq(out.snapshot->kms_key_id, "of-the-group");
}

Test(snapshots, exports_need_a_bucket_that_is_known)
{
    static struct bucket bucket = {.name = "near", .dir = "/nowhere"};
    static const struct buckets buckets = {&bucket, 1};
    struct ec_copy_snapshot_in in = {
        .source_snapshot_name = "s1", .target_snapshot_name = "out", .target_bucket = "far"};
    struct ec_copy_snapshot_out out;

    world_redis("c1");
    must(take("c1", "s1"));
    finish("s1");
    expect(run_ec_copy_snapshot(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    ops_free(world.ops);
    world.conf.buckets = &buckets;
    world.ops = ops_new(world.f.store, &world.conf);
    in.target_bucket = "near";
    must(run_ec_copy_snapshot(&in, &out));
    cr_assert_str_eq(out.snapshot->snapshot_name, "out");
    cr_assert_str_eq(out.snapshot->snapshot_status, "exporting");
    cr_assert_str_eq(describe("s1").snapshot_status, "exporting");
}

static struct err restore(const char *version, const char *snapshot)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = "back",
                                            .engine = "redis",
                                            .engine_version = version,
                                            .cache_node_type = "cache.t4g.micro",
                                            .snapshot_name = snapshot};
    struct ec_create_cache_cluster_out out;

    return run_ec_create_cache_cluster(&in, &out);
}

Test(snapshots, a_cluster_begins_with_one_that_it_can_read)
{
    world_redis("c1");
    must(take("c1", "s1"));
    expect(restore(NULL, "s1"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    finish("s1");
    expect(restore(NULL, "none"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(restore("6.2", "s1"), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(restore(NULL, "s1"));
    cr_assert_str_eq(describe("s1").snapshot_status, "restoring");
    world_fail("back");
    struct ec_describe_cache_clusters_in in = {.cache_cluster_id = "back"};
    struct ec_describe_cache_clusters_out out;
    must(run_ec_describe_cache_clusters(&in, &out));
    cr_assert_str_eq(out.cache_clusters.items[0].cache_cluster_status, "restore-failed");
    cr_assert_str_eq(describe("s1").snapshot_status, "available");
}

Test(snapshots, a_cluster_that_goes_with_a_last_one_stays_until_it_is_there)
{
    struct ec_delete_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .final_snapshot_identifier = "last"};
    struct ec_delete_cache_cluster_out out;
    struct node_list nodes;
    struct cluster c;

    world_redis("c1");
    must(run_ec_delete_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_cluster_status, "deleting");
    fixture_begin(&world.f, STORE_READ);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", "c1", &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    cr_assert(!c.is_wanted && nodes.count == 1 && nodes.items[0].is_wanted);
    store_rollback(&world.f.tx);
    cr_assert_str_eq(describe("last").snapshot_status, "creating");
}
