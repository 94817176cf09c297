/* Sending logs on from files that a test writes, to files that it reads. */
#include "agent/drivers/driver.h"
#include "agent/ship.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/buf.h"
#include "base/clock.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct nodes nodes;
static struct ship *ship;
static struct node *n;
static int news;

static void on_news(void *context, struct node *node)
{
    (void)context;
    (void)node;
    news++;
}

static void open_part(void)
{
    const struct ship_conf conf = {.loop = loop, .nodes = &nodes, .on_news = on_news};
    cr_assert_not(err_failed(ship_open(&conf, &ship)));
}

static void begin(void)
{
    strcpy(folder, "/tmp/larder-ship-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    nodes_init(&nodes, folder, "boot-1");
    n = nodes_add(&nodes, 1);
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    n->state = NODE_RUNNING;
    open_part();
}

static void end(void)
{
    ship_forget(n);
    ship_close(ship);
    nodes_fini(&nodes);
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(ship, .init = begin, .fini = end, .timeout = 60);

/* The goal: one log, or none for a NULL type. */
static void want(const char *type, const char *format, const char *url)
{
    struct agent_node_log log = {type, format, url};
    const struct agent_node_goal goal = {
        .node_id = INT_OF(1),
        .state = "running",
        .cluster = "c1",
        .cache_node_id = "0001",
        .logs = {true, type != NULL, &log}
    };
    node_set_goal(n, &goal);
}

static void write_log(const char *file, const char *text)
{
    int fd = open(fs_join(&arena, n->dir, file), O_WRONLY | O_APPEND | O_CREAT, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static const char *out_url(void)
{
    return arena_printf(&arena, "file:%s/out/x.log", folder);
}

static const char *sent(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *path = fs_join(&arena, folder, "out/x.log");

    if (err_failed(fs_read_all(path, 1 << 20, &text)))
        return "";
    return str_dup(&arena, buf_str(&text));
}

static void expect_sent(const char *text)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; strcmp(sent(), text) != 0;) {
        loop_turn(loop, 20);
        cr_assert_lt(loop_now_ms(loop), end_ms, "sent: %s", sent());
    }
}

static void turn(int ms)
{
    for (int64_t end_ms = loop_now_ms(loop) + ms; loop_now_ms(loop) < end_ms;)
        loop_turn(loop, 20);
}

Test(ship, whole_lines_are_sent_as_they_come_and_once)
{
    want("slow-log", "json", out_url());
    write_log(DRIVER_SLOW_LOG, "{\"Id\":1}\n{\"Id\":");
    expect_sent("{\"Id\":1}\n");
    write_log(DRIVER_SLOW_LOG, "2}\n");
    expect_sent("{\"Id\":1}\n{\"Id\":2}\n");
    ship_forget(n); /* another agent goes on where this one was */
    ship_close(ship);
    open_part();
    write_log(DRIVER_SLOW_LOG, "{\"Id\":3}\n");
    expect_sent("{\"Id\":1}\n{\"Id\":2}\n{\"Id\":3}\n");
}

Test(ship, the_engines_log_is_put_in_the_form_that_is_wanted)
{
    static const char lines[] =
        "Ready to accept connections\n"
        "{\"CacheClusterId\":\"c1\",\"CacheNodeId\":\"0001\",\"LogLevel\":\"WARNING\",\"Time\":\"28 Nov "
        "2026 05:40:12.261 UTC\",\"id\":7,\"Message\":\"hello\"}\n{broken\n";

    want("engine-log", "text", out_url());
    write_log("engine.log", lines);
    expect_sent("c1/0001:M 28 Nov 2026 05:40:12.261 UTC # hello\n");
    n->role = NODE_ROLE_REPLICA;
    want("engine-log", "json", out_url());
    write_log("engine.log", lines);
    expect_sent(
        "c1/0001:M 28 Nov 2026 05:40:12.261 UTC # hello\n"
        "{\"CacheClusterId\":\"c1\",\"CacheNodeId\":\"0001\",\"LogLevel\":\"WARNING\",\"Role\":\"S\","
        "\"Time\":\"28 Nov 2026 05:40:12.261 UTC\",\"id\":7,\"Message\":\"hello\"}\n");
}

Test(ship, a_log_that_was_turned_over_is_read_to_its_end_first)
{
    want("engine-log", "text", out_url());
    write_log("engine.log", "{\"Time\":\"t\",\"Message\":\"1\"}\n");
    expect_sent("c1/0001:M t . 1\n");
    write_log("engine.log", "{\"Time\":\"t\",\"Message\":\"2\"}\n");
    cr_assert_eq(
        rename(fs_join(&arena, n->dir, "engine.log"), fs_join(&arena, n->dir, "engine.log.1")), 0);
    write_log("engine.log", "{\"Time\":\"t\",\"Message\":\"3\"}\n");
    expect_sent("c1/0001:M t . 1\nc1/0001:M t . 2\nc1/0001:M t . 3\n");
}

Test(ship, what_is_written_while_nobody_wants_it_is_not_sent_later)
{
    want("slow-log", "json", out_url());
    write_log(DRIVER_SLOW_LOG, "1\n");
    expect_sent("1\n");
    want(NULL, NULL, NULL);
    turn(1200);
    write_log(DRIVER_SLOW_LOG, "");
    want("slow-log", "json", out_url());
    write_log(DRIVER_SLOW_LOG, "2\n");
    expect_sent("1\n2\n");
}

Test(ship, what_cannot_be_sent_is_told_until_it_can)
{
    const char *in_the_way = fs_join(&arena, folder, "out");

    cr_assert_not(err_failed(fs_write_atomic(in_the_way, STR("x"), 0600, FS_NO_SYNC)));
    want("slow-log", "json", out_url());
    write_log(DRIVER_SLOW_LOG, "1\n");
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; news == 0;) {
        loop_turn(loop, 20);
        cr_assert_lt(loop_now_ms(loop), end_ms);
    }
    cr_assert_eq(n->log_errors->count, 1);
    cr_assert_str_eq(n->log_errors->items[0].log_type, "slow-log");
    cr_assert_not(err_failed(fs_remove(in_the_way)));
    expect_sent("1\n");
    cr_assert_eq(n->log_errors->count, 0);
}
