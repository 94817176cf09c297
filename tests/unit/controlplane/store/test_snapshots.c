#include "controlplane/store/snapshots.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(snapshots);

static struct snapshot_order order(const char *name)
{
    return (struct snapshot_order){.name = name, .owner = "", .member_name = "", .now_ms = 1000};
}

static struct snapshot of_cluster(const struct cluster *c, const char *name)
{
    struct snapshot_order o = order(name);
    struct snapshot s;

    must(store_snapshot_take_cluster(f.tx, c, &o, &s));
    return s;
}

static struct snapshot_part_list parts_of(const struct snapshot *s)
{
    struct snapshot_part_list parts;
    must(store_part_list(f.tx, &s->id, 1, &parts));
    return parts;
}

Test(snapshots, one_of_a_cluster_has_what_the_cluster_was)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct snapshot made = of_cluster(&c, "s1"), read;
    struct operation o;

    must(store_snapshot_find(f.tx, c.account, c.region, "", "s1", &read));
    cr_assert_eq(read.id, made.id);
    cr_assert_eq(read.state, SNAPSHOT_CREATING);
    cr_assert_eq(read.cluster_id, c.id);
    cr_assert_str_eq(read.cluster_name, "c1");
    cr_assert_str_eq(read.source.engine_version, c.engine_version);
    cr_assert_str_eq(read.source.parameter_group, c.parameter_group);
    cr_assert_not(read.is_restoring || read.is_exporting);
    cr_assert_eq(parts_of(&made).count, 1);
    cr_assert_str_eq(parts_of(&made).items[0].number, "");
    must(store_operation_running(f.tx, c.id, &o));
    cr_assert_eq(o.kind, OPERATION_SNAPSHOT);
    struct snapshot_order again = order("s1");
    cr_assert(err_is(store_snapshot_take_cluster(f.tx, &c, &again, &read), ERR_EXISTS));
}

Test(snapshots, one_of_a_group_has_a_part_of_each_shard)
{
    struct replication_group g = fixture_group(&f, "g1");
    struct shard shard = fixture_shard(&f, g.id, "0001");
    struct cluster m = fixture_cluster(&f, "g1-001", "redis");
    struct snapshot_order o = order("s1");
    struct snapshot s;

    fixture_shard(&f, g.id, "0002");
    m.group_id = g.id;
    m.shard_id = shard.id;
    must(store_cluster_update(f.tx, &m));
    must(store_snapshot_take_group(f.tx, &g, &o, &s));
    struct snapshot_part_list parts = parts_of(&s);
    cr_assert_eq(parts.count, 2);
    cr_assert_str_eq(parts.items[0].number, "0001");
    cr_assert_eq(parts.items[0].shard_id, shard.id);
    cr_assert_eq(parts.items[0].replicas, 0);
}

Test(snapshots, lists_are_by_name_and_obey_their_filters)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis"), d = fixture_cluster(&f, "c2", "redis");
    struct snapshot_query q = {.account = c.account,
                               .region = c.region,
                               .owner = "",
                               .after = "",
                               .group_name = "",
                               .cluster_name = "",
                               .name = "",
                               .source = "",
                               .limit = 10};
    struct snapshot *list;
    size_t count;

    of_cluster(&c, "b");
    of_cluster(&d, "a");
    must(store_snapshot_list(f.tx, &q, &list, &count));
    cr_assert(count == 2 && strcmp(list[0].name, "a") == 0);
    q.after = "a";
    must(store_snapshot_list(f.tx, &q, &list, &count));
    cr_assert(count == 1 && strcmp(list[0].name, "b") == 0);
    q.after = "";
    q.cluster_name = "c2";
    must(store_snapshot_list(f.tx, &q, &list, &count));
    cr_assert(count == 1 && strcmp(list[0].name, "a") == 0);
    q.cluster_name = "";
    q.source = "system";
    must(store_snapshot_list(f.tx, &q, &list, &count));
    cr_assert_eq(count, 0);
    q.source = "user";
    must(store_snapshot_list(f.tx, &q, &list, &count));
    cr_assert_eq(count, 2);
    must(store_snapshot_creating(f.tx, &list, &count));
    cr_assert_eq(count, 2);
    int64_t taken = 0;
    must(store_snapshot_count(f.tx, 0, c.id, 999, &taken));
    cr_assert_eq(taken, 1);
    must(store_snapshot_count(f.tx, 0, c.id, 1000, &taken));
    cr_assert_eq(taken, 0, "it is too old");
}

Test(snapshots, automatic_ones_are_over_when_their_source_keeps_them_no_longer)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct snapshot_order o = order("automatic.c1-x");
    struct snapshot s, *old;
    size_t count;

    o.is_automatic = true;
    c.snapshot_retention = 2;
    must(store_cluster_update(f.tx, &c));
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
    must(store_snapshot_set_state(f.tx, s.id, SNAPSHOT_AVAILABLE, ""));
    must(store_snapshot_expired(f.tx, 1000 + 2 * 86400000LL - 1, &old, &count));
    cr_assert_eq(count, 0);
    must(store_snapshot_expired(f.tx, 1000 + 2 * 86400000LL, &old, &count));
    cr_assert_eq(count, 1);
    c.snapshot_retention = 0;
    must(store_cluster_update(f.tx, &c));
    must(store_snapshot_expired(f.tx, 1000, &old, &count));
    cr_assert_eq(count, 1);
    must(store_snapshot_remove(f.tx, &s, "arn"));
    cr_assert(err_is(store_snapshot_get(f.tx, s.id, &s), ERR_NOT_FOUND));
}

Test(snapshots, a_part_is_found_by_its_task_until_it_is_there)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct snapshot s = of_cluster(&c, "s1");
    struct snapshot_part part = parts_of(&s).items[0], read;
    int64_t file_id;

    part.node_id = 3;
    part.task_id = 7;
    part.attempts = 1;
    part.cluster_name = "c1";
    must(store_part_assign(f.tx, &part));
    must(store_part_of_task(f.tx, 7, &read));
    cr_assert(read.id == part.id && read.node_id == 3 && read.attempts == 1);
    must(store_part_keep(f.tx, part.id, &(struct kept_bytes){10, "ff", ""}, 2000, &file_id));
    cr_assert(err_is(store_part_of_task(f.tx, 7, &read), ERR_NOT_FOUND));
    must(store_part_get(f.tx, part.id, &read));
    cr_assert(read.file_id == file_id && read.bytes == 10 && read.taken_ms == 2000);
    cr_assert_str_eq(read.sha256, "ff");
}
