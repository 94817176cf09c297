#include "contract/faults.h"
#include "controlplane/model/buckets.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/store/snapshots.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

static struct bucket bucket = {.name = "near", .dir = "/nowhere"};
static const struct buckets buckets = {&bucket, 1};
static struct call call;

static void begin(void)
{
    world_open();
    world.conf.buckets = &buckets;
    fixture_begin(&world.f, STORE_WRITE);
    call = (struct call){.arena = &world.f.arena,
                         .tx = world.f.tx,
                         .caller = &world.caller,
                         .conf = &world.conf,
                         .now_ms = WORLD_NOW_MS};
}

static void end(void)
{
    store_rollback(&world.f.tx);
    world_close();
}

TestSuite(restore, .init = begin, .fini = end, .timeout = 60);

Test(restore, nothing_is_asked_for_mostly)
{
    struct ec_snapshot_arns_list none = {0};
    struct restore r;

    must(restore_read(&call, &(struct restore_wish){.arns = &none}, &r));
    cr_assert_not(r.has);
    must(restore_record(&call, &r));
    must(restore_seed(&call, &r, 1, ""));
}

Test(restore, arns_name_known_buckets_and_exclude_a_snapshot)
{
    const char *good[] = {"arn:aws:s3:::near/a.rdb", "arn:aws:s3:::near/b.rdb"};
    const char *far[] = {"arn:aws:s3:::far/a.rdb"}, *odd[] = {"near/a.rdb"};
    struct ec_snapshot_arns_list list = {true, 2, good};
    struct snapshot_part_list wanted;
    struct restore r;

    expect(restore_read(&call, &(struct restore_wish){.snapshot_name = "s1", .arns = &list}, &r),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    struct tag *tags = NULL;
    size_t tag_count = 0;
    must(restore_read(&call, &(struct restore_wish){.arns = &list}, &r));
    must(restore_tags(&call, &r, &tags, &tag_count));
    cr_assert_eq(tag_count, 0, "files have none");
    must(restore_record(&call, &r));
    must(store_part_wanted(world.f.tx, &wanted));
    cr_assert_eq(wanted.count, 2);
    cr_assert_str_eq(wanted.items[1].origin, "near/b.rdb");
    list = (struct ec_snapshot_arns_list){true, 1, far};
    expect(restore_read(&call, &(struct restore_wish){.arns = &list}, &r),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    list = (struct ec_snapshot_arns_list){true, 1, odd};
    expect(restore_read(&call, &(struct restore_wish){.arns = &list}, &r),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(restore, a_node_gets_the_parts_that_have_something_of_its_slots)
{
    struct replication_group g = fixture_group(&world.f, "g1");
    struct cluster c = fixture_cluster(&world.f, "c1", "redis");
    struct node n = fixture_node(&world.f, c.id, "0001");
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};
    struct restore r = {.has = true};
    static const char *const slots[] = {"0-8191", "8192-16383"};
    bool has;

    for (int i = 0; i < 2; i++) {
        struct shard s = fixture_shard(&world.f, g.id, i ? "0002" : "0001");
        s.slots = slots[i];
        must(store_shard_update(world.f.tx, &s));
    }
    g.mode = CLUSTER_MODE_ENABLED;
    must(store_snapshot_take_group(world.f.tx, &g, &o, &r.snapshot));
    must(store_part_list(world.f.tx, &r.snapshot.id, 1, &r.parts));
    must(restore_seed(&call, &r, n.id, "10923-16383"));
    must(store_seed_has(world.f.tx, n.id, &has));
    cr_assert(has);
    cr_assert(err_failed(store_seed_insert(world.f.tx, n.id, r.parts.items[1].id, "")),
              "the second part is there already");
    must(store_seed_insert(world.f.tx, n.id, r.parts.items[0].id, ""));
}
