#include "controlplane/store/groups.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(group_operations);

static struct group_operation begin(int64_t group_id, enum group_operation_kind kind, int64_t at_ms)
{
    struct group_operation o = {.kind = kind,
                                .group_id = group_id,
                                .data = "d",
                                .why = "",
                                .created_ms = at_ms,
                                .deadline_ms = at_ms + 1000};
    must(store_group_operation_insert(f.tx, &o));
    return o;
}

static void end(struct group_operation *o)
{
    o->state = OPERATION_DONE;
    must(store_group_operation_update(f.tx, o));
}

Test(group_operations, at_most_one_of_a_group_runs)
{
    int64_t id = fixture_group(&f, "rg").id;
    struct group_operation first = begin(id, GROUP_CREATE, 1);
    struct group_operation second = first, found;

    cr_assert(err_is(store_group_operation_insert(f.tx, &second), ERR_EXISTS));
    first.step = 2;
    first.data = "more";
    first.why = "because";
    must(store_group_operation_update(f.tx, &first));
    must(store_group_operation_running(f.tx, id, &found));
    cr_assert_eq(found.id, first.id);
    cr_assert_eq(found.kind, GROUP_CREATE);
    cr_assert_eq(found.step, 2);
    cr_assert_str_eq(found.data, "more");
    cr_assert_str_eq(found.why, "because");
    cr_assert_eq(found.deadline_ms, 1001);
    cr_assert_str_eq(found.pending, "");
    second = (struct group_operation){.kind = GROUP_MODIFY,
                                      .group_id = fixture_group(&f, "other").id,
                                      .data = "",
                                      .pending = "ROTATING",
                                      .why = ""};
    must(store_group_operation_insert(f.tx, &second));
    must(store_group_operation_running(f.tx, second.group_id, &found));
    cr_assert_str_eq(found.pending, "ROTATING");
    end(&first);
    cr_assert(err_is(store_group_operation_running(f.tx, id, &found), ERR_NOT_FOUND));
    begin(id, GROUP_MODIFY, 2);
}

Test(group_operations, the_newest_of_many_groups_are_read_at_once)
{
    int64_t ids[] = {fixture_group(&f, "a").id, fixture_group(&f, "b").id,
                     fixture_group(&f, "c").id};
    struct group_operation first = begin(ids[0], GROUP_CREATE, 1), *newest;
    size_t count;

    end(&first);
    begin(ids[0], GROUP_REPLICAS, 2);
    begin(ids[2], GROUP_CREATE, 3);
    must(store_group_operation_newest(f.tx, ids, 3, &newest, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(newest[0].group_id, ids[0]);
    cr_assert_eq(newest[0].kind, GROUP_REPLICAS);
    cr_assert_eq(newest[1].group_id, ids[2]);
}

Test(group_operations, switches_are_counted_over_all_groups_of_the_account)
{
    struct group_operation old = begin(fixture_group(&f, "a").id, GROUP_SWITCH, 10);
    int64_t count;

    end(&old);
    begin(old.group_id, GROUP_SWITCH, 20);
    begin(fixture_group(&f, "b").id, GROUP_SWITCH, 30);
    begin(fixture_group(&f, "c").id, GROUP_CREATE, 30);
    must(store_group_switch_count(f.tx, "000000000000", "us-east-1", 20, &count));
    cr_assert_eq(count, 2);
    must(store_group_switch_count(f.tx, "000000000000", "eu-west-1", 0, &count));
    cr_assert_eq(count, 0);
}
