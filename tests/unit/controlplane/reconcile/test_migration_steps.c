#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;
static struct node_task question;

static void open_scene(void)
{
    group_scene_open(&s, 1, 2);
    group_scene_run(&s);
}

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(migration_steps, .init = open_scene, .fini = close_scene);

static const struct decision *find(enum decision_kind kind)
{
    vec_each(d, &s.decisions.list)
        if (d->kind == kind)
            return d;
    return NULL;
}

/* The node's agent answers what it is to ask. */
static void answer(enum task_state state, const char *why)
{
    const struct decision *asked = find(DECISION_TASK);

    cr_assert_not_null(asked);
    question = asked->task;
    question.id = 9;
    question.state = state;
    question.why = why;
    s.view.tasks = &question;
    s.view.task_count = 1;
}

static void obey(bool is_linked)
{
    group_scene_obey(&s, 0, 100);
    group_scene_obey(&s, 1, 100);
    s.nodes[0].saw.is_link_up = is_linked;
    if (s.shards[0].goal.source.port)
        s.nodes[0].saw.role = "replica";
}

static void begin(enum group_operation_kind kind, const char *data)
{
    group_scene_operate(&s, kind, data);
    group_scene_decide(&s);
}

static enum operation_state state(void)
{
    return s.view.operation.state;
}

Test(migration_steps, a_test_asks_and_changes_nothing)
{
    begin(GROUP_TEST_MIGRATION, "10.0.0.1 7000");
    cr_assert_str_eq(find(DECISION_TASK)->task.kind, "AskSource");
    cr_assert_str_eq(find(DECISION_TASK)->task.detail,
                     "{\"AskSource\":{\"Address\":\"10.0.0.1\",\"Port\":7000}}");
    cr_assert_eq(find(DECISION_TASK)->task.node_id, 1);
    answer(TASK_RUNNING, "");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    cr_assert_eq(group_scene_count(&s, DECISION_TASK), 0, "it is asked once");
    question.state = TASK_DONE;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(
        group_scene_told(&s, "Data can be migrated from 10.0.0.1:7000 to replication group rg"));
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD), 0);
    cr_assert_eq(find(DECISION_TASK_REMOVE)->task.id, 9);
}

Test(migration_steps, what_the_test_found_is_told)
{
    begin(GROUP_TEST_MIGRATION, "10.0.0.1 7000");
    answer(TASK_FAILED, "the source asks for a password");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_str_eq(s.view.operation.why, "the source asks for a password");
    cr_assert(group_scene_told(
        &s, "Test of a migration to replication group rg failed: the source asks for a password"));
}

static void migrate(void)
{
    begin(GROUP_MIGRATE, "10.0.0.1 7000");
    answer(TASK_DONE, "");
    group_scene_decide(&s);
}

Test(migration_steps, the_primary_follows_the_source_by_a_higher_term)
{
    int64_t before = s.shards[0].goal.term;

    migrate();
    cr_assert_eq(s.shards[0].goal.term, before + 1);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
    cr_assert_str_eq(s.shards[0].goal.source.address, "10.0.0.1");
    cr_assert_eq(s.shards[0].goal.source.port, 7000);
    obey(false);
    group_scene_decide(&s);
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD), 0, "its link is not up");
    obey(true);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, before + 2, "replicas are asked anew");
    cr_assert_eq(state(), OPERATION_RUNNING);
    obey(true);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(group_scene_told(&s, "Replication group rg is in sync with 10.0.0.1:7000"));
}

Test(migration_steps, a_migration_that_fails_leaves_a_primary)
{
    migrate();
    obey(false);
    s.view.now_ms = s.view.operation.deadline_ms;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.shards[0].goal.source.port, 0);
    cr_assert_eq(s.shards[0].goal.primary_id, 1);
}

static void follow(void)
{
    migrate();
    obey(true);
    group_scene_decide(&s);
    obey(true);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    s.view.task_count = 0;
}

Test(migration_steps, completing_waits_until_the_source_is_caught_up_with)
{
    follow();
    begin(GROUP_COMPLETE_MIGRATION, "");
    cr_assert_str_eq(
        find(DECISION_TASK)->task.detail,
        "{\"AskSource\":{\"Address\":\"10.0.0.1\",\"Port\":7000,\"AwaitsOffset\":true}}");
    cr_assert_eq(s.shards[0].goal.source.port, 7000);
    answer(TASK_DONE, "");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.source.port, 0);
    obey(false);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(group_scene_told(&s, "Migration to replication group rg completed"));
}

Test(migration_steps, one_that_cannot_be_caught_up_with_goes_on)
{
    follow();
    begin(GROUP_COMPLETE_MIGRATION, "");
    answer(TASK_FAILED, "it is gone");
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.shards[0].goal.source.port, 7000);
    cr_assert(group_scene_told(&s, "Migration to replication group rg failed: it is gone"));
}

Test(migration_steps, by_force_nobody_is_asked)
{
    follow();
    begin(GROUP_COMPLETE_MIGRATION, "force");
    cr_assert_eq(group_scene_count(&s, DECISION_TASK), 0);
    cr_assert_eq(s.shards[0].goal.source.port, 0);
}

Test(migration_steps, a_replica_that_takes_over_follows_the_source)
{
    follow();
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.primary_id, 2);
    cr_assert_eq(s.shards[0].goal.source.port, 7000);
}
