/* A leader that the test plays, and names that are asked for at who stands by. */
#include "../../nameserver/ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/net.h"
#include "controlplane/dns/stand_in.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct arena arena;
static char folder[64];
static struct stand_in *stand_in;
static int listener, leader;
static const char *url;
static atomic_bool is_known;
static struct wire_reply reply;

static const char *where(void *context, struct arena *a)
{
    (void)context;
    return atomic_load(&is_known) ? arena_strdup(a, url) : NULL;
}

static struct err start(const char *listen)
{
    const struct stand_in_conf conf = {.clock = &clock_system,
                                       .listen = listen,
                                       .path = fs_join(&arena, folder, "names"),
                                       .token = "tok",
                                       .leader = where};
    return stand_in_start(&arena, &conf, &stand_in);
}

static void begin(void)
{
    struct net_addr address;

    snprintf(folder, sizeof(folder), "/tmp/larder-stand-in-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_not(err_failed(net_listen_tcp(&arena, &address, &listener)));
    address = net_addr_of_socket(listener);
    url = arena_printf(&arena, "http://%s", net_addr_text(&arena, &address));
    leader = -1;
    cr_assert_not(err_failed(start("127.0.0.1:0")));
}

static void end(void)
{
    stand_in_stop(stand_in);
    stand_in_stop(NULL);
    fd_close(&leader);
    fd_close(&listener);
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
    arena_fini(&arena);
}

TestSuite(stand_in, .init = begin, .fini = end, .timeout = 60);

static void await(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "nobody asks");
}

/* The next question. */
static const char *leader_hears(void)
{
    static char text[4096];
    size_t len = 0;

    text[0] = '\0';
    while (!strchr(text, '}')) {
        if (leader < 0) {
            await(listener);
            leader = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        }
        await(leader);
        ssize_t got = recv(leader, text + len, sizeof(text) - 1 - len, 0);
        cr_assert_gt(got, 0);
        len += (size_t)got;
        text[len] = '\0';
    }
    return text;
}

static void leader_says(int status, const char *body)
{
    const char *text = arena_printf(&arena, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
                                    status, strlen(body), body);
    cr_assert_eq(send(leader, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void leader_tells(int serial, const char *address)
{
    leader_says(200, arena_printf(&arena,
                                  "{\"IsChanged\":true,\"Zone\":\"cache.test\",\"Life\":7,"
                                  "\"Serial\":%d,\"IsWhole\":true,\"Names\":[{\"Name\":"
                                  "\"a.cache.test\",\"Addresses\":[\"%s\"],\"TtlSeconds\":5}]}",
                                  serial, address));
}

static void expect_answer(const char *address)
{
    cr_assert(ask_udp("127.0.0.1", stand_in_port(stand_in), "a.cache.test", TYPE_A, &reply));
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, address);
}

Test(stand_in, answers_what_the_leader_tells_and_goes_on_without_it)
{
    atomic_store(&is_known, true);
    const char *heard = leader_hears();
    cr_expect_not_null(strstr(heard, "POST /agent/v1/names "));
    cr_expect_not_null(strstr(heard, "Authorization: Bearer tok\r\n"));
    leader_tells(10, "127.0.0.1");
    cr_expect_not_null(strstr(leader_hears(), "\"Serial\":10"));
    expect_answer("127.0.0.1");
    leader_says(503, "{}");
    leader_hears();
    leader_tells(11, "127.0.0.2");
    leader_hears();
    expect_answer("127.0.0.2");
    fd_close(&leader);
    expect_answer("127.0.0.2");
}

Test(stand_in, ends_while_the_leader_says_nothing)
{
    atomic_store(&is_known, true);
    leader_hears();
    int64_t began_ms = clock_boot_ms(&clock_system);
    stand_in_stop(stand_in);
    stand_in = NULL;
    cr_expect_lt(clock_boot_ms(&clock_system) - began_ms, 2500, "it waits for nobody");
}

Test(stand_in, an_address_that_is_none_is_told)
{
    stand_in_stop(stand_in);
    stand_in = NULL;
    cr_assert_eq(start("nowhere").code, ERR_INVALID);
}
