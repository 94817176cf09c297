#include "base/err.h"
#include "contract/faults.h"
#include "controlplane/model/buckets.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/store/snapshots.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(serverless_snapshots, .init = world_open, .fini = world_close, .timeout = 60);

static struct err take(const char *cache, const char *name)
{
    struct ec_create_serverless_cache_snapshot_in in = {.serverless_cache_name = cache,
                                                        .serverless_cache_snapshot_name = name};
    struct ec_create_serverless_cache_snapshot_out out;

    return run_ec_create_serverless_cache_snapshot(&in, &out);
}

/* As the reconciler does when all parts came. */
static void finish(const char *name)
{
    struct snapshot_part_list parts;
    struct snapshot s;
    int64_t file_id;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_snapshot_find(world.f.tx, "000000000000", "us-east-1", SNAPSHOT_OWNER_SERVERLESS,
                             name, &s));
    must(store_part_list(world.f.tx, &s.id, 1, &parts));
    for (size_t i = 0; i < parts.count; i++)
        must(store_part_keep(world.f.tx, parts.items[i].id, &(struct kept_bytes){1234, "ff", ""}, 1,
                             &file_id));
    must(store_snapshot_set_state(world.f.tx, s.id, SNAPSHOT_AVAILABLE, ""));
    fixture_commit(&world.f);
    world_settle();
}

static struct ec_serverless_cache_snapshot describe(const char *name)
{
    struct ec_describe_serverless_cache_snapshots_in in = {.serverless_cache_snapshot_name = name};
    struct ec_describe_serverless_cache_snapshots_out out;

    must(run_ec_describe_serverless_cache_snapshots(&in, &out));
    cr_assert_eq(out.serverless_cache_snapshots.count, 1);
    return out.serverless_cache_snapshots.items[0];
}

static size_t count_of(struct ec_describe_serverless_cache_snapshots_in in)
{
    struct ec_describe_serverless_cache_snapshots_out out;

    must(run_ec_describe_serverless_cache_snapshots(&in, &out));
    return out.serverless_cache_snapshots.count;
}

Test(serverless_snapshots, one_is_taken_and_shows_of_what)
{
    struct ec_describe_snapshots_in of_nodes = {0};
    struct ec_describe_snapshots_out none;

    world_serverless("one", "valkey");
    must(take("ONE", "First"));
    cr_assert_str_eq(world_describe_serverless("one")->status, "modifying");
    expect(take("one", "second"), FAULT_INVALID_SERVERLESS_CACHE_STATE, NULL);
    struct ec_serverless_cache_snapshot s = describe("first");
    cr_assert_str_eq(s.status, "creating");
    cr_assert_null(s.bytes_used_for_cache);
    finish("first");
    cr_assert_str_eq(world_describe_serverless("one")->status, "available");
    s = describe("FIRST");
    cr_assert_str_eq(s.status, "available");
    cr_assert_str_eq(s.snapshot_type, "manual");
    cr_assert_str_eq(s.bytes_used_for_cache, "1234");
    cr_assert_not(s.expiry_time.has);
    cr_assert_str_eq(s.arn,
                     "arn:aws:elasticache:us-east-1:000000000000:serverlesscachesnapshot:first");
    cr_assert_str_eq(s.serverless_cache_configuration->serverless_cache_name, "one");
    cr_assert_str_eq(s.serverless_cache_configuration->engine, "valkey");
    must(run_ec_describe_snapshots(&of_nodes, &none));
    cr_assert_eq(none.snapshots.count, 0, "they are no snapshots of nodes");
    expect(take("one", "first"), FAULT_SERVERLESS_CACHE_SNAPSHOT_ALREADY_EXISTS, NULL);
}

