#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(operations);

static struct operation add(int64_t cluster_id, enum operation_kind kind)
{
    struct operation o = {.kind = kind,
                          .cluster_id = cluster_id,
                          .data = "0001,0002",
                          .why = "",
                          .created_ms = 5,
                          .deadline_ms = 6};
    must(store_operation_insert(f.tx, &o));
    return o;
}

Test(operations, how_far_one_got_is_kept)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct operation o = add(c.id, OPERATION_REBOOT), found;

    o.step = 1;
    must(store_operation_update(f.tx, &o));
    must(store_operation_running(f.tx, c.id, &found));
    cr_assert_eq(found.id, o.id);
    cr_assert_eq(found.kind, OPERATION_REBOOT);
    cr_assert_eq(found.step, 1);
    cr_assert_str_eq(found.data, "0001,0002");
    cr_assert_eq(found.deadline_ms, 6);
}

Test(operations, an_ended_one_is_newest_but_not_running)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct operation o = add(c.id, OPERATION_CREATE), found;

    o.state = OPERATION_FAILED;
    o.why = "no room";
    must(store_operation_update(f.tx, &o));
    cr_assert(err_is(store_operation_running(f.tx, c.id, &found), ERR_NOT_FOUND));
    must(store_operation_newest(f.tx, c.id, &found));
    cr_assert_eq(found.state, OPERATION_FAILED);
    cr_assert_str_eq(found.why, "no room");
}

Test(operations, the_newest_of_many_clusters_come_at_once)
{
    struct cluster a = fixture_cluster(&f, "a", "redis");
    struct cluster b = fixture_cluster(&f, "b", "redis");
    struct cluster none = fixture_cluster(&f, "none", "redis");
    struct operation *found;
    size_t count;

    add(a.id, OPERATION_CREATE);
    add(b.id, OPERATION_CREATE);
    struct operation newest = add(a.id, OPERATION_DELETE);
    must(store_operation_newest_of(f.tx, (int64_t[]){a.id, b.id, none.id}, 3, &found, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(found[0].id, newest.id);
    cr_assert_eq(found[1].cluster_id, b.id);
}

Test(operations, of_several_clusters_only_what_runs_is_told)
{
    struct cluster a = fixture_cluster(&f, "a", "redis"), b = fixture_cluster(&f, "b", "redis");
    struct operation done = add(a.id, OPERATION_CREATE), runs = add(a.id, OPERATION_REBOOT);
    struct operation other = add(b.id, OPERATION_REBOOT), *found;
    int64_t ids[] = {b.id, a.id};
    size_t count;

    done.state = OPERATION_DONE;
    must(store_operation_update(f.tx, &done));
    must(store_operation_running_of(f.tx, ids, 2, &found, &count));
    cr_assert_eq(count, 2);
    cr_expect_eq(found[0].id, runs.id);
    cr_expect_eq(found[1].id, other.id);
    must(store_operation_running_of(f.tx, ids, 1, &found, &count));
    cr_expect_eq(count, 1);
}
