/* The poll for names, of a control plane that the test plays. */
#include "../../nameserver/ask.h"
#include "agent/names/names.h"
#include "agent/supervise/loop.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/net.h"
#include "base/rng.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct rng rng;
static struct names *names;
static int listener, plane;
static struct wire_reply reply;

static const char *url;

static void begin(void)
{
    struct net_addr address, listen;

    snprintf(folder, sizeof(folder), "/tmp/larder-names-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    rng_seed(&rng, 1);
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &listen));
    cr_assert_not(err_failed(net_listen_tcp(&arena, &listen, &listener)));
    address = net_addr_of_socket(listener);
    url = arena_printf(&arena, "http://%s", net_addr_text(&arena, &address));
    const struct names_conf conf = {.loop = loop,
                                    .rng = &rng,
                                    .url = &url,
                                    .token = "tok",
                                    .path = fs_join(&arena, folder, "names"),
                                    .listen = &listen,
                                    .wait_ms = 1000};
    cr_assert_not(err_failed(names_open(&arena, &conf, &names)));
    plane = -1;
}

static void end(void)
{
    names_close(names);
    names_close(NULL);
    fd_close(&plane);
    fd_close(&listener);
    loop_close(loop);
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
    arena_fini(&arena);
}

TestSuite(names, .init = begin, .fini = end, .timeout = 60);

/* What the control plane is sent. */
static const char *plane_hears(void)
{
    static char text[4096];
    size_t len = 0;

    text[0] = '\0';
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !strchr(text, '}');) {
        if (plane < 0)
            plane = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        ssize_t got = plane < 0 ? -1 : recv(plane, text + len, sizeof(text) - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
        text[len] = '\0';
        loop_turn(loop, 1);
        cr_assert_lt(loop_now_ms(loop), end_ms, "no poll came");
    }
    return text;
}

static void plane_says(int status, const char *body)
{
    const char *text = arena_printf(&arena, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
                                    status, strlen(body), body);
    cr_assert_eq(send(plane, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void plane_tells(int life, int serial, bool is_whole, const char *where)
{
    plane_says(200, arena_printf(&arena,
                                 "{\"IsChanged\":true,\"Zone\":\"cache.test\",\"Life\":%d,"
                                 "\"Serial\":%d,\"IsWhole\":%s,\"Names\":[{\"Name\":"
                                 "\"a.cache.test\",\"Addresses\":[\"%s\"],\"TtlSeconds\":5}]}",
                                 life, serial, is_whole ? "true" : "false", where));
}

static void expect_answer(const char *where)
{
    cr_assert(ask_udp("127.0.0.1", names_port(names), "a.cache.test", TYPE_A, &reply));
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, where);
}

Test(names, polls_say_how_far_the_copy_is_and_what_they_bring_is_answered)
{
    const char *heard = plane_hears();
    cr_expect_not_null(strstr(heard, "POST /agent/v1/names "));
    cr_expect_not_null(strstr(heard, "Authorization: Bearer tok\r\n"));
    cr_expect_not_null(strstr(heard, "{\"Life\":0,\"Serial\":0,\"WaitMs\":1000}"));
    plane_tells(7, 10, true, "127.0.0.1");
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":7,\"Serial\":10,"));
    expect_answer("127.0.0.1");
    plane_tells(7, 12, false, "127.0.0.2");
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":7,\"Serial\":12,"));
    expect_answer("127.0.0.2");
    plane_says(200, "{\"IsChanged\":false}");
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":7,\"Serial\":12,"));
}

Test(names, a_control_plane_that_is_away_or_talks_nonsense_is_asked_again)
{
    plane_hears();
    plane_tells(7, 10, true, "127.0.0.1");
    plane_hears();
    fd_close(&plane);
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":7,\"Serial\":10,"));
    plane_says(500, "{}");
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":7,\"Serial\":10,"));
    expect_answer("127.0.0.1");
    plane_tells(7, 9, false, "127.0.0.9");
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":0,\"Serial\":10,"),
                       "all is asked for anew");
    expect_answer("127.0.0.1");
    plane_tells(8, 11, true, "127.0.0.3");
    cr_expect_not_null(strstr(plane_hears(), "{\"Life\":8,\"Serial\":11,"));
    expect_answer("127.0.0.3");
}
