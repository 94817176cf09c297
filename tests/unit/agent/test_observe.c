/* Looking at engines that a test plays: a socket in the node's folder, or one on an address. */
#include "agent/drivers/driver.h"
#include "agent/drivers/secrets.h"
#include "agent/observe.h"
#include "agent/supervise/node.h"
#include "base/clock.h"
#include "base/net.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct nodes nodes;
static struct observe *observe;
static struct driver_host host;
static int alive;
static int64_t silent_ms;
static const char *silent_why;

static void on_alive(void *context, struct node *n)
{
    (void)context;
    (void)n;
    alive++;
}

static const char *numbers;

static void on_numbers(void *context, struct node *n, struct str answer)
{
    (void)context;
    (void)n;
    numbers = str_dup(&arena, answer);
}

/* The minute of the wall clock is the test's, so that no question for numbers comes amid it. */
static int64_t wall_ms = 600000;

static int64_t test_wall_ms(const struct clock *c)
{
    (void)c;
    return wall_ms;
}

static int64_t test_boot_ms(const struct clock *c)
{
    (void)c;
    return clock_boot_ms(&clock_system);
}

static const struct clock test_clock = {.wall_ms = test_wall_ms, .boot_ms = test_boot_ms};

static void on_silent(void *context, struct node *n, int64_t ms, const char *why)
{
    (void)context;
    (void)n;
    silent_ms = ms;
    silent_why = why;
}

static const char *hung;

static void on_hung(void *context, struct node *n, const char *why)
{
    (void)context, (void)n;
    hung = why;
}

static void begin(void)
{
    strcpy(folder, "/tmp/larder-obs-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_not(err_failed(loop_open(&test_clock, &loop)));
    nodes_init(&nodes, folder, "boot-1");
    observe = observe_open(&(struct observe_conf){.loop = loop,
                                                  .host = &host,
                                                  .on_alive = on_alive,
                                                  .on_numbers = on_numbers,
                                                  .on_silent = on_silent,
                                                  .on_hung = on_hung});
}

static void end(void)
{
    vec_each(at, &nodes)
        observe_forget(*at);
    observe_close(observe);
    nodes_fini(&nodes);
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(observe, .init = begin, .fini = end, .timeout = 60);

/* A node whose process is said to have this state. */
static struct node *node_in(enum node_state state, const char *engine)
{
    const struct agent_node_goal goal = {
        .node_id = INT_OF(1), .state = "running", .engine = engine};
    struct node *n = nodes_add(&nodes, 1);

    node_set_goal(n, &goal);
    n->state = state;
    n->run = (struct node_run){.address = "127.0.0.1", .pid = 42, .started_ms = 1};
    strcpy(n->run.driver, strcmp(engine, "memcached") == 0 ? "memcached" : "bundled");
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    return n;
}

static int listen_in(const struct node *n)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock", n->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 8), 0);
    return fd;
}

/* Turns the loop until the probe has called. */
static int accept_probe(int listener)
{
    int fd = -1;

    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; fd < 0 && loop_now_ms(loop) < end_ms;) {
        loop_turn(loop, 10);
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    cr_assert_geq(fd, 0, "nobody called");
    return fd;
}

static void expect_question(int fd, const char *question)
{
    char text[256] = "";
    ssize_t got = -1;

    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; got < 0 && loop_now_ms(loop) < end_ms;) {
        loop_turn(loop, 10);
        got = recv(fd, text, sizeof(text) - 1, 0);
    }
    cr_assert_str_eq(text, question);
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void turn_until_alive(int count)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; alive < count;) {
        loop_turn(loop, 10);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it was never called alive");
    }
}

