#include "agent/tasks/kind.h"
#include "scene.h"

#include <criterion/criterion.h>

#include <string.h>

#define QUESTIONS                                         \
    "*3\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n" \
    "*3\r\n$8\r\nREPLCONF\r\n$8\r\nrdb-only\r\n$1\r\n1\r\n"
#define WISH "*1\r\n$4\r\nSYNC\r\n"

static struct scene s;
static struct tasks *tasks;
static const struct task_kind *const kinds[] = {&task_snapshot, NULL};

static const char *const nowhere = "http://127.0.0.1:1"; /* nobody is there */

static void on_news(void *context, struct node *n)
{
    (void)context;
    cr_assert_eq(n, s.n);
}

static void begin(void)
{
    struct agent_node_task item = {.task_id = INT_OF(7), .kind = "snapshot"};

    scene_open(&s);
    cr_assert_not(err_failed(tasks_open(
        &(struct tasks_conf){
            .loop = s.loop, .host = &s.host, .kinds = kinds, .url = &nowhere, .on_news = on_news},
        &tasks)));
    s.goal.tasks = (struct agent_node_task_list){.has = true, .items = &item, .count = 1};
    node_set_goal(s.n, &s.goal);
    tasks_look(tasks, s.n);
}

static void end(void)
{
    tasks_forget(s.n);
    tasks_close(tasks);
    scene_close(&s);
}

TestSuite(snapshot, .init = begin, .fini = end, .timeout = 60);

static const char *failure(void)
{
    static struct agent_node_report r;

    for (int64_t end_ms = scene_patience(&s);;) {
        node_report(s.n, &r);
        if (r.tasks.count > 0 && strcmp(r.tasks.items[0].state, "failed") == 0)
            return r.tasks.items[0].why;
        scene_turn(&s, end_ms, "it goes on");
    }
}

Test(snapshot, an_engine_is_asked_as_a_replica_asks_that_wants_no_stream)
{
    scene_accept(&s);
    scene_hear(&s, QUESTIONS);
    scene_say(&s, "+OK\r\n");
    scene_say(&s, "-ERR Unrecognized REPLCONF option: rdb-only\r\n"); /* an older one */
    scene_hear(&s, WISH);
    scene_say(&s, "\n\n-ERR not now\r\n");
    cr_assert_str_eq(failure(), "the engine refuses: -ERR not now");
}

Test(snapshot, what_cannot_be_brought_away_fails)
{
    scene_accept(&s);
    scene_hear(&s, QUESTIONS);
    scene_say(&s, "+OK\r\n+OK\r\n");
    scene_hear(&s, WISH);
    scene_say(&s, "$4\r\nabcd");
    cr_assert_not_null(strstr(failure(), "connect"), "%s", failure());
}

Test(snapshot, an_engine_that_ends_amid_it_is_told_of)
{
    scene_accept(&s);
    scene_hear(&s, QUESTIONS);
    scene_say(&s, "+OK\r\n+OK\r\n");
    scene_hear(&s, WISH);
    scene_say(&s, "$EOF:0123456789012345678901234567890123456789\r\nabc");
    loop_turn(s.loop, 5);
    fd_close(&s.fd);
    cr_assert_str_eq(failure(), "the engine hung up amid its snapshot");
}

Test(snapshot, an_answer_that_is_none_fails)
{
    scene_accept(&s);
    scene_hear(&s, QUESTIONS);
    scene_say(&s, "+OK\r\n+OK\r\n");
    scene_hear(&s, WISH);
    scene_say(&s, "$-1\r\n");
    cr_assert_str_eq(failure(), "the engine answers what nobody understands");
}
