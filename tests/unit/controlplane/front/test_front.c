/* The front as a whole: where it listens, how polls are held, how it ends. */
#include "base/clock.h"
#include "client.h"
#include "controlplane/front/front.h"
#include "world.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct world world;
static struct front *front;

static void start(struct front_conf conf)
{
    struct err e = front_start(&world.arena, &conf, &front);

    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
}

static void setup(void)
{
    world_open(&world);
}

static void teardown(void)
{
    front_stop(front);
    world_close(&world);
}

TestSuite(front, .init = setup, .fini = teardown);

static int64_t now_ms(void)
{
    return clock_boot_ms(&clock_system);
}

Test(front, tells_where_it_listens)
{
    start(world_front_conf(&world));
    char *want = arena_printf(&world.arena, "http://127.0.0.1:%d", front_port(front));
    cr_expect_str_eq(front_url(front), want);
}

Test(front, listens_on_ipv6)
{
    struct front_conf conf = world_front_conf(&world);

    conf.listen = "[::1]:0";
    start(conf);
    cr_expect(str_starts(str_of(front_url(front)), "http://[::1]:"));
    int fd = client_connect("::1", front_port(front));
    client_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    struct answer a = client_read(fd);
    cr_expect_eq(a.status, 200);
    answer_fini(&a);
    close(fd);
}

static int status_of(const char *request)
{
    struct answer a = client_ask(front_port(front), request);
    int status = a.status;

    answer_fini(&a);
    return status;
}

#define ASK(method, path) \
    method " " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Test(front, one_that_stands_by_says_so_and_serves_once_it_leads)
{
    struct front_conf conf = world_front_conf(&world);
    const struct front_conf waiting = {
        .stands_by = true, .api = world.api, .clock = conf.clock, .listen = conf.listen};

    start(waiting);
    cr_expect_eq(status_of(ASK("GET", "/healthz")), 200);
    cr_expect_eq(status_of(ASK("GET", "/readyz")), 503);
    cr_expect_eq(status_of(ASK("GET", "/metrics")), 200);
    cr_expect_eq(status_of(ASK("GET", "/ca.pem")), 503);
    cr_expect_eq(status_of(ASK("POST", "/agent/v1/sync")), 503);
    cr_expect_eq(status_of(ASK("GET", "/v1/cache-clusters")), 503);
    struct answer a = client_ask(front_port(front),
                                 ASK("GET", "/?Action=DescribeCacheClusters&Version=2015-02-02"));
    cr_expect_eq(a.status, 503);
    cr_expect(answer_has(&a, "<Code>ServiceUnavailable</Code>"));
    cr_expect(answer_has(&a, "stands by"));
    answer_fini(&a);

    front_lead(front, &conf);
    cr_expect_eq(status_of(ASK("GET", "/readyz")), 200);
    cr_expect_eq(status_of(ASK("GET", "/v1/cache-clusters")), 200);
}

Test(front, bad_and_taken_addresses_are_told_in_words)
{
    struct front_conf conf = world_front_conf(&world);
    struct front *second = NULL;

    start(conf);
    conf.listen = front_url(front) + strlen("http://");
    struct err e = front_start(&world.arena, &conf, &second);
    cr_expect_eq(e.code, ERR_CONFLICT);
    cr_expect(str_ends(str_of(e.why), "is taken by another program"));
    conf.listen = "localhost";
    e = front_start(&world.arena, &conf, &second);
    cr_expect_eq(e.code, ERR_INVALID);
    cr_expect_null(second);
}

static void send_sync(int fd, const char *host, int generation)
{
    struct buf body = BUF_EMPTY, text = BUF_EMPTY;

    buf_printf(&body,
               "{\"Host\":{\"HostId\":\"%s\",\"Name\":\"%s\",\"Incarnation\":\"i\",\"BootId\":"
               "\"b\",\"Region\":\"us-east-1\",\"Zone\":\"us-east-1a\",\"MemoryBytes\":1073741824,"
               "\"Pool\":\"127.77.0.0/24\"},\"SeenGeneration\":%d,\"WaitMs\":4000,\"Nodes\":[]}",
               host, host, generation);
    buf_printf(&text, "POST /agent/v1/sync HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
               body.len);
    buf_add_str(&text, buf_str(&body));
    client_send(fd, buf_cstr(&text));
    buf_fini(&body);
    buf_fini(&text);
}

