#include "agent/tasks/kind.h"
#include "scene.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER "+PONG\r\n$55\r\nredis_version:7.0.15\r\nrole:master\r\nmaster_repl_offset:7\r\n\r\n"

static struct scene s;
static struct tasks *tasks;
static int listener;

static void on_news(void *context, struct node *n)
{
    (void)context;
    (void)n;
}

static void begin(void)
{
    static const struct task_kind *const kinds[] = {&task_ask_source, NULL};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    scene_open(&s);
    cr_assert_not(err_failed(tasks_open(
        &(struct tasks_conf){.loop = s.loop, .host = &s.host, .kinds = kinds, .on_news = on_news},
        &tasks)));
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(listener, 4), 0);
}

static void end(void)
{
    tasks_forget(s.n);
    tasks_close(tasks);
    scene_close(&s);
    close(listener);
}

TestSuite(ask_source, .init = begin, .fini = end, .timeout = 60);

static void give(int port, bool awaits_offset)
{
    struct agent_ask_source ask = {.address = "127.0.0.1", .port = INT_OF(port)};
    struct agent_node_task task = {.task_id = INT_OF(1), .kind = "AskSource", .ask_source = &ask};

    if (awaits_offset)
        ask.awaits_offset = BOOL_OF(true);
    s.goal.maxmemory_bytes = INT_OF(1 << 20);
    s.goal.tasks = (struct agent_node_task_list){.has = true, .items = &task, .count = 1};
    node_set_goal(s.n, &s.goal);
    tasks_look(tasks, s.n);
}

static int port(void)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static void answer(void)
{
    int64_t end_ms = scene_patience(&s);
    int fd;

    while ((fd = accept(listener, NULL, NULL)) < 0)
        scene_turn(&s, end_ms, "nobody asks the source");
    cr_assert_eq(send(fd, ANSWER, strlen(ANSWER), MSG_NOSIGNAL), (ssize_t)strlen(ANSWER));
    close(fd);
}

static const char *state(void)
{
    return s.n->tasks->state;
}

static void await_state(const char *wanted)
{
    int64_t end_ms = scene_patience(&s);

    while (strcmp(state(), wanted) != 0)
        scene_turn(&s, end_ms, wanted);
}

Test(ask_source, is_done_when_the_source_can_be_followed)
{
    give(port(), false);
    cr_assert_str_eq(state(), "running");
    answer();
    await_state("done");
}

Test(ask_source, fails_with_what_was_found)
{
    close(listener);
    give(1, false);
    await_state("failed");
    cr_assert_not_null(strstr(s.n->tasks->why, "cannot be reached"));
    listener = -1;
}

Test(ask_source, waits_for_the_node_to_come_as_far)
{
    s.n->replication_offset = 6;
    give(port(), true);
    answer();
    for (int i = 0; i < 20; i++)
        loop_turn(s.loop, 10);
    cr_assert_str_eq(state(), "running");
    s.n->replication_offset = 7;
    await_state("done");
}

Test(ask_source, may_be_broken_off_before_the_answer)
{
    give(port(), false);
    tasks_forget(s.n);
    answer();
}

Test(ask_source, a_task_that_says_not_where_fails)
{
    give(0, false);
    cr_assert_str_eq(state(), "failed");
}