Test(observe, an_engine_that_starts_is_asked_until_it_answers)
{
    struct node *n = node_in(NODE_STARTING, "redis");

    observe_node(observe, n);
    for (int i = 0; i < 5; i++) /* nobody listens yet */
        loop_turn(loop, 10);
    int listener = listen_in(n);
    int fd = accept_probe(listener);
    expect_question(fd, "PING\r\n");
    say(fd, "+PO");
    loop_turn(loop, 10);
    cr_assert_eq(alive, 0);
    say(fd, "NG\r\n");
    turn_until_alive(1);

    n->state = NODE_RUNNING; /* asked on over the same connection, and for its numbers too */
    observe_node(observe, n);
    expect_question(fd, "INFO memory\r\nINFO clients\r\n");
    say(fd, "$18\r\nused_memory:1000\r\n\r\n$21\r\nconnected_clients:3\r\n\r\n");
    turn_until_alive(2);
    cr_assert_eq(n->used_memory_bytes, 1000);
    cr_assert_eq(n->connected_clients, 3);
    close(fd);
    close(listener);
}

Test(observe, in_each_minute_an_engine_is_asked_for_its_numbers_once)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    int listener = listen_in(n);

    observe_node(observe, n);
    int fd = accept_probe(listener);
    expect_question(fd, "PING\r\n");
    say(fd, "+PONG\r\n");
    turn_until_alive(1);
    wall_ms += 60000;
    expect_question(fd, "INFO all\r\n");
    say(fd, "$5\r\na:1\r\n");
    loop_turn(loop, 10);
    cr_assert_null(numbers);
    say(fd, "\r\n");
    turn_until_alive(2);
    cr_assert_str_eq(numbers, "$5\r\na:1\r\n\r\n");
    expect_question(fd, "PING\r\n");
    close(fd);
    close(listener);
}

Test(observe, memcached_is_asked_over_its_own_port)
{
    struct node *n = node_in(NODE_STARTING, "memcached");
    struct net_addr address;
    int listener;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_not(err_failed(net_listen_tcp(&arena, &address, &listener)));
    address = net_addr_of_socket(listener);
    n->run.port = net_addr_port(&address);
    observe_node(observe, n);
    int fd = accept_probe(listener);
    expect_question(fd, "version\r\n");
    say(fd, "VERSION 1.6.22\r\n");
    turn_until_alive(1);
    close(fd);
    close(listener);
}

Test(observe, who_wants_to_be_greeted_is_greeted_first)
{
    static struct driver_program program = {.path = "/bin/redis-server", .version = "7.0.15"};
    struct node *n = node_in(NODE_STARTING, "redis");
    int listener = listen_in(n);
    char greeting[DRIVER_GREETING_BYTES];

    program.driver = &driver_redis;
    host = (struct driver_host){.programs = &program, .program_count = 1, .secret = "s"};
    strcpy(n->run.driver, "redis");
    snprintf(greeting, sizeof(greeting), "AUTH larder-agent %s\r\n",
             secret_word(&arena, &host, 1, "larder-agent"));
    observe_node(observe, n);
    int fd = accept_probe(listener);
    expect_question(fd, greeting);
    say(fd, "+OK\r\n");
    expect_question(fd, "PING\r\n");
    cr_assert_eq(alive, 0);
    say(fd, "+PONG\r\n");
    turn_until_alive(1);
    close(fd);
    close(listener);
}

Test(observe, a_bad_answer_is_none_and_the_next_question_comes_by_a_new_connection)
{
    struct node *n = node_in(NODE_STARTING, "redis");
    int listener = listen_in(n);

    observe_node(observe, n);
    int fd = accept_probe(listener);
    expect_question(fd, "PING\r\n");
    say(fd, "-LOADING data\r\n");
    int next = accept_probe(listener);
    cr_assert_eq(alive, 0);
    expect_question(next, "PING\r\n");
    say(next, "+PONG\r\n");
    turn_until_alive(1);
    close(fd);
    close(next);
    close(listener);
}

Test(observe, silence_is_measured)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    int listener = listen_in(n);

    observe_node(observe, n);
    int fd = accept_probe(listener);
    expect_question(fd, "PING\r\n");
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; silent_ms == 0;) {
        loop_turn(loop, 100);
        cr_assert_lt(loop_now_ms(loop), end_ms);
    }
    cr_assert_geq(silent_ms, 2000);
    cr_assert_eq(alive, 0);
    close(fd);
    close(listener);
}

