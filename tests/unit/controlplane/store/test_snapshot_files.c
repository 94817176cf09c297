#include "controlplane/store/snapshots.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <string.h>

static struct fixture f;
static struct cluster c;
static struct snapshot s;
static struct snapshot_part part;
static struct node n;
static int64_t file_id;

static void begin(void)
{
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};
    struct snapshot_part_list parts;

    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    c = fixture_cluster(&f, "c1", "redis");
    n = fixture_node(&f, c.id, "0001");
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
    must(store_part_list(f.tx, &s.id, 1, &parts));
    part = parts.items[0];
    must(store_part_keep(f.tx, part.id, &(struct kept_bytes){10, "ff", ""}, 2000, &file_id));
    must(store_snapshot_set_state(f.tx, s.id, SNAPSHOT_AVAILABLE, ""));
}

static void end(void)
{
    fixture_close(&f);
}

TestSuite(snapshot_files, .init = begin, .fini = end);

Test(snapshot_files, parts_under_another_key_are_found_until_they_have_files_of_their_own)
{
    struct snapshot copy = s;
    struct snapshot_part_list list;
    struct snapshot_part twin;
    int64_t id;

    must(store_part_get(f.tx, part.id, &twin));
    copy.name = "s2";
    copy.kms_key = "other";
    copy.state = SNAPSHOT_AVAILABLE;
    must(store_snapshot_insert(f.tx, &copy));
    twin.snapshot_id = copy.id;
    must(store_part_insert(f.tx, &twin));
    must(store_snapshot_get(f.tx, copy.id, &copy));
    cr_assert(copy.is_copying);
    must(store_part_miskeyed(f.tx, &list));
    cr_assert(list.count == 1 && list.items[0].id == twin.id);
    must(store_part_keep(f.tx, twin.id, &(struct kept_bytes){10, "ff", "key"}, 9000, &id));
    must(store_part_miskeyed(f.tx, &list));
    cr_assert_eq(list.count, 0);
    must(store_part_get(f.tx, twin.id, &twin));
    cr_assert_eq(twin.file_id, id);
    cr_assert_eq(twin.taken_ms, 2000, "it was not taken anew");
    cr_assert_str_eq(twin.data_key, "key");
    must(store_snapshot_get(f.tx, copy.id, &copy));
    cr_assert_not(copy.is_copying);
}

Test(snapshot_files, a_file_is_unused_when_the_last_that_is_in_it_goes)
{
    struct snapshot copy = s;
    struct snapshot_part twin;
    int64_t *ids;
    size_t count;

    must(store_part_get(f.tx, part.id, &twin));
    copy.name = "s2";
    must(store_snapshot_insert(f.tx, &copy));
    twin.snapshot_id = copy.id;
    must(store_part_insert(f.tx, &twin));
    must(store_snapshot_remove(f.tx, &s, "arn"));
    must(store_file_unused(f.tx, 10, &ids, &count));
    cr_assert_eq(count, 0);
    must(store_snapshot_remove(f.tx, &copy, "arn"));
    must(store_file_unused(f.tx, 10, &ids, &count));
    cr_assert(count == 1 && ids[0] == file_id);
    must(store_file_ids(f.tx, &ids, &count));
    cr_assert_eq(count, 1);
    must(store_file_remove(f.tx, file_id));
    must(store_file_ids(f.tx, &ids, &count));
    cr_assert_eq(count, 0);
}

static struct operation create(void)
{
    struct operation o = {.kind = OPERATION_CREATE,
                          .cluster_id = c.id,
                          .data = OPERATION_RESTORES,
                          .why = "",
                          .created_ms = 3000,
                          .deadline_ms = 9000};

    must(store_operation_insert(f.tx, &o));
    return o;
}

