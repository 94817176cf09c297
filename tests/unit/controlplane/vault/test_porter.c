#include "../store/fixture.h"
#include "base/clock.h"
#include "base/fs.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/vault/porter.h"
#include "controlplane/vault/vault.h"

#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

static struct fixture f;
static struct vault *v;
static struct porter *p;
static struct bucket bucket = {.name = "b"};
static struct buckets buckets = {&bucket, 1};
static struct snapshot s;
static struct snapshot_part part;

static void begin(void)
{
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};
    struct snapshot_part_list parts;
    int fd;

    fixture_open(&f);
    bucket.dir = fs_join(&f.arena, f.dir, "bucket");
    must(fs_make_dirs(bucket.dir, 0700));
    fixture_begin(&f, STORE_WRITE);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
    must(store_part_list(f.tx, &s.id, 1, &parts));
    part = parts.items[0];
    must(store_snapshot_set_state(f.tx, s.id, SNAPSHOT_AVAILABLE, ""));
    fixture_commit(&f);
    must(vault_open(&f.arena, f.store, &clock_system, fs_join(&f.arena, f.dir, "snapshots"), &v));
    must(vault_import(v, &f.arena, part.id, &fd));
    cr_assert_eq(write(fd, "abc", 3), 3);
    must(vault_import_end(v, &f.arena, part.id, fd));
    close(fd);
}

static void end(void)
{
    porter_stop(p);
    vault_close(v);
    fixture_close(&f);
}

TestSuite(porter, .init = begin, .fini = end, .timeout = 60);

static void start(void)
{
    must(porter_start(
        &(struct porter_conf){
            .store = f.store, .vault = v, .buckets = &buckets, .clock = &clock_system},
        &p));
}

/* Waits until `is_done` says so, looked at after each commit. */
static void await(bool (*is_done)(void))
{
    for (bool done = false; !done;) {
        uint64_t seen = store_generation(f.store);
        fixture_begin(&f, STORE_READ);
        done = is_done();
        store_rollback(&f.tx);
        if (!done)
            store_wait(f.store, seen, clock_boot_ms(&clock_system) + 100);
    }
}

static bool is_exported(void)
{
    struct snapshot_export x;
    return err_is(store_export_next(f.tx, &x), ERR_NOT_FOUND);
}

Test(porter, a_snapshot_is_carried_to_its_bucket)
{
    fixture_begin(&f, STORE_WRITE);
    must(store_export_insert(
        f.tx, &(struct snapshot_export){.snapshot_id = s.id, .bucket = "b", .name = "out"}, 1));
    fixture_commit(&f);
    start();
    await(is_exported);
    cr_assert(fs_exists(fs_join(&f.arena, bucket.dir, "out.rdb")));
}

static bool is_sealed(void)
{
    struct snapshot_part_list list;
    must(store_part_miskeyed(f.tx, &list));
    return list.count == 0;
}

Test(porter, a_copy_under_another_key_gets_a_file_of_its_own)
{
    struct snapshot copy = s;
    struct snapshot_part twin;

    fixture_begin(&f, STORE_WRITE);
    must(store_part_get(f.tx, part.id, &part));
    twin = part;
    copy.name = "s2";
    copy.kms_key = "other";
    copy.state = SNAPSHOT_AVAILABLE;
    must(store_snapshot_insert(f.tx, &copy));
    twin.snapshot_id = copy.id;
    must(store_part_insert(f.tx, &twin));
    fixture_commit(&f);
    start();
    await(is_sealed);
    fixture_begin(&f, STORE_READ);
    must(store_part_get(f.tx, twin.id, &twin));
    cr_assert_neq(twin.file_id, part.file_id);
    cr_assert_neq(strcmp(twin.data_key, part.data_key), 0);
    cr_assert_str_eq(twin.sha256, part.sha256);
}

static bool is_imported(void)
{
    struct snapshot_part_list wanted;
    must(store_part_wanted(f.tx, &wanted));
    return wanted.count == 0;
}

static struct snapshot_part import(const char *origin)
{
    struct snapshot_part wanted = {
        .number = "0001", .slots = "", .cluster_name = "", .origin = origin};
    struct snapshot from = s;

    from.owner = SNAPSHOT_OWNER_IMPORT;
    from.state = SNAPSHOT_CREATING;
    fixture_begin(&f, STORE_WRITE);
    must(store_snapshot_insert(f.tx, &from));
    wanted.snapshot_id = from.id;
    must(store_part_insert(f.tx, &wanted));
    fixture_commit(&f);
    return wanted;
}

Test(porter, seeds_are_fetched_and_those_that_are_not_there_fail)
{
    struct snapshot_part good, bad, other;
    struct snapshot failed;

    must(fs_write_atomic(fs_join(&f.arena, bucket.dir, "k.rdb"), STR("REDIS0011abcd"), 0600,
                         FS_NO_SYNC));
    must(fs_write_atomic(fs_join(&f.arena, bucket.dir, "text.rdb"), STR("a letter"), 0600,
                         FS_NO_SYNC));
    good = import("b/k.rdb");
    s.name = "s2";
    bad = import("b/none.rdb");
    s.name = "s3";
    other = import("b/text.rdb");
    start();
    await(is_imported);
    fixture_begin(&f, STORE_READ);
    must(store_part_get(f.tx, good.id, &good));
    cr_assert_eq(good.bytes, 13);
    must(store_snapshot_get(f.tx, bad.snapshot_id, &failed));
    cr_assert_eq(failed.state, SNAPSHOT_FAILED);
    cr_assert_not_null(strstr(failed.why, "none.rdb"));
    must(store_snapshot_get(f.tx, other.snapshot_id, &failed));
    cr_assert_str_eq(failed.why, "b/text.rdb is no RDB file");
}
