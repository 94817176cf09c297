#include "controlplane/store/globals.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(globals);

static struct global_datastore datastore(const char *name)
{
    struct global_datastore g = {
        .account = "000000000000", .name = name, .description = "d", .created_ms = 7};

    must(store_global_insert(f.tx, &g));
    return g;
}

Test(globals, every_column_survives_the_round_trip)
{
    struct global_datastore g = datastore("ldgnf-a"), found, twin = g;

    cr_assert(err_is(store_global_insert(f.tx, &twin), ERR_EXISTS));
    must(store_global_describe(f.tx, g.id, "other"));
    must(store_global_find(f.tx, "000000000000", "ldgnf-a", &found));
    cr_assert_eq(found.id, g.id);
    cr_assert_str_eq(found.description, "other");
    cr_assert_eq(found.created_ms, 7);
    cr_assert(err_is(store_global_find(f.tx, "111111111111", "ldgnf-a", &found), ERR_NOT_FOUND));
}

Test(globals, they_come_by_name_page_by_page)
{
    struct global_datastore *list;
    size_t count;

    datastore("ldgnf-b");
    datastore("ldgnf-a");
    datastore("ldgnf-c");
    must(store_global_list(f.tx, "000000000000", "ldgnf-a", 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].name, "ldgnf-b");
}

Test(globals, members_have_roles_and_go_with_their_datastore)
{
    struct global_datastore g = datastore("ldgnf-a");
    struct replication_group one = fixture_group(&f, "one"), two = fixture_group(&f, "two");
    int64_t groups[] = {one.id, two.id};
    struct global_member *members;
    size_t count;

    must(store_global_member_set(f.tx, g.id, one.id, GLOBAL_PRIMARY));
    must(store_global_member_set(f.tx, g.id, two.id, GLOBAL_SECONDARY));
    must(store_global_member_set(f.tx, g.id, two.id, GLOBAL_LEAVING));
    must(store_global_members(f.tx, &g.id, 1, &members, &count));
    cr_assert_eq(count, 2);
    must(store_global_members_using(f.tx, "000000000000", one.region, one.common.parameter_group,
                                    &members, &count));
    cr_assert_eq(count, 2);
    must(store_global_members_using(f.tx, "000000000000", one.region, "other", &members, &count));
    cr_assert_eq(count, 0);
    must(store_global_members_of(f.tx, groups, 2, &members, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(members[1].role, GLOBAL_LEAVING);
    cr_assert_str_eq(members[1].group, "two");
    cr_assert_str_eq(members[1].datastore, "ldgnf-a");
    cr_assert_str_eq(members[1].region, two.region);
    must(store_global_member_remove(f.tx, two.id));
    must(store_global_members(f.tx, &g.id, 1, &members, &count));
    cr_assert_eq(count, 1);
    must(store_global_remove(f.tx, g.id));
    must(store_global_members_of(f.tx, groups, 2, &members, &count));
    cr_assert_eq(count, 0);
}

Test(globals, a_group_is_looked_at_through_one_of_its_clusters)
{
    struct replication_group g = fixture_group(&f, "one");
    struct cluster c = fixture_cluster(&f, "one-001", "redis");
    int64_t *ids;
    size_t count;
    bool is_all;

    c.group_id = g.id;
    must(store_cluster_update(f.tx, &c));
    fixture_commit(&f);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    fixture_begin(&f, STORE_WRITE);
    must(store_touch_group(f.tx, g.id));
    fixture_commit(&f);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert_eq(count, 1);
    cr_assert_eq(ids[0], c.id);
}
