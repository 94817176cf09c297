#include "agent/tasks/kind.h"
#include "scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct scene s;
static struct tasks *tasks;
static struct task *at_work; /* the one begun last */
static int begun, dropped, news;

static void fake_begin(struct task *t)
{
    begun++;
    at_work = t;
}

static void fake_drop(struct task *t)
{
    cr_assert_not_null(t);
    dropped++;
}

static void hasty_begin(struct task *t)
{
    task_end(t, err_make(ERR_IO, "no room"));
}

static const struct task_kind fake = {"fake", fake_begin, fake_drop},
                              hasty = {"hasty", hasty_begin, fake_drop};
static const struct task_kind *const kinds[] = {&fake, &hasty, NULL};

static void on_news(void *context, struct node *n)
{
    (void)context;
    cr_assert_eq(n, s.n);
    news++;
}

static void begin(void)
{
    scene_open(&s);
    cr_assert_not(err_failed(tasks_open(
        &(struct tasks_conf){.loop = s.loop, .host = &s.host, .kinds = kinds, .on_news = on_news},
        &tasks)));
}

static void end(void)
{
    tasks_forget(s.n);
    tasks_close(tasks);
    scene_close(&s);
}

TestSuite(tasks, .init = begin, .fini = end, .timeout = 60);

/* The goal names these tasks, kind by kind, numbered from `first`. */
static void set_tasks(int64_t first, size_t count, const char *kind)
{
    struct agent_node_task items[4];

    for (size_t i = 0; i < count; i++)
        items[i] =
            (struct agent_node_task){.task_id = INT_OF(first + (int64_t)i), .kind = (char *)kind};
    s.goal.tasks = (struct agent_node_task_list){.has = true, .items = items, .count = count};
    node_set_goal(s.n, &s.goal);
    tasks_look(tasks, s.n);
}

static const struct agent_node_task_report *report(size_t at)
{
    static struct agent_node_report r;

    node_report(s.n, &r);
    return at < r.tasks.count ? &r.tasks.items[at] : NULL;
}

Test(tasks, one_is_begun_once_and_told_of_to_its_end)
{
    set_tasks(7, 1, "fake");
    tasks_look(tasks, s.n);
    cr_assert_eq(begun, 1);
    cr_assert_str_eq(report(0)->state, "running");
    cr_assert_eq(report(0)->task_id.value, 7);
    cr_assert_not(report(0)->percent.has);
    task_tell(at_work, 40);
    cr_assert_eq(report(0)->percent.value, 40);
    int before = news;
    task_tell(at_work, 40);
    cr_assert_eq(news, before, "the same says nothing new");
    task_end(at_work, OK);
    cr_assert_str_eq(report(0)->state, "done");
    cr_assert_null(report(0)->why);
    cr_assert_eq(dropped, 1);
    tasks_look(tasks, s.n);
    cr_assert_eq(begun, 1, "it is over");
    set_tasks(0, 0, "");
    cr_assert_null(report(0), "nobody asks any more");
    cr_assert_eq(dropped, 1);
}

Test(tasks, failing_at_once_is_told)
{
    set_tasks(7, 1, "hasty");
    cr_assert_str_eq(report(0)->state, "failed");
    cr_assert_str_eq(report(0)->why, "no room");
    cr_assert_eq(dropped, 1);
}

Test(tasks, a_kind_that_nobody_knows_fails)
{
    set_tasks(7, 1, "odd");
    cr_assert_str_eq(report(0)->state, "failed");
    cr_assert_str_eq(report(0)->why, "this agent has no tasks of kind odd");
    cr_assert_eq(dropped, 0);
}

Test(tasks, one_that_is_not_wanted_any_more_is_broken_off)
{
    set_tasks(7, 2, "fake");
    cr_assert_eq(begun, 2);
    set_tasks(8, 1, "fake");
    cr_assert_eq(dropped, 1);
    cr_assert_eq(begun, 2, "the other goes on");
    cr_assert_eq(report(0)->task_id.value, 8);
    cr_assert_null(report(1));
}

Test(tasks, one_waits_until_its_node_serves)
{
    s.n->state = NODE_STARTING;
    set_tasks(7, 1, "fake");
    cr_assert_eq(begun, 0);
    cr_assert_null(report(0));
    s.n->state = NODE_RUNNING;
    tasks_look(tasks, s.n);
    cr_assert_eq(begun, 1);
}

Test(tasks, an_engine_that_ends_takes_its_task_along)
{
    set_tasks(7, 1, "fake");
    s.n->run.pid = 43; /* and another one runs already */
    tasks_look(tasks, s.n);
    cr_assert_str_eq(report(0)->state, "failed");
    cr_assert_str_eq(report(0)->why, "its engine ended");
    cr_assert_eq(dropped, 1);
    cr_assert_eq(begun, 1);
}

Test(tasks, what_is_left_of_goals_of_before_begins_nothing)
{
    s.n->is_named = false;
    set_tasks(7, 1, "fake");
    cr_assert_eq(begun, 0);
}

Test(tasks, the_driver_is_that_of_the_process)
{
    set_tasks(7, 1, "fake");
    cr_assert_eq(task_driver(at_work), &driver_bundled);
    cr_assert_eq(task_conf(at_work)->loop, s.loop);
}