/* It is asked and does not answer: its process was stopped. */
static void turn_until_hung(struct node *n)
{
    int listener = listen_in(n);

    observe_node(observe, n);
    int fd = accept_probe(listener);
    expect_question(fd, "PING\r\n");
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS;
         !hung && silent_ms == 0 && loop_now_ms(loop) < end_ms;)
        loop_turn(loop, 100);
    close(fd);
    close(listener);
}

static pid_t stopped_process(void)
{
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    return child;
}

static void end_process(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(observe, a_primary_with_replicas_that_hangs_is_told_of)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    struct agent_node_role role = {.term = INT_OF(1), .is_primary = BOOL_OF(true)};
    struct agent_node_goal goal = *n->goal;
    pid_t child = stopped_process();

    goal.role = &role;
    node_set_goal(n, &goal);
    n->run.pid = child;
    turn_until_hung(n);
    cr_assert_str_eq(hung, "it hangs");
    end_process(child);
}

Test(observe, one_that_is_to_be_the_primary_and_does_not_move_is_told_of_soon)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    struct agent_node_role role = {
        .term = INT_OF(2), .is_primary = BOOL_OF(true), .life = INT_OF(1)};
    struct agent_node_goal goal = *n->goal;
    pid_t child = stopped_process();

    goal.role = &role;
    node_set_goal(n, &goal);
    n->run.pid = child;
    n->is_applied = false;
    n->role = NODE_ROLE_REPLICA;
    turn_until_hung(n);
    cr_assert_str_eq(hung, "it did not take its role in time");
    end_process(child);
}

static pid_t busy_process(void)
{
    pid_t child = fork();

    for (volatile uint64_t count = 0; child == 0; count++)
        ;
    return child;
}

Test(observe, a_primary_with_replicas_that_is_busy_is_told_of_and_left_alone)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    struct agent_node_role role = {.term = INT_OF(1), .is_primary = BOOL_OF(true)};
    struct agent_node_goal goal = *n->goal;
    pid_t child = busy_process();

    goal.role = &role;
    node_set_goal(n, &goal);
    n->run.pid = child;
    turn_until_hung(n);
    cr_assert_null(hung);
    cr_assert_gt(silent_ms, 2000);
    cr_assert_str_eq(silent_why, "it is busy and does not answer");
    end_process(child);
}

Test(observe, one_that_nobody_could_replace_may_hang)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    struct agent_node_role role = {.term = INT_OF(1), .is_primary = BOOL_OF(true)};
    struct agent_node_goal goal = *n->goal;
    pid_t child = stopped_process();

    goal.role = &role;
    goal.restarts_after_exit = BOOL_OF(true);
    node_set_goal(n, &goal);
    n->run.pid = child;
    turn_until_hung(n);
    cr_assert_null(hung);
    end_process(child);
}

Test(observe, nobody_looks_at_what_neither_starts_nor_runs)
{
    struct node *n = node_in(NODE_RUNNING, "redis");

    observe_node(observe, n);
    cr_assert_not_null(n->probe);
    n->state = NODE_STOPPING;
    observe_node(observe, n);
    cr_assert_null(n->probe);
    n->state = NODE_STARTING;
    n->run.pid = 0; /* not known yet */
    observe_node(observe, n);
    cr_assert_null(n->probe);
    observe_forget(n);
}

Test(observe, another_process_is_looked_at_anew)
{
    struct node *n = node_in(NODE_RUNNING, "redis");
    int listener = listen_in(n);

    observe_node(observe, n);
    int fd = accept_probe(listener);
    n->run.pid = 43;
    n->run.started_ms = 2;
    observe_node(observe, n);
    int next = accept_probe(listener);
    expect_question(next, "PING\r\n");
    close(fd);
    close(next);
    close(listener);
}