static void expect_sync(int fd, bool is_changed)
{
    struct answer a = client_read(fd);

    cr_assert_eq(a.status, 200, "%s", buf_cstr(&a.text));
    cr_expect(answer_has(&a, is_changed ? "\"IsChanged\":true" : "\"IsChanged\":false"));
    answer_fini(&a);
}

/* A poll that is held back; it is known to be when a request behind it shows the connection's
 * count. */
static int held_poll(const char *host)
{
    int fd = client_connect("127.0.0.1", front_port(front));

    send_sync(fd, host, 0);
    expect_sync(fd, true);
    send_sync(fd, host, 1);
    return fd;
}

Test(front, polls_that_are_held_occupy_no_thread)
{
    struct front_conf conf = world_front_conf(&world);
    int polls[32];
    int64_t begun = now_ms();

    conf.threads = 4;
    start(conf);
    for (size_t i = 0; i < countof(polls); i++)
        polls[i] = held_poll(arena_printf(&world.arena, "host%zu", i));
    for (int i = 0; i < 50; i++) {
        struct answer a = client_ask(front_port(front), "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_expect_eq(a.status, 200);
        answer_fini(&a);
    }
    cr_expect_lt(now_ms() - begun, 4000, "the polls are still held");
    for (size_t i = 0; i < countof(polls); i++)
        close(polls[i]);
}

Test(front, a_held_poll_ends_with_its_time)
{
    int64_t begun;

    start(world_front_conf(&world));
    begun = now_ms();
    int fd = held_poll("one");
    expect_sync(fd, false);
    cr_expect_geq(now_ms() - begun, 3990);
    cr_expect_lt(now_ms() - begun, 8000);
    close(fd);
}

Test(front, a_wake_without_news_leaves_polls_held)
{
    start(world_front_conf(&world));
    int64_t begun = now_ms();
    int fd = held_poll("one");
    while (now_ms() - begun < 1000) {
        struct answer a = client_ask(front_port(front), "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        answer_fini(&a);
        front_wake_hosts(front, NULL, 0);
    }
    expect_sync(fd, false);
    cr_expect_geq(now_ms() - begun, 3990);
    close(fd);
}

Test(front, stopping_answers_or_ends_held_polls_at_once)
{
    start(world_front_conf(&world));
    int first = held_poll("one"), second = held_poll("two");
    int64_t begun = now_ms();
    front_stop(front);
    front = NULL;
    cr_expect_lt(now_ms() - begun, 2000);
    cr_expect(client_is_closed(first));
    cr_expect(client_is_closed(second));
    close(first);
    close(second);
}

Test(front, an_agent_may_leave_while_its_poll_is_held)
{
    start(world_front_conf(&world));
    for (int i = 0; i < 20; i++)
        close(held_poll("one"));
    front_wake_hosts(front, NULL, 0);
    struct answer a = client_ask(front_port(front), "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect_eq(a.status, 200);
    answer_fini(&a);
}

Test(front, more_connections_than_allowed_wait_for_a_place)
{
    struct front_conf conf = world_front_conf(&world);
    int silent[40];

    conf.max_connections = 8;
    start(conf);
    for (size_t i = 0; i < countof(silent); i++)
        silent[i] = client_connect("127.0.0.1", front_port(front));
    struct answer a = client_ask(front_port(front), "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect_eq(a.status, 200, "those who say nothing had to go");
    answer_fini(&a);
    for (size_t i = 0; i < countof(silent); i++)
        close(silent[i]);
}

static void *ask_often(void *arg)
{
    int port = *(int *)arg, fd = client_connect("127.0.0.1", port);
    size_t good = 0;

    for (int i = 0; i < 200; i++) {
        client_send(fd, "GET /v1/cache-clusters HTTP/1.1\r\nHost: x\r\n\r\n");
        struct answer a = client_read(fd);
        good += a.status == 200;
        answer_fini(&a);
    }
    close(fd);
    return (void *)good;
}

Test(front, parallel_clients_all_get_their_answers)
{
    pthread_t threads[8];

    start(world_front_conf(&world));
    int port = front_port(front);
    for (size_t i = 0; i < countof(threads); i++)
        pthread_create(&threads[i], NULL, ask_often, &port);
    for (size_t i = 0; i < countof(threads); i++) {
        void *good;
        pthread_join(threads[i], &good);
        cr_expect_eq((size_t)good, 200);
    }
}