Test(snapshot_files, seeds_are_told_until_their_cache_is_made)
{
    struct host h = fixture_host(&f, "h1", "a", "127.77.0.0/24", 1 << 30);
    struct operation o = create();
    struct node_seed *seeds;
    bool has, is_left;
    size_t count;

    must(store_goal_set(
        f.tx, n.id,
        &(struct node_goal){
            .host_id = h.id, .address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING}));
    must(store_seed_insert(f.tx, n.id, part.id, "0-100"));
    must(store_seed_list_of_host(f.tx, h.id, &seeds, &count));
    cr_assert_eq(count, 1);
    cr_assert(seeds[0].node_id == n.id && seeds[0].part.bytes == 10);
    cr_assert_str_eq(seeds[0].slots, "0-100");
    must(store_snapshot_get(f.tx, s.id, &s));
    cr_assert(s.is_restoring);
    must(store_seed_settle(f.tx, &is_left));
    must(store_seed_has(f.tx, n.id, &has));
    cr_assert(is_left && has);
    o.state = OPERATION_DONE;
    must(store_operation_update(f.tx, &o));
    must(store_seed_settle(f.tx, &is_left));
    must(store_seed_has(f.tx, n.id, &has));
    cr_assert(!is_left && !has);
    must(store_snapshot_get(f.tx, s.id, &s));
    cr_assert_not(s.is_restoring);
}

Test(snapshot_files, what_cannot_be_fetched_ends_the_create)
{
    struct operation o = create();

    must(store_seed_insert(f.tx, n.id, part.id, ""));
    must(store_seed_fail(f.tx, s.id, "no such key"));
    must(store_operation_running(f.tx, c.id, &o));
    cr_assert_eq(o.deadline_ms, 0);
    cr_assert_str_eq(o.why, "no such key");
    must(store_snapshot_get(f.tx, s.id, &s));
    cr_assert_eq(s.state, SNAPSHOT_FAILED);
}

Test(snapshot_files, what_is_to_be_fetched_is_known_until_it_is_here)
{
    struct snapshot import = s;
    struct snapshot_part wanted = {
        .number = "0001", .slots = "", .cluster_name = "", .origin = "b/k"};
    struct snapshot_part_list parts;
    bool is_left;
    int64_t id;

    import.owner = SNAPSHOT_OWNER_IMPORT;
    import.state = SNAPSHOT_CREATING;
    must(store_snapshot_insert(f.tx, &import));
    wanted.snapshot_id = import.id;
    must(store_part_insert(f.tx, &wanted));
    create();
    must(store_seed_insert(f.tx, n.id, wanted.id, ""));
    must(store_part_wanted(f.tx, &parts));
    cr_assert(parts.count == 1 && strcmp(parts.items[0].origin, "b/k") == 0);
    must(store_part_keep(f.tx, wanted.id, &(struct kept_bytes){10, "ff", ""}, 2000, &id));
    must(store_seed_arrived(f.tx, wanted.id));
    must(store_part_wanted(f.tx, &parts));
    cr_assert_eq(parts.count, 0);
    must(store_seed_settle(f.tx, &is_left));
    cr_assert(is_left);
    must(store_node_remove(f.tx, n.id));
    must(store_seed_settle(f.tx, &is_left));
    cr_assert(err_is(store_snapshot_get(f.tx, import.id, &import), ERR_NOT_FOUND),
              "nobody needs it any more");
}

Test(snapshot_files, exports_come_one_after_another)
{
    struct snapshot_export x = {.snapshot_id = s.id, .bucket = "b", .name = "one"}, next;

    must(store_export_insert(f.tx, &x, 1));
    x.name = "two";
    must(store_export_insert(f.tx, &x, 2));
    must(store_snapshot_get(f.tx, s.id, &s));
    cr_assert(s.is_exporting);
    must(store_export_next(f.tx, &next));
    cr_assert_str_eq(next.name, "one");
    must(store_export_remove(f.tx, next.id));
    must(store_export_next(f.tx, &next));
    cr_assert_str_eq(next.name, "two");
    must(store_export_remove(f.tx, next.id));
    cr_assert(err_is(store_export_next(f.tx, &next), ERR_NOT_FOUND));
}

Test(snapshot_files, the_oldest_member_of_a_shard_begins_with_its_data)
{
    struct replication_group g = fixture_group(&f, "g1");
    struct shard shard = fixture_shard(&f, g.id, "0001");
    int64_t id;

    cr_assert(err_is(store_node_first_of_shard(f.tx, shard.id, &id), ERR_NOT_FOUND));
    c.group_id = g.id;
    c.shard_id = shard.id;
    must(store_cluster_update(f.tx, &c));
    must(store_node_first_of_shard(f.tx, shard.id, &id));
    cr_assert_eq(id, n.id);
}