Test(serverless_snapshots, what_cannot_be_taken_is_refused)
{
    struct ec_create_serverless_cache_snapshot_in keyed = {
        .serverless_cache_name = "one", .serverless_cache_snapshot_name = "s", .kms_key_id = "k"};
    struct ec_create_serverless_cache_snapshot_out out;

    world_serverless("one", "redis");
    expect(take("none", "s"), FAULT_SERVERLESS_CACHE_NOT_FOUND, "ServerlessCache none not found");
    expect(take("one", "-s"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(take("one", NULL), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(take(NULL, "s"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(run_ec_create_serverless_cache_snapshot(&keyed, &out));
    cr_assert_str_eq(out.serverless_cache_snapshot->kms_key_id, "k");
}

Test(serverless_snapshots, one_of_memcached_is_as_all_others)
{
    struct ec_create_serverless_cache_in in = {
        .serverless_cache_name = "mc", .engine = "memcached", .kms_key_id = "key"};
    struct ec_create_serverless_cache_out out;

    must(run_ec_create_serverless_cache(&in, &out));
    cr_assert_str_eq(out.serverless_cache->kms_key_id, "key");
    world_settle();
    must(take("mc", "s"));
    cr_assert_str_eq(world_describe_serverless("mc")->status, "modifying");
    expect(take("mc", "t"), FAULT_INVALID_SERVERLESS_CACHE_STATE, NULL);
    finish("s");
    cr_assert_str_eq(world_describe_serverless("mc")->status, "available");
    struct ec_serverless_cache_snapshot s = describe("s");
    cr_assert_str_eq(s.status, "available");
    cr_assert_str_eq(s.bytes_used_for_cache, "1234");
    cr_assert_str_eq(s.kms_key_id, "key", "the cache's");
    cr_assert_str_eq(s.serverless_cache_configuration->serverless_cache_name, "mc");
    cr_assert_str_eq(s.serverless_cache_configuration->engine, "memcached");
    cr_assert_str_eq(s.serverless_cache_configuration->major_engine_version, "1.6");
    cr_assert_eq(
        count_of((struct ec_describe_serverless_cache_snapshots_in){.serverless_cache_name = "mc"}),
        1);
    expect(take("mc", "s"), FAULT_SERVERLESS_CACHE_SNAPSHOT_ALREADY_EXISTS, NULL);
}

Test(serverless_snapshots, twenty_four_a_day_are_enough_and_copies_count)
{
    struct ec_copy_serverless_cache_snapshot_in in = {.source_serverless_cache_snapshot_name = "s0",
                                                      .target_serverless_cache_snapshot_name =
                                                          "copy"};
    struct ec_copy_serverless_cache_snapshot_out out;

    world_serverless("one", "redis");
    for (int i = 0; i < SNAPSHOTS_PER_DAY_SERVERLESS; i++) {
        const char *name = arena_printf(&world.f.arena, "s%d", i);
        must(take("one", name));
        finish(name);
    }
    expect(take("one", "more"), FAULT_SERVERLESS_CACHE_SNAPSHOT_QUOTA_EXCEEDED, NULL);
    expect(run_ec_copy_serverless_cache_snapshot(&in, &out),
           FAULT_SERVERLESS_CACHE_SNAPSHOT_QUOTA_EXCEEDED, NULL);
}

Test(serverless_snapshots, they_are_paged_and_found_by_cache_and_type)
{
    struct ec_describe_serverless_cache_snapshots_in in = {.max_results = INT_OF(1)};
    struct ec_describe_serverless_cache_snapshots_out out;

    world_serverless("one", "redis");
    world_serverless("two", "redis");
    must(take("one", "b"));
    must(take("two", "a"));
    must(run_ec_describe_serverless_cache_snapshots(&in, &out));
    cr_assert_eq(out.serverless_cache_snapshots.count, 1);
    cr_assert_str_eq(out.serverless_cache_snapshots.items[0].serverless_cache_snapshot_name, "a");
    in.next_token = out.next_token;
    must(run_ec_describe_serverless_cache_snapshots(&in, &out));
    cr_assert_str_eq(out.serverless_cache_snapshots.items[0].serverless_cache_snapshot_name, "b");
    cr_assert_null(out.next_token);

    in = (struct ec_describe_serverless_cache_snapshots_in){.serverless_cache_name = "two"};
    cr_assert_eq(count_of(in), 1);
    in.snapshot_type = "automated";
    cr_assert_eq(count_of(in), 0);
    in.snapshot_type = "odd";
    expect(run_ec_describe_serverless_cache_snapshots(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           NULL);
    in = (struct ec_describe_serverless_cache_snapshots_in){.serverless_cache_name = "none"};
    expect(run_ec_describe_serverless_cache_snapshots(&in, &out), FAULT_SERVERLESS_CACHE_NOT_FOUND,
           NULL);
    in = (struct ec_describe_serverless_cache_snapshots_in){.serverless_cache_snapshot_name = "x"};
    expect(run_ec_describe_serverless_cache_snapshots(&in, &out),
           FAULT_SERVERLESS_CACHE_SNAPSHOT_NOT_FOUND, "ServerlessCacheSnapshot not found: x");
    in = (struct ec_describe_serverless_cache_snapshots_in){.next_token = "?"};
    expect(run_ec_describe_serverless_cache_snapshots(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           NULL);
}

Test(serverless_snapshots, a_copy_has_the_tags_and_goes_by_itself)
{
    struct ec_tag tag = {"k", "v"};
    struct ec_create_serverless_cache_snapshot_in create = {
        .serverless_cache_name = "one",
        .serverless_cache_snapshot_name = "s1",
        .tags = {true, 1, &tag}
    };
    struct ec_create_serverless_cache_snapshot_out created;
    struct ec_copy_serverless_cache_snapshot_in in = {.source_serverless_cache_snapshot_name = "s1",
                                                      .target_serverless_cache_snapshot_name =
                                                          "S2"};
    struct ec_copy_serverless_cache_snapshot_out out;
    struct ec_delete_serverless_cache_snapshot_in del = {.serverless_cache_snapshot_name = "s1"};
    struct ec_delete_serverless_cache_snapshot_out gone;
    struct ec_list_tags_for_resource_out tags;

    world_serverless("one", "redis");
    must(run_ec_create_serverless_cache_snapshot(&create, &created));
    expect(run_ec_copy_serverless_cache_snapshot(&in, &out),
           FAULT_INVALID_SERVERLESS_CACHE_SNAPSHOT_STATE, NULL);
    expect(run_ec_delete_serverless_cache_snapshot(&del, &gone),
           FAULT_INVALID_SERVERLESS_CACHE_SNAPSHOT_STATE, NULL);
    finish("s1");
    must(run_ec_copy_serverless_cache_snapshot(&in, &out));
    cr_assert_str_eq(out.serverless_cache_snapshot->status, "copying");
    cr_assert_str_eq(describe("s2").status, "available");
    cr_assert_str_eq(describe("s2").bytes_used_for_cache, "1234");
    expect(run_ec_copy_serverless_cache_snapshot(&in, &out),
           FAULT_SERVERLESS_CACHE_SNAPSHOT_ALREADY_EXISTS, NULL);
    must(run_ec_delete_serverless_cache_snapshot(&del, &gone));
    cr_assert_str_eq(gone.serverless_cache_snapshot->status, "deleting");
    expect(run_ec_delete_serverless_cache_snapshot(&del, &gone),
           FAULT_SERVERLESS_CACHE_SNAPSHOT_NOT_FOUND, NULL);
    struct ec_list_tags_for_resource_in ask = {.resource_name = describe("s2").arn};
    must(run_ec_list_tags_for_resource(&ask, &tags));
    cr_assert_eq(tags.tag_list.count, 1);
    cr_assert_str_eq(tags.tag_list.items[0].key, "k");
}

Test(serverless_snapshots, exports_need_a_bucket_that_is_known)
{
    static struct bucket bucket = {.name = "near", .dir = "/nowhere"};
    static const struct buckets buckets = {&bucket, 1};
    struct ec_export_serverless_cache_snapshot_in in = {.serverless_cache_snapshot_name = "s1",
                                                        .s3_bucket_name = "far"};
    struct ec_export_serverless_cache_snapshot_out out;

    world_serverless("one", "redis");
    must(take("one", "s1"));
    expect(run_ec_export_serverless_cache_snapshot(&in, &out),
           FAULT_INVALID_SERVERLESS_CACHE_SNAPSHOT_STATE, NULL);
    finish("s1");
    expect(run_ec_export_serverless_cache_snapshot(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    ops_free(world.ops);
    world.conf.buckets = &buckets;
    world.ops = ops_new(world.f.store, &world.conf);
    in.s3_bucket_name = "near";
    must(run_ec_export_serverless_cache_snapshot(&in, &out));
    cr_assert_str_eq(out.serverless_cache_snapshot->status, "exporting");
    cr_assert_str_eq(describe("s1").status, "exporting");
    in.serverless_cache_snapshot_name = "none";
    expect(run_ec_export_serverless_cache_snapshot(&in, &out),
           FAULT_SERVERLESS_CACHE_SNAPSHOT_NOT_FOUND, NULL);
}
